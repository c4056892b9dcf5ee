"""What a phone gets is the same, byte for byte apart from ids and times, from one process and from three."""

import re
from typing import Any

import httpx
import pytest

from sandboxes.company import company
from shared.host.api import installed_apis
from shared.host.tokens import development_token

COMPANY = company()
PLAIN = COMPANY.quotes_for("plain")[12]
CUSTOMER = COMPANY.customer_by_number[PLAIN.customer]

# By qualified name: method, path below the API, body. `{order}` is the order that the first of them placed.
EXAMPLES: dict[str, tuple[str, str, Any]] = {
    "field_sales.list_customers": ("GET", "/customers?limit=30", None),
    "field_sales.get_customer": ("GET", f"/customers/{CUSTOMER.salesforce_id}", None),
    "field_sales.place_order": ("POST", "/orders", {"quoteId": PLAIN.salesforce_id}),
    "field_sales.get_order": ("GET", "/orders/order-" + PLAIN.salesforce_id, None),
}
REFUSALS: dict[str, tuple[str, str, Any]] = {
    "unknown customer": ("GET", "/customers/001000000000000AAA", None),
    "malformed customer": ("GET", "/customers/not%20an%20id", None),
    "unknown order": ("GET", "/orders/order-nothing", None),
    "unknown quote": ("POST", "/orders", {"quoteId": "0Q0000000000000AAA"}),
    "draft quote": ("POST", "/orders", {"quoteId": COMPANY.quotes_for("draft")[0].salesforce_id}),
    "credit refused": ("POST", "/orders", {"quoteId": COMPANY.quotes_for("credit-refused")[0].salesforce_id}),
    "blocked customer": ("POST", "/orders", {"quoteId": COMPANY.quotes_for("blocked-customer")[0].salesforce_id}),
    "short stock": ("POST", "/orders", {"quoteId": COMPANY.quotes_for("short-stock")[0].salesforce_id}),
    "zero quantity": ("POST", "/orders", {"quoteId": COMPANY.quotes_for("zero-quantity")[0].salesforce_id}),
    "too heavy to ship": ("POST", "/orders", {"quoteId": COMPANY.quotes_for("many-lines")[0].salesforce_id}),
    "unknown field": ("POST", "/orders", {"quoteId": PLAIN.salesforce_id, "colour": "red"}),
    "no body": ("POST", "/orders", None),
    "unknown page": ("GET", "/customers?cursor=gaFhAQ", None),
    "wrong method": ("DELETE", "/orders", None),
    "nowhere": ("GET", "/nowhere", None),
}
EXPERIENCES = [
    operation.qualified_name
    for api in installed_apis()
    if api.tier == "experience"
    for operation in api.contract.operations.values()
]
_VARIES = re.compile(
    rb"(\d{4}-\d\d-\d\dT[\d:.]+Z?|(?<=\"ms\":)\d+|801[A-Za-z0-9]{15}|shp_[0-9a-f]+|(?<=\"trackingCode\":\")[^\"]*"
    rb"|(?<=\"traceId\":\")[0-9a-f]{32}|rsv-[0-9a-f]+|(?<=\"ageSeconds\":)[\d.e-]+)"
)
_HEADERS = (
    "content-type",
    "cache-control",
    "location",
    "preference-applied",
    "allow",
    "www-authenticate",
    "ratelimit-policy",
)


async def ask(running: Any, method: str, path: str, body: Any) -> tuple[int, dict[str, str], bytes]:
    edge = running.runtime.processes[running.process.placement.process]
    headers = {"authorization": f"Bearer {development_token(running.runtime, 'field_sales')}", "prefer": "wait=20"}
    async with httpx.AsyncClient(base_url=f"{edge}/experience/field-sales/v1", headers=headers, timeout=40) as http:
        answer = await http.request(method, path, json=body)
    kept = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    return answer.status_code, kept, _VARIES.sub(b"*", answer.content)


@pytest.mark.parametrize("name", EXPERIENCES)
def test_the_operation_has_an_example(name: str) -> None:
    assert name in EXAMPLES, f"Add an example of {name} to EXAMPLES in this file, after those it builds on."


async def test_every_experience_is_the_same_in_one_process_and_in_three(topologies) -> None:
    for name, example in EXAMPLES.items():
        seen = {place: await ask(running, *example) for place, running in topologies.items()}
        assert seen["fused"] == seen["split"], name
        assert seen["fused"][0] in (200, 201), seen["fused"]


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_every_refusal_is_the_same_in_one_process_and_in_three(topologies, refusal: str) -> None:
    seen = {place: await ask(running, *REFUSALS[refusal]) for place, running in topologies.items()}
    assert seen["fused"] == seen["split"]
    assert seen["fused"][0] >= 400, seen["fused"]
    assert seen["fused"][1]["content-type"] == "application/problem+json"
