"""What an archive holds, and what its journal then still knows: on every journal."""

import asyncio
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from postgres_server import PASSWORD

from shared.durable.archive_folder import ArchiveBusy, ArchiveFolder
from shared.durable.archivist import Archivist
from shared.durable.codec import PlainCodec, request_digest
from shared.durable.journal import AuditEntry, Change, FlowRecord, JournalUnavailable, Save, StepRecord
from shared.durable.journal_retention import Ages, Burial, RetentionJournal

SCRIPT = Path(__file__).parents[1] / "archived_flows.py"
MONTH = 31 * 86_400.0
OLD = Ages(3600.0)
STEP = StepRecord(1, "shop.get", b"[1]", "succeeded", b'"ok"', 1, 0, 1000.0, 1001.0)


async def ended(journal: RetentionJournal, *names: str, state: Any = "completed") -> None:
    for name in names:
        await journal.start(FlowRecord(name, name, 1, "sell@1", b'{"a":1}', b"{}"), "w")
        await journal.save(Save(name, 1, (STEP,), Change(state, result=b"7")))


def lines(folder: ArchiveFolder) -> dict[str, list[str]]:
    """What anybody reads who has gzip and JSON: ids by file."""
    return {
        path.name: [json.loads(line)["flow"]["flow_id"] for line in gzip.decompress(path.read_bytes()).splitlines()]
        for path in folder.files()
    }


def archived_in(*folders: ArchiveFolder) -> list[str]:
    return sorted(flow_id for folder in folders for ids in lines(folder).values() for flow_id in ids)


@pytest.fixture
def folder(tmp_path: Path) -> ArchiveFolder:
    return ArchiveFolder(tmp_path / "archive")


async def test_every_month_has_a_file_and_every_flow_a_line(
    journal: RetentionJournal, folder: ArchiveFolder, clock: Any
) -> None:
    await ended(journal, "a", "b", "c")
    await clock.advance(MONTH)
    await ended(journal, "d")
    await clock.advance(7200)
    await ended(journal, "young")
    told: list[int] = []
    assert await Archivist(journal, folder, OLD, PlainCodec(), batch=2).run(told.append) == 4
    assert sorted(told) == [1, 1, 2]
    assert sorted(lines(folder).values()) == [["a", "b", "c"], ["d"]]
    assert [name[:13] for name in lines(folder)] == sorted(name[:13] for name in lines(folder))
    for name in "abcd":
        found = await journal.find(name)
        assert found is not None
        assert found.flow.archive is not None
        assert found.flow.request == request_digest(b'{"a":1}')
        kept = folder.read(found.flow.archive, name)
        assert kept is not None
        assert (kept.flow.request, kept.flow.result, kept.steps) == (b'{"a":1}', b"7", (STEP,))
        assert folder.find(name) == kept
    assert (folder.find("young"), folder.read("flows-1999-01-x.jsonl.gz:0", "a")) == (None, None)
    assert await Archivist(journal, folder, OLD, PlainCodec()).run() == 0


async def test_what_does_not_count_is_cut_off(journal: RetentionJournal, folder: ArchiveFolder, clock: Any) -> None:
    await ended(journal, "a", "b")
    await clock.advance(7200)
    await Archivist(journal, folder, OLD, PlainCodec()).run()
    (file,) = folder.files()
    counts = file.stat().st_size
    await ended(journal, "c")
    await clock.advance(7200)
    with file.open("ab") as end:  # as if killed after it wrote, and while it wrote
        end.write(gzip.compress(msgspec.json.encode((await journal.archivable(OLD, 1))[0]) + b"\n")[:-9])
    assert file.stat().st_size > counts
    assert await Archivist(journal, folder, OLD, PlainCodec()).run() == 1
    assert archived_in(folder) == ["a", "b", "c"]


async def test_what_only_the_archive_knows_is_not_cut_off(
    journal: RetentionJournal, folder: ArchiveFolder, clock: Any
) -> None:
    await ended(journal, "a", "b")
    await clock.advance(7200)
    await Archivist(journal, folder, OLD, PlainCodec()).run()
    (file,) = folder.files()
    before = file.read_bytes()
    with file.open("ab") as end:  # of a journal that was restored to before it archived `b` once more
        end.write(before)
    await ended(journal, "c")
    await clock.advance(7200)
    assert await Archivist(journal, folder, OLD, PlainCodec()).run() == 1
    assert file.read_bytes() == before * 2
    assert len(folder.files()) == 2


