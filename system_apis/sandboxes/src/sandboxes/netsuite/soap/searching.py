"""Searches over SOAP: basic searches with typed fields, results in pages that are kept for later."""

import secrets
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.etree import ElementTree as ET

from sandboxes.kit.xml import child, local
from sandboxes.netsuite.records.store import Document, Records
from sandboxes.netsuite.refusals import Refusal
from sandboxes.netsuite.schema import RECORD_TYPES
from sandboxes.netsuite.schema.model import Field
from sandboxes.netsuite.soap.names import SEARCHES, choices
from sandboxes.netsuite.soap.reading import kind_of, text

_Test = Callable[[Any], bool]
_TEXT: dict[str, Callable[[str, str], bool]] = {
    "is": lambda have, want: have == want,
    "isNot": lambda have, want: have != want,
    "contains": lambda have, want: want in have,
    "doesNotContain": lambda have, want: want not in have,
    "startsWith": lambda have, want: have.startswith(want),
    "doesNotStartWith": lambda have, want: not have.startswith(want),
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "equalTo": lambda have, want: have == want,
    "notEqualTo": lambda have, want: have != want,
    "greaterThan": lambda have, want: have > want,
    "greaterThanOrEqualTo": lambda have, want: have >= want,
    "lessThan": lambda have, want: have < want,
    "lessThanOrEqualTo": lambda have, want: have <= want,
    "on": lambda have, want: have == want,
    "after": lambda have, want: have > want,
    "onOrAfter": lambda have, want: have >= want,
    "before": lambda have, want: have < want,
    "onOrBefore": lambda have, want: have <= want,
}
_KEPT = 100


class Searches:
    """Finds records, and keeps what was found for further pages."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._found: dict[str, tuple[list[tuple[str, str]], int]] = {}

    def search(self, element: ET.Element, page_size: int) -> str:
        """Run a search; returns its id."""
        basic = child(element, "basic")
        wanted = basic if basic is not None else element
        name = kind_of(wanted) or f"{kind_of(element)}Basic"
        kinds = SEARCHES.get(name)
        if kinds is None:
            raise Refusal("INVALID_SEARCH", f"There is no search {name}.")
        tests = [_test(one, kinds) for one in wanted]
        found = [
            (kind, str(document["id"]))
            for kind in kinds
            for document in self._records.every(kind)
            if all(test(document | {"_type": kind}) for test in tests)
        ]
        key = f"WEBSERVICES_{secrets.token_hex(12)}"
        while len(self._found) >= _KEPT:
            del self._found[next(iter(self._found))]
        self._found[key] = (found, page_size)
        return key

    def page(self, search: str, index: int) -> tuple[list[tuple[str, Document]], int, int]:
        """Records of a page (from 1), how many there are in all, and the page size.

        Raises:
            Refusal: the search or the page does not exist.
        """
        kept = self._found.get(search)
        if kept is None:
            raise Refusal("INVALID_JOB_ID", f"Search {search} does not exist or has expired.")
        found, size = kept
        if index < 1 or (index > 1 and (index - 1) * size >= len(found)):
            raise Refusal("INVALID_PAGE_INDEX", f"The search has no page {index}.")
        here = found[(index - 1) * size : index * size]
        documents = [(kind, self._records.get(kind, key)) for kind, key in here]
        return [(kind, one) for kind, one in documents if one is not None], len(found), size


def _test(element: ET.Element, kinds: tuple[str, ...]) -> _Test:
    """What one field of a search says of a document."""
    name, operator = local(element), element.get("operator", "")
    values = [one for one in element if local(one) == "searchValue"]
    if name == "internalId":
        return _among("id", operator, {one.get("internalId", "") for one in values})
    if name == "externalIdString":
        return _compared(Field("externalId"), operator, element)
    if name == "type" and len(kinds) > 1:
        return _among("_type", operator, {(one.text or "").strip().removeprefix("_") for one in values})
    field = next((one for kind in kinds for one in RECORD_TYPES[kind].fields if one.soap_name == name), None)
    if field is None:
        raise Refusal("INVALID_SEARCH", f"There is no search field {name}.")
    if field.kind == "reference":
        return _among(field.name, operator, {one.get("internalId", "") for one in values})
    if field.kind == "select":
        keys = {key for key, value in choices(field).items() for one in values if (one.text or "").strip() == value}
        return _among(field.name, operator, keys)
    return _compared(field, operator, element)


def _among(name: str, operator: str, wanted: set[str]) -> _Test:
    if operator not in ("anyOf", "noneOf"):
        raise Refusal("INVALID_SEARCH_OPERATOR", f"Operator {operator or '(none)'} does not fit {name}.")
    return lambda document: (str(document.get(name)) in wanted) is (operator == "anyOf")


def _compared(field: Field, operator: str, element: ET.Element) -> _Test:
    name = field.name
    if operator in ("empty", "notEmpty"):
        return lambda document: (document.get(name) in (None, "")) is (operator == "empty")
    want, most = _read(field, text(element, "searchValue")), text(element, "searchValue2")
    if field.kind == "boolean":
        return lambda document: bool(document.get(name)) is want
    if operator in ("between", "within"):
        upper = _read(field, most)
        return lambda document: document.get(name) is not None and want <= _read(field, document[name]) <= upper
    compare = (_TEXT if field.kind in ("string", "text") else _ORDER).get(operator)
    if compare is None:
        raise Refusal("INVALID_SEARCH_OPERATOR", f"Operator {operator or '(none)'} does not fit {name}.")
    if field.kind in ("string", "text"):
        return lambda document: compare(_read(field, document.get(name, "")), want)
    return lambda document: document.get(name) is not None and compare(_read(field, document[name]), want)


def _read(field: Field, value: Any) -> Any:
    if field.kind == "boolean":
        return str(value).lower() in ("true", "1")
    if field.kind in ("number", "integer"):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise Refusal("INVALID_SEARCH", f"{value} is not a number.") from None
    if field.kind in ("date", "dateTime"):
        return str(value)[:10]
    return str(value).lower()
