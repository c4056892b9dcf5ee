"""Business partners created whole, extended and changed; customer data is kept in step (customer/vendor integration).

Source: the published behaviour of API_BUSINESS_PARTNER. A partner cannot be deleted, and the same request sent twice
makes two partners; `BusinessPartnerIDByExtSystem` is only a field to search by.
"""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

from sandboxes.sap.odata_v2.behaviour import Behaviour, Node, Payload, Work
from sandboxes.sap.odata_v2.edm import EntitySet, Row, Value
from sandboxes.sap.odata_v2.errors import Message, refuse
from sandboxes.sap.partners import messages
from sandboxes.sap.partners.checking import AREA, block_faults, function_faults, partner_faults, role_faults, shown
from sandboxes.sap.partners.customizing import FIRST_PARTNER, OWN_FUNCTIONS, SHARED_FUNCTIONS
from sandboxes.sap.sales.fields import text
from sandboxes.sap.sales.messages import refused
from sandboxes.sap.sales.partners import external_function
from sandboxes.sap.sales.tables import ADDRESSES, CUSTOMERS, PARTNER_FUNCTIONS, PARTNERS, SALES_AREAS
from sandboxes.sap.services.business_partner import BUSINESS_PARTNER

_FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
_FIRST_ADDRESS = 900_001
_LINES = {"to_EmailAddress": "A_AddressEmailAddress", "to_PhoneNumber": "A_AddressPhoneNumber"}
_UNIQUE_ADDRESS_LINES = {"to_EmailAddress": "IsDefaultEmailAddress", "to_PhoneNumber": "IsDefaultPhoneNumber"}
_SOLD_TO_GROUP = "0001"


def create_partner(work: Work, entity_set: EntitySet, payload: Payload) -> Node:
    """A new partner with addresses, roles, tax numbers and customer data; refused as a whole if anything is wrong."""
    _refuse(partner_faults(work, payload))
    partner = text(payload.values, "BusinessPartner")
    partner = partner or work.records.next_number("business partner", FIRST_PARTNER)
    is_customer = any(
        text(one.values, "BusinessPartnerRole").startswith("FLCU") for one in payload.below("to_BusinessPartnerRole")
    )
    row = payload.values | _partner_row(work, partner, payload.values) | {"Customer": partner if is_customer else ""}
    try:
        work.records.add(PARTNERS, row)
    except sqlite3.IntegrityError:
        raise refused(messages.external_number(partner)) from None
    for one in payload.below("to_BusinessPartnerAddress"):
        _add_address(work, partner, one)
    for one in payload.below("to_BusinessPartnerRole"):
        work.records.add(work.table("A_BusinessPartnerRole"), _role_row(work, partner, one.values))
    for one in payload.below("to_BusinessPartnerTax"):
        work.records.add(work.table("A_BusinessPartnerTaxNumber"), one.values | {"BusinessPartner": partner})
    if is_customer:
        _add_customer(work, partner, row, payload)
    return Node(entity_set, work.records.get(PARTNERS, BusinessPartner=partner) or row)


def _partner_row(work: Work, partner: str, values: Mapping[str, Value]) -> Row:
    names = " ".join(filter(None, (text(values, f"OrganizationBPName{place}") for place in range(1, 5))))
    full = (names or f"{text(values, 'FirstName')} {text(values, 'LastName')}".strip())[:81]
    midnight = work.now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "BusinessPartner": partner,
        "BusinessPartnerGrouping": text(values, "BusinessPartnerGrouping") or "BP02",
        "BusinessPartnerFullName": full,
        "BusinessPartnerName": full,
        "BusinessPartnerUUID": str(uuid5(NAMESPACE_OID, partner)),
        "CreatedByUser": work.user,
        "CreationDate": midnight,
        "CreationTime": work.now - midnight,
        **_stamp(work),
    }


def _stamp(work: Work) -> Row:
    midnight = work.now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "LastChangeDate": midnight,
        "LastChangeTime": timedelta(seconds=int((work.now - midnight).total_seconds())),
        "LastChangedByUser": work.user,
        "ETag": work.now.strftime("%Y%m%d%H%M%S%f"),
    }


