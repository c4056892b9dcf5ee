"""A canonical customer as the body that creates its business partner; what SAP cannot hold is refused, all at once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.binding.problems import FieldError
from shared.contracts.canonical.party import NewDeliveryPlace, NewErpCustomer, SalesAreaKey
from shared.contracts.canonical.values import Address
from shared.contracts.system.erp import ErpCustomerRejected
from system_apis.sap.lines import broken, tidy, width
from system_apis.sap.order_body import customer_number
from system_apis.sap.partner_records import (
    NewAddress,
    NewBusinessPartner,
    NewCompany,
    NewCustomerRow,
    NewFunction,
    NewMailbox,
    NewPhone,
    NewRole,
    NewSalesArea,
    NewTax,
    NewUsage,
)
from system_apis.sap.settings import SapSettings

NAME_WIDTHS = (40, 40, 40, 40)
STREET_WIDTHS = (60, 40, 40)
"""StreetName, and what is printed below it: StreetSuffixName, AdditionalStreetSuffixName (Street 4 and 5)."""

SEARCH_TERM = 20
_ORGANIZATION = "2"
_IN_ACCOUNTING, _IN_SALES = "FLCU00", "FLCU01"
_CODE = re.compile(r"[A-Za-z0-9]*")
_COUNTED = {"city": 40, "postal_code": 10, "region": 3, "house_number": 10}
_POINTERS = {"city": "city", "postal_code": "postalCode", "region": "region", "house_number": "houseNumber"}


@dataclass(slots=True)
class Reasons:
    """Why a customer cannot be entered, as they are found."""

    errors: list[FieldError] = field(default_factory=list[FieldError])

    def add(self, pointer: str, detail: str) -> None:
        """One more."""
        self.errors.append(FieldError(detail=detail, pointer=pointer))

    def fitting(self, text: str, places: int, pointer: str) -> str:
        """A text tidied; too long is a reason."""
        tidied = tidy(text)
        if width(tidied) > places:
            self.add(pointer, f"SAP holds {places} characters here, not {width(tidied)}; shorten it.")
        return tidied

    def lines(self, text: str, widths: Sequence[int], pointer: str) -> list[str]:
        """A text over several fields; one that does not fit, or has nothing in it, is a reason."""
        found = broken(tidy(text), widths)
        if found is None:
            self.add(pointer, f"SAP holds {sum(widths)} characters here in {len(widths)} lines; shorten it.")
        return found or []

    def refuse(self) -> None:
        """Raises ErpCustomerRejected if there are any."""
        if self.errors:
            raise ErpCustomerRejected("SAP cannot hold the customer as it is; see `errors`.", errors=self.errors)


def customer_body(customer: NewErpCustomer, settings: SapSettings) -> NewBusinessPartner:
    """The body that creates a customer.

    Raises:
        ErpCustomerRejected: Something of it does not fit; says everything that does not.
        ErpCustomerNotFound: The parent's number is none of SAP's.
    """
    reasons = Reasons()
    parent = customer_number(customer.parent_erp_number) if customer.parent_erp_number else ""
    areas = [_area(key, customer, parent, settings) for key in customer.sales_areas or [own_area(settings)]]
    _check_codes(customer, reasons)
    company = NewCompany(
        customer.company_code or settings.company_code,
        settings.reconciliation_account,
        customer.payment_terms or settings.payment_terms,
    )
    body = _partner(
        customer.reference,
        reasons.lines(customer.name, NAME_WIDTHS, "/name"),
        _address(customer.address, reasons, mailbox=customer.email, phone=customer.phone),
        NewCustomerRow([company], areas),
        settings,
        taxes=_taxes(customer, reasons, settings),
        roles=(_IN_ACCOUNTING, _IN_SALES),
    )
    reasons.refuse()
    return body


def place_body(place: NewDeliveryPlace, areas: Sequence[NewSalesArea], settings: SapSettings) -> NewBusinessPartner:
    """The body that creates a delivery place: a customer of its own in the same sales areas, which nobody bills.

    Raises:
        ErpCustomerRejected: As `customer_body`.
    """
    reasons = Reasons()
    names = reasons.lines(place.name, NAME_WIDTHS, "/name")
    address = _address(place.address, reasons)
    body = _partner(place.reference, names, address, NewCustomerRow([], list(areas)), settings, roles=(_IN_SALES,))
    reasons.refuse()
    return body


def own_area(settings: SapSettings) -> SalesAreaKey:
    """The sales area of the settings."""
    return SalesAreaKey(settings.sales_organization, settings.distribution_channel, settings.division)


def _partner(
    reference: str,
    names: Sequence[str],
    address: NewAddress,
    customer: NewCustomerRow,
    settings: SapSettings,
    *,
    roles: Sequence[str],
    taxes: Sequence[NewTax] = (),
) -> NewBusinessPartner:
    first, second, third, fourth = (*names, "", "", "", "")[:4]
    return NewBusinessPartner(
        BusinessPartnerCategory=_ORGANIZATION,
        BusinessPartnerGrouping=settings.partner_grouping,
        BusinessPartnerIDByExtSystem=reference,
        OrganizationBPName1=first,
        OrganizationBPName2=second,
        OrganizationBPName3=third,
        OrganizationBPName4=fourth,
        SearchTerm1=search_term(first),
        to_BusinessPartnerAddress=[address],
        to_BusinessPartnerRole=[NewRole(role) for role in roles],
        to_BusinessPartnerTax=list(taxes),
        to_Customer=customer,
    )


def search_term(name: str) -> str:
    """What a partner is searched by: the start of its name in capitals, letter by letter as ABAP makes them."""
    term = ""
    for char in name:
        if width(term + char) > SEARCH_TERM:
            break
        term += char.upper() if len(char.upper()) == 1 else char
    return term.strip()


def _address(address: Address, reasons: Reasons, *, mailbox: str = "", phone: str = "") -> NewAddress:
    if address.country is None:
        reasons.add("/address/country", "SAP keeps no address without a country; give its ISO 3166 code.")
    if not address.city.strip():
        reasons.add("/address/city", "SAP keeps no address without a city.")
    counted = {
        name: reasons.fitting(getattr(address, name), places, f"/address/{_POINTERS[name]}")
        for name, places in _COUNTED.items()
    }
    street = reasons.lines(address.street, STREET_WIDTHS, "/address/street")
    mail, phone = reasons.fitting(mailbox, 241, "/email"), reasons.fitting(phone, 30, "/phone")
    return NewAddress(
        Country=address.country or "",
        CityName=counted["city"],
        StreetName=street[0] if street else "",
        StreetSuffixName=street[1] if len(street) > 1 else "",
        AdditionalStreetSuffixName=street[2] if len(street) > 2 else "",  # noqa: PLR2004 - the third line
        HouseNumber=counted["house_number"],
        PostalCode=counted["postal_code"],
        Region=counted["region"],
        to_AddressUsage=[NewUsage()],
        to_EmailAddress=[NewMailbox(mail)] if mail else [],
        to_PhoneNumber=[NewPhone(phone, address.country or "")] if phone else [],
    )


def _area(key: SalesAreaKey, customer: NewErpCustomer, parent: str, settings: SapSettings) -> NewSalesArea:
    above = [NewFunction(settings.hierarchy_function, parent)] if parent else []
    return NewSalesArea(
        SalesOrganization=key.organization,
        DistributionChannel=key.channel,
        Division=key.division,
        Currency=customer.currency,
        CustomerPaymentTerms=customer.payment_terms or settings.payment_terms,
        CustomerPricingProcedure=settings.pricing_procedure,
        IncotermsClassification=settings.incoterms,
        IncotermsLocation1=tidy(customer.address.city)[:70] if settings.incoterms else "",
        ShippingCondition=settings.shipping_condition,
        to_PartnerFunction=above,
    )


def _check_codes(customer: NewErpCustomer, reasons: Reasons) -> None:
    """The codes of SAP's customizing are letters and digits and short; SAP itself says which exist."""
    codes = [(customer.company_code or "", 4, "/companyCode"), (customer.payment_terms or "", 4, "/paymentTerms")]
    for at, area in enumerate(customer.sales_areas):
        pointer = f"/salesAreas/{at}"
        codes += [(area.organization, 4, f"{pointer}/organization"), (area.channel, 2, f"{pointer}/channel")]
        codes.append((area.division, 2, f"{pointer}/division"))
    for code, places, pointer in codes:
        if len(code) > places or not _CODE.fullmatch(code):
            reasons.add(pointer, f"SAP's codes here are up to {places} letters and digits.")


def _taxes(customer: NewErpCustomer, reasons: Reasons, settings: SapSettings) -> list[NewTax]:
    number = reasons.fitting(customer.tax_number, 20, "/taxNumber")
    country = customer.address.country
    if not number or country is None:
        return []
    return [NewTax(settings.tax_types.get(country, f"{country}0"), number)]
