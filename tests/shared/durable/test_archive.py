"""What callers and operators see of flows that the archive has."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.declare import Contract, post
from shared.binding.problems import Conflict, Refused
from shared.contracts.process.flow_operations import FlowArchived, FlowHasEnded, NoDeadLetter
from shared.durable.archive_folder import ArchiveFolder
from shared.durable.archive_upkeep import ArchiveUpkeep
from shared.durable.archivist import Archivist
from shared.durable.codec import PlainCodec
from shared.durable.flow import Flow
from shared.durable.journal_retention import Ages
from shared.durable.sqlite.journal import SqliteJournal
from shared.security.key_ring import KeyRing, ensure_key_file, rotate_key_file
from shared.security.secrets import Secret

OLD = Ages(3600.0)


class Goods(msgspec.Struct, frozen=True):
    """What is sold."""

    sku: str


class Shop(Contract, tier="system", version="v1"):
    """A shop."""

    @post("/orders", scope="shop:write")
    async def create_order(self, goods: Goods) -> str:
        """Order goods."""


class Sell(Flow[Goods, str], version=1):
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def run(self, request: Goods) -> str:
        return await self.shop.create_order(request)


async def sold(runner: Any, sku: str = "a", key: str = "q1") -> Any:
    return await (await runner.submit(Sell, key, Goods(sku))).result(60)


@pytest.fixture
def folder(tmp_path: Path) -> ArchiveFolder:
    return ArchiveFolder(tmp_path / "archive")


@pytest.fixture
def archive(journal: SqliteJournal, folder: ArchiveFolder, clock: Any) -> Callable[..., Any]:
    async def everything(codec: Any = None) -> int:
        clock.advance(7200)
        return await Archivist(journal, folder, OLD, codec or PlainCodec()).run()

    return everything


async def test_an_archived_flow_is_shown_as_before(
    start: Any, backends: Any, archive: Any, folder: ArchiveFolder
) -> None:
    backends.answers = {"create_order": "o1"}
    runner = await start(Sell, archive=folder)
    await sold(runner)
    before = await runner.view("q1")
    assert await archive() == 1
    view = await runner.view("q1")
    assert view.archive == folder.files()[0].name
    assert msgspec.structs.replace(view, archive="") == before
    assert await runner.request("q1") == {"sku": "a"}
    assert await runner.page() == ([], None)
    assert await runner.counts() == {}


async def test_the_key_of_an_archived_flow_stands_for_it_still(
    start: Any, backends: Any, archive: Any, folder: ArchiveFolder
) -> None:
    backends.answers = {"create_order": ["o1", "o2"]}
    runner = await start(Sell, archive=folder)
    await sold(runner)
    await archive()
    again = await sold(runner)
    assert (again.flow_id, again.state, again.result) == ("q1", "completed", "o1")
    with pytest.raises(Conflict, match="another request"):
        await sold(runner, "b")
    for act in (runner.cancel("q1"), runner.signal("q1", "go", 1, key="1")):
        with pytest.raises(FlowHasEnded):
            await act
    with pytest.raises(NoDeadLetter):
        await runner.resume("q1", by="ann")
    assert (await runner.retire("q1", by="ann", reason="late")).state == "retired"
    assert [(e.act, e.detail) for e in (await runner.audit("q1"))[0]] == [("retire", "late")]
    assert (await sold(runner)).flow_id == "q1.2"
    assert backends.names() == ["create_order"] * 2


async def test_after_an_archived_refusal_the_next_attempt_has_the_next_number(
    start: Any, backends: Any, archive: Any, folder: ArchiveFolder
) -> None:
    backends.answers = {"create_order": [Refused("Sold out."), Refused("Sold out."), "o3"]}
    runner = await start(Sell, archive=folder)
    assert [(await sold(runner)).flow_id for _ in range(2)] == ["q1", "q1.2"]
    assert await archive() == 2
    assert [(await sold(runner)).flow_id for _ in range(2)] == ["q1.3", "q1.3"]
    assert (await runner.view("q1.2")).problem.detail == "Sold out."


async def test_where_the_archive_is_not_a_problem_says_how_the_flow_ended_and_where_it_is(
    start: Any, backends: Any, archive: Any, folder: ArchiveFolder
) -> None:
    backends.answers = {"create_order": "o1"}
    runner = await start(Sell)
    await sold(runner)
    await archive()
    with pytest.raises(FlowArchived, match=r"completed on .* --archive FOLDER") as gone:
        await runner.view("q1")
    (file,) = folder.files()
    assert (gone.value.status, gone.value.extensions["state"], gone.value.extensions["archive"]) == (
        410, "completed", file.name,
    )  # fmt: skip
    with pytest.raises(FlowArchived):
        await sold(runner)
    with pytest.raises(Conflict):
        await sold(runner, "b")
    assert (await runner.audit("q1"))[0] == []


async def test_a_sealed_archive_opens_with_its_key_ring_only(
    start: Any, backends: Any, archive: Any, folder: ArchiveFolder, tmp_path: Path
) -> None:
    keys = ensure_key_file(tmp_path / "keys")
    ring = KeyRing(Secret(f"file:{keys}"))
    backends.answers = {"create_order": "classified-order"}
    runner = await start(Sell, archive=folder, codec=ring)
    await sold(runner, "classified-sku")
    rotate_key_file(keys)
    assert await archive(ring) == 1
    (kept,) = folder.flows(folder.files()[0])
    assert b"classified" not in msgspec.json.encode(kept)
    assert b"classified" not in kept.flow.request + (kept.flow.result or b"") + kept.steps[0].outcome
    again = await sold(runner, "classified-sku")
    assert (again.result, again.timeline[0].state) == ("classified-order", "done")
    with pytest.raises(Conflict):
        await sold(runner, "x")
    other = await start(Sell, archive=folder, codec=KeyRing(Secret(f"file:{ensure_key_file(tmp_path / 'other')}")))
    shown = await other.view("q1")
    assert (shown.state, shown.result, "bring its key back" in shown.problem.detail) == ("completed", None, True)
    assert await other.request("q1") is None


async def test_what_cannot_be_opened_is_archived_and_matches_no_request_any_more(
    start: Any, backends: Any, archive: Any, folder: ArchiveFolder, tmp_path: Path
) -> None:
    ring = KeyRing(Secret(f"file:{ensure_key_file(tmp_path / 'keys')}"))
    backends.answers = {"create_order": "o1"}
    runner = await start(Sell, archive=folder, codec=ring)
    await sold(runner)
    assert await archive(KeyRing(Secret(f"file:{ensure_key_file(tmp_path / 'other')}"))) == 1
    assert (await runner.view("q1")).result == "o1"
    with pytest.raises(Conflict):
        await sold(runner)


async def test_while_a_process_runs_it_archives_again_and_again(
    start: Any, backends: Any, journal: SqliteJournal, folder: ArchiveFolder, clock: Any
) -> None:
    backends.answers = {"create_order": "o"}
    runner = await start(Sell, archive=folder)

    async def is_archived(runner: Any, key: str) -> bool:
        return bool((await runner.view(key)).archive)

    def took_hold(stack: contextlib.ExitStack) -> bool:
        with contextlib.suppress(Exception):
            stack.enter_context(folder.held())
            return True
        return False

    upkeep = ArchiveUpkeep(Archivist(journal, folder, OLD, PlainCodec()), first=0.01, every=0.01)
    upkeep.start()
    for key in ("q1", "q2"):
        await sold(runner, key=key)
        clock.advance(7200)
        await eventually(lambda key=key: is_archived(runner, key))
        with contextlib.ExitStack() as stack:  # another process is at it for a while
            await eventually(lambda stack=stack: took_hold(stack))
            await asyncio.sleep(0.05)
    await upkeep.stop()
    assert await runner.page() == ([], None)