async def test_a_file_that_was_moved_away_is_not_written_again(
    journal: RetentionJournal, folder: ArchiveFolder, clock: Any
) -> None:
    await ended(journal, "a")
    await clock.advance(7200)
    await Archivist(journal, folder, OLD, PlainCodec()).run()
    (moved,) = folder.files()
    moved.rename(folder.path / "elsewhere")
    await ended(journal, "b")
    await clock.advance(7200)
    assert await Archivist(journal, folder, OLD, PlainCodec()).run() == 1
    (file,) = folder.files()
    assert (file.name != moved.name, lines(folder)[file.name]) == (True, ["b"])


async def test_a_disk_that_is_full_loses_nothing(
    journal: RetentionJournal, folder: ArchiveFolder, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(journal, "a", "b")
    await clock.advance(7200)

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("shared.durable.archive_folder.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            await Archivist(journal, folder, OLD, PlainCodec()).run()
    assert await journal.count_archivable(OLD) == 2
    assert await Archivist(journal, folder, OLD, PlainCodec()).run() == 2
    assert archived_in(folder) == ["a", "b"]


async def test_a_burial_whose_answer_got_lost_is_found_done(
    journal: RetentionJournal, folder: ArchiveFolder, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(journal, "a", "b", "c")
    await clock.advance(7200)
    bury = journal.bury

    async def unanswered(burial: Burial) -> bool:
        await bury(burial)
        raise JournalUnavailable("The answer got lost.")

    with monkeypatch.context() as patched:
        patched.setattr(journal, "bury", unanswered)
        with pytest.raises(JournalUnavailable):
            await Archivist(journal, folder, OLD, PlainCodec(), batch=2).run()
    assert await Archivist(journal, folder, OLD, PlainCodec()).run() == 1
    assert archived_in(folder) == ["a", "b", "c"]


async def test_what_changes_while_it_is_archived_is_archived_as_it_is_then(
    journal: RetentionJournal, folder: ArchiveFolder, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(journal, "a", "b")
    await clock.advance(7200)
    bury = journal.bury

    async def too_late(burial: Burial) -> bool:
        await journal.retire("b", AuditEntry("b", "ann", "retire"))
        return await bury(burial)

    monkeypatch.setattr(journal, "bury", too_late)
    assert await Archivist(journal, folder, OLD, PlainCodec()).run() == 1
    assert archived_in(folder) == ["a"]
    await clock.advance(7200)
    assert await Archivist(journal, folder, OLD, PlainCodec()).run() == 1
    kept = folder.find("b")
    assert kept is not None
    assert (kept.flow.state, [entry.act for entry in kept.audit]) == ("retired", ["retire"])


async def test_of_two_who_share_a_folder_one_archives(journals: Any, folder: ArchiveFolder, clock: Any) -> None:
    a, b = await journals(), await journals()
    await ended(a, *"abcdefgh")
    await clock.advance(7200)
    with folder.held(), pytest.raises(ArchiveBusy, match="let it finish"):
        await Archivist(a, folder, OLD, PlainCodec()).run()
    answers = await asyncio.gather(
        *(Archivist(journal, folder, OLD, PlainCodec(), batch=1).run() for journal in (a, b)), return_exceptions=True
    )
    assert min(map(str, answers), key=len) == "8"
    assert archived_in(folder) == list("abcdefgh")


async def test_of_two_with_folders_of_their_own_each_flow_goes_into_one(
    journals: Any, tmp_path: Path, clock: Any
) -> None:
    a, b = await journals(), await journals()
    names = [f"f{number}" for number in range(60)]
    await ended(a, *names)
    await clock.advance(7200)
    folders = [ArchiveFolder(tmp_path / "a"), ArchiveFolder(tmp_path / "b")]
    archivists = [
        Archivist(journal, folder, OLD, PlainCodec(), 5) for journal, folder in zip((a, b), folders, strict=True)
    ]
    archived = await asyncio.gather(*(archivist.run() for archivist in archivists))
    archived += [await archivist.run() for archivist in archivists]  # what one left to the other, who gave up too
    assert sum(archived) == 60
    assert archived_in(*folders) == sorted(names)


async def test_processes_that_archive_one_database_at_once_archive_each_flow_once(
    postgres_store: Any, tmp_path: Path
) -> None:
    journal = postgres_store.journal()
    await journal.open()
    names = [f"f{number}" for number in range(60)]
    await ended(journal, *names)

    async def process(folder: str) -> int:
        command = (SCRIPT, "postgres", postgres_store.url, PASSWORD, tmp_path / folder)
        running = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
        out, _ = await running.communicate()
        assert running.returncode == 0
        return int(out)

    archived = await asyncio.gather(process("a"), process("b"))
    archived.append(await process("a"))
    assert sum(archived) == 60
    folders = [ArchiveFolder(tmp_path / "a"), ArchiveFolder(tmp_path / "b")]
    assert archived_in(*folders) == sorted(names)
    await journal.close()
