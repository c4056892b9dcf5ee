"""The three spellings of Bulk API 1.0: records in, results and rows out, and XML for everything about jobs."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import msgspec
from msgspec import Struct

from sandboxes.kit.xml import XmlRefusedError, local, parse_xml
from sandboxes.salesforce.bulk.columns import Body, HeaderRefused, setters
from sandboxes.salesforce.bulk.csv_text import NULL, CsvDialect
from sandboxes.salesforce.bulk.writing import told
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.schema import SObject

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
MEDIA_TYPES = {"CSV": "text/csv", "XML": "application/xml", "JSON": "application/json"}
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_CSV = CsvDialect()


class Written(Struct):
    """What became of one record."""

    id: str
    created: bool
    fault: ApiError | None = None


def records(content: bytes, content_type: str, sobject: SObject) -> list[Body | ApiError]:
    """The bodies of a batch, or what is wrong with one; HeaderRefused when the batch is none as a whole."""
    try:
        if content_type == "JSON":
            found: list[Body | ApiError] = [*msgspec.json.decode(content, type=list[dict[str, Any]])]
            return found
        if content_type == "CSV":
            header, *rows = _CSV.rows(content.decode("utf-8-sig"))
            return _by_columns(sobject, header, rows)
        nodes = parse_xml(content)
        return [each for node in nodes for each in _by_columns(sobject, *_flat(node))]
    except (msgspec.MsgspecError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise HeaderRefused(f"InvalidBatch : Failed to parse the batch: {error}") from None


def _by_columns(sobject: SObject, header: list[str], rows: Iterable[list[str]]) -> list[Body | ApiError]:
    puts, found = setters(sobject, header), list[Body | ApiError]()
    for row in rows:
        body: Body = {}
        try:
            for put, text in zip(puts, row, strict=True):
                put(body, text)
        except ApiError as fault:
            found.append(fault)
        except ValueError:
            message = f"The record has {len(row)} values, the header {len(puts)} columns"
            found.append(ApiError(400, "INVALID_CSV_RECORD", message))
        else:
            found.append(body)
    return found


def _flat(record: ET.Element) -> tuple[list[str], list[list[str]]]:
    """An sObject element as a header and one row; parents are sObject elements inside."""
    names, values = list[str](), list[str]()
    for field in record:
        name, inner = local(field), field.find(f"{{{NAMESPACE}}}sObject")
        for each in [field] if inner is None else inner:
            names.append(name if inner is None else f"{name}.{local(each)}")
            values.append(NULL if field.get(_NIL) == "true" else each.text or "")
    return names, [values]


def results(written: Sequence[Written], content_type: str) -> bytes:
    """The results of a batch of records."""
    if content_type == "JSON":
        return msgspec.json.encode([_as_json(each) for each in written])
    if content_type == "CSV":
        rows = [[each.id, _bool(not each.fault), _bool(each.created), told(each.fault) if each.fault else ""]
                for each in written]  # fmt: skip
        return _CSV.written([["Id", "Success", "Created", "Error"], *rows]).encode()
    return _document("results", "".join(map(_as_xml, written)))


def _as_json(written: Written) -> dict[str, Any]:
    errors = [{**written.fault.as_save_error(), "extendedErrorDetails": None}] if written.fault else []
    success = written.fault is None
    return {"success": success, "created": written.created, "id": written.id or None, "errors": errors}


def _as_xml(written: Written) -> str:
    fault = written.fault
    fields = "".join(f"<fields>{escape(name)}</fields>" for name in (fault.fields or () if fault else ()))
    code = f"<message>{escape(fault.message)}</message><statusCode>{fault.code}</statusCode>" if fault else ""
    errors = f"<errors>{fields}{code}</errors>" if fault else ""
    found = f"<id>{written.id}</id>" if written.id else '<id xsi:nil="true"/>'
    return (
        f"<result>{errors}{found}<success>{_bool(not fault)}</success><created>{_bool(written.created)}</created>"
        "</result>"
    )


def rows_of_query(found: list[dict[str, Any]], columns: Sequence[str], content_type: str, sobject: str) -> bytes:
    """The rows of a query: records as REST tells them, by the columns that were asked for."""
    if content_type == "JSON":
        return msgspec.json.encode(found)
    rows = [[_text(_at(record, column)) for column in columns] for record in found]
    if content_type == "CSV":
        return _CSV.written([list(columns), *rows]).encode()
    body = "".join(
        f'<records xsi:type="sObject"><type>{sobject}</type>'
        + "".join(_element(name, text) for name, text in zip(columns, row, strict=True))
        + "</records>"
        for row in rows
    )
    return _document("queryResult", body)


def _at(record: Mapping[str, Any] | None, column: str) -> Any:
    value: Any = record
    for name in column.split("."):
        value = None if value is None else value.get(name)
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return _bool(value) if isinstance(value, bool) else str(value)


def _bool(value: object) -> str:
    return "true" if value else "false"


def document(root: str, told_: Mapping[str, Any]) -> bytes:
    """A job, a batch or an error in XML; members that are None are left out."""
    return _document(root, "".join(_element(name, _text(each)) for name, each in told_.items() if each is not None))


def document_of_many(root: str, element: str, many: Iterable[Mapping[str, Any]]) -> bytes:
    """A list in XML."""
    bodies = ("".join(_element(name, _text(each)) for name, each in one.items() if each is not None) for one in many)
    return _document(root, "".join(f"<{element}>{body}</{element}>" for body in bodies))


def document_of_ids(ids: Iterable[str]) -> bytes:
    """The ids of a query's results in XML."""
    return _document("result-list", "".join(f"<result>{each}</result>" for each in ids))


def asked(content: bytes) -> dict[str, Any]:
    """What an XML document asks for, by element; ApiError InvalidJob."""
    try:
        return {child.tag: child.text or "" for child in parse_xml(content, bare=True)}
    except XmlRefusedError as error:
        raise ApiError(400, "InvalidJob", f"Unable to parse Job: {error}") from None


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def _document(root: str, body: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{NAMESPACE}" {_XSI}>{body}</{root}>'.encode()
