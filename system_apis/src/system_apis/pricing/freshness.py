"""What may be kept of a backend's answers, and for how long: a private cache (RFC 9111)."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from shared.resilience.wire import WireReply

_T = TypeVar("_T")


class Kept(msgspec.Struct, Generic[_T], frozen=True):
    """An answer with its validator; it needs no question until `fresh_until`, on the cache's clock."""

    answer: _T
    etag: str
    fresh_until: float


class AnswerCache(Generic[_T]):
    """The answers of one caller's questions, by address; the least used goes first.

    Args:
        most: So many at most.
        clock: Monotonic seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[str, Kept[_T]] = OrderedDict()

    def now(self) -> float:
        """The moment on the cache's clock, to be taken before a question is sent."""
        return self._clock()

    def find(self, address: str) -> Kept[_T] | None:
        """What is kept, fresh or not."""
        found = self._kept.get(address)
        if found is not None:
            self._kept.move_to_end(address)
        return found

    def is_fresh(self, kept: Kept[_T]) -> bool:
        """Whether it may be used without asking."""
        return self._clock() < kept.fresh_until

    def keep(self, address: str, answer: _T, reply: WireReply, asked: float, etag: str = "") -> None:
        """Keep an answer as far as its headers allow.

        Args:
            address: Of what was asked.
            answer: What the reply says; for a 304, what is kept already.
            reply: With the headers.
            asked: When it was asked, by `now`: an answer has aged on its way (RFC 9111 §4.2.3).
            etag: The validator, where a 304 does not repeat it.
        """
        etag, seconds = reply.headers.get("etag", etag), lifetime_of(reply)
        if seconds is None or not (etag or seconds > 0):
            self._kept.pop(address, None)
            return
        self._kept[address] = Kept(answer, etag, asked + seconds)
        self._kept.move_to_end(address)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


def lifetime_of(reply: WireReply) -> float | None:
    """Seconds that an answer is good for; 0 to ask each time whether it still is, None not to keep it at all."""
    directives = _directives(reply.headers.get("cache-control", ""))
    if "no-store" in directives:
        return None
    age = directives.get("max-age", "")
    if "no-cache" in directives or not _is_seconds(age):
        return 0.0  # what cannot be read counts as stale (RFC 9111 §4.2.1)
    spent = reply.headers.get("age", "0").strip()
    return max(0.0, float(age) - (float(spent) if _is_seconds(spent) else float(age)))


def _is_seconds(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _directives(header: str) -> dict[str, str]:
    parts = (part.strip().partition("=") for part in header.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in parts}
