"""Child lists of a row that did not fit on the page they came with."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec

from system_apis.salesforce.records import Rows

_Record = TypeVar("_Record", bound=msgspec.Struct)
Follow = Callable[[Rows[Any], msgspec.json.Decoder[Rows[Any]]], Awaitable[list[Any]]]
"""Gives the rows of a first page and of all pages after it."""


def rows_decoder(record: type[_Record]) -> msgspec.json.Decoder[Rows[_Record]]:
    """Decodes the answer of a query for such records."""
    return msgspec.json.Decoder(Rows[record])


class ChildPages:
    """Finds the child lists of rows of one type, at any depth, and completes them.

    Args:
        record: The type; a field of `Rows` is a child list.
    """

    def __init__(self, record: type[msgspec.Struct]) -> None:
        self._lists: Final = [
            (field.name, rows_decoder(kind), ChildPages(kind))
            for field in msgspec.structs.fields(record)
            if (kind := _kind_of(field.type)) is not None
        ]

    def __bool__(self) -> bool:
        return bool(self._lists)

    def unfinished(self, record: msgspec.Struct) -> bool:
        """Whether a child list goes on on another page."""
        for name, _, deeper in self._lists:
            rows: Rows[Any] | None = getattr(record, name)
            if rows is not None and (not rows.done or (deeper and any(map(deeper.unfinished, rows.records)))):
                return True
        return False

    async def completed(self, record: _Record, follow: Follow) -> _Record:
        """The row with all of its children; each further page is a call of `follow`."""
        complete: dict[str, Rows[Any]] = {}
        for name, decoder, deeper in self._lists:
            rows: Rows[Any] | None = getattr(record, name)
            if rows is None:
                continue
            children = rows.records if rows.done else await follow(rows, decoder)
            if deeper:
                children = [await deeper.completed(each, follow) for each in children]
            complete[name] = Rows(children)
        return msgspec.structs.replace(record, **complete)


def _kind_of(annotation: Any) -> type[msgspec.Struct] | None:
    """The type of the rows of a child list, None for any other field."""
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is Rows:
            return get_args(part)[0]
    return None
