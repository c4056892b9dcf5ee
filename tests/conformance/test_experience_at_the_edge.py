"""What a phone gets is the same, byte for byte apart from ids and times, from one process and from three."""

import re
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest

from sandboxes.company import company
from shared.binding.operation import Operation
from shared.host.api import installed_apis
from shared.host.tokens import development_token

COMPANY = company()
PLAIN = COMPANY.quotes_for("plain")[12]
CUSTOMER = COMPANY.customer_by_number[PLAIN.customer]

# By qualified name: method, path below the API, body; only for operations whose documented example, with the ids that
# others told, does not do.
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
CONTRACTS = {api.contract.slug: api.contract for api in installed_apis() if api.tier == "experience"}
EXPERIENCES = {o.qualified_name: o for contract in CONTRACTS.values() for o in contract.operations.values()}
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


async def ask(
    running: Any, method: str, path: str, body: Any, slug: str = "field_sales"
) -> tuple[tuple[int, dict[str, str], bytes], Any]:
    """The answer without what varies, and its document as it came."""
    edge = running.runtime.processes[running.process.placement.process]
    headers = {"authorization": f"Bearer {development_token(running.runtime, slug)}", "prefer": "wait=25"}
    prefix = CONTRACTS[slug].prefix
    async with httpx.AsyncClient(base_url=edge + prefix, headers=headers, timeout=60) as http:
        answer = await http.request(method, path, json=body)
    kept = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    return (answer.status_code, kept, _VARIES.sub(b"*", answer.content)), answer.json()


def request_of(operation: Operation, told: Any) -> tuple[str, str, Any]:
    """Method, path and body of a call that should succeed, for an operation without an example."""
    arguments = dict(zip((p.name for p in operation.parameters), told.arguments(operation), strict=True))
    body = next((arguments[p.name] for p in operation.parameters if p.location == "body"), None)
    path = operation.route.path.format_map({name: quote(str(value)) for name, value in arguments.items()})
    return operation.method, path, None if body is None else msgspec.to_builtins(body)


async def test_every_experience_is_the_same_in_one_process_and_in_three(topologies, told) -> None:
    memories = {place: told() for place in topologies}
    for name in (*EXAMPLES, *(name for name in EXPERIENCES if name not in EXAMPLES)):
        operation = EXPERIENCES[name]
        seen: dict[str, Any] = {}
        for _ in range(3):  # what a busy machine delays is missing in one of them
            for place, running in topologies.items():
                example = EXAMPLES.get(name) or request_of(operation, memories[place])
                seen[place], document = await ask(running, *example, operation.contract.slug)
                memories[place].note(operation, document)
            if seen["fused"] == seen["split"]:
                break
        assert seen["fused"] == seen["split"], name
        assert seen["fused"][0] in (200, 201), (f"Add an example of {name} to EXAMPLES in this file", seen["fused"])


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_every_refusal_is_the_same_in_one_process_and_in_three(topologies, refusal: str) -> None:
    seen = {place: (await ask(running, *REFUSALS[refusal]))[0] for place, running in topologies.items()}
    assert seen["fused"] == seen["split"]
    assert seen["fused"][0] >= 400, seen["fused"]
    assert seen["fused"][1]["content-type"] == "application/problem+json"
