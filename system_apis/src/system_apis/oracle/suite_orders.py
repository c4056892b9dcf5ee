"""Orders that stand in an E-Business Suite, of customers that Fusion keeps under the same numbers."""

from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import ErpOrder, NewErpOrder
from shared.contracts.system.erp import OrderRejected
from system_apis.oracle.accounts import Accounts
from system_apis.oracle.delivery import delivery_site
from system_apis.oracle.ebs.orders import EbsOrders
from system_apis.oracle.order_body import check_order
from system_apis.oracle.order_changes import reason
from system_apis.oracle.parties import Parties

_NOT_DONE = (
    "Orders stand in the E-Business Suite, whose order interface (OE_ORDER_PUB) {what}: look there, "
    "or keep orders in Fusion ([backends.oracle.interfaces])."
)


class SuiteOrders:
    """Places, reads and cancels orders of the suite.

    Args:
        suite: Its orders.
        accounts: The customer accounts of Fusion.
        parties: Its parties, for the places that goods go to.
    """

    def __init__(self, suite: EbsOrders, accounts: Accounts, parties: Parties) -> None:
        self._suite, self._accounts, self._parties = suite, accounts, parties

    async def place(self, new: NewErpOrder) -> ErpOrder:
        """The order of this reference: the one there is, or a new one.

        Raises:
            ErpCustomerNotFound: There is no such customer.
            CustomerBlocked: The customer is on hold, or out of use.
            OrderRejected: The suite refused it, or would.
        """
        check_order(new)
        account = await self._accounts.of(new.erp_number)
        await delivery_site(self._parties, account, new.ship_to_erp_number)
        try:
            return await self._suite.place(new)
        except OrderRejected as refused:
            raise await reason(self._accounts, account, refused) from None

    async def get(self, number: str) -> ErpOrder:
        """See `EbsOrders.get`."""
        return await self._suite.get(number)

    async def cancel(self, number: str, reason: str) -> ErpOrder:
        """See `EbsOrders.cancel`."""
        return await self._suite.cancel(number, reason)


def not_done(what: str) -> BackendFault:
    """What the suite's interface has no call for."""
    return BackendFault(_NOT_DONE.format(what=what))
