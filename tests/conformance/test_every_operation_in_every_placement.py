"""Every operation of every contract answers alike, fused and split, refusals included.

New operations join by themselves: refusals are derived from their declarations, and so is a call that should
succeed, from the example of their documentation and from ids that earlier calls told. Where that is refused, the
API says in an `examples.py` beside its own tests what succeeds:

    EXAMPLES = {"returns_desk.open_case": lambda known: (CaseRequest(known["crm.record_order"].crm_order_id),)}

`known` is what other calls answered, by qualified name; one that was not made yet is made then.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import httpx
import msgspec
import pytest

from sandboxes.company import company
from shared.binding.call_context import calling
from shared.binding.openapi_examples import example_of
from shared.binding.operation import Operation
from shared.binding.problems import NotFound, Problem
from shared.binding.signed_message import SignedMessage
from shared.contracts.canonical.inventory import AvailabilityRequest, NewReservation, WantedLine
from shared.contracts.canonical.order import NewCrmOrder, NewCrmOrderLine, NewErpOrder, NewOrderLine
from shared.contracts.canonical.party import CustomerDescription, NewDeliveryPlace, NewErpCustomer
from shared.contracts.canonical.returns import (
    NewCrmReturn,
    NewCrmReturnLine,
    NewErpReturn,
    NewErpReturnLine,
    NewReturnReceipt,
)
from shared.contracts.canonical.shipment import LabelPurchase, Parcel, RateRequest
from shared.contracts.canonical.values import Address
from shared.contracts.process.customer_onboarding import OnboardingRequest
from shared.contracts.process.customer_returns import GoodsReceived, ReturnDecision, ReturnLine, ReturnRequest
from shared.contracts.process.flow_operations import (
    BulkResumption,
    EditToPreview,
    OperatorAct,
    RequestEdit,
    Resumption,
)
from shared.contracts.process.order_cancellation import OrderToCancel
from shared.contracts.process.order_fulfilment import OrderNews, OrderToFollow
from shared.contracts.process.quote_to_order import Cancellation, OrderRequest
from shared.contracts.system.crm import CrmOrderStatus, CrmReturnNote, ErpIdentity, ErpRecord, OrderCancellation
from shared.contracts.system.erp import ErpBlock, ErpCancellation
from shared.host.api import installed_apis
from shared.host.topology import process_of
from shared.security.signature import signed_headers

COMPANY = company()
PLAIN = COMPANY.quotes_for("plain")
QUOTE = PLAIN[3]
CUSTOMER = COMPANY.customer_by_number[QUOTE.customer]
PRODUCT = next(product for product in COMPANY.products if product.active)
SKU = PRODUCT.sku
ADDRESS = Address("Hauptstrasse", "7", "Hamburg", "HH", "20095", "DE")
ORDER = NewErpOrder("conformance-1", CUSTOMER.sap_customer, CUSTOMER.currency, [NewOrderLine(SKU, Decimal(2))])

DESCRIBED = CustomerDescription("conformance", CUSTOMER.legal_name, ADDRESS, CUSTOMER.tax_number)
NEWCOMER = NewErpCustomer("conformance1", "Conformance Ltd", "EUR", ADDRESS)
PLACE = NewDeliveryPlace("conformance1-1", "Conformance Yard", ADDRESS)
PROSPECT = COMPANY.prospects_for("plain")[0]

ORDERED = f"order-{PLAIN[4].salesforce_id}"
"""The flow that the example of quote_to_order.place_order begins."""

Known = dict[str, Any]
"""What earlier examples of the same topology answered, for later ones to refer to."""

# By qualified name, in the order in which they run; each gives the arguments from what is known by then. No new API
# needs a line here; see the top.
EXAMPLES: dict[str, Callable[[Known], tuple[Any, ...]]] = {
    "crm.list_customers": lambda _: (None, None, 5),
    "crm.get_customer": lambda _: (CUSTOMER.salesforce_id,),
    "crm.get_customer_overview": lambda _: (CUSTOMER.salesforce_id,),
    "crm.note_erp_number": lambda _: (CUSTOMER.salesforce_id, ErpIdentity(CUSTOMER.sap_customer)),
    "crm.find_customer": lambda _: (CUSTOMER.sap_customer,),
    "crm.note_erp_record": lambda _: (CUSTOMER.salesforce_id, ErpRecord(order_blocked=True)),
    "crm.list_quotes": lambda _: (CUSTOMER.salesforce_id, "approved", None, 10),
    "crm.get_quote": lambda _: (QUOTE.salesforce_id,),
    "crm.record_order": lambda known: (crm_order(known),),
    "crm.get_order": lambda known: (known["crm.record_order"].crm_order_id,),
    "crm.note_order_status": lambda known: (known["crm.record_order"].crm_order_id, CrmOrderStatus("Shipped", "EZ1")),
    "crm.record_return": lambda known: (crm_return(known),),
    "crm.get_return": lambda known: (known["crm.record_return"].crm_return_id,),
    "crm.note_return": lambda known: (known["crm.record_return"].crm_return_id, CrmReturnNote("approved", "ok")),
    "crm.cancel_order": lambda known: (known["crm.record_order"].crm_order_id, OrderCancellation("conformance")),
    "erp.get_customer": lambda _: (CUSTOMER.sap_customer,),
    "erp.find_similar_customers": lambda _: (DESCRIBED,),
    "erp.create_customer": lambda _: (NEWCOMER,),
    "erp.add_delivery_place": lambda known: (known["erp.create_customer"].erp_number, PLACE),
    "erp.block_customer": lambda known: (known["erp.create_customer"].erp_number, ErpBlock("conformance")),
    "erp.get_credit": lambda _: (CUSTOMER.sap_customer,),
    "erp.list_orders": lambda _: (CUSTOMER.sap_customer, date(2020, 1, 1), None, 5),
    "erp.list_products": lambda _: (None, 5),
    "erp.get_product": lambda _: (SKU,),
    "erp.simulate_order": lambda _: (ORDER,),
    "erp.create_order": lambda _: (ORDER,),
    "erp.get_order": lambda known: (known["erp.create_order"].erp_order_id,),
    "erp.create_return": lambda known: (erp_return(known),),
    "erp.list_returns": lambda known: (known["erp.create_order"].erp_order_id,),
    "erp.get_return": lambda known: (known["erp.create_return"].erp_return_id,),
    "erp.credit_return": lambda known: (known["erp.create_return"].erp_return_id,),
    "erp.cancel_return": lambda known: (known["erp.create_return"].erp_return_id, ErpCancellation("conformance")),
    "erp.cancel_order": lambda known: (known["erp.create_order"].erp_order_id, ErpCancellation("conformance")),
    "warehouse.check_availability": lambda _: (AvailabilityRequest([WantedLine(SKU, Decimal(1))]),),
    "warehouse.reserve": lambda _: (NewReservation("conformance-1", [WantedLine(SKU, Decimal(1))], 600),),
    "warehouse.get_reservation": lambda known: (known["warehouse.reserve"].reservation_id,),
    "warehouse.confirm_reservation": lambda known: (known["warehouse.reserve"].reservation_id,),
    "warehouse.get_shipment": lambda _: ("conformance-1",),
    "warehouse.receive_return": lambda _: (
        NewReturnReceipt("conformance-1", "conformance-1", [WantedLine(SKU, Decimal(1))]),
    ),
    "warehouse.release_reservation": lambda known: (known["warehouse.reserve"].reservation_id,),
    "logistics.get_rates": lambda _: (RateRequest("conformance-1", "Ada", ADDRESS, Parcel(1500)),),
    "logistics.purchase_label": lambda known: (purchase(known),),
    "logistics.get_shipment": lambda known: (known["logistics.get_rates"].shipment_id,),
    "logistics.refund_label": lambda known: (known["logistics.get_rates"].shipment_id,),
    "quote_to_order.place_order": lambda _: (OrderRequest(PLAIN[4].salesforce_id),),
    "quote_to_order.get_order": lambda known: (known["quote_to_order.place_order"].order_id,),
    "quote_to_order.cancel_order": lambda _: (f"order-{PLAIN[9].salesforce_id}", Cancellation("conformance")),
    "customer_onboarding.onboard_customer": lambda _: (OnboardingRequest(PROSPECT.salesforce_id),),
    "customer_onboarding.get_onboarding": lambda _: (f"onboarding-{PROSPECT.salesforce_id}",),
    "order_cancellations.cancel_order": lambda _: (OrderToCancel(ORDERED, "conformance"),),
    "order_cancellations.get_cancellation": lambda _: (f"{ORDERED}-cancellation",),
    "quote_to_order.retire_order": lambda _: (ORDERED, Cancellation("conformance")),  # it was, by its cancellation
    "order_fulfilment.follow_order": lambda _: (OrderToFollow(ORDERED),),  # which is cancelled: nothing to follow
    "order_fulfilment.get_fulfilment": lambda _: (f"{ORDERED}-fulfilment",),
    "order_fulfilment.hear_of_order": lambda _: (ORDERED, OrderNews("conformance")),
    "order_fulfilment.stop_following": lambda _: (f"{ORDERED}-fulfilment",),
    "customer_returns.request_return": lambda _: (
        ReturnRequest("conformance-1", ORDERED, [ReturnLine(SKU, Decimal(1), "damaged")]),
    ),  # which is cancelled: nothing comes back of it
    "customer_returns.get_return": lambda _: ("return-conformance-1",),
    "customer_returns.decide_return": lambda _: ("return-conformance-1", ReturnDecision(approved=True)),
    "customer_returns.receive_goods": lambda _: ("return-conformance-1", GoodsReceived()),
    "flow_operations.list_flows": lambda _: ("completed", "order-quote@1", None, 1),
    "flow_operations.get_flow": lambda _: (ORDERED,),
    "flow_operations.cancel_flow": lambda _: (ORDERED, OperatorAct("conformance")),
    "flow_operations.preview_resumption": lambda _: (ORDERED, EditToPreview()),
    "flow_operations.edit_dead_letter": lambda _: (ORDERED, RequestEdit("{}", "conformance")),
    "flow_operations.resume_dead_letter": lambda _: (ORDERED, Resumption("conformance")),
    "flow_operations.resume_dead_letters": lambda _: (BulkResumption([ORDERED, "nothing-9999"], "conformance"),),
    "flow_operations.discard_dead_letter": lambda _: (ORDERED, OperatorAct("conformance")),
    "flow_operations.list_audit": lambda _: (None, None, 5),
}
REFUSED_EXAMPLES = {
    "flow_operations.forget_consumer",
    "customer_returns.request_return", "customer_returns.decide_return", "customer_returns.receive_goods",
    "erp.cancel_return", "quote_to_order.cancel_order", "order_fulfilment.follow_order",
    "order_fulfilment.hear_of_order",
    "flow_operations.preview_resumption", "flow_operations.edit_dead_letter", "flow_operations.resume_dead_letter",
    "flow_operations.discard_dead_letter",
}  # fmt: skip
"""Operations whose success needs a race that no example can win, or a failure; their example is a refusal."""

DECLARED = {
    operation.qualified_name: operation
    for api in installed_apis()
    if api.tier != "experience"
    for operation in api.contract.operations.values()
}
OPERATIONS = {name: operation for name, operation in DECLARED.items() if not operation.signed}
WEBHOOKS = {name: operation for name, operation in DECLARED.items() if operation.signed}
"""Called by systems outside with their signature; see tests/security for what opens them."""


def crm_order(known: Known) -> NewCrmOrder:
    quote = known["crm.get_quote"]
    lines = [
        NewCrmOrderLine(line.price_book_entry_id, line.quantity, line.unit_price, line.line_id) for line in quote.lines
    ]
    return NewCrmOrder(
        "conformance-1", quote.customer_id, quote.quote_id, known["erp.create_order"].erp_order_id,
        quote.total.currency, lines,
        opportunity_id=quote.opportunity_id, price_book_id=quote.price_book_id,
    )  # fmt: skip


def erp_return(known: Known) -> NewErpReturn:
    order = known["erp.create_order"]
    line = NewErpReturnLine(order.lines[0].item, SKU, Decimal(1), "damaged")
    return NewErpReturn("conformance-1", order.erp_order_id, [line])


def crm_return(known: Known) -> NewCrmReturn:
    line = NewCrmReturnLine(known["crm.get_quote"].lines[0].sku, Decimal(1), "damaged")
    return NewCrmReturn("conformance-1", known["crm.record_order"].crm_order_id, [line])


def purchase(known: Known) -> LabelPurchase:
    rates = known["logistics.get_rates"]
    return LabelPurchase(rates.shipment_id, rates.rates[0].rate_id, "conformance-1")


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?")
_VARIES = re.compile(
    r"^(.*Id|id|labelUrl|trackingCode|trackingNumber|durationMs|ageSeconds|correlationId|number|traceId|remaining)$"
)


def comparable(value: Any) -> Any:
    """An answer without what differs from one run to the next: ids given out, moments, durations."""
    if isinstance(value, dict):
        return {key: "…" if _VARIES.match(key) and inner else comparable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    if isinstance(value, str) and value.startswith('{"'):  # JSON as text
        return comparable(msgspec.json.decode(value))
    return _MOMENT.sub("…", value) if isinstance(value, str) else value


async def outcome(client: Any, operation: Operation, arguments: tuple[Any, ...]) -> tuple[Any, Any]:
    """The raw result, and the comparable form of whatever came."""
    try:
        result = await getattr(client, operation.name)(*arguments)
    except Problem as problem:
        return None, comparable({"problem": msgspec.to_builtins(problem.details())})
    return result, comparable({"result": msgspec.to_builtins(result)})


class Calls:
    """A call of each operation in one topology that should succeed, made once."""

    def __init__(self, running: Any, examples: dict[str, Any], told: Any) -> None:
        self._running = running
        self._examples = examples
        self._told = told
        self._known: Known = {}
        self._seen: dict[str, Any] = {}

    async def outcome_of(self, name: str) -> Any:
        """The comparable form of what came."""
        if name not in self._seen:
            operation = OPERATIONS[name]
            try:
                arguments = await self._arguments(operation)
            except AttributeError as missing:
                self._known[name] = None
                self._seen[name] = f"an example before it was refused: {missing}"
                return self._seen[name]
            with calling(await self._running.context(wait=25.0)):
                client = self._running.client(operation.contract)
                self._known[name], self._seen[name] = await outcome(client, operation, arguments)
            self._told.note(operation, self._known[name])
        return self._seen[name]

    async def _arguments(self, operation: Operation) -> tuple[Any, ...]:
        if operation.qualified_name not in self._examples:
            return self._told.arguments(operation)
        while True:
            try:
                return self._examples[operation.qualified_name](self._known)
            except KeyError as missing:
                await self.outcome_of(missing.args[0])


async def test_every_operation_succeeds_alike_fused_and_split(topologies, own_examples, told) -> None:
    examples = {**EXAMPLES, **own_examples}
    calls = {place: Calls(running, examples, told()) for place, running in topologies.items()}
    differences: list[str] = []
    for name in (*examples, *(name for name in OPERATIONS if name not in examples)):
        seen = {place: await made.outcome_of(name) for place, made in calls.items()}
        if seen["fused"] != seen["split"]:
            differences.append(f"{name}\n  fused {seen['fused']}\n  split {seen['split']}")
        elif ("result" not in seen["fused"]) != (name in REFUSED_EXAMPLES):
            differences.append(f"{name} {wanted(name)}: {seen['fused']}")
    assert not differences, "\n".join(differences)


def wanted(name: str) -> str:
    if name in REFUSED_EXAMPLES:
        return "should have been refused"
    contract = OPERATIONS[name].contract
    where = f"tests/{contract.tier}_apis/<its folder>/examples.py"
    return f"should have succeeded; say in {where} which call does, as the top of this file shows"


def unknown_arguments(operation: Operation) -> tuple[Any, ...]:
    """Arguments of the right shape that name nothing that exists."""
    return tuple(
        naming_nothing(parameter)
        if parameter.location == "path"
        else body_naming_nothing(operation, index)
        if parameter.location == "body"
        else parameter.default
        for index, parameter in enumerate(operation.parameters)
    )


def naming_nothing(parameter: Any) -> str:
    """An id of nothing; of a closed set, one of its members."""
    members = get_args(parameter.type) if get_origin(parameter.type) is Literal else ("nothing-9999",)
    return members[0]


def body_naming_nothing(operation: Operation, index: int) -> Any:
    if call := EXAMPLES.get(operation.qualified_name):
        return call(_Nothing())[index]
    kind = operation.parameters[index].type
    return msgspec.convert(example_of(kind), kind)


def wrong_arguments(operation: Operation) -> tuple[Any, ...]:
    """Arguments whose types or bounds are wrong."""
    return tuple(
        "not an id / at all" if parameter.location == "path" else -1 if parameter.name == "limit" else parameter.default
        for parameter in operation.parameters
    )


class _Nothing(dict[str, Any]):
    """Stands for any earlier answer; whatever is asked of it names nothing that exists."""

    def __missing__(self, key: str) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        return "nothing-9999"


CAN_BE_WRONG = [
    name
    for name, op in OPERATIONS.items()
    if any(p.location in ("path", "body") or p.name == "limit" for p in op.parameters)
]
WITH_PATH = [
    name
    for name, op in OPERATIONS.items()
    if any(p.location == "path" for p in op.parameters)
    and (op.method not in ("PUT", "DELETE") or any(issubclass(problem, NotFound) for problem in op.route.raises))
]
"""What is put may be new, and what is deleted may be gone already."""


@pytest.mark.parametrize("name", WITH_PATH)
async def test_what_does_not_exist_is_refused_alike(topologies, name: str) -> None:
    operation = OPERATIONS[name]
    seen = {}
    for place, running in topologies.items():
        with calling(await running.context()):
            _, seen[place] = await outcome(running.client(operation.contract), operation, unknown_arguments(operation))
    assert seen["fused"] == seen["split"]
    assert seen["fused"]["problem"]["status"] == 404, seen["fused"]


@pytest.mark.parametrize("name", CAN_BE_WRONG)
async def test_wrong_arguments_are_refused_alike(topologies, name: str) -> None:
    operation = OPERATIONS[name]
    if not any(p.location == "path" or p.name == "limit" for p in operation.parameters):
        arguments: tuple[Any, ...] = (None,) * len(operation.parameters)
    else:
        arguments = wrong_arguments(operation)
    seen = {}
    for place, running in topologies.items():
        with calling(await running.context()):
            _, seen[place] = await outcome(running.client(operation.contract), operation, arguments)
    assert seen["fused"] == seen["split"]
    assert seen["fused"]["problem"]["status"] == 400, seen["fused"]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_missing_scope_is_refused_alike(topologies, name: str) -> None:
    operation = OPERATIONS[name]
    seen = {}
    for place, running in topologies.items():
        principal = await running.principal(without=frozenset({operation.scope}))
        with calling((await running.context()).replace(principal=principal)):
            client = running.client(operation.contract)
            _, seen[place] = await outcome(client, operation, unknown_arguments_or_none(operation))
    assert seen["fused"] == seen["split"]
    assert seen["fused"]["problem"]["type"] == "/problems/missing-scope"


def unknown_arguments_or_none(operation: Operation) -> tuple[Any, ...]:
    return tuple("nothing-9999" if p.location == "path" else None for p in operation.parameters)


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_deadline_that_is_over_is_refused_alike(topologies, name: str) -> None:
    operation = OPERATIONS[name]
    seen = {}
    for place, running in topologies.items():
        with calling(await running.context(deadline=0.0)):
            client = running.client(operation.contract)
            try:
                await getattr(client, operation.name)(*unknown_arguments_or_none(operation))
                seen[place] = "answered"
            except Problem as problem:
                seen[place] = type(problem).__name__
    assert seen["fused"] == seen["split"]


async def test_no_api_of_ours_calls_a_webhook_in_any_placement(topologies) -> None:
    for operation in WEBHOOKS.values():
        for running in topologies.values():
            with calling(await running.context()):
                _, seen = await outcome(running.client(operation.contract), operation, (SignedMessage("1", "", b"{}"),))
            assert seen["problem"]["type"] == "/problems/signature-refused"


async def test_a_webhook_is_answered_alike_fused_and_split(topologies) -> None:
    for operation in WEBHOOKS.values():
        seen = {place: await signed_answers(running, operation) for place, running in topologies.items()}
        assert seen["fused"] == seen["split"]
        assert [status for status, _ in seen["fused"]] == [400, 401, 401], "signed nonsense, forged, unsigned"


async def signed_answers(running: Any, operation: Operation) -> list[tuple[int, str]]:
    placement, state = running.process.placement, Path(running.runtime.state)
    api = placement.api_of(operation.contract)
    kept = placement.topology.backends[api.backend]["webhook_secret"].removeprefix("file:{state}/")
    secret, body = (state / kept).read_text(), b"nonsense"
    url = running.runtime.processes[process_of(placement.topology, api)] + operation.path
    async with httpx.AsyncClient() as http:
        answers = [
            await http.post(url, content=body, headers=signed_headers(api.service.signature, secret, body)),
            await http.post(url, content=body, headers=signed_headers(api.service.signature, "forged", body)),
            await http.post(url, content=body),
        ]
    return [(answer.status_code, answer.json()["type"]) for answer in answers]
