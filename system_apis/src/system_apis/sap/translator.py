"""SAP's records as canonical values; pure functions. What SAP refuses is translated in `faults`."""

import re
from decimal import Decimal

from shared.contracts.canonical.party import (
    CompanyCodeData,
    CreditStanding,
    ErpCustomer,
    Partner,
    PartnerFunction,
    SalesArea,
)
from shared.contracts.canonical.product import Product
from shared.contracts.canonical.values import Address
from system_apis.sap.lines import joined
from system_apis.sap.money import money
from system_apis.sap.odata import document_number
from system_apis.sap.partner_body import STREET_WIDTHS
from system_apis.sap.partner_translator import organization_name
from system_apis.sap.records import (
    BusinessPartner,
    BusinessPartnerAddress,
    CreditAccount,
    CreditPartner,
    CustomerRow,
    PartnerFunctionRow,
    ProductRow,
    SalesAreaRow,
)
from system_apis.sap.settings import SapSettings

_FUNCTIONS: dict[str, PartnerFunction] = {
    **dict.fromkeys(("SP", "AG"), "sold-to"),
    **dict.fromkeys(("SH", "WE"), "ship-to"),
    **dict.fromkeys(("BP", "RE"), "bill-to"),
    **dict.fromkeys(("PY", "RG"), "payer"),
}
"""English and German spelling; which one SAP shows depends on the logon language."""

_GRAMS = {
    "G": Decimal(1),
    "KG": Decimal(1000),
    "MG": Decimal("0.001"),
    "TO": Decimal(1_000_000),
    "LB": Decimal("453.59237"),
    "OZ": Decimal("28.349523125"),
}
_CURRENCY = re.compile(r"[A-Z]{3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_SKU = re.compile(r"[\x21-\x7e]{1,40}")
_STANDARD_ADDRESS = "XXDEFAULT"


def customer(partner: BusinessPartner, row: CustomerRow, settings: SapSettings) -> ErpCustomer:
    """A customer; our own sales area and company code come first."""
    areas = sorted(row.to_CustomerSalesArea.results, key=lambda area: area_key(area) != _own_area(settings))
    companies = sorted(row.to_CustomerCompany.results, key=lambda one: one.CompanyCode != settings.company_code)
    return ErpCustomer(
        erp_number=document_number(row.Customer),
        business_partner=document_number(partner.BusinessPartner),
        name=_name(partner, row),
        address=_address(partner.to_BusinessPartnerAddress.results),
        tax_number=row.VATRegistration or row.TaxNumber1 or "",
        parent_erp_number=_parent(areas, settings.hierarchy_function),
        order_blocked=bool(row.OrderIsBlockedForCustomer),
        delivery_blocked=bool(row.DeliveryIsBlocked),
        billing_blocked=bool(row.BillingIsBlockedForCustomer),
        marked_for_deletion=row.DeletionIndicator or partner.IsMarkedForArchiving,
        sales_areas=[_sales_area(one) for one in areas if _CURRENCY.fullmatch(one.Currency or "")],
        company_codes=[
            CompanyCodeData(one.CompanyCode, one.ReconciliationAccount or "", one.PaymentTerms or "")
            for one in companies
        ],
    )


def takes_no_orders(found: ErpCustomer, settings: SapSettings) -> bool:
    """Whether a customer is blocked for orders, everywhere or in the sales area we sell in."""
    return found.order_blocked or any(
        area.blocked and (area.organization, area.channel, area.division) == _own_area(settings)
        for area in found.sales_areas
    )


def credit_standing(number: str, partner: CreditPartner, account: CreditAccount) -> CreditStanding:
    """A customer's limit and block. SAP publishes no exposure over OData, so none is claimed."""
    return CreditStanding(
        erp_number=number,
        limit=money(account.CreditLimitAmount, account.CreditSegmentCurrency),
        blocked=account.CreditAccountIsBlocked,
        risk_class=partner.CreditRiskClass or "",
    )


def product(row: ProductRow, settings: SapSettings) -> Product | None:
    """A product, named in the logon language; None for a number that is no SKU, such as one with spaces."""
    if not _SKU.fullmatch(row.Product):
        return None
    names = {one.Language or "": one.ProductDescription or "" for one in row.to_Description.results}
    return Product(
        sku=row.Product,
        name=names.get(settings.language) or next(filter(None, names.values()), row.Product),
        base_unit=row.BaseUnit or "",
        product_group=row.ProductGroup or "",
        gross_weight_grams=_grams(row),
        sellable=not row.IsMarkedForDeletion and row.CrossPlantStatus not in settings.blocked_statuses,
    )


def area_key(area: SalesAreaRow) -> tuple[str, str, str]:
    """Organisation, channel and division."""
    return area.SalesOrganization, area.DistributionChannel, area.Division


def _own_area(settings: SapSettings) -> tuple[str, str, str]:
    return settings.sales_organization, settings.distribution_channel, settings.division


def _grams(row: ProductRow) -> Decimal | None:
    """The weight of one base unit, without trailing zeros; None where SAP has none, or in a unit that is none."""
    factor = _GRAMS.get(row.WeightUnit or "")
    if factor is None or not row.GrossWeight:
        return None
    whole, _, fraction = f"{row.GrossWeight * factor:f}".partition(".")
    return Decimal(f"{whole}.{fraction.rstrip('0')}".rstrip("."))


def _name(partner: BusinessPartner, row: CustomerRow) -> str:
    person = " ".join(filter(None, (partner.FirstName, partner.LastName)))
    return organization_name(partner) or person or row.CustomerName or ""


def _address(rows: list[BusinessPartnerAddress]) -> Address | None:
    def is_standard(row: BusinessPartnerAddress) -> bool:
        return any(use.AddressUsage == _STANDARD_ADDRESS for use in row.to_AddressUsage.results)

    row = next(filter(is_standard, rows), rows[0] if rows else None)
    if row is None:
        return None
    return Address(
        street=joined((row.StreetName, row.StreetSuffixName, row.AdditionalStreetSuffixName), STREET_WIDTHS),
        house_number=row.HouseNumber or "",
        city=row.CityName or "",
        region=row.Region or "",
        postal_code=row.PostalCode or "",
        country=row.Country if _COUNTRY.fullmatch(row.Country or "") else None,
    )


def _parent(areas: list[SalesAreaRow], function: str) -> str | None:
    for area in areas:
        for one in area.to_PartnerFunction.results:
            if one.PartnerFunction == function and one.BPCustomerNumber:
                return document_number(one.BPCustomerNumber)
    return None


def _sales_area(row: SalesAreaRow) -> SalesArea:
    return SalesArea(
        organization=row.SalesOrganization,
        channel=row.DistributionChannel,
        division=row.Division,
        currency=row.Currency or "",
        payment_terms=row.CustomerPaymentTerms or "",
        incoterms=row.IncotermsClassification or "",
        price_group=row.CustomerPriceGroup or "",
        supplying_plant=row.SupplyingPlant or "",
        blocked=bool(row.OrderIsBlockedForCustomer),
        partners=[found for one in row.to_PartnerFunction.results if (found := _partner(one)) is not None],
    )


def _partner(row: PartnerFunctionRow) -> Partner | None:
    function = _FUNCTIONS.get(row.PartnerFunction or "")
    if function is None or not row.BPCustomerNumber:
        return None
    return Partner(function, document_number(row.BPCustomerNumber), is_default=row.DefaultPartner)