def _add_address(work: Work, partner: str, payload: Payload) -> None:
    number = work.records.next_number("address", _FIRST_ADDRESS)
    key: Row = {"BusinessPartner": partner, "AddressID": number}
    validity: Row = {"ValidityStartDate": work.now, "ValidityEndDate": _FOREVER}
    first = not work.records.find(ADDRESSES, BusinessPartner=partner)
    uuid = str(uuid5(NAMESPACE_OID, f"address/{number}"))
    work.records.add(ADDRESSES, payload.values | key | validity | {"AddressUUID": uuid})
    usages = [text(one.values, "AddressUsage") for one in payload.below("to_AddressUsage")]
    for usage in usages or (["XXDEFAULT"] if first else []):
        work.records.add(
            work.table("A_BuPaAddressUsage"), key | validity | {"AddressUsage": usage, "StandardUsage": True}
        )
    for navigation, entity_set in _LINES.items():
        for place, one in enumerate(payload.below(navigation), 1):
            line: Row = {"AddressID": number, "Person": "", "OrdinalNumber": str(place)}
            default: Row = {_UNIQUE_ADDRESS_LINES[navigation]: place == 1}
            work.records.add(work.table(entity_set), default | one.values | line)


def _role_row(work: Work, partner: str, values: Mapping[str, Value]) -> Row:
    return {
        "BusinessPartner": partner,
        "BusinessPartnerRole": values["BusinessPartnerRole"],
        "ValidFrom": work.now,
        "ValidTo": _FOREVER,
    }


def _add_customer(work: Work, number: str, partner: Row, payload: Payload) -> None:
    sent = next(iter(payload.below("to_Customer")), Payload({}, {}))
    taxes = {
        text(one.values, "BPTaxType"): text(one.values, "BPTaxNumber") for one in payload.below("to_BusinessPartnerTax")
    }
    row = sent.values | {
        "Customer": number,
        "CreatedByUser": work.user,
        "CreationDate": partner["CreationDate"],
        "CustomerAccountGroup": _SOLD_TO_GROUP,
        "CustomerName": text(partner, "BusinessPartnerName")[:80],
        "CustomerFullName": text(partner, "BusinessPartnerName"),
        "VATRegistration": next((tax for kind, tax in taxes.items() if kind.endswith("0")), "")[:20],
        "TaxNumber1": next((tax for kind, tax in taxes.items() if kind.endswith("1")), "")[:16],
    }
    work.records.add(CUSTOMERS, row)
    for one in sent.below("to_CustomerCompany"):
        extra: Row = {"Customer": number, "CustomerAccountGroup": _SOLD_TO_GROUP}
        work.records.add(work.table("A_CustomerCompany"), one.values | extra)
    for one in sent.below("to_CustomerSalesArea"):
        _add_area(work, number, one)


def _add_area(work: Work, customer: str, payload: Payload) -> None:
    key: Row = {"Customer": customer, **{name: payload.values[name] for name in AREA}}
    work.records.add(SALES_AREAS, payload.values | key | {"CustomerAccountGroup": _SOLD_TO_GROUP})
    sent = [one.values for one in payload.below("to_PartnerFunction")]
    named = {external_function(text(one, "PartnerFunction")) for one in sent}
    missing: list[Row] = [{"PartnerFunction": code} for code in OWN_FUNCTIONS if code not in named]
    for one in (*missing, *sent):
        _add_function(work, key, one)


def _add_function(work: Work, key: Row, values: Mapping[str, Value]) -> Row:
    code = external_function(text(values, "PartnerFunction"))
    held = work.records.find(PARTNER_FUNCTIONS, **key, PartnerFunction=code)
    row: Row = {
        **values,
        **key,
        "PartnerFunction": code,
        "PartnerCounter": str(1 + max((int(text(one, "PartnerCounter")) for one in held), default=-1)),
        "BPCustomerNumber": text(values, "BPCustomerNumber") or key["Customer"],
        "DefaultPartner": bool(values.get("DefaultPartner")) or not held,
    }
    work.records.add(PARTNER_FUNCTIONS, row)
    return work.records.get(PARTNER_FUNCTIONS, **PARTNER_FUNCTIONS.key_of(row)) or row


