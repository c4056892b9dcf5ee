"""The place that an order's goods go to."""

from shared.binding.problems import FieldError
from shared.contracts.system.erp import OrderRejected
from system_apis.oracle.accounts import SHIP_TO, Account
from system_apis.oracle.parties import Parties


async def delivery_site(parties: Parties, account: Account, number: str | None) -> int | None:
    """The party site of a delivery place; None where the order leaves it to the account.

    Args:
        parties: Where addresses are.
        account: Who orders.
        number: The place's, as a customer's partners name it; the customer's own means its usual place.

    Raises:
        OrderRejected: The customer has no such place in use.
    """
    if number is None or number == account.number:
        return None
    party = await parties.of(account.party_id)
    rows = party.Address.items if party is not None else []
    found = next((one.AddressId for one in rows if one.AddressNumber == number), None)
    if found is None or found not in {site.party_site_id for site, _ in account.sites_for(SHIP_TO)}:
        detail = f"Customer {account.number} has no delivery place {number} in Oracle."
        raise OrderRejected(detail, errors=[FieldError(detail, "/shipToErpNumber")])
    return found
