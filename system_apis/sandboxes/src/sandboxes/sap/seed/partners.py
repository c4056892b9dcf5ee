"""Business partners and customers of the seed company."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import NAMESPACE_OID, uuid5

from sandboxes.company import Address, Company, Contact, Customer, ShipTo
from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.sales.tables import CREDIT_ACCOUNTS, EXPOSURES
from sandboxes.sap.services.business_partner import BUSINESS_PARTNER, HIERARCHY_FUNCTION
from sandboxes.sap.services.credit_account import CREDIT_ACCOUNT, SEGMENT
from sandboxes.sap.storage import Records, table_of

HOME_AREA = ("1010", "10", "00")
_AREA_BY_COUNTRY = {"US": "1710", "JP": "1510", "KR": "1510", "CN": "1510"}
_FIRST_PERSON = 40_000_000
_CREATED = datetime(2025, 3, 3, tzinfo=UTC)
_FOREVER = datetime(9999, 12, 31, tzinfo=UTC)

_Written = tuple[str, Row]


def seed_partners(records: Records, company: Company) -> None:
    """Write every customer, its ship-to places, contacts, sales areas, partner functions and credit account."""
    rows: dict[str, list[Row]] = {}
    addresses = count(10_001)
    for customer in company.customers:
        for name, row in _customer(customer, company, addresses):
            rows.setdefault(name, []).append(row)
    for name, written in rows.items():
        service = BUSINESS_PARTNER if name in BUSINESS_PARTNER.sets else CREDIT_ACCOUNT
        records.add(table_of(service, name), *written)
    records.add(
        EXPOSURES, *({"Customer": one.sap_customer, "Amount": one.credit_exposure} for one in company.customers)
    )


def _customer(customer: Customer, company: Company, addresses: "count[int]") -> Iterator[_Written]:
    partner = customer.sap_business_partner
    yield "A_BusinessPartner", _organization(partner, customer.sap_customer, customer.sap_name_parts, customer)
    yield from _address(partner, customer.billing, next(addresses), customer)
    for role in ("FLCU00", "FLCU01"):
        yield "A_BusinessPartnerRole", _role(partner, role)
    tax_type = "US01" if customer.country == "US" else f"{customer.country}0"
    tax: Row = {"BusinessPartner": partner, "BPTaxType": tax_type, "BPTaxNumber": customer.tax_number[:20]}
    yield "A_BusinessPartnerTaxNumber", tax
    head = _head(customer, company)
    yield (
        "A_Customer",
        {
            **_customer_row(customer.sap_customer, customer.legal_name, "0001"),
            "OrderIsBlockedForCustomer": "01" if customer.order_blocked else "",
            "CustomerCorporateGroup": head.sap_customer if head.number != customer.number else "",
            "TaxNumber1": customer.tax_number[:16],
            "VATRegistration": customer.tax_number[:20],
        },
    )
    yield (
        "A_CustomerCompany",
        {
            "Customer": customer.sap_customer,
            "CompanyCode": "1010",
            "PaymentTerms": customer.payment_terms,
            "ReconciliationAccount": "12100000",
            "PaymentMethodsList": "T",
            "CustomerAccountGroup": "0001",
        },
    )
    yield from _sales_areas(customer, company)
    for place in customer.ship_to:
        yield from _ship_to(place, customer, next(addresses))
    for contact in customer.contacts:
        yield from _contact(contact, partner)
    yield "CreditMgmtBusinessPartner", {"BusinessPartner": partner, "CreditRiskClass": "B", "CreditCheckRule": "01"}
    yield (
        CREDIT_ACCOUNTS.set.name,
        {
            "BusinessPartner": partner,
            "CreditSegment": SEGMENT,
            "CreditLimitAmount": customer.credit_limit,
            "CreditLimitValidityEndDate": _FOREVER,
            "CreditLimitIsZero": customer.credit_limit == 0,
            "CreditSegmentCurrency": customer.currency,
        },
    )


def _organization(partner: str, customer: str, parts: tuple[str, ...], of: Customer) -> Row:
    names = {f"OrganizationBPName{place}": part for place, part in enumerate(parts, 1)}
    full = " ".join(parts)[:81]
    return {
        "BusinessPartner": partner,
        "Customer": customer,
        "BusinessPartnerCategory": "2",
        "BusinessPartnerFullName": full,
        "BusinessPartnerGrouping": "BP02",
        "BusinessPartnerName": full,
        "BusinessPartnerUUID": str(uuid5(NAMESPACE_OID, partner)),
        "CorrespondenceLanguage": of.language.upper(),
        "Language": of.language.upper(),
        "CreatedByUser": "MIGRATION",
        "SearchTerm1": _capitals(parts[0][:20]).strip(),
        "BusinessPartnerIDByExtSystem": "",
        **names,
        **_stamp(),
    }


def _capitals(text: str) -> str:
    """As ABAP translates to upper case: letter by letter, so that ß stays."""
    return "".join(char.upper() if len(char.upper()) == 1 else char for char in text)


def _address(partner: str, address: Address, number: int, of: Customer) -> Iterator[_Written]:
    key = str(number)
    yield (
        "A_BusinessPartnerAddress",
        {
            "BusinessPartner": partner,
            "AddressID": key,
            "ValidityStartDate": _CREATED,
            "ValidityEndDate": _FOREVER,
            "AddressUUID": str(uuid5(NAMESPACE_OID, f"address/{key}")),
            "StreetName": address.street[:60],
            "HouseNumber": address.house_number[:10],
            "CityName": address.city[:40],
            "Region": address.region[:3],
            "PostalCode": address.postal_code[:10],
            "Country": address.country,
            "Language": of.language.upper(),
        },
    )
    usage: Row = {"BusinessPartner": partner, "AddressID": key, "AddressUsage": "XXDEFAULT", "StandardUsage": True}
    yield "A_BuPaAddressUsage", {**usage, "ValidityStartDate": _CREATED, "ValidityEndDate": _FOREVER}
    line: Row = {"AddressID": key, "Person": "", "OrdinalNumber": "1"}
    mailbox = of.contacts[0].email.partition("@")[2] if of.contacts else "customer.example"
    yield (
        "A_AddressEmailAddress",
        {**line, "IsDefaultEmailAddress": True, "EmailAddress": f"office@{mailbox}", "SearchEmailAddress": "OFFICE"},
    )
    yield (
        "A_AddressPhoneNumber",
        {
            **line,
            "DestinationLocationCountry": address.country,
            "IsDefaultPhoneNumber": True,
            "PhoneNumber": of.phone[:30],
            "InternationalPhoneNumber": of.phone[:30],
            "PhoneNumberType": "1",
        },
    )
    yield (
        "A_AddressHomePageURL",
        {**line, "ValidityStartDate": _CREATED, "IsDefaultURLAddress": True, "WebsiteURL": of.website},
    )


def _customer_row(customer: str, name: str, group: str) -> Row:
    return {
        "Customer": customer,
        "CreatedByUser": "MIGRATION",
        "CreationDate": _CREATED,
        "CustomerAccountGroup": group,
        "CustomerFullName": name[:220],
        "CustomerName": name[:80],
    }


def _role(partner: str, role: str) -> Row:
    return {"BusinessPartner": partner, "BusinessPartnerRole": role, "ValidFrom": _CREATED, "ValidTo": _FOREVER}


def _sales_areas(customer: Customer, company: Company) -> Iterator[_Written]:
    organizations = [one for one in ("1010", _AREA_BY_COUNTRY.get(customer.country)) if one]
    parent = company.customer_by_number[customer.parent] if customer.parent else None
    for organization in organizations:
        area: Row = {
            "Customer": customer.sap_customer,
            "SalesOrganization": organization,
            "DistributionChannel": "10",
            "Division": "00",
        }
        yield (
            "A_CustomerSalesArea",
            area
            | {
                "Currency": customer.currency,
                "CustomerGroup": "01",
                "CustomerPaymentTerms": customer.payment_terms,
                "CustomerPriceGroup": "C1",
                "CustomerPricingProcedure": "01",
                "IncotermsClassification": "EXW",
                "IncotermsLocation1": customer.billing.city[:70],
                "ShippingCondition": "01",
                "SupplyingPlant": organization,
                "CustomerAccountGroup": "0001",
            },
        )
        functions = [(code, customer.sap_customer, True) for code in ("SP", "BP", "PY")]
        functions += [("SH", place.sap_customer, at == 0) for at, place in enumerate(customer.ship_to)]
        functions += [(HIERARCHY_FUNCTION, parent.sap_customer, False)] if parent else []
        counters: dict[str, int] = {}
        for code, number, default in functions:
            counters[code] = counters.get(code, -1) + 1
            yield (
                "A_CustSalesPartnerFunc",
                area
                | {
                    "PartnerCounter": str(counters[code]),
                    "PartnerFunction": code,
                    "BPCustomerNumber": number,
                    "DefaultPartner": default,
                },
            )


def _ship_to(place: ShipTo, customer: Customer, address: int) -> Iterator[_Written]:
    parts = tuple(place.name[at : at + 40] for at in range(0, min(len(place.name), 160), 40))
    yield "A_BusinessPartner", _organization(place.sap_customer, place.sap_customer, parts, customer)
    yield from _address(place.sap_customer, place.address, address, customer)
    yield "A_Customer", _customer_row(place.sap_customer, place.name, "0002")
    yield "A_BusinessPartnerRole", _role(place.sap_customer, "FLCU01")


def _contact(contact: Contact, partner: str) -> Iterator[_Written]:
    person = str(_FIRST_PERSON + contact.number)
    name = f"{contact.first_name} {contact.last_name}"[:80]
    yield (
        "A_BusinessPartner",
        {
            "BusinessPartner": person,
            "BusinessPartnerCategory": "1",
            "BusinessPartnerFullName": name,
            "BusinessPartnerName": name,
            "PersonFullName": name,
            "FirstName": contact.first_name[:40],
            "LastName": contact.last_name[:40],
            "BusinessPartnerGrouping": "BP02",
            "BusinessPartnerUUID": str(uuid5(NAMESPACE_OID, person)),
            "CreatedByUser": "MIGRATION",
            **_stamp(),
        },
    )
    link: Row = {
        "RelationshipNumber": str(contact.number),
        "BusinessPartnerCompany": partner,
        "BusinessPartnerPerson": person,
        "ValidityEndDate": _FOREVER,
    }
    yield (
        "A_BusinessPartnerContact",
        {**link, "ValidityStartDate": _CREATED, "IsStandardRelationship": True, "RelationshipCategory": "BUR001"},
    )
    yield (
        "A_BPContactToFuncAndDept",
        {
            **link,
            "ContactPersonFunctionName": contact.title[:40],
            "PhoneNumber": contact.phone[:30],
            "EmailAddress": contact.email[:241],
        },
    )


def _head(customer: Customer, company: Company) -> Customer:
    while customer.parent:
        customer = company.customer_by_number[customer.parent]
    return customer


def _stamp() -> Row:
    return {
        "CreationDate": _CREATED,
        "CreationTime": timedelta(hours=9),
        "LastChangeDate": _CREATED,
        "LastChangeTime": timedelta(hours=9),
        "LastChangedByUser": "MIGRATION",
        "ETag": _CREATED.strftime("%Y%m%d%H%M%S%f"),
    }
