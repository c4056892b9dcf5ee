"""Which business partner a customer is: SAP keeps credit by partner, orders by customer."""

from shared.contracts.system.erp import ErpCustomerNotFound
from system_apis.sap.connector import SapConnector
from system_apis.sap.odata import document_number
from system_apis.sap.records import Many, PartnerNumber

_KEPT = 20_000


class PartnerNumbers:
    """Looks numbers up once: the link between a customer and its partner never changes.

    Args:
        sap: Where to look.
    """

    def __init__(self, sap: SapConnector) -> None:
        self._sap = sap
        self._known: dict[str, str] = {}

    async def of(self, customer: str) -> str:
        """The business partner's number.

        Raises:
            ErpCustomerNotFound: No customer has this number.
        """
        if (known := self._known.get(customer)) is not None:
            return known
        path = self._sap.paths.partner_number(customer)
        found = await self._sap.read(path, Many[PartnerNumber], "find_business_partner")
        if found is None or not found.d.results:
            raise ErpCustomerNotFound(f"SAP has no customer {customer}.")
        return self.learn(customer, found.d.results[0].BusinessPartner)

    def learn(self, customer: str, partner: str) -> str:
        """Note what another answer said on the way; returns the partner's number."""
        if len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[customer] = partner = document_number(partner)
        return partner
