"""The part of the journal port that lets old flows go into an archive; what must be known for ever stays.

Of an archived flow stay its id, key, attempt, kind, parent, final state and times, a digest of its request, and where
the archive has the rest. So its key still stands for it, and nothing else has to be looked for elsewhere.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from shared.durable.journal import AuditEntry, FlowRecord, FlowState, Journal, Signal, StepRecord

FOREVER = 1e12
"""Seconds, for flows that are never archived."""


class Ages(msgspec.Struct, frozen=True):
    """How long flows stay in the journal once they have ended.

    Attributes:
        default: Seconds.
        kinds: Seconds instead, by name of the flow without its version, `order-quote`.
    """

    default: float
    kinds: Mapping[str, float] = {}

    @property
    def shortest(self) -> float:
        """Seconds that every flow stays."""
        return min(self.default, *self.kinds.values()) if self.kinds else self.default


class ArchivedFlow(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that a journal held of a flow; payloads as they were there, sealed. A line of an archive."""

    flow: FlowRecord
    steps: tuple[StepRecord, ...] = ()
    signals: tuple[Signal, ...] = ()
    audit: tuple[AuditEntry, ...] = ()


class Tombstone(msgspec.Struct, frozen=True):
    """A flow that the archive has now.

    Attributes:
        flow_id: The flow.
        state: As it was archived.
        updated_at: As it was archived, Unix seconds.
        digest: Of its request (sealed); empty when the request could not be opened.
    """

    flow_id: str
    state: FlowState
    updated_at: float
    digest: bytes


class Burial(msgspec.Struct, frozen=True):
    """Flows that an archive file has from byte `start` to byte `end`, on disk, and the journal may forget."""

    file: str
    start: int
    end: int
    flows: tuple[Tombstone, ...]

    @property
    def place(self) -> str:
        """Where the flows are: `file:start`."""
        return f"{self.file}:{self.start}"


class RetentionJournal(Journal, Protocol):
    """A journal whose ended flows may go into an archive."""

    async def archivable(self, ages: Ages, limit: int, since: float = 0.0) -> list[ArchivedFlow]:
        """Return flows that ended longer ago than their age, oldest first.

        Never one that is dead, nor one whose parent, or a child, has not ended or is dead.

        Args:
            ages: How old they must be.
            limit: At most so many.
            since: Only those last changed at this moment (Unix seconds) or later.
        """
        ...

    async def count_archivable(self, ages: Ages) -> int:
        """Return how many flows `archivable` would find."""
        ...

    async def archive_files(self) -> dict[str, int]:
        """Return how many bytes of each archive file count, once no burial is under way any more.

        What follows those bytes in a file does not count; a later `bury` may only say otherwise when it names them.
        """
        ...

    async def add_archive_file(self, name: str) -> None:
        """Announce an archive file, of which no byte counts yet; one that is known stays as it is."""
        ...

    async def bury(self, burial: Burial) -> bool:
        """Let the bytes of the file count and forget what they hold: payloads, steps, signals and audit entries.

        All or nothing: False, and nothing is changed, when the file does not count up to `start`, or one of the
        flows is no longer as it was archived.
        """
        ...
