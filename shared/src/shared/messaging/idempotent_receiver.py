"""Idempotent Receiver: a write that arrives twice is done once and answered twice.

The first request with a key executes; equal ones get its answer, also when that was a problem of a permanent
kind. A transient problem, a defect or a cancelled request release the key, since a repeat may succeed.

While a request executes, its key is a lease in Valkey that a living process renews: when the process dies,
the key is free again within `lease_seconds` and a repeat executes. So does a repeat when Valkey lost the answer
(at most the last two seconds in a crash). An operation that must never run twice, such as placing an order,
therefore also carries its business key into the SQL journal; this receiver spares it the work.
"""

import asyncio
import contextlib
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.binding.problems import BackendUnavailable, Conflict, Problem, ProblemDetails
from shared.messaging.idempotency_key import IdempotencyKeyInFlight, IdempotencyKeyReused
from shared.telemetry.logging import get_logger

_log = get_logger("idempotency")
_PREFIX = "triptych:idempotency:"
_LONGEST_WAIT = 2.0
_RETRY_AFTER = 1.0
_POLL_SECONDS = (0.01, 0.02, 0.05, 0.1)

# Store or release, unless another request holds the key by now; an expired lease nobody took is still ours.
_SETTLE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""


class Codec(Protocol):
    """Encrypts what is stored; answers may hold personal fields."""

    def seal(self, payload: bytes, place: str) -> bytes:
        """The bytes to store for `payload` in this place and no other."""
        ...

    def open(self, sealed: bytes, place: str) -> bytes:
        """The bytes that were sealed for this place; raises ValueError for anything else."""
        ...


class _Record(msgspec.Struct, frozen=True, array_like=True):
    """What Valkey holds under a key; `holder` tells two executions of one request apart."""

    state: Literal["pending", "answer", "problem"]
    fingerprint: bytes
    holder: bytes = b""
    content: bytes = b""


class _Claim(msgspec.Struct, frozen=True):
    name: str
    fingerprint: bytes
    pending: bytes


