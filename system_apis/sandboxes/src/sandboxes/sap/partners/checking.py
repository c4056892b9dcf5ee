"""What a new business partner breaks of the rules, all of it at once."""

from collections.abc import Iterator, Mapping, Sequence

from sandboxes.sap.odata_v2.behaviour import Payload, Work
from sandboxes.sap.odata_v2.edm import Value
from sandboxes.sap.odata_v2.errors import Message
from sandboxes.sap.partners import messages
from sandboxes.sap.partners.customizing import (
    COMPANY_CODES,
    GROUPINGS,
    INCOTERMS,
    ORDER_BLOCKS,
    OWN_FUNCTIONS,
    PAYMENT_TERMS,
    RECONCILIATION_ACCOUNTS,
    ROLES,
    SALES_AREAS,
    SHARED_FUNCTIONS,
    needs_region,
    regions,
    tax_types,
)
from sandboxes.sap.sales.credit_check import currency_exists
from sandboxes.sap.sales.fields import text
from sandboxes.sap.sales.partners import external_function
from sandboxes.sap.sales.tables import CUSTOMERS
from sandboxes.sap.sales.tables import SALES_AREAS as KEPT_AREAS
from sandboxes.sap.services.business_partner import HIERARCHY_FUNCTION

AREA = ("SalesOrganization", "DistributionChannel", "Division")
_PERSON, _ORGANIZATION, _GROUP = "1", "2", "3"
_FUNCTIONS = frozenset({*OWN_FUNCTIONS, HIERARCHY_FUNCTION})


def partner_faults(work: Work, payload: Payload) -> list[Message]:
    """Everything wrong with a partner to be created, with what is nested in it."""
    roles = [text(one.values, "BusinessPartnerRole") for one in payload.below("to_BusinessPartnerRole")]
    taxes = [text(one.values, "BPTaxType") for one in payload.below("to_BusinessPartnerTax")]
    return [
        *_general(payload.values),
        *(fault for one in payload.below("to_BusinessPartnerAddress") for fault in address_faults(one)),
        *role_faults(roles),
        *(messages.tax_type(one) for one in taxes if one not in tax_types()),
        *map(messages.tax_type_twice, _repeated(taxes)),
        *(fault for one in payload.below("to_Customer") for fault in _customer(work, one, roles)),
    ]


def address_faults(payload: Payload) -> Iterator[Message]:
    """What is wrong with an address and the mailboxes below it."""
    country, region = text(payload.values, "Country"), text(payload.values, "Region")
    known = regions().get(country)
    if known is None:
        yield messages.country(country)
    elif region and region not in known:
        yield messages.region(region, country)
    elif not region and needs_region(country):
        yield messages.region_missing(country)
    if not text(payload.values, "CityName"):
        yield messages.city_missing()
    for one in payload.below("to_EmailAddress"):
        mailbox = text(one.values, "EmailAddress")
        if mailbox.count("@") != 1 or mailbox != mailbox.strip():
            yield messages.mailbox(mailbox)


def role_faults(roles: Sequence[str], held: Sequence[str] = ()) -> Iterator[Message]:
    """Roles that do not exist, or that the partner would have twice."""
    yield from (messages.role(one) for one in roles if one not in ROLES)
    yield from map(messages.role_twice, _repeated([*held, *roles]))


def function_faults(work: Work, area: Mapping[str, Value], sent: Sequence[Mapping[str, Value]]) -> Iterator[Message]:
    """What is wrong with partner functions of a sales area."""
    codes = [external_function(text(one, "PartnerFunction")) for one in sent]
    for code, one in zip(codes, sent, strict=True):
        number = text(one, "BPCustomerNumber")
        if code not in _FUNCTIONS:
            yield messages.partner_function(code)
        elif not number:
            continue
        elif work.records.get(CUSTOMERS, Customer=number) is None:
            yield messages.partner_unknown(number, code)
        elif work.records.get(KEPT_AREAS, Customer=number, **{name: area[name] for name in AREA}) is None:
            yield messages.partner_elsewhere(number, shown(area))
    yield from (messages.partner_only_once(code) for code in _repeated(codes) if code not in SHARED_FUNCTIONS)


def block_faults(changes: Mapping[str, Value]) -> Iterator[Message]:
    """An order block that does not exist."""
    given = text(changes, "OrderIsBlockedForCustomer")
    if given not in ORDER_BLOCKS:
        yield messages.order_block(given)


def shown(area: Mapping[str, Value]) -> str:
    """A sales area as messages name it."""
    return " ".join(text(area, name) for name in AREA)


def _general(values: Mapping[str, Value]) -> Iterator[Message]:
    kind, grouping = text(values, "BusinessPartnerCategory"), text(values, "BusinessPartnerGrouping")
    if kind not in (_PERSON, _ORGANIZATION, _GROUP):
        yield messages.category(kind)
    draws = GROUPINGS.get(grouping or "BP02")
    if draws is None:
        yield messages.grouping(grouping)
    elif draws == bool(text(values, "BusinessPartner")):
        yield messages.external_number(text(values, "BusinessPartner") or "(none)")
    if kind == _ORGANIZATION and not text(values, "OrganizationBPName1"):
        yield messages.name_missing()


def _customer(work: Work, payload: Payload, roles: Sequence[str]) -> Iterator[Message]:
    companies, areas = payload.below("to_CustomerCompany"), payload.below("to_CustomerSalesArea")
    if not {"FLCU00", "FLCU01"} & set(roles):
        yield messages.no_customer_role()
    elif companies and "FLCU00" not in roles:
        yield messages.role_needed("FLCU00", "Company code data")
    elif areas and "FLCU01" not in roles:
        yield messages.role_needed("FLCU01", "Sales area data")
    yield from block_faults(payload.values)
    for one in companies:
        yield from _company(one.values)
    for one in areas:
        yield from _area(work, one)
    codes = [text(one.values, "CompanyCode") for one in companies]
    yield from (messages.twice(f"Company code {one}", "CompanyCode") for one in _repeated(codes))
    keys = [shown(one.values) for one in areas]
    yield from (messages.twice(f"Sales area {one}", "SalesOrganization") for one in _repeated(keys))


def _company(values: Mapping[str, Value]) -> Iterator[Message]:
    code, account, terms = (text(values, name) for name in ("CompanyCode", "ReconciliationAccount", "PaymentTerms"))
    if code not in COMPANY_CODES:
        yield messages.company_code(code)
    if account not in RECONCILIATION_ACCOUNTS:
        yield messages.reconciliation_account(account)
    if terms and terms not in PAYMENT_TERMS:
        yield messages.payment_terms(terms, "PaymentTerms")


def _area(work: Work, payload: Payload) -> Iterator[Message]:
    values = payload.values
    if tuple(text(values, name) for name in AREA) not in SALES_AREAS:
        yield messages.sales_area(shown(values))
        return
    if not currency_exists(work.records, text(values, "Currency")):
        yield messages.currency(text(values, "Currency"))
    terms, incoterms = text(values, "CustomerPaymentTerms"), text(values, "IncotermsClassification")
    if terms and terms not in PAYMENT_TERMS:
        yield messages.payment_terms(terms, "CustomerPaymentTerms")
    if incoterms and incoterms not in INCOTERMS:
        yield messages.incoterms(incoterms)
    yield from function_faults(work, values, [one.values for one in payload.below("to_PartnerFunction")])


def _repeated(values: Sequence[str]) -> list[str]:
    return sorted({one for one in values if values.count(one) > 1})
