"""A key begins anew once what its flow did has been taken back."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from shared.binding.declare import Contract, post
from shared.binding.problems import Conflict, Refused
from shared.contracts.process.flow_operations import FlowHasEnded, FlowNotCompleted, FlowNotFound
from shared.durable.flow import Flow


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


async def sold(runner: Any, sku: str = "a") -> Any:
    return await (await runner.submit(Sell, "q1", Goods(sku))).result(60)


async def test_the_next_request_under_the_key_begins_another_attempt(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"create_order": ["o1", "o2"]}
    runner = await start(Sell)
    first = await sold(runner)
    assert (await sold(runner)).flow_id == first.flow_id
    retired = await runner.retire("q1", by="ann", reason="The customer called.")
    assert (retired.state, retired.result, retired.ended, len(retired.timeline)) == ("retired", "o1", True, 1)
    again = await runner.retire("q1", by="bob")
    assert again.updated == retired.updated
    second = await sold(runner, "b")  # a new attempt may ask for something else, as after a refusal
    assert (second.flow_id, second.attempt, second.state, second.result) == ("q1.2", 2, "completed", "o2")
    assert (await sold(runner, "b")).flow_id == "q1.2"
    with pytest.raises(Conflict):
        await sold(runner)
    assert [(e.who, e.act) for e in (await runner.audit())[0]] == [("ann", "retire")]


async def test_many_requests_at_once_after_a_retirement_are_one_attempt(
    start: Callable[..., Any], backends: Any
) -> None:
    backends.answers = {"create_order": "o"}
    runner = await start(Sell)
    await sold(runner)
    answers = await asyncio.gather(
        *(sold(runner) for _ in range(5)), runner.retire("q1", by="ann"), *(sold(runner) for _ in range(20))
    )
    assert {answer.flow_id for answer in answers} <= {"q1", "q1.2"}
    assert (await sold(runner)).flow_id == "q1.2"
    assert len(backends.names()) == 2


async def test_what_has_not_completed_is_not_retired(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"create_order": Refused("Sold out.")}
    runner = await start(Sell)
    await sold(runner)
    with pytest.raises(FlowNotCompleted, match="refused"):
        await runner.retire("q1", by="ann")
    with pytest.raises(FlowNotFound):
        await runner.retire("nobody", by="ann")


async def test_a_retired_flow_takes_no_signal_and_is_not_stopped(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"create_order": "o1"}
    runner = await start(Sell)
    await sold(runner)
    await runner.retire("q1", by="ann")
    with pytest.raises(FlowHasEnded):
        await runner.signal("q1", "go", 1, key="1")
    assert (await runner.cancel("q1", by="bob")).state == "retired"
