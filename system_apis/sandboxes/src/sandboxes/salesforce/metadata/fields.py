"""Custom fields: what their definition must say, and what kind of field it makes (Metadata API, CustomField)."""

import re
from collections.abc import Callable
from typing import Any

from sandboxes.salesforce.metadata.markup import Tree, inner, many, members, text
from sandboxes.salesforce.metadata.refusals import ComponentError, bad_value, missing, unknown, unspecified
from sandboxes.salesforce.schema import Field

Facts = dict[str, Any]
_DISPLAY = re.compile(r"([^{}]*)\{(0{1,10})\}([^{}]*)")
_PLAIN = {
    "Date": "date", "DateTime": "datetime", "Email": "email", "Phone": "phone", "Time": "time", "Url": "url",
    "TextArea": "textarea",
}  # fmt: skip
_LENGTHS = {"Email": 80, "Phone": 40, "Url": 255, "TextArea": 255, "Time": 0, "Date": 0, "DateTime": 0}
_NUMERIC = {"Number": "double", "Currency": "currency", "Percent": "percent"}
_LONG = {"LongTextArea": (256, 131_072), "Html": (256, 131_072)}
_MOST_DIGITS = 18


def facts_of(body: Tree, knows: Callable[[str], bool]) -> Facts:
    """The facts of `Field` that a definition stands for.

    Args:
        body: The CustomField.
        knows: Whether there is an object of this name.
    """
    kind = text(body, "type")
    if not kind:
        raise missing("type")
    if not text(body, "label"):
        raise missing("label")
    if "formula" in body or kind not in _MAKERS:
        raise ComponentError("INVALID_FIELD", f"Fields of type {kind or 'Formula'} cannot be made in this org", "type")
    facts = {"label": text(body, "label"), **_MAKERS[kind](body, kind)}
    for name in facts.get("to", ()):
        if not knows(name):
            raise unknown("CustomObject", name, "referenceTo")
    if text(body, "required") == "true":
        facts["required"] = True
    if text(body, "externalId") == "true":
        _check_indexable(kind, "externalId")
        facts["external_id"] = True
    if text(body, "unique") == "true":
        _check_indexable(kind, "unique")
        facts |= {"unique": True, "case_sensitive": text(body, "caseSensitive") == "true"}
    return facts


def name_facts(body: Tree) -> Facts:
    """The facts of an object's Name, from its `nameField`."""
    label = text(body, "label") or "Name"
    if text(body, "type") == "AutoNumber":
        return {"label": label, "name_field": True, **_auto_number(body, "AutoNumber")}
    return {"label": label, "name_field": True, "type": "string", "length": 80, "required": True}


def body_of(field: Field) -> Tree:
    """The definition of a field that the org was born with."""
    kinds = {kind: name for name, kind in (_PLAIN | _NUMERIC).items()}
    kinds |= {
        "boolean": "Checkbox", "string": "Text", "picklist": "Picklist", "reference": "Lookup", "int": "Number",
        "textarea": "LongTextArea" if field.length > _LENGTHS["TextArea"] else "TextArea",
    }  # fmt: skip
    body: Tree = {"label": field.label, "type": kinds.get(field.type, "Text")}
    if field.length and body["type"] in ("Text", "LongTextArea"):
        body["length"] = str(field.length)
    if body["type"] in _NUMERIC:
        body |= {"precision": str(field.precision), "scale": str(field.scale)}
    if field.to:
        body |= {"referenceTo": list(field.to), "relationshipName": field.children or field.name.removesuffix("__c")}
    if field.values:
        values = [
            {"fullName": each, "default": str(each == field.default).lower(), "label": each} for each in field.values
        ]
        body["valueSet"] = {
            "restricted": str(field.restricted).lower(),
            "valueSetDefinition": {"sorted": "false", "value": values},
        }
    if body["type"] == "Checkbox":
        body["defaultValue"] = str(bool(field.default)).lower()
    flags = {"externalId": field.external_id, "unique": field.unique, "required": field.required}
    return body | {name: "true" for name, is_so in flags.items() if is_so}


def _check_indexable(kind: str, member: str) -> None:
    if kind not in ("Text", "Number", "Email", "AutoNumber"):
        message = f"Can not specify '{member}' for a CustomField of type {kind}"
        raise ComponentError("FIELD_INTEGRITY_EXCEPTION", message, member)


