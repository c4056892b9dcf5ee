"""One document for each reference, whoever dies while the backend makes it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import BackendUnavailable, DeadlineExceeded, Refused
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.resilience.doubt import Doubts
from shared.resilience.once import Once
from shared.resilience.outbound_faults import NotReached, OutcomeUnknown

ASKING = """
import asyncio, sys
from shared.host.embedded import valkey_client
from shared.resilience.doubt import Doubts
from shared.resilience.once import Once

async def post():
    print("sent", flush=True)
    await asyncio.sleep(60)

async def find():
    return None

once = Once(Doubts(valkey_client(sys.argv[1])), "ERP", "order", float(sys.argv[2]))
asyncio.run(once.make("ref", find, post))
"""


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedValkey]:
    async with EmbeddedValkey(tmp_path_factory.mktemp("once")) as server:
        yield server


@pytest.fixture
async def valkey(server: EmbeddedValkey) -> AsyncIterator[Redis]:
    async with valkey_client(server.url) as client:
        await client.flushall()
        yield client


class Erp:
    """Makes a document of every request, to be found from the look on that `appears` says."""

    def __init__(self, appears: int = 1) -> None:
        self.appears = appears
        self.documents: list[str] = []
        self.looks = 0

    async def find(self) -> str | None:
        self.looks += 1
        return self.documents[0] if self.documents and self.looks >= self.appears else None

    async def post(self) -> str:
        self.documents.append(f"document {len(self.documents) + 1}")
        return self.documents[-1]


def once(doubts: Doubts, settle_seconds: float = 60.0) -> Once[str]:
    return Once(doubts, "ERP", "order", settle_seconds)


async def killed_while_it_waits(url: str, settle_seconds: float) -> None:
    """A process asks for the document, and is killed before the answer."""
    arguments = ["-c", ASKING, url, str(settle_seconds)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"sent\n"
    process.kill()
    await process.wait()


async def test_a_document_that_a_killed_process_asked_for_is_found_and_not_made_again(
    server: EmbeddedValkey, valkey: Redis
) -> None:
    await killed_while_it_waits(server.url, 60.0)
    erp = Erp(appears=3)
    erp.documents.append("of the dead")
    assert await once(Doubts(valkey)).make("ref", erp.find, erp.post) == "of the dead"
    assert len(erp.documents) == 1
    assert erp.looks == 3


async def test_what_a_killed_process_never_got_through_is_made_once_the_backend_must_be_done(
    server: EmbeddedValkey, valkey: Redis
) -> None:
    await killed_while_it_waits(server.url, 2.0)
    (key,) = await valkey.keys("triptych:doubt:*")
    erp, left, began = Erp(), await valkey.pttl(key) / 1000, time.monotonic()
    assert await once(Doubts(valkey)).make("ref", erp.find, erp.post) == "document 1"
    assert time.monotonic() - began > left - 0.01  # it waited for the mark


async def test_who_has_no_time_to_wait_is_told_to_look_again(server: EmbeddedValkey, valkey: Redis) -> None:
    await killed_while_it_waits(server.url, 60.0)
    erp = Erp()
    with (
        calling(CallContext(deadline=time.monotonic() + 0.5)),
        pytest.raises(OutcomeUnknown, match="ERP may still be working on this order") as caught,
    ):
        await once(Doubts(valkey)).make("ref", erp.find, erp.post)
    assert caught.value.retry_after == 5.0
    assert erp.documents == []


async def test_processes_that_ask_at_once_make_one_document(valkey: Redis) -> None:
    erp = Erp()

    async def slow() -> str:
        await asyncio.sleep(0.05)
        return await erp.post()

    processes = [once(Doubts(valkey)) for _ in range(8)]
    made = await asyncio.gather(*(each.make("ref", erp.find, slow) for each in processes))
    assert set(made) == {"document 1"}
    assert len(erp.documents) == 1


async def test_no_mark_outlives_an_outcome_that_is_known(valkey: Redis) -> None:
    erp, maker = Erp(), once(Doubts(valkey))

    async def refused() -> str:
        raise Refused("not today")

    async def unreachable() -> str:
        raise NotReached("no connection")

    async def unfindable() -> str | None:
        raise BackendUnavailable("away")

    for find, post, problem in (
        (erp.find, refused, Refused),
        (erp.find, unreachable, NotReached),
        (unfindable, erp.post, BackendUnavailable),
    ):
        with pytest.raises(problem):
            await maker.make("ref", find, post)
        assert await valkey.keys("triptych:doubt:*") == []
    assert await maker.make("ref", erp.find, erp.post) == "document 1"
    assert await maker.make("ref", erp.find, erp.post) == "document 1"
    assert await valkey.keys("triptych:doubt:*") == []


async def test_a_mark_stays_when_the_answer_did_not_come_in_time(valkey: Redis) -> None:
    erp, maker = Erp(), once(Doubts(valkey))

    async def late() -> str:
        raise DeadlineExceeded("too late", extensions={"outcome": "unknown"})

    with pytest.raises(DeadlineExceeded):
        await maker.make("ref", erp.find, late)
    (key,) = await valkey.keys("triptych:doubt:*")
    assert 30_000 < await valkey.pttl(key) <= 60_000
    with calling(CallContext(deadline=time.monotonic() + 0.5)), pytest.raises(OutcomeUnknown):
        await maker.make("ref", erp.find, erp.post)
    assert await once(Doubts(valkey)).make("another", erp.find, erp.post) == "document 1"


async def test_a_mark_that_somebody_else_has_taken_over_is_not_taken_away(valkey: Redis) -> None:
    first, second = Doubts(valkey), Doubts(valkey)
    assert await first.begin("key", 0.05) == 0
    while left := await second.begin("key", 60.0):  # noqa: ASYNC110 - the time is what it waits for
        await asyncio.sleep(left)
    await first.end("key")
    assert 0 < await Doubts(valkey).begin("key", 60.0) <= 60.0
    await second.end("key")
    assert await Doubts(valkey).begin("key", 60.0) == 0


@pytest.mark.parametrize("lost", ["never there", "gone"])
async def test_without_valkey_a_process_still_knows_its_own_doubts(tmp_path: Path, lost: str) -> None:
    if lost == "gone":
        async with EmbeddedValkey(tmp_path) as server:
            valkey = valkey_client(server.url)
        doubts = Doubts(valkey)
    else:
        doubts, valkey = Doubts(), None
    assert await doubts.begin("key", 60.0) == 0
    assert 30.0 < await doubts.begin("key", 60.0) <= 60.0
    await doubts.end("key")
    assert await doubts.begin("key", 0.01) == 0
    await asyncio.sleep(0.02)
    assert await doubts.begin("key", 60.0) == 0
    if valkey is not None:
        await valkey.aclose()
