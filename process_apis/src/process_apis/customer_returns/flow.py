"""The business of taking goods back and refunding them. Every contract call is durable.

The CRM hears first, so that people see what is asked for; then somebody approves, if that is needed. Authorizing,
the label and the CRM's record are undone in reverse when the return is refused or nothing comes back. Once the goods
are here the money is owed, and the return only goes forward.

Version 1 neither compared the order's keys with what is noted nor noted the return's. It is served until no run of it
is unfinished: `triptych flows list --kind refund-return@1` says so. Until then its calls stay as they are.
"""

from decimal import ROUND_UP, Decimal
from math import ceil

from process_apis.customer_returns.policy import lines_to_return, needs_approval, require_delivered, value_of
from shared.contracts.canonical.identity import KeysOfThing, KeysToNote
from shared.contracts.canonical.inventory import WantedLine
from shared.contracts.canonical.order import CrmOrder, ErpOrder
from shared.contracts.canonical.party import Customer
from shared.contracts.canonical.product import Product
from shared.contracts.canonical.returns import ErpReturn, NewCrmReturn, NewCrmReturnLine, NewErpReturn, NewReturnReceipt
from shared.contracts.canonical.shipment import LabelPurchase, Parcel, Rate, RateRequest, Rates, Shipment
from shared.contracts.canonical.values import Address
from shared.contracts.process.customer_returns import (
    Approval,
    ApprovalRefused,
    ApprovalTimedOut,
    GoodsNotReturned,
    GoodsReceived,
    RefundedReturn,
    ReturnRequest,
)
from shared.contracts.process.quote_to_order import NoCarrier, PlacedOrder, QuoteToOrder
from shared.contracts.system.crm import Crm, CrmReturnNote
from shared.contracts.system.cross_references import CrossReferences
from shared.contracts.system.erp import Erp, ErpCancellation
from shared.contracts.system.logistics import Logistics
from shared.contracts.system.warehouse import Warehouse
from shared.durable.flow import Flow
from shared.durable.waits import SignalTimedOut

APPROVAL, GOODS_RECEIVED = "approval", "goods-received"
MOST_LOOKS = 720
"""As many looks as one flow's record should hold."""

DEFAULT_UNIT_WEIGHT_GRAMS = Decimal(1000)
MAX_PARCEL_GRAMS = 1_000_000
CANCELLED = CrmReturnNote("cancelled")
Found = tuple[ErpOrder, CrmOrder, list[ErpReturn]]
UNDONE = ErpCancellation("The return came to nothing and was undone.")


