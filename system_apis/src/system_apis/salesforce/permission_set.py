"""The PermissionSet of our integration user (Metadata API Developer Guide, "PermissionSet")."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from shared.governance.access import Access, ObjectAccess

NAMESPACE: Final = "http://soap.sforce.com/2006/04/metadata"
LABEL: Final = "Triptych Integration"
DESCRIPTION: Final = "What Triptych reads and writes in this org, and nothing else. Made by: triptych permission-set."

_SYSTEM: Final = frozenset(
    {"Id", "Name", "CreatedDate", "LastModifiedDate", "SystemModstamp", "IsDeleted", "OwnerId", "CurrencyIsoCode"}
)
_OF_THE_ORG: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "Contact": frozenset({"FirstName", "LastName"}),
        "Opportunity": frozenset({"StageName", "CloseDate", "IsClosed"}),
        "Order": frozenset({"OrderNumber", "AccountId", "EffectiveDate", "Status", "TotalAmount"}),
        "OrderItem": frozenset({"OrderItemNumber", "OrderId", "PricebookEntryId", "Quantity", "UnitPrice"}),
        "Quote": frozenset({"QuoteNumber", "OpportunityId", "AccountId", "TotalPrice", "GrandTotal"}),
        "QuoteLineItem": frozenset(
            {"LineNumber", "QuoteId", "PricebookEntryId", "Product2Id", "Quantity", "UnitPrice"}
        ),
        "ReturnOrder": frozenset({"ReturnOrderNumber"}),
        "ReturnOrderLineItem": frozenset({"ReturnOrderLineItemNumber", "ReturnOrderId", "QuantityReturned"}),
    }
)
"""Standard fields that are required, counted up or worked out: an org grants them with the object and refuses a
permission set that names them. Custom fields must be neither required nor formulas, or be left out by hand."""
_USERS: Final = "User"
"""All of them are seen with a permission of its own."""
_ACTIVATION: Final = ("ActivateOrder", "EditActivatedOrders")
"""Users with neither cannot complete an order, or note anything on one that is complete."""


def permission_set(access: Access) -> str:
    """The XML document that grants this access and the use of the API; all in the order of the alphabet."""
    root = Element("PermissionSet", xmlns=NAMESPACE)
    SubElement(root, "description").text = DESCRIPTION
    for name, each in sorted(access.items()):
        for field in grantable(name, each):
            editable = field in each.create | each.edit
            _add(root, "fieldPermissions", editable=editable, field=f"{name}.{field}", readable=True)
    SubElement(root, "hasActivationRequired").text = "false"
    SubElement(root, "label").text = LABEL
    for name, each in sorted(access.items()):
        _add(
            root,
            "objectPermissions",
            allowCreate=bool(each.create),
            allowDelete=each.delete,
            allowEdit=bool(each.edit) or each.delete,
            allowRead=True,
            modifyAllRecords=False,
            object=name,
            viewAllRecords=each.all_records and name != _USERS,
        )
    for permission in _user_permissions(access):
        _add(root, "userPermissions", enabled=True, name=permission)
    indent(root, "    ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def grantable(sobject: str, access: ObjectAccess) -> list[str]:
    """The fields that an org lets a permission set name."""
    touched = access.read | access.create | access.edit
    if sobject.endswith("__e"):
        return []  # platform events have no field permissions
    return sorted(touched - _SYSTEM - _OF_THE_ORG.get(sobject, frozenset()))


def _user_permissions(access: Access) -> Iterator[str]:
    order = access.get("Order", ObjectAccess())
    if order.edit:
        yield from _ACTIVATION[:1]
    yield "ApiEnabled"
    if order.edit:
        yield from _ACTIVATION[1:]
    if access.get(_USERS, ObjectAccess()).all_records:
        yield "ViewAllUsers"


def _add(parent: Element, tag: str, **values: str | bool) -> None:
    element = SubElement(parent, tag)
    for name, value in values.items():
        SubElement(element, name).text = str(value).lower() if isinstance(value, bool) else value
