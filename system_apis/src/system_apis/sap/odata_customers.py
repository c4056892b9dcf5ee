"""Customers and credit by OData."""

from shared.contracts.canonical.party import CreditStanding, ErpCustomer
from shared.contracts.system.erp import ErpCustomerNotFound
from system_apis.sap import translator
from system_apis.sap.connector import SapConnector
from system_apis.sap.odata import document_number
from system_apis.sap.order_body import customer_number
from system_apis.sap.partner_numbers import PartnerNumbers
from system_apis.sap.records import BusinessPartner, CreditPartner, CustomerRow, Many, Single


class ODataCustomers:
    """Implements `interfaces.CustomerReading`.

    Args:
        sap: The system.
        partners: Learns which business partner a customer is.
    """

    def __init__(self, sap: SapConnector, partners: PartnerNumbers) -> None:
        self._sap = sap
        self._partners = partners

    async def get_customer(self, erp_number: str) -> ErpCustomer:
        """One call: the business partner expanded down to its partner functions."""
        partner, row = await self.rows(erp_number)
        return translator.customer(partner, row, self._sap.settings)

    async def rows(self, erp_number: str) -> tuple[BusinessPartner, CustomerRow]:
        """The business partner that is a customer, and its role as one.

        Raises:
            ErpCustomerNotFound: There is none.
        """
        number = customer_number(erp_number)
        found = await self._sap.read(self._sap.paths.customer(number), Many[BusinessPartner], "get_customer")
        partner = found.d.results[0] if found is not None and found.d.results else None
        if partner is None or partner.to_Customer is None:
            raise ErpCustomerNotFound(f"SAP has no customer {erp_number}.")
        self._partners.learn(number, partner.BusinessPartner)
        return partner, partner.to_Customer


class ODataCredit:
    """Implements `interfaces.CreditReading`.

    Args:
        sap: The system.
        partners: Knows which business partner a customer is.
    """

    def __init__(self, sap: SapConnector, partners: PartnerNumbers) -> None:
        self._sap = sap
        self._partners = partners

    async def get_credit(self, erp_number: str) -> CreditStanding:
        """One call, after a first that finds the customer's business partner."""
        number = customer_number(erp_number)
        path = self._sap.paths.credit(await self._partners.of(number))
        found = await self._sap.read(path, Single[CreditPartner], "get_credit")
        segment = document_number(self._sap.settings.credit_segment)
        accounts = found.d.to_CreditMgmtAccountTP.results if found is not None else []
        account = next((one for one in accounts if document_number(one.CreditSegment) == segment), None)
        if found is None or account is None:
            raise ErpCustomerNotFound(f"Customer {number} has no credit account in SAP's credit segment {segment}.")
        return translator.credit_standing(number, found.d, account)
