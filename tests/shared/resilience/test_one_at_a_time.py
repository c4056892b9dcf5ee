"""Writes that must not overlap, in one process and in several."""

import asyncio
from collections.abc import AsyncIterator
from typing import NoReturn

import pytest
from redis.asyncio import Redis

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import BackendUnavailable, DeadlineExceeded, Problem, Refused
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.resilience.doubt import Doubts
from shared.resilience.one_at_a_time import OneAtATime
from shared.resilience.outbound_faults import NotReached, OutcomeUnknown


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedValkey]:
    async with EmbeddedValkey(tmp_path_factory.mktemp("one-at-a-time")) as server:
        yield server


@pytest.fixture
async def valkey(server: EmbeddedValkey) -> AsyncIterator[Redis]:
    async with valkey_client(server.url) as client:
        await client.flushall()
        yield client


class Book:
    """Notes how many writes are under way at once."""

    def __init__(self) -> None:
        self.under_way = self.most = self.written = 0

    async def write(self) -> int:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.01)
        self.under_way -= 1
        self.written += 1
        return self.written


async def test_writes_of_several_processes_never_overlap(valkey: Redis) -> None:
    book = Book()
    processes = [OneAtATime(Doubts(valkey), "CRM", "people", 30.0) for _ in range(3)]
    await asyncio.gather(*(each.run(book.write) for each in processes for _ in range(5)))
    assert (book.most, book.written) == (1, 15)


async def test_one_that_is_refused_lets_the_next_through() -> None:
    async def refused() -> NoReturn:
        raise Refused("No.")

    turns = OneAtATime(Doubts(), "CRM", "people", 30.0)
    with pytest.raises(Refused):
        await turns.run(refused)
    assert await turns.run(Book().write) == 1


async def test_after_one_without_an_answer_the_next_waits_until_the_backend_must_be_done() -> None:
    async def never_answered() -> NoReturn:
        raise DeadlineExceeded("Late.", extensions={"outcome": "unknown"})

    turns, book = OneAtATime(Doubts(), "CRM", "people", 0.4), Book()
    with pytest.raises(DeadlineExceeded):
        await turns.run(never_answered)
    began = asyncio.get_running_loop().time()
    await turns.run(book.write)
    assert asyncio.get_running_loop().time() - began >= 0.3


@pytest.mark.parametrize(
    "problem", [OutcomeUnknown("Lost."), BackendUnavailable("A gateway gave up.")], ids=["lost", "gateway"]
)
async def test_a_connection_that_is_lost_is_no_answer_either(problem: Problem) -> None:
    async def lost() -> NoReturn:
        raise problem

    doubts = Doubts()
    with pytest.raises(type(problem)):
        await OneAtATime(doubts, "CRM", "people", 30.0).run(lost)
    assert await doubts.begin("CRM:people", 30.0) > 0


async def test_what_was_never_sent_keeps_nobody_waiting() -> None:
    async def not_reached() -> NoReturn:
        raise NotReached("Nobody there.")

    turns = OneAtATime(Doubts(), "CRM", "people", 30.0)
    with pytest.raises(NotReached):
        await turns.run(not_reached)
    assert await turns.run(Book().write) == 1


async def test_a_mark_whose_time_is_over_is_no_mark_whatever_else_is_in_doubt() -> None:
    doubts = Doubts()
    await doubts.begin("ERP:order", 30.0)
    await doubts.begin("CRM:people", 0.05)
    await asyncio.sleep(0.06)
    assert await doubts.begin("CRM:people", 30.0) == 0


async def test_who_has_no_time_to_wait_is_told_that_nothing_was_sent() -> None:
    doubts, book = Doubts(), Book()
    await doubts.begin("CRM:people", 30.0)
    deadline = asyncio.get_running_loop().time() + 0.2
    with calling(CallContext(deadline=deadline)), pytest.raises(NotReached, match="nothing was sent") as caught:
        await OneAtATime(doubts, "CRM", "people", 30.0).run(book.write)
    assert (caught.value.retry_after, book.written) == (5.0, 0)