def _whole(body: Tree, name: str, kind: str, least: int, most: int) -> int:
    given = text(body, name)
    if not given:
        raise unspecified(name, kind)
    if not given.isdecimal() or not least <= int(given[:9]) <= most:
        message = f"'{name}' of a CustomField of type {kind} must be between {least} and {most}, not {given}"
        raise ComponentError("NUMBER_OUTSIDE_VALID_RANGE", message, name)
    return int(given)


def _plain(body: Tree, kind: str) -> Facts:
    del body
    return {"type": _PLAIN[kind], "length": _LENGTHS[kind]}


def _text_field(body: Tree, kind: str) -> Facts:
    return {"type": "string", "length": _whole(body, "length", kind, 1, 255), **_default(body)}


def _encrypted(body: Tree, kind: str) -> Facts:
    return {"type": "encryptedstring", "length": _whole(body, "length", kind, 1, 175)}


def _long_text(body: Tree, kind: str) -> Facts:
    _whole(body, "visibleLines", kind, 2, 50)
    return {"type": "textarea", "length": _whole(body, "length", kind, *_LONG[kind])}


def _numeric(body: Tree, kind: str) -> Facts:
    precision = _whole(body, "precision", kind, 1, _MOST_DIGITS)
    return {"type": _NUMERIC[kind], "precision": precision, "scale": _whole(body, "scale", kind, 0, precision)}


def _checkbox(body: Tree, kind: str) -> Facts:
    if text(body, "defaultValue") not in ("true", "false"):
        raise unspecified("defaultValue", kind)
    return {"type": "boolean", "default": text(body, "defaultValue") == "true"}


def _picklist(body: Tree, kind: str) -> Facts:
    value_set = inner(body, "valueSet")
    values = members(inner(value_set, "valueSetDefinition"), "value")
    names = tuple(text(each, "fullName") for each in values)
    if not names or not all(names):
        raise unspecified("valueSet", kind)
    if len({name.lower() for name in names}) < len(names):
        raise ComponentError("DUPLICATE_VALUE", "Duplicate label or name in the value set", "valueSet")
    chosen = next((text(each, "fullName") for each in values if text(each, "default") == "true"), None)
    facts: Facts = {"type": "picklist", "length": 255, "values": names, "default": chosen}
    if kind == "MultiselectPicklist":
        _whole(body, "visibleLines", kind, 3, 10)
        return facts | {"type": "multipicklist", "length": 4_099}
    return facts | {"restricted": text(value_set, "restricted") == "true"}


def _lookup(body: Tree, kind: str) -> Facts:
    names = tuple(str(each) for each in many(body, "referenceTo"))
    if not names:
        raise unspecified("referenceTo", kind)
    if not text(body, "relationshipName"):
        raise unspecified("relationshipName", kind)
    facts: Facts = {"type": "reference", "to": names, "children": f"{text(body, 'relationshipName')}__r"}
    return facts | {"cascade": True, "required": True} if kind == "MasterDetail" else facts


def _auto_number(body: Tree, kind: str) -> Facts:
    shown = _DISPLAY.fullmatch(text(body, "displayFormat") or ("" if "displayFormat" in body else "{0}"))
    if shown is None:
        raise (
            bad_value("displayFormat", text(body, "displayFormat"))
            if "displayFormat" in body
            else unspecified("displayFormat", kind)
        )
    facts: Facts = {"type": "string", "length": 30, "auto_number": len(shown[2])}
    return facts | {"display_format": f"{shown[1]}{{}}{shown[3]}", "createable": False, "updateable": False}


def _default(body: Tree) -> Facts:
    """A default is a formula; this org reads text in quotes."""
    given = text(body, "defaultValue")
    if not given:
        return {}
    if len(given) < len('""') or given[0] not in "\"'" or given[-1] != given[0]:
        raise ComponentError("FIELD_INTEGRITY_EXCEPTION", "This org reads defaults in quotes only", "defaultValue")
    return {"default": given[1:-1]}


_MAKERS: dict[str, Callable[[Tree, str], Facts]] = {
    **dict.fromkeys(_PLAIN, _plain),
    **dict.fromkeys(_NUMERIC, _numeric),
    **dict.fromkeys(_LONG, _long_text),
    "Text": _text_field,
    "EncryptedText": _encrypted,
    "Checkbox": _checkbox,
    "Picklist": _picklist,
    "MultiselectPicklist": _picklist,
    "Lookup": _lookup,
    "MasterDetail": _lookup,
    "AutoNumber": _auto_number,
}
