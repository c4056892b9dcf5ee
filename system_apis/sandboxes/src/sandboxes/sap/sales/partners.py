"""The partners of an order: sold-to, ship-to, bill-to, payer, contact and hierarchy."""

from collections.abc import Mapping

from sandboxes.sap.odata_v2.behaviour import Payload, Work
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.odata_v2.errors import Message
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.fields import text
from sandboxes.sap.sales.tables import ADDRESSES, CUSTOMERS, PARTNER_FUNCTIONS, PARTNERS

# German codes are what SAP keeps; English conversion shows the other
INTERNAL_CODES = {"SP": "AG", "SH": "WE", "BP": "RE", "PY": "RG", "CP": "AP"}
_EXTERNAL_CODES = {internal: external for external, internal in INTERNAL_CODES.items()}
_CONTACTS = frozenset({"CP"})


def draft_partners(
    work: Work, header: Mapping[str, Value], area: Row, sent: list[Payload]
) -> tuple[list[Row], list[Message]]:
    """The order's partners by function: those sent, else the sales area's defaults, else the sold-to party itself."""
    sold_to = text(header, "SoldToParty")
    chosen: dict[str, Row] = {function: {"Customer": sold_to} for function in ("SP", "SH", "BP", "PY")}
    for one in work.records.find(
        PARTNER_FUNCTIONS,
        **{key: area[key] for key in ("Customer", "SalesOrganization", "DistributionChannel", "Division")},
    ):
        if one["DefaultPartner"] and text(one, "PartnerFunction") in chosen:
            chosen[text(one, "PartnerFunction")] = {"Customer": text(one, "BPCustomerNumber")}
    faults: list[Message] = []
    for payload in sent:
        function = external_function(text(payload.values, "PartnerFunction"))
        if fault := check_partner(work, function, payload.values):
            faults.append(fault)
        else:
            chosen[function] = {
                name: payload.values.get(name) or "" for name in ("Customer", "ContactPerson", "Personnel")
            }
    return [partner_row(work, function, one) for function, one in chosen.items()], faults


def external_function(code: str) -> str:
    """A partner function in its English spelling, whichever was sent."""
    return _EXTERNAL_CODES.get(code.upper(), code.upper())


def check_partner(work: Work, function: str, values: Mapping[str, Value]) -> Message | None:
    """What is wrong with a partner, or None."""
    if function not in INTERNAL_CODES:
        return messages.partner_function_unknown(function)
    customer = text(values, "Customer")
    if function not in _CONTACTS and work.records.get(CUSTOMERS, Customer=customer) is None:
        return messages.partner_unknown(customer, function)
    return None


def partner_row(work: Work, function: str, values: Mapping[str, Value]) -> Row:
    """A partner of an order with its address."""
    partners = work.records.find(PARTNERS, Customer=text(values, "Customer")) if text(values, "Customer") else []
    number = text(partners[0], "BusinessPartner") if partners else ""
    addresses = work.records.find(ADDRESSES, BusinessPartner=number) if number else []
    return dict(values) | {
        "PartnerFunction": function,
        "PartnerFunctionInternalCode": INTERNAL_CODES.get(function, function),
        "ReferenceBusinessPartner": number,
        "AddressID": text(addresses[0], "AddressID") if addresses else "",
    }
