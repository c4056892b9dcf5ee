"""Cuts a stream of records into parts, each the upload of one job."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from hashlib import blake2b

from shared.binding.problems import Conflict, Invalid
from system_apis.salesforce.bulk.checkpoint import PartMark
from system_apis.salesforce.bulk.dialect import Encode
from system_apis.salesforce.bulk.outcomes import Places
from system_apis.salesforce.bulk.settings import BulkSettings
from system_apis.salesforce.bulk.values import Columns, Record

Records = AsyncIterable[Record] | Iterable[Record]


class Part:
    """The lines of one job and the places of their records.

    Args:
        header: The first line.
        places: Empty yet.

    Attributes:
        content: What is uploaded; dropped when it has been.
    """

    def __init__(self, header: bytes, places: Places) -> None:
        self.places = places
        self.content = bytearray(header)
        self._digest = blake2b(digest_size=16)

    def add(self, line: bytes, row: list[str]) -> None:
        """One more record."""
        self.content += line
        self.places.add(row)

    def mark(self) -> PartMark:
        """The part as a checkpoint knows it, before its first job."""
        self._digest.update(self.content)
        return PartMark(self.places.start, self.places.count, self._digest.hexdigest())


class Cutter:
    """Turns records into parts.

    Args:
        columns: The header.
        key: Column that tells records apart, empty for inserts.
        settings: Limits of a part.
    """

    def __init__(self, columns: Columns, key: str, settings: BulkSettings) -> None:
        self.columns = columns
        self._settings = settings
        self._encode: Encode = settings.dialect.encoder()
        self.header = self._encode(columns.names)
        lowered = [name.lower() for name in columns.names]
        if key and key.lower() not in lowered:
            raise Invalid(f"The records of this load need the column {key}.")
        self.key = lowered.index(key.lower()) if key else None
        self._is_id = key.lower() == "id"

    def part(self, start: int) -> Part:
        """An empty part."""
        return Part(self.header, Places(start, self.key, is_id=self._is_id))

    def line(self, row: list[str], position: int) -> bytes:
        """The line of a record.

        Raises:
            Invalid: It is larger than an upload may be.
        """
        line = self._encode(row)
        if len(line) + len(self.header) > self._settings.content_bytes:
            raise Invalid(f"Record {position} is larger than one upload may be.")
        return line

    def full(self, part: Part, line: bytes, known: PartMark | None) -> bool:
        """Whether the part ends before this line, as the checkpoint says if it knows the part."""
        count = part.places.count
        if known is not None:
            return count == known.count
        return count == self._settings.records_per_job or len(part.content) + len(line) > self._settings.content_bytes


def check_same(found: PartMark, known: PartMark) -> None:
    """Refuse to go on with other records than those that the checkpoint was made with.

    Raises:
        Conflict: They are others.
    """
    if (found.count, found.digest) != (known.count, known.digest):
        raise Conflict(
            f"The records from {known.start} on are not those that this checkpoint was made with; "
            "give the same records in the same order, or begin anew without a checkpoint."
        )


def check_reached(count: int, settled: int, known: Iterable[PartMark]) -> None:
    """Refuse an input that ends before records that a checkpoint knows.

    Raises:
        Conflict: It has fewer.
    """
    most = max([settled, *(mark.start + mark.count for mark in known)])
    if count < most:
        raise Conflict(
            f"There are {count} records, but this checkpoint was made with {most} or more; give the same ones again."
        )


async def each(records: Records) -> AsyncGenerator[Record]:
    """The records of either kind of stream."""
    if isinstance(records, AsyncIterable):
        async for record in records:
            yield record
    else:
        for record in records:
            yield record
