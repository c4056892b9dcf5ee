"""Entities as version 4 JSON, and request bodies read back.

Source: OData 4.0 "JSON Format": control information begins with `@odata.`, dates are ISO 8601, decimals and Int64 are
numbers unless the media type says `IEEE754Compatible=true`.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import cast

import msgspec

from sandboxes.sap.odata_v2.behaviour import Payload
from sandboxes.sap.odata_v2.edm import EntitySet, Property, Row, Value
from sandboxes.sap.odata_v2.errors import Message, ODataError, refuse
from sandboxes.sap.odata_v2.expression import Member
from sandboxes.sap.odata_v2.primitives import from_json
from sandboxes.sap.odata_v2.query import Query
from sandboxes.sap.odata_v2.reading import etag_of, read_page, rows_of
from sandboxes.sap.odata_v2.resource import Resource
from sandboxes.sap.odata_v2.writing import payload_of
from sandboxes.sap.odata_v4.aggregation import Aggregation, orderable
from sandboxes.sap.odata_v4.model import ServiceV4
from sandboxes.sap.odata_v4.query import Options
from sandboxes.sap.storage import Records

MALFORMED = "/IWBEP/CM_V4_COS/048"
_LARGE = frozenset({"Edm.Decimal", "Edm.Int64"})
_numbers = msgspec.json.Encoder(decimal_format="number")
_strings = msgspec.json.Encoder(decimal_format="string")
_decoder = msgspec.json.Decoder(float_hook=Decimal)

Json = dict[str, object]


def exact(media_type: str) -> bool:
    """Whether a media type asks for, or holds, large numbers as strings."""
    return "ieee754compatible=true" in media_type.lower().replace(" ", "")


def encoded(document: Json, *, compatible: bool) -> bytes:
    """A document as JSON; `compatible` writes decimals as strings."""
    return (_strings if compatible else _numbers).encode(document)


def value_of(prop: Property, value: Value, *, compatible: bool) -> object:
    """A value as it stands in a document."""
    match value:
        case datetime() if prop.type == "Edm.DateTime":
            return value.date().isoformat()
        case datetime():
            return value.isoformat(timespec="seconds").replace("+00:00", "Z")
        case timedelta():
            return f"{value.seconds // 3600:02d}:{value.seconds // 60 % 60:02d}:{value.seconds % 60:02d}"
        case Decimal():
            return Decimal(f"{value:f}")
        case int() if prop.type == "Edm.Int64" and compatible:
            return str(value)
        case _:
            return value


class Documents:
    """Writes what is read of a service.

    Args:
        service: The service.
        records: Its rows.
        compatible: Whether large numbers are strings.
    """

    def __init__(self, service: ServiceV4, records: Records, *, compatible: bool) -> None:
        self._service, self._records, self._compatible = service, records, compatible

    def entity(self, entity_set: EntitySet, row: Row, options: Options) -> Json:
        """One entity, its key and tag always with it, expanded as asked."""
        etag = etag_of(entity_set, row)
        document: Json = {"@odata.etag": etag} if etag else {}
        shown = None if options.select is None else {*options.select, *entity_set.keys}
        for name, prop in entity_set.properties.items():
            if shown is None or name in shown:
                document[name] = value_of(prop, row[name], compatible=self._compatible)
        for name, below in options.expand.items():
            document |= self._expanded(entity_set, row, name, below)
        return document

    def page(self, resource: Resource, options: Options) -> tuple[Json, int | None]:
        """A page of a collection, and the token of the next one."""
        page = read_page(resource, options.query, self._service, self._records)
        document: Json = {} if page.count is None else {"@odata.count": self._counted(page.count)}
        document["value"] = [self.entity(node.set, node.row, options) for node in page.nodes]
        return document, page.next_token

    def groups(self, resource: Resource, aggregation: Aggregation, query: Query) -> Json:
        """The groups of a collection, ordered and cut as asked.

        Raises:
            ODataError: 400, they are to be ordered by what they do not hold.
        """
        shown = aggregation.shown
        rows = aggregation.of(rows_of(resource, aggregation.condition, self._service, self._records))
        for tree, descending in reversed(query.order):
            name = tree.path[0] if isinstance(tree, Member) and len(tree.path) == 1 else ""
            if name not in shown:
                raise refuse(400, MALFORMED, f"$orderby beside $apply names one of {', '.join(shown)}")
            rows.sort(key=lambda row, by=name: orderable(row[by]), reverse=descending)
        part = rows[query.skip :][: query.top]
        counted: Json = {"@odata.count": self._counted(len(rows))} if query.inline_count else {}
        return {**counted, "value": [self.record(tuple(shown.values()), row) for row in part]}

    def record(self, properties: tuple[Property, ...], row: Row) -> Json:
        """A value of a complex type."""
        return {one.name: value_of(one, row[one.name], compatible=self._compatible) for one in properties}

    def _expanded(self, entity_set: EntitySet, row: Row, name: str, below: Options) -> Json:
        navigation = entity_set.navigations[name]
        equal = {there: row[here] for here, there in navigation.join}
        target = replace(self._service.sets[navigation.target], page_size=None)
        resource = Resource(target, equal, single=not navigation.many)
        document, _ = self.page(resource, below)
        found = cast("list[Json]", document["value"])
        if not navigation.many:
            return {name: found[0] if found else None}
        counted: Json = {f"{name}@odata.count": document["@odata.count"]} if "@odata.count" in document else {}
        return {**counted, name: found}

    def _counted(self, count: int) -> int | str:
        return str(count) if self._compatible else count


def read_arguments(body: bytes, properties: tuple[Property, ...], *, compatible: bool) -> Row:
    """The arguments of an action; one that is not given has its initial value.

    Raises:
        ODataError: 400, the body is not an object, or an argument is unknown or no value of its type.
    """
    given = _object(body or b"{}")
    known = {one.name: one for one in properties}
    if unknown := sorted(given.keys() - known.keys()):
        raise refuse(400, MALFORMED, f"'{unknown[0]}' is no parameter of this action", unknown[0])
    arguments: Row = {one.name: one.initial for one in properties}
    for name, value in given.items():
        try:
            arguments[name] = from_json(known[name], _shared(known[name], value, compatible=compatible))
        except ValueError as misfit:
            raise refuse(400, MALFORMED, f"Parameter '{name}' has an invalid value: {misfit}", name) from None
    return arguments


def read_body(body: bytes, entity_set: EntitySet, service: ServiceV4, *, compatible: bool) -> Payload:
    """A request body as values and nested entities.

    Raises:
        ODataError: 400, it is not an object, or something in it is not spelled as version 4 spells it.
    """
    plain = _plain(_object(body), entity_set, service, compatible=compatible)
    try:
        return payload_of(plain, entity_set, service)
    except ODataError as refused:
        details = tuple(Message(MALFORMED, one.text, target=one.target) for one in refused.details)
        first = details[0] if details else Message(MALFORMED, refused.message.text, target=refused.message.target)
        raise ODataError(400, first, details) from None


def _object(body: bytes) -> Json:
    try:
        document: object = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
        raise refuse(400, MALFORMED, f"Error while parsing JSON: {unreadable}") from None
    if not isinstance(document, dict):
        raise refuse(400, MALFORMED, "Error while parsing JSON: the body must be one object")
    return cast("Json", document)


def _plain(document: Json, entity_set: EntitySet, service: ServiceV4, *, compatible: bool) -> Json:
    """A body without annotations, its values in spellings that both versions share."""
    plain: Json = {}
    for name, value in document.items():
        if "@" in name:
            continue
        if name in entity_set.navigations:
            target = service.sets[entity_set.navigations[name].target]
            below = _nested(entity_set, name, value)
            plain[name] = [_plain(one, target, service, compatible=compatible) for one in below]
        elif name in entity_set.properties:
            plain[name] = _shared(entity_set.properties[name], value, compatible=compatible)
        else:
            raise refuse(400, MALFORMED, f"'{name}' is not defined in type '{entity_set.type_name}'", name)
    return plain


def _nested(entity_set: EntitySet, name: str, value: object) -> list[Json]:
    many = entity_set.navigations[name].many
    listed = value if many else [] if value is None else [value]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in cast("list[object]", listed)):
        raise refuse(400, MALFORMED, f"'{name}' must hold {'a list of objects' if many else 'an object'}", name)
    return cast("list[Json]", listed)


def _shared(prop: Property, value: object, *, compatible: bool) -> object:
    if prop.type in _LARGE and isinstance(value, str) and not compatible:
        text = f"'{prop.name}' is a string; send a number, or IEEE754Compatible=true"
        raise refuse(400, MALFORMED, text, prop.name)
    if prop.type == "Edm.DateTime" and isinstance(value, str):
        try:
            date.fromisoformat(value)
        except ValueError:
            raise refuse(400, MALFORMED, f"'{prop.name}' is not a date such as 2026-01-15", prop.name) from None
    return str(value) if isinstance(value, Decimal) else value