class RefundReturn(Flow[ReturnRequest, RefundedReturn], version=2):
    """Check, record, have it approved, authorize, label, wait for the goods, put them back, credit, close."""

    def __init__(
        self,
        orders: QuoteToOrder,
        crm: Crm,
        erp: Erp,
        warehouse: Warehouse,
        logistics: Logistics,
        cross_references: CrossReferences,
    ) -> None:
        self.orders = orders
        self.crm = crm
        self.erp = erp
        self.warehouse = warehouse
        self.logistics = logistics
        self.keys = cross_references

    async def run(self, request: ReturnRequest) -> RefundedReturn:
        """Refund what comes back, or refuse and leave nothing behind."""
        order = (await self.orders.get_order(request.order_id)).standing()
        placed, sold, before = await self.found(request.order_id, order)
        require_delivered(request.order_id, placed)
        lines = lines_to_return(request.lines, placed, before)
        customer = await self.crm.get_customer(sold.customer_id)

        recorded = await self.undoable(
            self.crm.record_return(crm_return(self.flow_id, request, order.crm_order_id)),
            lambda kept: self.crm.note_return(kept.crm_return_id, CANCELLED),
        )
        approval = await self.approval(request) if needs_approval(request.lines, value_of(lines, placed)) else None
        authorized = await self.undoable(
            self.erp.create_return(NewErpReturn(self.flow_id, order.erp_order_id, lines)),
            lambda made: self.erp.cancel_return(made.erp_return_id, UNDONE),
        )
        label = await self.label(request, customer)
        told = CrmReturnNote("approved", erp_return_id=authorized.erp_return_id, tracking_number=label.tracking_code)
        await self.tell(recorded.crm_return_id, told)

        await self.goods(request, label)
        back = [WantedLine(line.sku, line.quantity) for line in request.lines]
        receipt = await self.warehouse.receive_return(NewReturnReceipt(self.flow_id, request.order_id, back))
        settled = await self.credit(request, authorized)
        refund, credit = settled.net, settled.credit
        memo = credit.credit_memo_id if credit else None
        closing = CrmReturnNote("closed" if memo else "approved", credit_memo_id=memo or "", refund=refund)
        await self.crm.note_return(recorded.crm_return_id, closing)
        return RefundedReturn(
            erp_return_id=authorized.erp_return_id,
            crm_return_id=recorded.crm_return_id,
            receipt_id=receipt.receipt_id,
            refund=refund,
            credit_request_id=credit.credit_request_id if credit else None,
            credit_memo_id=memo,
            approved_by=approval.by if approval else "",
        )

    async def found(self, order_id: str, order: PlacedOrder) -> Found:
        """The order in ERP and CRM, and what came back of it; raises KeysDisagree when other keys are noted."""
        known, placed, sold, before = await self.together(
            self.keys.resolve(order.claim(order_id)),
            self.erp.get_order(order.erp_order_id),
            self.crm.get_order(order.crm_order_id),
            self.erp.list_returns(order.erp_order_id),
        )
        if known.unnoted:  # it was placed before keys were noted
            await self.keys.note_keys(KeysToNote([order.known_as(order_id)]))
        return placed, sold, before

    async def tell(self, crm_return_id: str, told: CrmReturnNote) -> None:
        """Tell the CRM that the return is approved, and note what it is called."""
        keys = {"crm": crm_return_id, "erp": told.erp_return_id}
        await self.together(
            self.crm.note_return(crm_return_id, told),
            self.keys.note_keys(KeysToNote([KeysOfThing("return", self.flow_id, keys)])),
        )

    async def approval(self, request: ReturnRequest) -> Approval:
        """Somebody's yes; raises ApprovalRefused for a no, ApprovalTimedOut when nobody says anything in time."""
        try:
            decision = await self.wait_for(APPROVAL, Approval, timeout=request.approval_within_seconds)
        except SignalTimedOut:
            raise ApprovalTimedOut(
                f"Nobody decided about return {request.reference} in time; ask for it again."
            ) from None
        if not decision.approved:
            reason = f": {decision.note}" if decision.note else ""
            raise ApprovalRefused(f"Return {request.reference} was refused by {decision.by}{reason}.")
        return decision

    async def label(self, request: ReturnRequest, customer: Customer) -> Shipment:
        """The label that brings the parcel to us, by the cheapest carrier."""
        skus = dict.fromkeys(line.sku for line in request.lines)
        products = await self.together(*(self.erp.get_product(sku) for sku in skus))
        rates = await self.logistics.get_rates(rate_request(self.flow_id, request, customer, products))
        rate = cheapest(rates)
        return await self.undoable(
            self.logistics.purchase_label(LabelPurchase(rates.shipment_id, rate.rate_id, self.flow_id)),
            lambda bought: self.logistics.refund_label(bought.shipment_id),
        )

    async def goods(self, request: ReturnRequest, label: Shipment) -> None:
        """Wait until the dock or the carrier says that the goods are here; raises GoodsNotReturned.

        What is on the road by then is not given up: the carrier no longer takes the label back, so that the return
        becomes a dead letter, for people to settle.
        """
        pause = max(request.look_every_seconds, ceil(request.goods_within_seconds / MOST_LOOKS))
        for _ in range(ceil(request.goods_within_seconds / pause)):
            try:
                await self.wait_for(GOODS_RECEIVED, GoodsReceived, timeout=pause)
            except SignalTimedOut:
                parcel = await self.logistics.get_shipment(label.shipment_id)
                if parcel.state != "delivered":
                    continue
            return
        raise GoodsNotReturned(f"The goods of return {request.reference} did not come back in time.")

    async def credit(self, request: ReturnRequest, authorized: ErpReturn) -> ErpReturn:
        """The return with its credit, posted unless that takes the ERP very long."""
        credited = await self.erp.credit_return(authorized.erp_return_id)
        for _ in range(MOST_LOOKS):
            if credited.state == "credited":
                break
            await self.sleep(request.look_every_seconds)
            credited = await self.erp.get_return(authorized.erp_return_id)
        return credited


class RefundReturnV1(RefundReturn, version=1, name=RefundReturn.name):
    """As it was before keys were compared and noted, for runs that began then."""

    async def found(self, order_id: str, order: PlacedOrder) -> Found:  # noqa: ARG002 - of no interest then
        """The order in ERP and CRM, and what came back of it."""
        return await self.together(
            self.erp.get_order(order.erp_order_id),
            self.crm.get_order(order.crm_order_id),
            self.erp.list_returns(order.erp_order_id),
        )

    async def tell(self, crm_return_id: str, told: CrmReturnNote) -> None:
        """Tell the CRM that the return is approved."""
        await self.crm.note_return(crm_return_id, told)


def crm_return(reference: str, request: ReturnRequest, crm_order_id: str) -> NewCrmReturn:
    """The return as the CRM is to record it."""
    lines = [NewCrmReturnLine(line.sku, line.quantity, line.reason) for line in request.lines]
    return NewCrmReturn(reference, crm_order_id, lines, request.note)


def rate_request(
    reference: str, request: ReturnRequest, customer: Customer, products: tuple[Product, ...]
) -> RateRequest:
    """The parcel that comes back, from where the request says or else from the customer."""
    weights = {one.sku: one.gross_weight_grams or DEFAULT_UNIT_WEIGHT_GRAMS for one in products}
    weight = sum(
        (line.quantity * weights.get(line.sku, DEFAULT_UNIT_WEIGHT_GRAMS) for line in request.lines), Decimal(0)
    )
    grams = int(weight.to_integral_value(ROUND_UP))
    address = request.ship_from or customer.shipping_address or customer.billing_address or Address()
    parcel = Parcel(min(max(grams, 1), MAX_PARCEL_GRAMS))
    return RateRequest(reference, request.ship_from_name or customer.name, address, parcel, is_return=True)


def cheapest(rates: Rates) -> Rate:
    """The cheapest offer; raises NoCarrier when there is none."""
    if not rates.rates:
        raise NoCarrier("No carrier brings this parcel back from this address; return it in parts.")
    return rates.rates[0]
