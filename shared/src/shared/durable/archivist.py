"""Moves old flows from the journal into an archive, in small batches beside normal work.

A batch is written to a file and on disk before the journal forgets it; in the same commit the journal says that these
bytes of the file count. So a flow is in the one or the other at every moment, and in the archive once: what a process
that was killed in between had written does not count, and is cut off by the next.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import takewhile
from typing import TypeVar

from shared.durable.archive_folder import ArchiveFolder
from shared.durable.codec import PayloadCodec, request_digest, request_place
from shared.durable.journal import FlowRecord
from shared.durable.journal_retention import Ages, ArchivedFlow, Burial, RetentionJournal, Tombstone
from shared.telemetry.logging import get_logger

_T = TypeVar("_T")

BATCH = 50
"""Flows that go in one commit: a few milliseconds of the journal's writer."""

_MOST_COLLISIONS = 5
_REST = 1.0  # for each second of work
_log = get_logger("durable")


class Archivist:
    """Archives what is old enough.

    Args:
        journal: Open.
        folder: Where to.
        ages: How long flows stay.
        codec: What their payloads are sealed with.
        batch: Flows to a commit.
    """

    def __init__(
        self, journal: RetentionJournal, folder: ArchiveFolder, ages: Ages, codec: PayloadCodec, batch: int = BATCH
    ) -> None:
        self._journal = journal
        self._folder = folder
        self._ages = ages
        self._codec = codec
        self._batch = batch
        self._stopping = asyncio.Event()

    async def run(self, told: Callable[[int], None] = lambda _: None) -> int:
        """Archive all that is old enough; returns how many flows.

        Args:
            told: Called after each batch with how many it was.

        Raises:
            ArchiveBusy: Another process writes to the archive.
            JournalUnavailable: The journal cannot serve; what was not archived is as before.
            OSError: The archive cannot be written; what was not archived is as before.
        """
        with self._folder.held():
            return await self._archive(told)

    def stop(self) -> None:
        """Let `run` return after the batch that is under way."""
        self._stopping.set()

    async def _archive(self, told: Callable[[int], None]) -> int:
        known = await self._journal.archive_files()
        await self._tidy(known)
        archived = collisions = 0
        since = 0.0
        while not self._stopping.is_set() and collisions < _MOST_COLLISIONS:
            begun = time.monotonic()
            flows = await self._journal.archivable(self._ages, self._batch, since)
            if not flows:
                break
            flows = _of_one_month(flows)
            since = flows[0].flow.updated_at
            if await _to_its_end(self._move(flows, known)):
                archived += len(flows)
                told(len(flows))
            else:
                collisions += 1  # somebody else archived or changed one of them just now
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _REST * (time.monotonic() - begun))
        return archived

    async def _move(self, flows: Sequence[ArchivedFlow], known: dict[str, int]) -> bool:
        name = self._folder.file_for(flows[0].flow.updated_at, known)
        if name not in known:
            await self._journal.add_archive_file(name)
        start = known.setdefault(name, 0)
        end = await asyncio.to_thread(self._folder.append, name, start, flows)
        if not await self._journal.bury(Burial(name, start, end, tuple(self._tombstone(each.flow) for each in flows))):
            await asyncio.to_thread(self._folder.withdraw, name, start)
            return False
        known[name] = end
        return True

    async def _tidy(self, known: dict[str, int]) -> None:
        """Cut off what does not count, if the journal still has it: after a restore it may not."""
        for name, length in known.items():
            if self._folder.size(name) <= length:
                continue
            tail = await asyncio.to_thread(lambda: list(self._folder.flows(self._folder.path / name, length)))  # noqa: B023
            if all([await self._is_kept(each.flow.flow_id) for each in tail]):
                self._folder.withdraw(name, length)
            else:
                _log.warning("archive.ahead", file=name, detail="It holds flows that the journal does not know so.")

    async def _is_kept(self, flow_id: str) -> bool:
        found = await self._journal.find(flow_id)
        return found is not None and found.flow.archive is None

    def _tombstone(self, flow: FlowRecord) -> Tombstone:
        place = request_place(flow.flow_id)
        try:
            digest = self._codec.seal(request_digest(self._codec.open(flow.request, place)), place)
        except ValueError:
            digest = b""  # its key is gone: it can be archived, and not be compared any more
        return Tombstone(flow.flow_id, flow.state, flow.updated_at, digest)


async def _to_its_end(work: Awaitable[_T]) -> _T:
    """Do not leave before it is done, even when cancelled: others may write as soon as the folder is let go."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _of_one_month(flows: Sequence[ArchivedFlow]) -> list[ArchivedFlow]:
    month = _month(flows[0])
    return list(takewhile(lambda flow: _month(flow) == month, flows))


def _month(flow: ArchivedFlow) -> tuple[int, int]:
    ended = datetime.fromtimestamp(flow.flow.updated_at, UTC)
    return ended.year, ended.month