def create_function(work: Work, entity_set: EntitySet, payload: Payload) -> Node:
    """One more partner of a sales area; it gets the next counter of its function."""
    values = payload.values
    key: Row = {name: text(values, name) for name in ("Customer", *AREA)}
    if work.records.get(SALES_AREAS, **key) is None:
        raise refused(messages.area_unknown(text(values, "Customer"), shown(values)))
    _refuse(list(function_faults(work, values, [values])))
    code = external_function(text(values, "PartnerFunction"))
    held = work.records.find(PARTNER_FUNCTIONS, **key, PartnerFunction=code)
    if held and (
        code not in SHARED_FUNCTIONS or values.get("BPCustomerNumber") in {one["BPCustomerNumber"] for one in held}
    ):
        raise refused(messages.partner_only_once(code))
    row = _add_function(work, key, values)
    _stamp_partner(work, {"Customer": key["Customer"]})
    return Node(entity_set, row)


def create_role(work: Work, entity_set: EntitySet, payload: Payload) -> Node:
    """One more role of a partner; the first customer role makes it a customer."""
    number, role = text(payload.values, "BusinessPartner"), text(payload.values, "BusinessPartnerRole")
    partner = work.records.get(PARTNERS, BusinessPartner=number)
    if partner is None:
        raise refused(messages.partner_missing(number))
    table = work.table("A_BusinessPartnerRole")
    held = [text(one, "BusinessPartnerRole") for one in work.records.find(table, BusinessPartner=number)]
    _refuse(list(role_faults([role], held)))
    row = {"AuthorizationGroup": ""} | _role_row(work, number, payload.values)
    work.records.add(table, row)
    if role.startswith("FLCU") and not text(partner, "Customer"):
        work.records.change(PARTNERS, {"BusinessPartner": number}, {"Customer": number})
        _add_customer(work, number, partner, Payload({}, {}))
    _stamp_partner(work, {"BusinessPartner": number})
    return Node(entity_set, row)


def _changed(work: Work, entity_set: EntitySet, old: Row, changes: Row) -> None:
    """Store the change and stamp the business partner it belongs to, which is how readers notice."""
    _refuse(list(block_faults(changes)))
    table = work.table(entity_set.name)
    if changes:
        work.records.change(table, table.key_of(old), changes)
    if "BusinessPartner" in old:
        _stamp_partner(work, {"BusinessPartner": old["BusinessPartner"]})
    elif "Customer" in old:
        _stamp_partner(work, {"Customer": old["Customer"]})
    else:
        for address in work.records.find(ADDRESSES, AddressID=old["AddressID"]):
            _stamp_partner(work, {"BusinessPartner": address["BusinessPartner"]})


def _stamp_partner(work: Work, key: Row) -> None:
    work.records.change(PARTNERS, key, _stamp(work))


def _refuse(faults: list[Message]) -> None:
    if faults:
        raise refused(*faults)


def _deletion(work: Work, entity_set: EntitySet, row: Row) -> None:
    """A partner that its function cannot do without stays."""
    if text(row, "PartnerFunction") in OWN_FUNCTIONS and text(row, "PartnerCounter") == "0":
        raise refuse(400, "VP/202", f"Partner function {text(row, 'PartnerFunction')} is mandatory", "PartnerFunction")
    table = work.table(entity_set.name)
    work.records.remove(table, **table.key_of(row))
    _stamp_partner(work, {"Customer": row["Customer"]})


BEHAVIOUR = Behaviour(
    create={
        "A_BusinessPartner": create_partner,
        "A_BusinessPartnerRole": create_role,
        "A_CustSalesPartnerFunc": create_function,
    },
    update={one.name: _changed for one in BUSINESS_PARTNER.sets.values() if one.updatable},
    delete={"A_CustSalesPartnerFunc": _deletion},
)
