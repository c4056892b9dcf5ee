"""Flows under a real key ring: nothing readable lies in the journal, and all that flows can do works all the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.declare import Contract, post
from shared.binding.problems import BackendFault
from shared.durable.flow import Flow
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.journal import SqliteJournal
from shared.security.key_ring import KeyRing, ensure_key_file, rotate_key_file
from shared.security.secrets import Secret


class Note(msgspec.Struct, frozen=True):
    """A note."""

    text: str


class Drawer(Contract, tier="system", version="v1"):
    """Keeps notes."""

    @post("/notes", scope="drawer:write")
    async def keep(self, note: Note) -> Note:
        """Keep one."""


class Inner(Flow[Note, str], version=1):
    def __init__(self, drawer: Drawer) -> None:
        self.drawer = drawer

    async def run(self, request: Note) -> str:
        return (await self.drawer.keep(request)).text


class Outer(Flow[Note, str], version=1):
    def __init__(self, drawer: Drawer) -> None:
        self.drawer = drawer

    async def run(self, request: Note) -> str:
        word = await self.wait_for("word", Note)
        return await self.child(Inner, "inner", Note(word.text + request.text))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return ensure_key_file(tmp_path / "sealing" / "keys")


def ring(keys: Path) -> KeyRing:
    return KeyRing(Secret(f"file:{keys}"))


async def test_signals_children_edits_and_resumption_work_on_sealed_payloads(
    start: Callable[..., Any], backends: Any, keys: Path, tmp_path: Path, until: Any
) -> None:
    backends.answers = {"keep": BackendFault("classified nonsense")}
    runner: FlowRunner = await start(Outer, Inner, codec=ring(keys))
    handle = await runner.submit(Outer, "f", Note("-classified"))
    await runner.signal("f", "word", Note("classified"), key="1")
    await eventually(lambda: runner.latest("f:inner"))
    await until(runner, "f:inner", "dead")
    assert await runner.request("f:inner") == {"text": "classified-classified"}
    backends.answers = {"keep": lambda note: note}
    await runner.dead_letters.edit("f:inner", {"text": "also classified"}, by="ann")
    await runner.resume("f:inner", by="ann")
    assert (await handle.result(60)).result == "also classified"
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())  # noqa: ASYNC240
    assert b"classified" not in stored
    assert b"f:inner" in stored


async def test_flows_go_on_over_a_rotation(
    journal: SqliteJournal, backends: Any, quick: Any, clock: Any, keys: Path, until: Any
) -> None:
    backends.answers = {"keep": lambda note: note}
    options: dict[str, Any] = {"settings": quick, "clock": clock}
    async with FlowRunner(journal, [Outer, Inner], backends, codec=ring(keys), **options) as runner:
        await runner.submit(Outer, "f", Note("b"))
        await until(runner, "f", "waiting")
    rotate_key_file(keys)
    async with FlowRunner(journal, [Outer, Inner], backends, codec=ring(keys), **options) as runner:
        await runner.signal("f", "word", Note("a"), key="1")
        assert (await runner.result("f", 60)).result == "ab"


async def test_a_flow_whose_key_is_gone_is_still_shown(
    journal: SqliteJournal, backends: Any, quick: Any, clock: Any, keys: Path
) -> None:
    backends.answers = {"keep": lambda note: note}
    options: dict[str, Any] = {"settings": quick, "clock": clock}
    async with FlowRunner(journal, [Inner], backends, codec=ring(keys), **options) as runner:
        await (await runner.submit(Inner, "f", Note("b"))).result(60)
    keys.unlink()  # noqa: ASYNC240 - a test may wait
    ensure_key_file(keys)
    async with FlowRunner(journal, [Inner], backends, codec=ring(keys), **options) as runner:
        ((view,), _) = await runner.page()
        assert (view.state, view.result) == ("completed", None)
        assert "cannot be opened" in view.problem.detail
        assert [entry.step for entry in (await runner.view("f")).timeline] == ["drawer.keep"]
        assert await runner.request("f") is None
