"""Events that flows publish: with the step, once, in order, and the same in a replay."""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
import pytest

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract, post
from shared.binding.problems import Refused
from shared.durable.flow import Flow
from shared.durable.journal import Save
from shared.durable.sqlite.group_commit import GroupCommit
from shared.durable.sqlite.journal import SqliteJournal
from shared.messaging.event_source import event_type


class Goods(msgspec.Struct, frozen=True):
    """What is sold."""

    name: str
    acceptable: bool = True


class ThingSold(msgspec.Struct, frozen=True, rename="camel"):
    """Sold."""

    version: ClassVar[int] = 3
    thing_name: str


class Books(Contract, tier="system", version="v1"):
    """Books."""

    @post("/entries", scope="books:write")
    async def enter(self, goods: Goods) -> Goods:
        """Enter goods."""


class Sell(Flow[Goods, str], version=2):
    said: ClassVar[str] = ""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Goods) -> str:
        self.publish(ThingSold(request.name + self.said))
        entered = await self.books.enter(request)
        if not entered.acceptable:
            raise Refused("not acceptable")
        self.publish(ThingSold("last"))
        return entered.name


async def test_events_carry_what_published_them(start: Callable[..., Any], backends: Any, journal: Any) -> None:
    backends.answers = {"enter": Goods("a")}
    runner = await start(Sell)
    context = CallContext(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01", correlation_id="c1")
    view = await (await runner.submit(Sell, "f", Goods("a"), context=context)).result(60)
    assert [entry.step for entry in view.timeline] == ["flow.publish", "books.enter", "flow.publish"]
    first, last = await journal.outbox("", 9)
    assert (first.event_id, last.event_id) == ("f/1", "f/3")
    assert (first.type, first.version, first.payload) == ("thing-sold", 3, b'{"thingName":"a"}')
    assert (first.producer, first.correlation_id, first.traceparent[3:35]) == ("sell@2", "c1", "a" * 32)


async def test_an_event_costs_no_commit_of_its_own(
    start: Callable[..., Any], backends: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends.answers = {"enter": Goods("a")}
    saves: list[Save] = []
    submit = GroupCommit.submit

    def noted(self: GroupCommit, item: Any) -> Any:
        saves.extend([item] if isinstance(item, Save) else [])
        return submit(self, item)

    monkeypatch.setattr(GroupCommit, "submit", noted)
    runner = await start(Sell)
    await (await runner.submit(Sell, "f", Goods("a"))).result(60)
    assert [([s.seq for s in save.steps], len(save.events), bool(save.change)) for save in saves] == [
        ([1], 1, False),  # goes before the write, for which everything must be durable
        ([2, 3], 1, True),
    ]


async def test_a_replay_publishes_nothing_again(
    start: Callable[..., Any], backends: Any, journal: Any, until: Any
) -> None:
    backends.answers = {"enter": [KeyError, Goods("a")]}
    runner = await start(Sell)
    await runner.submit(Sell, "f", Goods("a"))
    await until(runner, "f", "dead")
    await runner.resume("f", by="me")
    await until(runner, "f", "completed")
    assert [record.event_id for record in await journal.outbox("", 9)] == ["f/1", "f/3"]


async def test_a_flow_that_is_refused_keeps_what_it_published(
    start: Callable[..., Any], backends: Any, journal: Any
) -> None:
    backends.answers = {"enter": Goods("a", acceptable=False)}
    runner = await start(Sell)
    view = await (await runner.submit(Sell, "f", Goods("a"))).result(60)
    assert view.state == "refused"
    assert [record.event_id for record in await journal.outbox("", 9)] == ["f/1"]


async def test_code_that_says_something_else_in_a_replay_diverged(
    start: Callable[..., Any], backends: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends.answers = {"enter": KeyError}
    runner = await start(Sell)
    await runner.submit(Sell, "f", Goods("a"))
    await until(runner, "f", "dead")
    monkeypatch.setattr(Sell, "said", "other")
    backends.answers = {"enter": Goods("a")}
    assert "another thing-sold" in (await runner.dead_letters.preview("f")).obstacle


async def test_an_edited_request_does_not_take_back_what_was_published(
    start: Callable[..., Any], backends: Any, until: Any
) -> None:
    backends.answers = {"enter": KeyError}
    runner = await start(Sell)
    await runner.submit(Sell, "f", Goods("a"))
    await until(runner, "f", "dead")
    preview = await runner.dead_letters.preview("f", patch={"name": "b"})
    assert preview.obstacle, "it must not begin anew: the event stands"


async def test_payloads_are_sealed(start: Callable[..., Any], backends: Any, journal: SqliteJournal) -> None:
    class Reversed:
        def seal(self, payload: bytes, place: str) -> bytes:
            return place.encode() + payload[::-1]

        def open(self, sealed: bytes, place: str) -> bytes:
            if not sealed.startswith(place.encode()):
                raise ValueError(place)
            return sealed.removeprefix(place.encode())[::-1]

    backends.answers = {"enter": Goods("a")}
    runner = await start(Sell, codec=Reversed())
    await (await runner.submit(Sell, "f", Goods("a"))).result(60)
    first, _ = await journal.outbox("", 9)
    assert first.payload == b"f/1:event" + b'{"thingName":"a"}'[::-1]


def test_only_a_frozen_struct_is_an_event() -> None:
    class Loose(msgspec.Struct):
        name: str

    for wrong in (Loose, dict, int):
        with pytest.raises(TypeError, match="frozen msgspec Struct"):
            event_type(wrong)
