"""Avro schemas of events, fetched once for each id: what is under an id never changes (Pub/Sub API, GetSchema)."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import fastavro
import msgspec
from msgspec import Struct

from shared.binding.problems import BackendFault

_avro: Any = fastavro  # its stubs leave half of every signature open
_MOMENTS = ("DateTime", "DateOnly")


class EventSchema(Struct, frozen=True):
    """One schema.

    Attributes:
        id: Under which it was fetched.
        name: Of the event: `Order_Status__e`, `AccountChangeEvent`.
        fields: As Avro lists them; bitmaps count them from 0.
        moments: Fields that hold milliseconds since 1970: `DateTime` or `DateOnly` by name, parts of a nested
            field as `Name.Part`.
        parsed: As fastavro wants it.
    """

    id: str
    name: str
    fields: tuple[dict[str, Any], ...]
    moments: Mapping[str, str]
    parsed: Any

    def decode(self, payload: bytes) -> dict[str, Any]:
        """The fields of an event; ValueError when the payload does not fit."""
        source = io.BytesIO(payload)
        try:
            body = cast("dict[str, Any]", _avro.schemaless_reader(source, self.parsed, None))
        except Exception as error:  # noqa: BLE001 - fastavro raises whatever it stumbles over
            raise ValueError(f"the payload does not fit its schema ({type(error).__name__})") from None
        if source.read(1):
            raise ValueError("the payload is longer than its schema")
        for name, kind in self.moments.items():
            outer, _, part = name.partition(".")
            holder = body if not part else body.get(outer) or {}
            value = holder.get(part or outer)
            if isinstance(value, int):
                holder[part or outer] = _text_of(value, kind)
        return body

    def encode(self, body: Mapping[str, Any]) -> bytes:
        """An event's payload; moments may be RFC 3339 text. ValueError names what does not fit."""
        unknown = body.keys() - {field["name"] for field in self.fields}
        if unknown:
            raise ValueError(f"{self.name} has no field {', '.join(sorted(unknown))}")
        given = dict(body)
        for name in self.moments.keys() & given.keys():
            if isinstance(given[name], str):
                given[name] = _milliseconds(given[name], name)
        out = io.BytesIO()
        try:
            _avro.schemaless_writer(out, self.parsed, given)
        except Exception as error:  # noqa: BLE001 - fastavro raises whatever it stumbles over
            raise ValueError(f"the fields do not fit {self.name}: {error}") from None
        return out.getvalue()


def schema_of(schema_id: str, text: str) -> EventSchema:
    """A schema out of its JSON.

    Raises:
        BackendFault: It is no Avro record.
    """
    try:
        schema: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        fields = tuple(schema["fields"])
        parsed = _avro.parse_schema({key: schema[key] for key in ("type", "name", "namespace", "fields")})
    except Exception as error:  # noqa: BLE001 - not JSON, not Avro, or lacking parts
        raise BackendFault(f"Salesforce's schema {schema_id} cannot be used ({type(error).__name__}).") from None
    return EventSchema(schema_id, schema["name"], fields, dict(_moments(fields)), parsed)


def parts_of(field: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The fields of a nested field, none for a plain one; unions with null are looked through."""
    kind: Any = field["type"]
    kinds = cast("list[Any]", kind) if isinstance(kind, list) else [kind]
    records = [cast("dict[str, Any]", each) for each in kinds if isinstance(each, dict)]
    return next((tuple(each["fields"]) for each in records if "fields" in each), ())


def _moments(fields: tuple[dict[str, Any], ...]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for field in fields:
        parts = [(f"{field['name']}.{part['name']}", part) for part in parts_of(field)]
        for name, each in [(field["name"], field), *parts]:
            kind = str(each.get("doc", "")).rpartition(":")[2]
            if kind in _MOMENTS:
                found.append((name, kind))
    return found


def _text_of(milliseconds: int, kind: str) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    if kind == "DateOnly":
        return moment.date().isoformat()
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(text: str, name: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name} is no moment; write it as RFC 3339, 2026-05-28T20:26:40Z") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


class Schemas:
    """The schemas of one org that were needed so far.

    Args:
        fetch: The JSON of a schema by its id; raises a Problem.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[str]]) -> None:
        self._fetch = fetch
        self._known: dict[str, EventSchema] = {}
        self._lock = asyncio.Lock()

    async def get(self, schema_id: str) -> EventSchema:
        """A schema by its id; raises a Problem when it cannot be had."""
        if schema_id not in self._known:
            async with self._lock:  # one fetch, however many wait for it
                if schema_id not in self._known:
                    self._known[schema_id] = schema_of(schema_id, await self._fetch(schema_id))
        return self._known[schema_id]
