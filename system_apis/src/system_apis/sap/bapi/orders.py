"""Orders by BAPIs."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.order import ErpOrder, NewErpOrder, OrderSimulation
from shared.contracts.canonical.party import CreditStanding
from shared.contracts.system.erp import ErpCustomerNotFound, ErpOrderNotFound, OrderNotCancellable, OrderRejected
from shared.resilience.once import Once
from shared.resilience.outbound_faults import OutcomeUnknown
from system_apis.sap import order_translator
from system_apis.sap.bapi.availability import BapiAvailability
from system_apis.sap.bapi.credit import BapiCredit
from system_apis.sap.bapi.luw import UnitsOfWork
from system_apis.sap.bapi.messages import failure, remarks
from system_apis.sap.bapi.order_call import creation, padded, purchase_order_of, simulation
from system_apis.sap.bapi.order_rows import REFERENCE_VIEW, VIEWS, item_row, order_rows, tables_of
from system_apis.sap.bapi.transport import Parameters, RfcTransport
from system_apis.sap.connector import SapConnector
from system_apis.sap.odata import document_number
from system_apis.sap.order_body import NUMBER_LENGTH, customer_number
from system_apis.sap.order_records import ItemRow, OrderRow, SimulatedCredit, SimulatedPricing, SimulationRow
from system_apis.sap.order_translator import has_gone_out, is_cancelled
from system_apis.sap.records import Results

_CANCELLING_ROUNDS = 4
_APPROVED, _REFUSED, _NOT_CHECKED = "A", "B", ""


class BapiOrders:
    """Implements every order port of `interfaces`.

    Args:
        sap: The system, with its settings.
        rfc: Calls its functions.
        credit: Knows what a customer may still owe.
    """

    def __init__(self, sap: SapConnector, rfc: RfcTransport, credit: BapiCredit) -> None:
        self._settings = sap.settings
        self._rfc = rfc
        self._units = UnitsOfWork(rfc)
        self._availability = BapiAvailability(sap.settings, rfc)
        self._credit = credit
        self._once: Once[OrderRow] = sap.once("order", by_odata=False)

    async def simulate_order(self, order: NewErpOrder) -> OrderSimulation:
        """Two calls: the simulation, and the customer's credit, of which the simulation says nothing.

        One more for each item that the simulation does not schedule.

        Credit is judged as SAP's static check does: what is used and this order against the limit. In another
        currency than the credit account's it is not judged.
        """
        answer = await self._rfc.call(
            "BAPI_SALESORDER_SIMULATE", simulation(order, self._settings), operation="simulate_order"
        )
        if (refused := failure(answer)) is not None:
            raise refused
        schedule = answer.table("ORDER_SCHEDULE_EX")
        items = [
            await self._availability.scheduled(item_row(one, schedule, "NET_VALUE1"), one, order.requested_date)
            for one in answer.table("ORDER_ITEMS_OUT")
        ]
        net = sum((one.NetAmount for one in items), Decimal(0))
        status = await self._credit_status(order, net)
        simulated = SimulationRow(SimulatedPricing(net, order.currency), Results(items), SimulatedCredit(status))
        return order_translator.simulation(simulated, remarks(answer, "MESSAGETABLE"))

    async def create_order(self, order: NewErpOrder) -> ErpOrder:
        """Found by its reference among the customer's orders, or placed and committed in one session."""
        found = await self._once.make(order.reference, lambda: self.placed(order), lambda: self._create(order))
        return order_translator.order(found)

    async def get_order(self, erp_order_id: str) -> ErpOrder:
        """One call. BAPI_SALESORDER_GETSTATUS would not tell the customer, the credit check or the reference."""
        return order_translator.order(await self._read(erp_order_id))

    async def cancel_order(self, erp_order_id: str) -> ErpOrder:
        """All items rejected in one unit of work."""
        for _ in range(_CANCELLING_ROUNDS):
            row = await self._read(erp_order_id)
            left = [item for item in row.to_Item.results if not item.SalesDocumentRjcnReason]
            if is_cancelled(row) or not left:
                return order_translator.order(row)
            if has_gone_out(row):
                raise OrderNotCancellable(f"Order {erp_order_id} was delivered or billed, at least in part; return it.")
            try:
                await self._reject(row, left)
            except OutcomeUnknown:
                continue  # rejecting what is rejected is harmless, so look and try again
            except OrderRejected as refused:
                raise OrderNotCancellable(
                    f"SAP does not let order {erp_order_id} be cancelled.", extensions=refused.extensions
                ) from None
        raise BackendUnavailable(f"Order {erp_order_id} could not be cancelled; try again.")

    async def placed(self, order: NewErpOrder) -> OrderRow | None:
        """The customer's first order of this reference.

        Functions take no key, and list orders by their purchase order number or date only: so those with this order's
        number, of any age, and then all that are recent, should a repeat come with another one.
        """
        since = datetime.now(UTC).date() - timedelta(days=self._settings.bapi.look_back_days)
        narrowed = (
            {"PURCHASE_ORDER_NUMBER": purchase_order_of(order)},
            {"DOCUMENT_DATE": since.isoformat(), "DOCUMENT_DATE_TO": date.max.isoformat()},
        )
        seen: set[str] = set()
        for one in narrowed:
            numbers = set(await self._listed(order.erp_number, one)) - seen
            seen |= numbers
            for row in await self._details(sorted(numbers), REFERENCE_VIEW, "find_order") if numbers else []:
                if row.PurchaseOrderByShipToParty == order.reference:
                    return await self._read(row.SalesOrder)
        return None

    async def _listed(self, customer: str, narrowed: Parameters) -> list[str]:
        wanted: Parameters = {
            "CUSTOMER_NUMBER": padded(customer_number(customer)),
            "SALES_ORGANIZATION": self._settings.sales_organization,
            **narrowed,
            "SALES_ORDERS": [],
        }
        answer = await self._rfc.call("BAPI_SALESORDER_GETLIST", wanted, operation="find_order")
        refused = failure(answer)
        if refused is not None and refused.extensions.get("code") not in self._settings.bapi.none_found:
            raise BackendFault(
                "SAP does not list a customer's orders, so a repeat could not be told; if the error says that there "
                "are none, name it in none_found of [backends.sap.bapi].",
                extensions=refused.extensions,
            )
        return [row.text("SD_DOC") for row in answer.table("SALES_ORDERS")]

    async def _create(self, order: NewErpOrder) -> OrderRow:
        parameters = creation(order, self._settings)
        answer = await self._units.do(
            "BAPI_SALESORDER_CREATEFROMDAT2", parameters, operation="create_order", locks=False
        )
        return await self._read(answer.text("SALESDOCUMENT"))

    async def _read(self, number: str) -> OrderRow:
        plain = document_number(number)
        found = await self._details([padded(plain)], VIEWS, "get_order") if len(plain) <= NUMBER_LENGTH else []
        if not found:
            raise ErpOrderNotFound(f"SAP has no sales order {number}.")
        return found[0]

    async def _details(self, numbers: list[str], views: Sequence[str], operation: str) -> list[OrderRow]:
        answer = await self._rfc.call(
            "BAPISDORDER_GETDETAILEDLIST",
            {
                "I_BAPI_VIEW": dict.fromkeys(views, "X"),
                "SALES_DOCUMENTS": [{"VBELN": one} for one in numbers],
                **{table: [] for table in tables_of(views)},
            },
            operation=operation,
        )
        return order_rows(answer)

    async def _reject(self, row: OrderRow, items: list[ItemRow]) -> None:
        positions = [padded(one.SalesOrderItem, 6) for one in items]
        reason = self._settings.rejection_reason
        parameters = {
            "SALESDOCUMENT": padded(row.SalesOrder),
            "ORDER_HEADER_INX": {"UPDATEFLAG": "U"},
            "ORDER_ITEM_IN": [{"ITM_NUMBER": one, "REASON_REJ": reason} for one in positions],
            "ORDER_ITEM_INX": [{"ITM_NUMBER": one, "UPDATEFLAG": "U", "REASON_REJ": "X"} for one in positions],
            "RETURN": [],
        }
        await self._units.do("BAPI_SALESORDER_CHANGE", parameters, operation="cancel_order", locks=True)

    async def _credit_status(self, order: NewErpOrder, net: Decimal) -> str:
        try:
            standing = await self._credit.get_credit(order.erp_number)
        except ErpCustomerNotFound:
            return _NOT_CHECKED  # a customer without a credit account is not checked by SAP either
        return _judged(standing, net, order.currency)


def _judged(standing: CreditStanding, net: Decimal, currency: str) -> str:
    if standing.blocked:
        return _REFUSED
    if standing.available is None or standing.limit.currency != currency:
        return _NOT_CHECKED
    return _APPROVED if net <= standing.available.amount else _REFUSED
