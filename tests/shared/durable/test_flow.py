"""What a flow author can rely on: steps, replay, divergence, interruptions."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.call_context import CallContext, Principal
from shared.binding.declare import Contract, get, post
from shared.binding.problems import BackendUnavailable, Conflict, Invalid, NotFound, Refused
from shared.durable.flow import Flow, shape_of


class Goods(msgspec.Struct, frozen=True):
    """What is ordered."""

    sku: str
    quantity: int = 1
    tags: list[str] = []


class Order(msgspec.Struct, frozen=True):
    """An order."""

    order_id: str
    price: int = 0


class Shop(Contract, tier="system", version="v1"):
    """A shop."""

    @get("/prices/{sku}", scope="shop:read")
    async def get_price(self, sku: str) -> int:
        """Return the price."""

    @post("/orders", scope="shop:write")
    async def create_order(self, goods: Goods) -> Order:
        """Order goods."""


class Sell(Flow[Goods, Order], version=1):
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def run(self, request: Goods) -> Order:
        price = await self.shop.get_price(request.sku)
        order = await self.shop.create_order(request)
        return Order(order.order_id, price)


async def test_a_flow_completes_and_shows_its_timeline(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"get_price": 7, "create_order": Order("o1")}
    runner = await start(Sell)
    handle = await runner.submit(Sell, "q1", Goods("a"))
    view = await handle.result(60)
    assert (view.state, view.result, view.ended) == ("completed", Order("o1", 7), True)
    assert [(e.step, e.state, e.attempts) for e in view.timeline] == [
        ("shop.get_price", "done", 1),
        ("shop.create_order", "done", 1),
    ]
    stored = await runner.view("q1")
    assert view == msgspec.structs.replace(stored, created=view.created, updated=view.updated)


async def test_steps_carry_the_context_of_the_flow(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"get_price": 7, "create_order": Order("o1")}
    runner = await start(Sell)
    caller = Principal("ann", "app", "urn:x", frozenset(), 0.0, "issuer", token_digest="secret")
    context = CallContext(
        principal=caller, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01", correlation_id="c1", deadline=1.0
    )
    await (await runner.submit(Sell, "q1", Goods("a"), context=context)).result(60)
    seen = [context for _, _, context in backends.calls]
    assert [c.idempotency_key for c in seen] == ["q1/1", "q1/2"]
    assert {(c.correlation_id, c.priority, c.trace_id) for c in seen} == {("c1", "order", "a" * 32)}
    assert {(c.principal.subject, c.principal.token_digest) for c in seen} == {("ann", "")}
    assert all(0 < c.remaining() <= 20 for c in seen)


async def test_replay_returns_what_was_recorded(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any
) -> None:
    backends.answers = {"get_price": [7, 8], "create_order": [BackendUnavailable("down"), Order("o1")]}
    runner = await start(Sell)
    handle = await runner.submit(Sell, "q1", Goods("a"))
    await until(runner, "q1", "waiting")
    clock.advance(1.1)
    view = await handle.result(60)
    assert view.result == Order("o1", 7)
    assert backends.names() == ["get_price", "create_order", "create_order"]
    assert backends.keys("create_order") == ["q1/2", "q1/2"]


class Late(Flow[Goods, str], version=1):
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def run(self, request: Goods) -> str:
        at = self.now()
        await self.shop.create_order(request)
        return at.isoformat()


async def test_the_time_is_recorded(start: Callable[..., Any], backends: Any, clock: Any, until: Any) -> None:
    backends.answers = {"create_order": [BackendUnavailable("down"), Order("o1")]}
    runner = await start(Late)
    before = datetime.now(UTC)
    handle = await runner.submit(Late, "q1", Goods("a"))
    await until(runner, "q1", "waiting")
    clock.advance(3600)
    at = datetime.fromisoformat((await handle.result(60)).result)
    assert 0 <= (at - before).total_seconds() < 60


changing: dict[str, Any] = {}


class Changing(Flow[Goods, Order], version=1):
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def run(self, request: Goods) -> Order:
        for step in changing["steps"]:
            if step == "end":
                return Order("early")
            await (self.shop.get_price(step) if isinstance(step, str) else self.shop.create_order(request))
        return Order("end")


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ([1, 1], ["Step 1", "shop.get_price", "shop.create_order"]),
        (["b", 1], ["Step 1", "shop.get_price with other arguments"]),
        (["end"], ["Step 1", "shop.get_price", "nothing: it has ended"]),
    ],
)
async def test_changed_code_is_a_named_divergence(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any, then: list[Any], words: list[str]
) -> None:
    backends.answers = {"get_price": 7, "create_order": BackendUnavailable("down")}
    runner = await start(Changing)
    changing["steps"] = ["a", 1]
    handle = await runner.submit(Changing, "q1", Goods("a"))
    await until(runner, "q1", "waiting")
    changing["steps"] = then
    clock.advance(1.1)
    view = await handle.result(60)
    assert view.state == "dead"
    assert all(word in view.problem.detail for word in ["FlowDiverged", *words])
    assert len(backends.calls) == 2


class Swallowing(Flow[Goods, str], version=1):
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def run(self, request: Goods) -> str:
        try:
            await self.shop.create_order(request)
        except Exception:  # noqa: BLE001
            return "swallowed as Exception"
        except BaseException:  # noqa: BLE001
            return "swallowed as BaseException"
        finally:
            changing["seen"] = await self._try()
        return "fine"

    async def _try(self) -> str:
        try:
            await self.shop.get_price("x")
        except BaseException as error:  # noqa: BLE001
            return type(error).__name__
        return "ran"


async def test_an_interruption_cannot_be_swallowed(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any
) -> None:
    backends.answers = {"create_order": [BackendUnavailable("down"), Order("o1")], "get_price": 7}
    runner = await start(Swallowing)
    handle = await runner.submit(Swallowing, "q1", Goods("a"))
    await until(runner, "q1", "waiting")
    assert changing["seen"] == "Suspended"
    clock.advance(1.1)
    view = await handle.result(60)
    assert (view.state, view.result, changing["seen"]) == ("completed", "fine", "ran")


class Aliasing(Flow[Goods, Order], version=1):
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def run(self, request: Goods) -> Order:
        step = self.shop.create_order(request)
        request.tags.append("later")
        return await step


async def test_a_step_keeps_its_arguments_as_they_were(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"create_order": Order("o1")}
    runner = await start(Aliasing)
    goods = Goods("a", tags=["first"])
    await (await runner.submit(Aliasing, "q1", goods)).result(60)
    assert backends.calls[0][1]["goods"].tags == ["first"]
    assert goods.tags == ["first"]


class Gathering(Flow[Goods, int], version=1):
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def run(self, request: Goods) -> int:
        return sum(await asyncio.gather(self.shop.get_price(request.sku), self.shop.get_price("b")))


class Twice(Flow[Goods, int], version=1):
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def run(self, request: Goods) -> int:
        step = self.shop.get_price(request.sku)
        return await step + await step


@pytest.mark.parametrize("flow", [Gathering, Twice])
async def test_steps_out_of_order_are_refused(
    start: Callable[..., Any], backends: Any, flow: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    backends.answers = {"get_price": 7}
    runner = await start(flow)
    view = await (await runner.submit(flow, "q1", Goods("a"))).result(60)
    assert view.state == "refused"
    assert "TypeError" in view.problem.detail
    assert "together" in (logged := capsys.readouterr().err) or "awaited before" in logged


class Wide(Flow[Goods, list[int]], version=1):
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def run(self, request: Goods) -> list[int]:
        prices = await self.together(*(self.shop.get_price(str(i)) for i in range(request.quantity)))
        return list(prices)


async def test_together_runs_side_by_side_and_answers_in_order(start: Callable[..., Any], backends: Any) -> None:
    at_once = 0

    async def slow(sku: str) -> int:
        nonlocal at_once
        at_once += 1
        await eventually(lambda: at_once == 8)
        await asyncio.sleep(0.02 - int(sku) / 500)  # the last answers first
        return int(sku)

    backends.answers = {"get_price": slow}
    runner = await start(Wide)
    view = await (await runner.submit(Wide, "q1", Goods("a", quantity=8))).result(60)
    assert view.result == list(range(8))
    assert at_once == 8


async def test_a_business_key_stands_for_one_flow(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"get_price": 7, "create_order": lambda **_: asyncio.sleep(0.05, Order("o1"))}
    runner = await start(Sell)
    handles = await asyncio.gather(*(runner.submit(Sell, "q1", Goods("a")) for _ in range(100)))
    views = await asyncio.gather(*(handle.result(60) for handle in handles))
    assert {handle.flow_id for handle in handles} == {"q1"}
    assert sum(handle.is_new for handle in handles) == 1
    assert {view.result.order_id for view in views} == {"o1"}
    assert backends.names() == ["get_price", "create_order"]
    again = await runner.submit(Sell, "q1", Goods("a"))
    assert (again.is_new, (await again.result(60)).state) == (False, "completed")


async def test_another_request_under_the_same_key_conflicts(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"get_price": 7, "create_order": Order("o1")}
    runner = await start(Sell)
    await runner.submit(Sell, "q1", Goods("a"))
    with pytest.raises(Conflict, match="another request"):
        await runner.submit(Sell, "q1", Goods("b"))


async def test_a_refused_flow_may_be_tried_again(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"get_price": [Refused("not for sale"), 7], "create_order": Order("o1")}
    runner = await start(Sell)
    first = await (await runner.submit(Sell, "q1", Goods("a"))).result(60)
    assert (first.state, first.problem.detail) == ("refused", "not for sale")
    second = await (await runner.submit(Sell, "q1", Goods("b"))).result(60)
    assert (second.flow_id, second.attempt, second.state) == ("q1.2", 2, "completed")
    assert backends.keys("create_order") == ["q1.2/2"]
    third = await runner.submit(Sell, "q1", Goods("b"))
    assert (third.flow_id, third.is_new) == ("q1.2", False)


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 201, "q1.2"])
async def test_a_key_that_cannot_name_a_flow_is_refused(start: Callable[..., Any], key: str) -> None:
    runner = await start(Sell)
    with pytest.raises(Invalid, match="key"):
        await runner.submit(Sell, key, Goods("a"))


async def test_a_request_of_the_wrong_shape_is_refused(start: Callable[..., Any]) -> None:
    runner = await start(Sell)
    with pytest.raises(Invalid, match="does not fit"):
        await runner.submit(Sell, "q1", {"sku": 5})


async def test_an_unknown_flow_is_not_found(start: Callable[..., Any]) -> None:
    runner = await start(Sell)
    for ask in (runner.view, runner.cancel):
        with pytest.raises(NotFound):
            await ask("nowhere")


async def test_flows_are_listed_newest_first_in_pages(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"get_price": 7, "create_order": Order("o1")}
    runner = await start(Sell, Late)
    for number in range(5):
        await (await runner.submit(Sell, f"q{number}", Goods("a"))).result(60)
    page, following = await runner.page(limit=3)
    assert [view.flow_id for view in page] == ["q4", "q3", "q2"]
    rest, end = await runner.page(limit=3, before=following)
    assert ([view.flow_id for view in rest], end) == (["q1", "q0"], None)
    assert await runner.page(states=["dead"]) == ([], None)
    assert await runner.page(kind="late@1") == ([], None)


def test_a_flow_that_cannot_be_served_is_refused() -> None:
    class Wired(Flow[Goods, Order], version=1):
        def __init__(self, shop: Shop, retries: int) -> None: ...

        async def run(self, request: Goods) -> Order: ...

    class Untyped(Flow, version=1):  # type: ignore[type-arg]
        async def run(self, request: Goods) -> Order: ...

    with pytest.raises(TypeError, match=r"Wired.__init__\(retries\): a flow's dependencies are contracts"):
        shape_of(Wired)
    with pytest.raises(TypeError, match="must say what it takes and gives"):
        shape_of(Untyped)
    assert (Sell.name, Sell.version, Sell.dependencies()) == ("sell", 1, {"shop": Shop})
