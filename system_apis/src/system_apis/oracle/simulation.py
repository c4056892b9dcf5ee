"""An order tried out: priced, promised and checked for credit, each by the service that decides it; nothing is kept."""

import asyncio
from decimal import Decimal

from shared.contracts.canonical.order import ConfirmedLine, CreditDecision, NewErpOrder, OrderSimulation
from shared.contracts.system.erp import CustomerBlocked
from system_apis.oracle.accounts import Account, Accounts, Credit, Profile
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.delivery import delivery_site
from system_apis.oracle.money import money
from system_apis.oracle.order_body import check_order
from system_apis.oracle.parties import Parties
from system_apis.oracle.pricing import Priced, Pricing
from system_apis.oracle.promising import Promise, Promising


class Simulation:
    """Tries orders out.

    Args:
        oracle: The pod.
        accounts: Its accounts.
        parties: Its parties, for the places that goods go to.
    """

    def __init__(self, oracle: OracleConnector, accounts: Accounts, parties: Parties) -> None:
        self._accounts, self._parties = accounts, parties
        self._pricing = Pricing(oracle)
        self._promising = Promising(oracle)

    async def simulate(self, order: NewErpOrder) -> OrderSimulation:
        """Two calls for the customer, then three at once; one more for a place to deliver to.

        Raises:
            ErpCustomerNotFound: There is no such customer.
            CustomerBlocked: It is on credit hold or out of use.
            OrderRejected: It cannot be priced or promised, or the customer has no such place.
        """
        check_order(order)
        account = await self._accounts.of(order.erp_number)
        profile = await self._accounts.profile(account.number)
        refuse_blocked(account, profile)
        await delivery_site(self._parties, account, order.ship_to_erp_number)
        priced, promises, credit = await asyncio.gather(
            self._pricing.price(order, account.party_id),
            self._promising.promises(order),
            self._accounts.credit(account.number),
        )
        net = sum((one.net for one in priced), Decimal(0))
        return OrderSimulation(
            net=money(net, order.currency),
            tax=money(sum((one.tax for one in priced), Decimal(0)), order.currency),
            credit=_decision(net, order.currency, profile, credit),
            lines=[_line(order, place, priced[place], promises[place]) for place in range(len(order.lines))],
        )


def refuse_blocked(account: Account, profile: Profile | None) -> None:
    """Raises CustomerBlocked if the customer is on credit hold or out of use."""
    if not account.active or (profile is not None and profile.on_hold):
        raise CustomerBlocked(f"Customer {account.number} is blocked for orders; have the hold released first.")


def _decision(net: Decimal, currency: str, profile: Profile | None, credit: Credit) -> CreditDecision:
    """Whether what is available covers the net value. Without a limit, or in another currency, nothing is checked."""
    limited = profile is not None and profile.limit is not None
    kept_in = credit.currency or (profile.currency if profile else "")
    if not limited or credit.available is None or kept_in != currency:
        return "not-checked"
    return "approved" if net <= credit.available else "refused"


def _line(order: NewErpOrder, place: int, priced: Priced, promise: Promise) -> ConfirmedLine:
    line = order.lines[place]
    return ConfirmedLine(
        item=str(place + 1),
        sku=line.sku,
        quantity=line.quantity,
        net=money(priced.net, order.currency),
        confirmed_quantity=promise.quantity,
        confirmed_date=promise.day,
    )
