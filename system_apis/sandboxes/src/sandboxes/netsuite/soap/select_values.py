"""getSelectValue: which records a field may refer to.

Source: SuiteTalk SOAP "getSelectValue": a field of a record or sublist, by name, filtered by what people read.
"""

from collections.abc import Callable
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from sandboxes.kit.xml import child
from sandboxes.netsuite.records.store import Records, display
from sandboxes.netsuite.refusals import Refusal
from sandboxes.netsuite.schema import BY_LOWER_CASE, RECORD_TYPES, Field, RecordType
from sandboxes.netsuite.soap.names import list_name
from sandboxes.netsuite.soap.reading import text
from sandboxes.netsuite.soap.writing import Writing, text_of

_FILTERS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda have, want: want in have,
    "is": lambda have, want: have == want,
    "startsWith": lambda have, want: have.startswith(want),
}


def values_page(records: Records, writing: Writing, element: ET.Element, size: int) -> str:
    """The result of `getSelectValue`: a page of references.

    Raises:
        Refusal: There is no such field or page, or the field refers to no records.
    """
    wanted = child(element, "fieldDescription")
    target = RECORD_TYPES[_field(wanted).target]
    fits = _filter(child(wanted, "filter"))
    found = [(str(one["id"]), display(target, one)) for one in records.every(target.name) if not one.get("isInactive")]
    named = [one for one in found if fits(one[1])]
    said = text(element, "pageIndex") or "1"
    index = int(said) if said.isdecimal() else 0
    if index < 1 or (index > 1 and (index - 1) * size >= len(named)):
        raise Refusal("INVALID_PAGE_INDEX", f"There is no page {index}.")
    listed = "".join(
        f'<platformCore:baseRef xsi:type="platformCore:RecordRef" internalId={quoteattr(key)} type="{target.name}">'
        f"<platformCore:name>{text_of(name)}</platformCore:name></platformCore:baseRef>"
        for key, name in named[(index - 1) * size : index * size]
    )
    return (
        f"<platformCore:getSelectValueResult {writing.core}>{writing.status()}"
        f"<platformCore:totalRecords>{len(named)}</platformCore:totalRecords>"
        f"<platformCore:totalPages>{-(-len(named) // size)}</platformCore:totalPages>"
        f"<platformCore:baseRefList>{listed}</platformCore:baseRefList></platformCore:getSelectValueResult>"
    )


def _field(wanted: ET.Element | None) -> Field:
    record_type = BY_LOWER_CASE.get(text(wanted, "recordType").lower())
    if record_type is None:
        raise Refusal("INVALID_RCRD_TYPE", f"There is no record type {text(wanted, 'recordType') or '(none)'}.")
    name = text(wanted, "field")
    found = next((one for one in _fields(record_type, text(wanted, "sublist")) if one.soap_name == name), None)
    if found is None or found.kind != "reference" or found.target not in RECORD_TYPES:
        raise Refusal(
            "INVALID_FLD_VALUE", f"{record_type.name} has no field {name or '(none)'} that refers to records."
        )
    return found


def _fields(record_type: RecordType, sublist: str) -> tuple[Field, ...]:
    if not sublist:
        return record_type.fields
    found = next((one for one in record_type.sublists if sublist in (list_name(one), one.soap_name)), None)
    if found is None:
        raise Refusal("INVALID_SUBLIST", f"{record_type.name} has no sublist {sublist}.")
    return found.inner


def _filter(element: ET.Element | None) -> Callable[[str], bool]:
    if element is None:
        return lambda _: True
    compare, want = _FILTERS.get(element.get("operator", "")), text(element, "filterValue").lower()
    if compare is None:
        raise Refusal("INVALID_SEARCH_OPERATOR", "A filter takes contains, is or startsWith.")
    return lambda name: compare(name.lower(), want)
