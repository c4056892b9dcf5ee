"""Namespaces, and how SOAP spells what REST spells otherwise."""

import re

from sandboxes.netsuite.schema import RECORD_TYPES, Field, RecordType
from sandboxes.netsuite.schema.countries import COUNTRIES, soap_country

VERSIONS = ("2024_2", "2025_2")
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


def namespace(version: str, name: str, area: str = "platform") -> str:
    """E.g. `urn:relationships_2024_2.lists.webservices.netsuite.com`."""
    return f"urn:{name}_{version}.{area}.webservices.netsuite.com"


def type_name(record_type: RecordType) -> str:
    """The complex type of a record, e.g. `SalesOrder`."""
    return record_type.name[0].upper() + record_type.name[1:]


def list_name(field: Field) -> str:
    """The element of a sublist, e.g. `itemList`."""
    return f"{field.soap_name}List"


def choices(field: Field) -> dict[str, str]:
    """The values of a select: REST's id to SOAP's name."""
    if field.choices is COUNTRIES:
        return {code: soap_country(code) for code in COUNTRIES}
    return {key: _camel(text) for key, text in field.choices.items()}


def _camel(text: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", text)
    return "_" + words[0].lower() + "".join(word.capitalize() for word in words[1:])


BY_TYPE_NAME = {type_name(one): one for one in RECORD_TYPES.values()}
SEARCHES = {
    "CustomerSearchBasic": ("customer",),
    "ContactSearchBasic": ("contact",),
    "ItemSearchBasic": ("inventoryItem",),
    "TransactionSearchBasic": tuple(name for name, one in RECORD_TYPES.items() if one.numbers == "transaction"),
}
"""Search types of the `common` namespace and the records they look for."""
