"""Events as Avro binary, and back."""

import io
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import fastavro
import msgspec

from sandboxes.salesforce.events import Event
from sandboxes.salesforce.events.avro import Schema, event_schema
from sandboxes.salesforce.events.bitmaps import bitmaps
from sandboxes.salesforce.events.shape import top_level
from sandboxes.salesforce.schema import SObject
from sandboxes.salesforce.schema.values import stored_moment

_avro: Any = fastavro  # its stubs leave half of every signature open
_HEADER = "ChangeEventHeader"
_FIELD_LISTS = ("nulledFields", "diffFields", "changedFields")
_MOMENTS = frozenset({"date", "datetime"})


def encoded(event: Event, sobject: SObject) -> bytes:
    """An event's payload under the schema of its object."""
    schema = event_schema(sobject)
    payload = dict(event.payload)
    if _HEADER in payload:
        header = payload[_HEADER]
        payload[_HEADER] = header | {name: bitmaps(schema, header[name]) for name in _FIELD_LISTS}
    for field in top_level(sobject):
        if field.type in _MOMENTS and payload.get(field.name) is not None:
            payload[field.name] = _milliseconds(payload[field.name])
    out = io.BytesIO()
    _avro.schemaless_writer(out, _parsed(msgspec.json.encode(schema)), payload)
    return out.getvalue()


def decoded(payload: bytes, schema: Schema, sobject: SObject) -> dict[str, Any]:
    """The body of a save out of what a publisher sent; ValueError when it does not fit the schema."""
    source = io.BytesIO(payload)
    try:
        body: Any = _avro.schemaless_reader(source, _parsed(msgspec.json.encode(schema)), None)
    except Exception as error:  # noqa: BLE001 - fastavro raises whatever it stumbles over
        raise ValueError(f"The payload does not fit its schema: {error}") from None
    if source.read(1):
        raise ValueError("The payload is longer than its schema")
    for field in top_level(sobject):
        if field.type in _MOMENTS and isinstance(body.get(field.name), int):
            moment = datetime.fromtimestamp(body[field.name] / 1000, UTC)
            body[field.name] = moment.date().isoformat() if field.type == "date" else stored_moment(moment)
    return {name: value for name, value in body.items() if name not in ("CreatedDate", "CreatedById")}


@lru_cache(64)
def _parsed(schema: bytes) -> Any:
    return _avro.parse_schema(msgspec.json.decode(schema))


def _milliseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
