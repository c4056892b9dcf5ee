"""getDeleted: which records are gone, and since when."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from sandboxes.kit.xml import child, local
from sandboxes.netsuite.records.store import Records
from sandboxes.netsuite.refusals import Refusal
from sandboxes.netsuite.schema import RECORD_TYPES
from sandboxes.netsuite.soap.reading import text
from sandboxes.netsuite.soap.writing import Writing

_OPERATORS = {"onOrAfter": ">=", "after": ">", "onOrBefore": "<=", "before": "<"}


def deleted_page(records: Records, writing: Writing, element: ET.Element, size: int) -> str:
    """The result of `getDeleted`: a page of what was deleted, oldest first.

    Raises:
        Refusal: The filter or the page cannot be used.
    """
    wanted = child(element, "getDeletedFilter")
    found = records.deleted(_kinds(child(wanted, "type")), *_time(child(wanted, "deletedDate")))
    said = text(element, "pageIndex") or "1"
    index = int(said) if said.isdecimal() else 0
    if index < 1 or (index > 1 and (index - 1) * size >= len(found)):
        raise Refusal("INVALID_PAGE_INDEX", f"There is no page {index}.")
    here = "".join(_deleted(*one) for one in found[(index - 1) * size : index * size])
    figures = {"totalRecords": len(found), "pageSize": size, "totalPages": -(-len(found) // size), "pageIndex": index}
    counted = "".join(f"<platformCore:{name}>{value}</platformCore:{name}>" for name, value in figures.items())
    return (
        f"<platformCore:getDeletedResult {writing.core}>{writing.status()}{counted}"
        f"<platformCore:deletedRecordList>{here}</platformCore:deletedRecordList></platformCore:getDeletedResult>"
    )


def _kinds(element: ET.Element | None) -> list[str]:
    """The types asked for; all of them where none is."""
    named = [(one.text or "").strip() for one in (() if element is None else element) if local(one) == "searchValue"]
    if unknown := sorted(set(named) - RECORD_TYPES.keys()):
        raise Refusal("INVALID_RCRD_TYPE", f"There is no record type {unknown[0]}.")
    return named or list(RECORD_TYPES)


def _time(element: ET.Element | None) -> tuple[str, str]:
    """How to compare the time of a deletion, and with what."""
    if element is None:
        return ">=", ""
    compared = _OPERATORS.get(element.get("operator", ""))
    try:
        moment = datetime.fromisoformat(text(element, "searchValue")).astimezone(UTC)
    except ValueError:
        raise Refusal("INVALID_SEARCH", "deletedDate needs a time.") from None
    if compared is None:
        raise Refusal("INVALID_SEARCH_OPERATOR", "deletedDate takes onOrAfter, after, onOrBefore or before.")
    return compared, f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _deleted(kind: str, key: str, external_id: str | None, at: str) -> str:
    outer = f" externalId={quoteattr(external_id)}" if external_id else ""
    return (
        f"<platformCore:deletedRecord><platformCore:deletedDate>{at.replace('Z', '.000Z')}</platformCore:deletedDate>"
        f'<platformCore:record xsi:type="platformCore:RecordRef" internalId="{key}"{outer} type="{kind}"/>'
        "</platformCore:deletedRecord>"
    )
