"""Archives in child processes that kill themselves at a boundary; prints what is left as JSON lines.

    python archived_flows.py every FOLDER                  a child for each boundary, and another that goes on
    python archived_flows.py postgres URL PASSWORD FOLDER  archives into the folder whatever has ended

A boundary is before and after each write of the archive, half way through it, and before and after each commit.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from shared.durable.archive_folder import ArchiveFolder
from shared.durable.archivist import Archivist
from shared.durable.codec import PlainCodec
from shared.durable.journal import Change, FlowRecord, Save, StepRecord
from shared.durable.journal_retention import Ages
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.sqlite.group_commit import GroupCommit
from shared.durable.sqlite.journal import SqliteJournal

FLOWS, BATCH = 6, 2
boundaries_left = 0


def boundary() -> None:
    global boundaries_left  # noqa: PLW0603 - one countdown per process
    boundaries_left -= 1
    if boundaries_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


commit, append, withdraw, write = GroupCommit._commit, ArchiveFolder.append, ArchiveFolder.withdraw, os.pwrite


def commit_between_boundaries(self: Any, connection: Any, items: list[Any]) -> list[Any]:
    boundary()
    outcomes = commit(self, connection, items)
    boundary()
    return outcomes


def append_between_boundaries(self: Any, name: str, length: int, flows: Any) -> int:
    boundary()
    end = append(self, name, length, flows)
    boundary()
    return end


def withdraw_between_boundaries(self: Any, name: str, length: int) -> None:
    boundary()
    withdraw(self, name, length)
    boundary()


def write_in_halves(file: int, text: bytes, at: int) -> int:
    written = write(file, text[: len(text) // 2 + 1], at)
    boundary()
    return written


async def prepare(path: Path) -> None:
    journal = SqliteJournal(path)
    await journal.open()
    for number in range(FLOWS):
        flow_id = f"f{number}"
        await journal.start(FlowRecord(flow_id, flow_id, 1, "sell@1", b"{}", b"{}"), "w")
        step = StepRecord(1, "shop.get", b"[]", "succeeded", os.urandom(99), 1, 0, 1.0, 2.0)
        await journal.save(Save(flow_id, 1, (step,), Change("completed", result=b"7")))
    await journal.close()


async def archive(journal: Any, folder: Path) -> int:
    await journal.open()
    archived = await Archivist(journal, ArchiveFolder(folder), Ages(-60.0), PlainCodec(), BATCH).run()
    await journal.close()
    return archived


def child(folder: Path, kill_at: int) -> bool:
    """Archive in a process that dies at its nth boundary (0: never); True when it ended by itself."""
    global boundaries_left  # noqa: PLW0603 - one countdown per process
    if (pid := os.fork()) == 0:
        boundaries_left = kill_at
        try:
            asyncio.run(archive(SqliteJournal(folder / "journal.db"), folder / "archive"))
        except BaseException as error:  # noqa: BLE001 - a forked child must not return
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
    return os.WIFEXITED(status)


async def whereabouts(folder: Path) -> dict[str, Any]:
    """Which flows the journal holds whole, which the archive, and which the journal says that the archive has."""
    journal = SqliteJournal(folder / "journal.db")
    await journal.open()
    archive = ArchiveFolder(folder / "archive")
    held, told = list[str](), list[str]()
    for number in range(FLOWS):
        found = await journal.find(f"f{number}")
        assert found is not None
        if found.flow.archive is None:
            assert (found.flow.result, len(found.steps)) == (b"7", 1)
            held.append(found.flow.flow_id)
        else:
            kept = archive.read(found.flow.archive, found.flow.flow_id)
            assert kept is not None
            assert (kept.flow.result, len(kept.steps), found.steps) == (b"7", 1, ())
            told.append(found.flow.flow_id)
    await journal.close()
    lines = [flow.flow.flow_id for file in archive.files() for flow in archive.flows(file)]
    return {"held": held, "told": told, "lines": lines}


def every(folder: Path) -> None:
    asyncio.run(prepare(folder / "prepared.db"))
    GroupCommit._commit = commit_between_boundaries
    ArchiveFolder.append = append_between_boundaries
    ArchiveFolder.withdraw = withdraw_between_boundaries
    os.pwrite = write_in_halves
    kill_at, ended = 0, False
    while not ended:
        kill_at += 1
        place = folder / str(kill_at)
        place.mkdir()
        shutil.copy(folder / "prepared.db", place / "journal.db")
        ended = child(place, kill_at)
        killed = asyncio.run(whereabouts(place))
        # the one that goes on is killed too, at its first burial, before a third ends the work
        again = child(place, 5)
        assert child(place, 0) or again
        print(json.dumps({"killed": killed, "after": asyncio.run(whereabouts(place))}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "every":
        every(Path(sys.argv[2]))
    else:
        url, password, folder = sys.argv[2:]
        print(json.dumps(asyncio.run(archive(PostgresJournal(url, lambda: password), Path(folder)))))
