"""The addresses of everything we read or write, with as much as possible written once."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from system_apis.sap.odata import day_literal, encoded, key, options, text_literal
from system_apis.sap.settings import SapSettings

_CUSTOMER = {
    "expand": "to_BusinessPartnerAddress/to_AddressUsage,to_Customer/to_CustomerCompany,"
    "to_Customer/to_CustomerSalesArea/to_PartnerFunction",
    "top": "1",
}
_ADDRESS_FIELDS = (
    "StreetName StreetSuffixName AdditionalStreetSuffixName HouseNumber CityName Region PostalCode Country "
    "to_AddressUsage/AddressUsage"
)
_CUSTOMER_FIELDS = (
    "Customer CustomerName OrderIsBlockedForCustomer DeliveryIsBlocked BillingIsBlockedForCustomer DeletionIndicator "
    "VATRegistration TaxNumber1 to_CustomerCompany/CompanyCode to_CustomerCompany/ReconciliationAccount "
    "to_CustomerCompany/PaymentTerms"
)
_AREA_FIELDS = (
    "SalesOrganization DistributionChannel Division Currency CustomerPaymentTerms IncotermsClassification "
    "CustomerPriceGroup SupplyingPlant OrderIsBlockedForCustomer to_PartnerFunction/PartnerFunction "
    "to_PartnerFunction/BPCustomerNumber to_PartnerFunction/DefaultPartner"
)
_PARTNER_FIELDS = (
    "BusinessPartner OrganizationBPName1 OrganizationBPName2 OrganizationBPName3 OrganizationBPName4 "
    "FirstName LastName IsMarkedForArchiving"
)
_KNOWN_FIELDS = (
    "BusinessPartner Customer OrganizationBPName1 OrganizationBPName2 OrganizationBPName3 OrganizationBPName4 "
    "BusinessPartnerIDByExtSystem IsMarkedForArchiving"
)
_MOST_ALIKE = 100
"""Partners of a name that are compared."""

_CREDIT_FIELDS = "CreditSegment CreditLimitAmount CreditSegmentCurrency CreditAccountIsBlocked"
_PRODUCT_FIELDS = (
    "Product BaseUnit ProductGroup GrossWeight WeightUnit IsMarkedForDeletion CrossPlantStatus "
    "to_Description/Language to_Description/ProductDescription"
)
_ORDER_FIELDS = (
    "SalesOrder SoldToParty TotalNetAmount TransactionCurrency PurchaseOrderByCustomer CreationDate "
    "RequestedDeliveryDate OverallTotalDeliveryStatus OverallOrdReltdBillgStatus OverallSDDocumentRejectionSts "
    "TotalCreditCheckStatus DeliveryBlockReason to_SubsequentProcFlowDoc/SubsequentDocumentCategory"
)
_ITEM_FIELDS = (
    "SalesOrderItem Material RequestedQuantity NetAmount TaxAmount ConfdDelivQtyInOrderQtyUnit "
    "SalesDocumentRjcnReason DeliveryStatus to_ScheduleLine/ConfirmedDeliveryDate "
    "to_ScheduleLine/ConfdOrderQtyByMatlAvailCheck"
)


class Paths:
    """Paths with queries, from SAP's root.

    Attributes:
        orders: Where an order is created.
        simulations: Where an order is simulated.
        batch: Where several changes of orders go.
        partners: Where a business partner is created.
        partner_functions: Where a partner function is added to a sales area.
        partner_batch: Where several changes of partners go.
        session: Where a CSRF token is handed out.
    """

    def __init__(self, settings: SapSettings) -> None:
        logon = f"sap-client={encoded(settings.client)}&sap-language={encoded(settings.language)}"
        service = settings.sales_order_service
        self.orders: Final = f"{service}/A_SalesOrder?{logon}"
        self.simulations: Final = f"{settings.simulation_service}/A_SalesOrderSimulation?{logon}"
        self.batch: Final = f"{service}/$batch?{logon}"
        newer = _by_v4(settings)
        self.session: Final = f"{settings.sales_order_service_v4 if newer else service}/?{logon}"
        partner_service = settings.business_partner_service
        self.partners: Final = f"{partner_service}/A_BusinessPartner?{logon}"
        self.partner_functions: Final = f"{partner_service}/A_CustSalesPartnerFunc?{logon}"
        self.partner_batch: Final = f"{partner_service}/$batch?{logon}"
        self._known = f"$select={_listed(_KNOWN_FIELDS)}&$orderby=BusinessPartner&{logon}"
        alike = {
            "select": _listed(_KNOWN_FIELDS, to_BusinessPartnerAddress="PostalCode Country"),
            "expand": "to_BusinessPartnerAddress",
            "orderby": "BusinessPartner",
            "top": str(_MOST_ALIKE),
        }
        self._alike = f"{options(alike)}&{logon}"
        self._logon = logon
        self._services = settings
        header = f"{_ORDER_FIELDS} {settings.reference_field}"
        listed = {"select": _listed(header), "expand": "to_SubsequentProcFlowDoc"}
        whole = {
            "select": _listed(header, to_Item=_ITEM_FIELDS),
            "expand": "to_Item/to_ScheduleLine,to_SubsequentProcFlowDoc",
        }
        self._listed = f"{options({**listed, 'orderby': 'CreationDate desc,SalesOrder desc'})}&{logon}"
        self._order = f"{options(whole)}&{logon}"
        self._first_order = f"{options({**whole, 'orderby': 'SalesOrder', 'top': '1'})}&{logon}"
        customer = _listed(
            _PARTNER_FIELDS,
            to_BusinessPartnerAddress=_ADDRESS_FIELDS,
            to_Customer=_CUSTOMER_FIELDS + "".join(f" to_CustomerSalesArea/{name}" for name in _AREA_FIELDS.split()),
        )
        self._customer = f"{options({**_CUSTOMER, 'select': customer})}&{logon}"
        credit = {
            "select": _listed("CreditRiskClass", to_CreditMgmtAccountTP=_CREDIT_FIELDS),
            "expand": "to_CreditMgmtAccountTP",
        }
        self._credit = f"{options(credit)}&{logon}"
        self._product = f"{options({'select': _listed(_PRODUCT_FIELDS), 'expand': 'to_Description'})}&{logon}"

    def customer(self, number: str) -> str:
        """The business partner that is this customer, with everything below it."""
        return f"{self._partners(number)}&{self._customer}"

    def partner_number(self, number: str) -> str:
        """Only the number of the business partner that is this customer."""
        return f"{self._partners(number)}&$select=BusinessPartner&$top=1&{self._logon}"

    def partner_with(self, reference: str) -> str:
        """The first business partner that was made under this reference."""
        return (
            f"{self._partners_where(f'BusinessPartnerIDByExtSystem eq {text_literal(reference)}')}&$top=1&{self._known}"
        )

    def partners_beginning_with(self, reference: str) -> str:
        """The business partners whose reference begins so."""
        condition = f"startswith(BusinessPartnerIDByExtSystem,{text_literal(reference)})"
        return f"{self._partners_where(condition)}&{self._known}"

    def partner_of(self, number: str) -> str:
        """The business partner that is this customer, as far as it takes to recognise it."""
        return f"{self._partners(number)}&$top=1&{self._known}"

    def partners_named(self, name: str, term: str) -> str:
        """Business partners whose first name line or search term is this, with their postal codes."""
        condition = f"OrganizationBPName1 eq {text_literal(name)} or SearchTerm1 eq {text_literal(term)}"
        return f"{self._partners_where(condition)}&{self._alike}"

    def customers_taxed(self, number: str) -> str:
        """Customers with this tax number, of whatever kind."""
        tax = text_literal(number)
        condition = encoded(f"VATRegistration eq {tax} or TaxNumber1 eq {tax}")
        service = self._services.business_partner_service
        return f"{service}/A_Customer?$filter={condition}&$select=Customer&$top={_MOST_ALIKE}&{self._logon}"

    def partners_of(self, numbers: Sequence[str]) -> str:
        """The business partners that are these customers."""
        condition = " or ".join(f"Customer eq {text_literal(number)}" for number in numbers)
        return f"{self._partners_where(condition)}&{self._alike}"

    def credit(self, partner: str) -> str:
        """The credit profile of a business partner with its accounts."""
        return f"{self._services.credit_service}/{key('CreditMgmtBusinessPartner', partner)}?{self._credit}"

    def orders_of(self, number: str, since: date | None, after: tuple[date, str] | None, limit: int) -> str:
        """A customer's orders, newest first, beginning below the order `after` (its day and number)."""
        condition = f"SoldToParty eq {text_literal(number)}"
        if since is not None:
            condition += f" and CreationDate ge {day_literal(since)}"
        if after is not None:
            day, order = day_literal(after[0]), text_literal(after[1])
            condition += f" and (CreationDate lt {day} or (CreationDate eq {day} and SalesOrder lt {order}))"
        orders = f"{self._services.sales_order_service}/A_SalesOrder"
        return f"{orders}?$filter={encoded(condition)}&$top={limit}&{self._listed}"

    def order(self, number: str) -> str:
        """An order with items, schedule lines and what followed."""
        return f"{self._services.sales_order_service}/{key('A_SalesOrder', number)}?{self._order}"

    def order_with(self, reference: str) -> str:
        """The first order that was placed under this reference."""
        condition = f"{self._services.reference_field} eq {text_literal(reference)}"
        orders = f"{self._services.sales_order_service}/A_SalesOrder"
        return f"{orders}?$filter={encoded(condition)}&{self._first_order}"

    def products(self, after: str | None, limit: int) -> str:
        """Materials by number, beginning after this one."""
        condition = "" if after is None else f"$filter={encoded(f'Product gt {text_literal(after)}')}&"
        products = f"{self._services.product_service}/A_Product"
        return f"{products}?{condition}$top={limit}&$orderby=Product&{self._product}"

    def product(self, sku: str) -> str:
        """One material."""
        return f"{self._services.product_service}/{key('A_Product', sku)}?{self._product}"

    def _partners(self, number: str) -> str:
        return self._partners_where(f"Customer eq {text_literal(number)}")

    def _partners_where(self, condition: str) -> str:
        return f"{self._services.business_partner_service}/A_BusinessPartner?$filter={encoded(condition)}"


def _by_v4(settings: SapSettings) -> bool:
    """Whether orders are written by V4 and not by V2: a system may have but one of the two services."""
    creating = settings.interfaces.get("create_order", "odata")
    return creating == "odata4" or (creating != "odata" and settings.interfaces.get("cancel_order") == "odata4")


def item_path(order: str, item: str) -> str:
    """An item, below its service's root."""
    return key("A_SalesOrderItem", SalesOrder=order, SalesOrderItem=item)


def _listed(fields: str, **below: str) -> str:
    names = fields.split() + [f"{at}/{name}" for at, group in below.items() for name in group.split()]
    return ",".join(names)
