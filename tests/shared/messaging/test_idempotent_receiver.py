"""A write that arrives twice is done once and answered twice, also through crashes and a lost Valkey."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from redis.asyncio import Redis

from shared.binding.problems import BackendUnavailable, Conflict, NotFound, Refused
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.messaging.idempotency_key import IdempotencyKeyInFlight, IdempotencyKeyReused
from shared.messaging.idempotent_receiver import IdempotentReceiver
from shared.security.key_ring import KeyRing, ensure_key_file
from shared.security.secrets import Secret

_PRINT, _OTHER_PRINT = b"a" * 32, b"b" * 32

patient = partial(IdempotentReceiver, patience=20.0)  # with a Valkey on a machine that has much else to do


class Backend:
    """Counts what was done to it and answers, after `seconds` or when it may `go_on`, or with a problem if told so."""

    def __init__(self, *, seconds: float = 0.0, problem: Exception | None = None) -> None:
        self.calls = 0
        self._seconds = seconds
        self.problem = problem
        self.go_on = asyncio.Event()

    async def place(self) -> bytes:
        self.calls += 1
        number = self.calls
        with suppress(TimeoutError):
            await asyncio.wait_for(self.go_on.wait(), self._seconds)
        if self.problem is not None:
            raise self.problem
        return b"order %d" % number


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    async with EmbeddedValkey(tmp_path) as running:
        yield running


@pytest.fixture
async def valkey(server: EmbeddedValkey) -> AsyncIterator[Redis]:
    async with valkey_client(server.url) as client:
        yield client


async def _place(
    receiver: IdempotentReceiver,
    call: Callable[[], Awaitable[bytes]],
    *,
    key: str = "k",
    owner: str = "anna/app",
    operation: str = "place",
    fingerprint: bytes = _PRINT,
) -> tuple[bytes, bool]:
    return await receiver.run(key, owner, operation, fingerprint, call)


async def test_a_repeat_gets_the_first_answer(valkey: Redis) -> None:
    receiver, backend = patient(valkey), Backend()
    assert await _place(receiver, backend.place) == (b"order 1", False)
    assert await _place(receiver, backend.place) == (b"order 1", True)
    assert await _place(patient(valkey), backend.place) == (b"order 1", True)
    assert backend.calls == 1


async def test_a_hundred_at_once_execute_once_and_get_equal_answers(valkey: Redis, server: EmbeddedValkey) -> None:
    backend = Backend(seconds=0.2)
    async with valkey_client(server.url) as elsewhere:  # half of them reach another process
        receivers = [patient(valkey), patient(elsewhere)]
        answers = await asyncio.gather(*(_place(receivers[number % 2], backend.place) for number in range(100)))
    assert Counter(answers) == {(b"order 1", False): 1, (b"order 1", True): 99}
    assert backend.calls == 1


async def test_another_content_under_the_same_key_is_refused_even_in_flight(valkey: Redis) -> None:
    receiver, backend = patient(valkey), Backend(seconds=60)
    first = asyncio.create_task(_place(receiver, backend.place))
    await eventually(lambda: backend.calls)
    for _ in range(2):
        with pytest.raises(IdempotencyKeyReused) as refusal:
            await _place(receiver, backend.place, fingerprint=_OTHER_PRINT)
        assert refusal.value.status == 422
        backend.go_on.set()
        await first
    assert backend.calls == 1


async def test_who_cannot_wait_longer_is_told_that_the_first_is_in_flight(valkey: Redis) -> None:
    receiver, backend = patient(valkey, wait_seconds=0.1), Backend(seconds=60)
    first = asyncio.create_task(_place(receiver, backend.place))
    await eventually(lambda: backend.calls)
    for other in (receiver, patient(valkey, wait_seconds=0)):
        began = time.monotonic()
        with pytest.raises(IdempotencyKeyInFlight, match="still being executed") as refusal:
            await _place(other, backend.place)
        assert time.monotonic() - began < 20
        assert refusal.value.status == 409
        assert refusal.value.retry_after == 1.0
    backend.go_on.set()
    assert await first == (b"order 1", False)
    assert backend.calls == 1


async def test_owners_and_operations_do_not_see_each_others_keys(valkey: Redis) -> None:
    receiver, backend = patient(valkey), Backend()
    await _place(receiver, backend.place)
    assert await _place(receiver, backend.place, owner="bob/app") == (b"order 2", False)
    assert await _place(receiver, backend.place, operation="cancel") == (b"order 3", False)
    assert await _place(receiver, backend.place, owner="anna/appplace", operation="") == (b"order 4", False)


async def test_a_permanent_problem_is_replayed(valkey: Redis) -> None:
    receiver = patient(valkey)
    backend = Backend(problem=Refused("The customer is blocked.", extensions={"customer": "7"}))
    for _ in range(2):
        with pytest.raises(Refused, match="blocked") as refusal:
            await _place(receiver, backend.place)
        assert refusal.value.extensions == {"customer": "7"}
    assert backend.calls == 1


@pytest.mark.parametrize("problem", [BackendUnavailable("down"), ValueError("a defect")])
async def test_a_passing_failure_releases_the_key(valkey: Redis, problem: Exception) -> None:
    receiver, backend = patient(valkey), Backend(problem=problem)
    with pytest.raises(type(problem)):
        await _place(receiver, backend.place)
    backend.problem = None
    assert await _place(receiver, backend.place) == (b"order 2", False)


async def test_those_who_waited_for_a_passing_failure_do_not_storm_the_backend(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, backend = patient(valkey), Backend(seconds=60, problem=BackendUnavailable("down"))
    pause, waiting = receiver._pause, 0

    async def counted(*until: Any) -> None:
        nonlocal waiting
        waiting += 1
        await pause(*until)

    monkeypatch.setattr(receiver, "_pause", counted)
    asked = [asyncio.create_task(_place(receiver, backend.place)) for _ in range(20)]
    await eventually(lambda: waiting == 19)
    backend.go_on.set()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    kinds = Counter(type(each) for each in outcomes)
    assert kinds == {BackendUnavailable: 1, IdempotencyKeyInFlight: 19}
    assert backend.calls == 1


async def test_a_cancelled_request_releases_the_key(valkey: Redis) -> None:
    receiver, backend = patient(valkey), Backend(seconds=60)
    first = asyncio.create_task(_place(receiver, backend.place))
    await eventually(lambda: backend.calls)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    backend.go_on.set()
    assert await _place(receiver, backend.place) == (b"order 2", False)


async def test_a_long_execution_keeps_its_lease(valkey: Redis) -> None:
    receiver, backend = patient(valkey, lease_seconds=1.5), Backend(seconds=60)
    first = asyncio.create_task(_place(receiver, backend.place))
    left: list[int] = []

    async def is_renewed() -> bool:
        left.extend([await valkey.pttl(name) for name in await valkey.keys("triptych:idempotency:*")])
        return any(after > before for before, after in pairwise(left))

    await eventually(is_renewed)
    backend.go_on.set()
    assert await _place(receiver, backend.place) == (b"order 1", True)
    await first
    assert backend.calls == 1


_DYING = """
import asyncio, sys
from shared.host.embedded import valkey_client
from shared.messaging.idempotent_receiver import IdempotentReceiver

