"""Flows that start when something has happened: each event once, in order, whatever cannot be understood set aside."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract, post
from shared.binding.problems import BackendUnavailable
from shared.durable.codec import PlainCodec
from shared.durable.flow import Flow
from shared.durable.journal import Consumption
from shared.durable.outbox_source import OutboxSource
from shared.durable.outbox_upkeep import OutboxUpkeep
from shared.durable.subscriber import Subscriber
from shared.durable.subscription import Subscription
from shared.messaging.event_source import OLDEST, Event, PositionExpired


class Goods(msgspec.Struct, frozen=True):
    """What is sold."""

    name: str


class ThingSold(msgspec.Struct, frozen=True, rename="camel"):
    """Sold."""

    thing_name: str


class ThingLost(msgspec.Struct, frozen=True):
    """Lost."""

    name: str


class Books(Contract, tier="system", version="v1"):
    """Books."""

    @post("/entries", scope="books:write")
    async def enter(self, goods: Goods) -> Goods:
        """Enter goods."""


class Sell(Flow[Goods, str], version=1):
    async def run(self, request: Goods) -> str:
        self.publish(ThingLost("first"))
        self.publish(ThingSold(request.name))
        return request.name


class Ship(Flow[Goods, str], version=1):
    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Goods) -> str:
        return (await self.books.enter(request)).name


def shipping(**changes: Any) -> Subscription[ThingSold, Goods]:
    wanted: dict[str, Any] = {
        "key": lambda sold: f"{sold.thing_name}-ship", "request": lambda sold: Goods(sold.thing_name), **changes
    }  # fmt: skip
    return Subscription("shipping", ThingSold, Ship, **wanted)


class Bus:
    """Another source: numbers of its own, and no more than what is in the list."""

    name = "bus"

    def __init__(self, *events: Event) -> None:
        self.events = list(events)
        self.expired: set[str] = set()

    async def read(self, after: str, limit: int, wait_seconds: float) -> Sequence[Event]:
        if after in self.expired:
            raise PositionExpired("That is gone.")
        places = [event.position for event in self.events]
        start = places.index(after) + 1 if after else 0
        return self.events[start : start + limit]

    async def latest(self) -> str:
        return self.events[-1].position


def sold(number: int, payload: bytes = b"", **changes: Any) -> Event:
    event = Event(
        f"e{number}", "thing-sold", 1, payload or msgspec.json.encode(ThingSold(f"t{number}")),
        datetime(2026, 1, 1, tzinfo=UTC), f"p{number}",
    )  # fmt: skip
    return msgspec.structs.replace(event, **changes)


@pytest.fixture
async def runner(start: Callable[..., Any], backends: Any) -> Any:
    backends.answers = {"enter": lambda goods: goods}
    return await start(Sell, Ship)


async def position(journal: Any) -> str:
    (state,) = await journal.consumers()
    return state.position


async def test_a_flow_starts_for_each_event_and_belongs_to_what_caused_it(
    runner: Any, journal: Any, backends: Any, until: Any
) -> None:
    context = CallContext(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01", correlation_id="c1")
    await (await runner.submit(Sell, "s", Goods("a"), context=context)).result(60)
    subscriber = Subscriber(runner, journal, shipping(), OutboxSource(journal, PlainCodec()))
    assert await subscriber.look() == 2, "the event of another type is passed over, too"
    assert await subscriber.look() == 0
    view = await until(runner, "a-ship", "completed")
    assert (view.correlation_id, view.trace_id) == ("c1", "a" * 32)
    assert await position(journal) == await journal.newest_event()


async def test_a_running_subscriber_takes_what_is_published_from_then_on(runner: Any, journal: Any, until: Any) -> None:
    subscriber = Subscriber(runner, journal, shipping(), OutboxSource(journal, PlainCodec()))
    subscriber.start()
    try:
        await eventually(journal.consumers)
        for name in ("a", "b"):
            await runner.submit(Sell, name, Goods(name))
            await eventually(lambda name=name: runner.latest(f"{name}-ship"))
            await until(runner, f"{name}-ship", "completed")
    finally:
        await subscriber.stop()


async def test_an_event_that_comes_five_times_starts_one_flow(
    runner: Any, journal: Any, backends: Any, until: Any
) -> None:
    bus = Bus(*(sold(1, position=f"p{again}") for again in range(5)), sold(2))
    subscriber = Subscriber(runner, journal, shipping(), bus)
    assert await subscriber.look() == 6
    for name in ("t1-ship", "t2-ship"):
        await until(runner, name, "completed")
    assert backends.names() == ["enter", "enter"]


async def test_of_competing_subscribers_each_event_starts_one_flow(start: Any, journal: Any, backends: Any) -> None:
    backends.answers = {"enter": lambda goods: goods}
    bus = Bus(*(sold(number) for number in range(250)))
    several = [Subscriber(await start(Ship), journal, shipping(), bus) for _ in range(3)]

    async def consume(subscriber: Subscriber) -> int:
        counts = [await subscriber.look() for _ in range(8)]
        return sum(counts)

    assert sum(await asyncio.gather(*map(consume, several))) == 250
    assert (await position(journal), len((await journal.page(limit=999))[0])) == ("p249", 250)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (sold(1, b'{"thingName":7}'), "does not fit thing-sold"),
        (sold(1, b"not even JSON"), "does not fit thing-sold"),
        (sold(1, version=2), "version 2 of thing-sold, and shipping knows up to 1"),
        (sold(1, unreadable="Its key is gone.", payload=b"null"), "cannot be read. Its key is gone."),
        (sold(1, b'{"thingName":"no key \\u00e9"}'), "cannot name a flow"),
        (sold(1, b'{"thingName":"defect"}'), "A defect ended this flow: ZeroDivisionError"),
    ],
    ids=["type", "syntax", "version", "sealed", "key", "defect"],
)
async def test_what_cannot_be_understood_is_a_dead_letter_and_stops_nobody(
    runner: Any, journal: Any, until: Any, event: Event, why: str
) -> None:
    def request(happened: ThingSold) -> Goods:
        return Goods(happened.thing_name if happened.thing_name != "defect" else str(1 // 0))

    subscriber = Subscriber(runner, journal, shipping(request=request), Bus(sold(0), event, sold(2)))
    assert await subscriber.look() == 3
    for name in ("t0-ship", "t2-ship"):
        await until(runner, name, "completed")
    letter = await runner.view("shipping:e1")
    assert (letter.state, letter.kind) == ("dead", "ship@1")
    assert why in letter.problem.detail
    assert {name: letter.problem.extensions[name] for name in ("subscription", "eventId", "position")} == {
        "subscription": "shipping", "eventId": "e1", "position": "p1",
    }  # fmt: skip
    await runner.resume("shipping:e1", by="me", patch={"name": "by hand"})
    assert (await until(runner, "shipping:e1", "completed")).result == "by hand"


async def test_an_event_of_any_source_has_a_dead_letter_that_can_be_named(runner: Any, journal: Any) -> None:
    odd = [sold(n, b"{}", id=name) for n, name in enumerate(["ord/7", "ä ö", "x" * 300, "v.1"])]
    await Subscriber(runner, journal, shipping(), Bus(*odd)).look()
    letters, _ = await runner.page(states=["dead"])
    assert len(letters) == 4
    assert letters[-1].flow_id == "shipping:ord:7"
    assert all(len(letter.flow_id) < 200 and letter.flow_id.isascii() for letter in letters)


async def test_a_new_subscription_may_begin_with_what_happens_from_now_on(runner: Any, journal: Any) -> None:
    bus = Bus(sold(1))
    subscriber = Subscriber(runner, journal, shipping(begin="latest"), bus)
    assert await subscriber.look() == 0
    bus.events.append(sold(2))
    assert await subscriber.look() == 1
    assert await runner.latest("t1-ship") is None


@pytest.mark.parametrize(("rule", "started"), [("oldest", ["t2-ship", "t3-ship"]), ("latest", [])])
async def test_an_expired_position_is_left_by_the_rule(
    runner: Any, journal: Any, monkeypatch: pytest.MonkeyPatch, rule: Any, started: list[str]
) -> None:
    monkeypatch.setattr("shared.durable.subscriber._PAUSE", 0.01)
    await journal.consume(Consumption("shipping", "bus", None, "p1"))
    bus = Bus(sold(2), sold(3))
    bus.expired = {"p1"}
    subscriber = Subscriber(runner, journal, shipping(if_expired=rule), bus)
    with pytest.raises(PositionExpired):
        await subscriber.look()
    subscriber.start()

    async def at_the_end() -> bool:
        return await position(journal) == "p3"

    await eventually(at_the_end)
    await subscriber.stop()
    assert subscriber.trouble == ""
    flows, _ = await journal.page()
    assert sorted(flow.flow_id for flow in flows) == started


async def test_without_a_rule_an_expired_position_stops_the_subscription_and_says_so(runner: Any, journal: Any) -> None:
    await journal.consume(Consumption("shipping", "bus", None, "p1"))
    bus = Bus(sold(2))
    bus.expired = {"p1"}
    subscriber = Subscriber(runner, journal, shipping(), bus)
    subscriber.start()
    await eventually(lambda: subscriber.trouble == "stopped: That is gone.")
    await subscriber.stop()
    assert await position(journal) == "p1"


async def test_a_source_that_is_away_ends_no_subscription(
    runner: Any, journal: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.durable.subscriber._PAUSE", 0.01)
    bus, read = Bus(sold(1)), Bus.read
    calls = 0

    async def flaky(self: Bus, after: str, limit: int, wait_seconds: float) -> Sequence[Event]:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise BackendUnavailable("The bus is away.")
        await asyncio.sleep(0.01)
        return await read(self, after, limit, wait_seconds)

    monkeypatch.setattr(Bus, "read", flaky)
    subscriber = Subscriber(runner, journal, shipping(), bus)
    subscriber.start()
    await eventually(lambda: runner.latest("t1-ship"))
    await until(runner, "t1-ship", "completed")
    await eventually(lambda: not subscriber.trouble)
    await subscriber.stop()


async def test_a_consumer_that_was_forgotten_and_comes_again_starts_nothing_twice(runner: Any, journal: Any) -> None:
    bus = Bus(sold(1))
    subscriber = Subscriber(runner, journal, shipping(), bus)
    assert await subscriber.look() == 1
    assert await journal.forget_consumer("shipping")
    bus.events.append(sold(2))
    assert await subscriber.look() == 0, "it is not where it thought"
    assert await subscriber.look() == 2, "it begins anew"
    assert len((await journal.page())[0]) == 2


async def test_a_name_keeps_to_one_source(runner: Any, journal: Any) -> None:
    await journal.consume(Consumption("shipping", "outbox", None, OLDEST))
    with pytest.raises(RuntimeError, match="another name"):
        await Subscriber(runner, journal, shipping(), Bus(sold(1))).look()


async def test_what_could_not_be_kept_is_refused_at_once(start: Any, journal: Any) -> None:
    with pytest.raises(ValueError, match="cannot name a subscription"):
        Subscription("Ship It", ThingSold, Ship, key=str, request=lambda sold: Goods(sold.thing_name))
    with pytest.raises(TypeError, match="its API does not run"):
        Subscriber(await start(Sell), journal, shipping(), Bus())


async def test_whoever_waits_for_events_hears_of_them_soon(runner: Any, journal: Any) -> None:
    source = OutboxSource(journal, PlainCodec())
    waiting = [asyncio.create_task(source.read(OLDEST, 9, 110)) for _ in range(3)]
    await asyncio.sleep(0.05)
    await (await runner.submit(Sell, "s", Goods("a"))).result(60)
    for heard in await asyncio.wait_for(asyncio.gather(*waiting), 60):
        assert [event.id for event in heard] == ["s/1", "s/2"]
    assert await source.read(await source.latest(), 9, 0.05) == []


async def test_upkeep_drops_what_is_old_and_passed(runner: Any, journal: Any, clock: Any) -> None:
    await (await runner.submit(Sell, "s", Goods("a"))).result(60)
    upkeep = OutboxUpkeep(journal, keep=60)
    assert await upkeep.trim() == 0
    clock.advance(61)
    assert await upkeep.trim() == 2
    await upkeep.measure()
