"""How long an answer is good for, by its headers (RFC 9111)."""

from collections.abc import Mapping

import pytest

from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.pricing.freshness import AnswerCache, lifetime_of


def reply(headers: Mapping[str, str]) -> WireReply:
    return WireReply(200, ReplyHeaders(headers.items()), b"")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "private, max-age=60"}, 60),
        ({"cache-control": 'Max-Age="60"'}, 60),
        ({"cache-control": "max-age=60", "age": "45"}, 15),
        ({"cache-control": "max-age=60", "age": "90"}, 0),
        ({"cache-control": "max-age=60", "age": "old"}, 0),
        ({"cache-control": "max-age=60, no-cache"}, 0),
        ({"cache-control": "max-age=-1"}, 0),
        ({"cache-control": "max-age=²"}, 0),
        ({}, 0),
        ({"cache-control": "max-age=60, no-store"}, None),
    ],
)
def test_headers_say_how_long_an_answer_is_good(headers: dict[str, str], seconds: float | None) -> None:
    assert lifetime_of(reply(headers)) == seconds


def test_an_answer_ages_from_the_moment_it_was_asked_for() -> None:
    now = 100.0
    cache = AnswerCache[str](2, lambda: now)
    asked = cache.now()
    now = 150.0
    cache.keep("/a", "answer", reply({"cache-control": "max-age=60", "etag": '"1"'}), asked)
    kept = cache.find("/a")
    assert kept is not None
    assert cache.is_fresh(kept)
    now = 160.0
    assert not cache.is_fresh(kept)
    assert kept.etag == '"1"'


def test_the_least_used_goes_first_and_what_may_not_be_kept_goes_at_once() -> None:
    cache = AnswerCache[str](2, lambda: 0.0)
    good = reply({"cache-control": "max-age=60"})
    for address in ("/a", "/b"):
        cache.keep(address, address, good, 0.0)
    cache.find("/a")
    cache.keep("/c", "/c", good, 0.0)
    assert [cache.find(address) is not None for address in ("/a", "/b", "/c")] == [True, False, True]
    cache.keep("/a", "/a", reply({"cache-control": "no-store", "etag": '"1"'}), 0.0)
    assert cache.find("/a") is None


def test_an_answer_without_age_or_validator_is_not_kept() -> None:
    cache = AnswerCache[str](2, lambda: 0.0)
    cache.keep("/a", "a", reply({}), 0.0)
    assert cache.find("/a") is None