async def hang():
    print("executing", flush=True)
    await asyncio.sleep(60)

async def main():
    async with valkey_client(sys.argv[1]) as valkey:
        receiver = IdempotentReceiver(valkey, lease_seconds=1.0)
        await receiver.run("k", "anna/app", "place", b"a" * 32, hang)

asyncio.run(main())
"""


async def test_the_key_of_a_killed_process_is_free_again(valkey: Redis, server: EmbeddedValkey) -> None:
    with subprocess.Popen(  # noqa: ASYNC220 - only the fork blocks
        [sys.executable, "-c", _DYING, server.url], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        process.kill()
    receiver, backend = patient(valkey, wait_seconds=0), Backend()
    with pytest.raises(IdempotencyKeyInFlight):
        await _place(receiver, backend.place)

    async def placed() -> tuple[bytes, bool] | None:
        with suppress(IdempotencyKeyInFlight):
            return await _place(receiver, backend.place)
        return None

    assert await eventually(placed) == (b"order 1", False)


async def test_a_late_finisher_does_not_overwrite_the_answer_of_its_successor(valkey: Redis) -> None:
    receiver, stalled, quick = patient(valkey), Backend(seconds=60), Backend()
    late = asyncio.create_task(_place(receiver, stalled.place, operation="place"))
    await eventually(lambda: stalled.calls)
    (name,) = await valkey.keys("triptych:idempotency:*")
    await valkey.delete(name)  # its lease ran out while it was stalled

    async def replace() -> bytes:
        await quick.place()
        return b"the successor's"

    assert await _place(patient(valkey), replace) == (b"the successor's", False)
    stalled.go_on.set()
    assert await late == (b"order 1", False)
    assert await _place(receiver, stalled.place) == (b"the successor's", True)


async def test_answers_are_kept_for_the_retention_time_and_no_longer(valkey: Redis) -> None:
    backend = Backend()
    await _place(patient(valkey), backend.place, key="long")
    (name,) = await valkey.keys("triptych:idempotency:*")
    assert 29.9 * 86_400 < await valkey.ttl(name) <= 30 * 86_400
    brief = patient(valkey, retention_seconds=0.1)
    await _place(brief, backend.place)
    await asyncio.sleep(0.15)
    assert await _place(brief, backend.place) == (b"order 3", False)


class Reversing:
    """A codec one can see through."""

    def seal(self, plain: bytes, place: str) -> bytes:
        return plain[::-1]

    def open(self, sealed: bytes, place: str) -> bytes:
        return sealed[::-1]


@pytest.mark.parametrize("problem", [None, NotFound("secret name")])
async def test_stored_answers_and_problems_pass_the_codec(valkey: Redis, problem: NotFound | None) -> None:
    async def secret() -> bytes:
        if problem is not None:
            raise problem
        return b"secret name"

    receiver = patient(valkey, codec=Reversing())
    for _ in range(2):
        if problem is None:
            assert (await _place(receiver, secret))[0] == b"secret name"
        else:
            with pytest.raises(NotFound, match="secret name"):
                await _place(receiver, secret)
    (name,) = await valkey.keys("triptych:idempotency:*")
    stored = await valkey.get(name)
    assert b"secret" not in stored
    assert b"terces" in stored


async def test_without_valkey_only_naturally_idempotent_writes_run(tmp_path: Path) -> None:
    backend = Backend()
    async with valkey_client(f"unix://{tmp_path}/nobody.sock") as nobody:
        receiver = IdempotentReceiver(nobody)
        with pytest.raises(BackendUnavailable, match="same Idempotency-Key") as refusal:
            await _place(receiver, backend.place)
        assert refusal.value.status == 503
        assert backend.calls == 0
        run = receiver.run("k", "anna/app", "put", _PRINT, backend.place, naturally_idempotent=True)
        assert await run == (b"order 1", False)


async def test_a_hanging_valkey_is_given_up_soon(valkey: Redis, server: EmbeddedValkey) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(BackendUnavailable):
            await _place(IdempotentReceiver(valkey), Backend().place)
        assert time.monotonic() - began < 20
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_an_answer_that_cannot_be_stored_is_still_given(valkey: Redis, server: EmbeddedValkey) -> None:
    async def place_while_valkey_stops() -> bytes:
        await server.stop()
        return b"order 1"

    assert await _place(IdempotentReceiver(valkey), place_while_valkey_stops) == (b"order 1", False)


def test_a_wait_beyond_two_seconds_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="wait_seconds is 5"):
        patient(valkey_client("redis://127.0.0.1:1"), wait_seconds=5)


async def test_a_stored_answer_whose_key_is_gone_is_told_and_not_executed_again(valkey: Redis, tmp_path: Path) -> None:
    backend, keys = Backend(), ensure_key_file(tmp_path / "keys")
    await _place(patient(valkey, codec=KeyRing(Secret(f"file:{keys}"))), backend.place)
    keys.unlink()
    ensure_key_file(keys)
    with pytest.raises(Conflict, match="executed before"):
        await _place(patient(valkey, codec=KeyRing(Secret(f"file:{keys}"))), backend.place)
    assert backend.calls == 1