class IdempotentReceiver:
    """Runs each write once per owner, operation and key.

    Args:
        valkey: Where answers are kept.
        codec: Encrypts stored answers; None stores them as they are.
        retention_seconds: How long an answer can be replayed; 30 days by default.
        wait_seconds: How long an equal request waits for the one in flight, 0 to 2 s.
        lease_seconds: After how long the key of a died process is free.
        patience: Seconds to wait for Valkey.
    """

    def __init__(
        self,
        valkey: Redis,
        *,
        codec: Codec | None = None,
        retention_seconds: float = 30 * 86_400.0,
        wait_seconds: float = 2.0,
        lease_seconds: float = 15.0,
        patience: float = 0.25,
    ) -> None:
        if not 0 <= wait_seconds <= _LONGEST_WAIT:
            raise ValueError(f"wait_seconds is {wait_seconds}; it must lie between 0 and {_LONGEST_WAIT}.")
        self._valkey = valkey
        self._codec = codec
        self._retention_ms = int(retention_seconds * 1000)
        self._wait_seconds = wait_seconds
        self._lease_seconds = lease_seconds
        self._lease_ms = int(lease_seconds * 1000)
        self._patience = patience
        self._here: dict[str, asyncio.Event] = {}  # executions of this process, so that waiters need not poll

    async def run(
        self,
        key: str,
        owner: str,
        operation: str,
        fingerprint: bytes,
        call: Callable[[], Awaitable[bytes]],
        *,
        naturally_idempotent: bool = False,
    ) -> tuple[bytes, bool]:
        """Execute `call`, or answer what it answered before.

        Args:
            key: The client's key (see `parse_idempotency_key`).
            owner: Who asks, subject and client: keys of others are another namespace.
            operation: Which operation; the same key may serve another one.
            fingerprint: Digest of the request's content.
            call: The write; answers the encoded reply.
            naturally_idempotent: The operation may run again without harm, so it also runs without Valkey.

        Returns:
            The encoded reply, and whether it is a replay.

        Raises:
            IdempotencyKeyReused: The key belongs to a request with another fingerprint.
            IdempotencyKeyInFlight: The first request did not finish while this one waited, or failed in passing.
            BackendUnavailable: Valkey cannot be reached, and the operation is not naturally idempotent.
            Problem: What `call` raises, or raised the first time if that was permanent.
        """
        claim = _claim(key, owner, operation, fingerprint)
        try:
            known = await self._take(claim)
        except (RedisError, OSError, TimeoutError) as problem:
            if naturally_idempotent:
                return await call(), False
            raise _unavailable() from problem
        if known is None:
            return await self._execute(claim, call), False
        return await self._replay(claim, known), True

    async def _execute(self, claim: _Claim, call: Callable[[], Awaitable[bytes]]) -> bytes:
        done = self._here[claim.name] = asyncio.Event()
        renewing = asyncio.create_task(self._renew(claim))
        outcome: _Record | None = None
        try:
            reply = await call()
            outcome = self._record(claim, "answer", reply)
        except Problem as problem:
            if not problem.transient:
                outcome = self._record(claim, "problem", msgspec.json.encode(problem.details()))
            raise
        finally:
            renewing.cancel()
            try:
                await self._settle(claim, outcome)
            finally:
                self._here.pop(claim.name, None)
                done.set()
        return reply

    def _record(self, claim: _Claim, state: Literal["answer", "problem"], content: bytes) -> _Record:
        sealed = self._codec.seal(content, claim.name) if self._codec else content
        return _Record(state, claim.fingerprint, content=sealed)

    async def _replay(self, claim: _Claim, known: bytes) -> bytes:
        """The stored reply, waiting for it if need be."""
        deadline = time.monotonic() + self._wait_seconds
        polls = 0
        while True:
            record = msgspec.msgpack.decode(known, type=_Record)
            if record.fingerprint != claim.fingerprint:
                raise IdempotencyKeyReused(
                    "This Idempotency-Key was used for a request with another content. Use a new key for a new "
                    "request, or repeat the first one unchanged."
                )
            if record.state != "pending":
                return self._stored(claim, record)
            left = deadline - time.monotonic()
            if left <= 0:
                raise _in_flight("is still being executed")
            await self._pause(claim.name, min(left, _POLL_SECONDS[min(polls, len(_POLL_SECONDS) - 1)]), left)
            polls += 1
            found = await self._look(claim)
            if found is None:
                raise _in_flight("did not succeed for a passing reason")
            known = found

    def _stored(self, claim: _Claim, record: _Record) -> bytes:
        try:
            content = self._codec.open(record.content, claim.name) if self._codec else record.content
        except ValueError as error:
            _log.error("idempotency.unreadable", problem=str(error))
            raise Conflict(
                "This request was executed before, but its stored answer can no longer be opened. Look up what came "
                "of it, and use another Idempotency-Key for another request."
            ) from None
        if record.state == "problem":
            raise Problem.from_details(msgspec.json.decode(content, type=ProblemDetails))
        return content

    async def _pause(self, name: str, poll: float, left: float) -> None:
        """Wait for the execution in this process, or a moment for one elsewhere."""
        done = self._here.get(name)
        if done is None:
            await asyncio.sleep(poll)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await done.wait()

    async def _take(self, claim: _Claim) -> bytes | None:
        """Claim the key; the record that holds it already, or None when it is ours."""
        async with asyncio.timeout(self._patience):
            held = await self._valkey.set(claim.name, claim.pending, nx=True, get=True, px=self._lease_ms)
        return cast(bytes | None, held)

    async def _look(self, claim: _Claim) -> bytes | None:
        try:
            async with asyncio.timeout(self._patience):
                return cast(bytes | None, await self._valkey.get(claim.name))
        except (RedisError, OSError, TimeoutError) as problem:
            raise _unavailable() from problem

    async def _settle(self, claim: _Claim, outcome: _Record | None) -> None:
        """Store the outcome, or release the key without one; a lost Valkey does not spoil the answer."""
        stored = msgspec.msgpack.encode(outcome) if outcome else b""
        try:
            async with asyncio.timeout(self._patience):
                kept = await self._eval(_SETTLE, claim, stored, self._retention_ms)
        except (RedisError, OSError, TimeoutError) as problem:
            _log.warning("idempotency.store.failed", problem=type(problem).__name__)
        else:
            if stored and not kept:
                _log.error("idempotency.executed_twice")  # stalled beyond its lease; the journal tells them apart

    async def _renew(self, claim: _Claim) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            with contextlib.suppress(RedisError, OSError, TimeoutError):  # the next renewal may get through
                async with asyncio.timeout(self._patience):
                    await self._eval(_RENEW, claim, self._lease_ms)

    async def _eval(self, script: str, claim: _Claim, *arguments: bytes | int) -> int:
        execute = cast(  # redis leaves it untyped
            Callable[..., Awaitable[int]],
            self._valkey.execute_command,  # pyright: ignore[reportUnknownMemberType]
        )
        return await execute("EVAL", script, 1, claim.name, claim.pending, *arguments)


def _claim(key: str, owner: str, operation: str, fingerprint: bytes) -> _Claim:
    digest = hashlib.sha256(msgspec.msgpack.encode((owner, operation, key))).hexdigest()
    pending = _Record("pending", fingerprint, holder=secrets.token_bytes(12))
    return _Claim(_PREFIX + digest, fingerprint, msgspec.msgpack.encode(pending))


def _in_flight(what: str) -> IdempotencyKeyInFlight:
    return IdempotencyKeyInFlight(
        f"The first request with this Idempotency-Key {what}. Repeat with the same key after {_RETRY_AFTER:.0f} s.",
        retry_after=_RETRY_AFTER,
    )


def _unavailable() -> BackendUnavailable:
    return BackendUnavailable(
        "Whether this request was executed before cannot be checked now. Repeat it with the same Idempotency-Key.",
        retry_after=_RETRY_AFTER,
    )
