"""Requests on whose end two servers might disagree: answered at most once, and what follows them is no request."""

import asyncio

import pytest

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
CHUNK = b"0\r\n\r\n"


def post(*headers: bytes, body: bytes = b"", start: bytes = b"POST /problems HTTP/1.1") -> bytes:
    return b"\r\n".join([start, b"Host: 127.0.0.1", *headers, b"", body])


AMBIGUOUS = {
    "CL.TE": post(b"Content-Length: %d" % len(CHUNK + HIDDEN), b"Transfer-Encoding: chunked", body=CHUNK + HIDDEN),
    "TE.CL": post(b"Transfer-Encoding: chunked", b"Content-Length: 4", body=b"2a\r\n" + HIDDEN + b"\r\n0\r\n\r\n"),
    "TE.TE": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=CHUNK + HIDDEN),
    "TE unknown": post(b"Transfer-Encoding: xchunked", body=CHUNK + HIDDEN),
    "TE with a list": post(b"Transfer-Encoding: chunked, identity", body=CHUNK + HIDDEN),
    "TE with a space": post(b"Transfer-Encoding : chunked", body=CHUNK + HIDDEN),
    "TE with a tab": post(b"Transfer-Encoding:\x0bchunked", body=CHUNK + HIDDEN),
    "TE quoted": post(b'Transfer-Encoding: "chunked"', body=CHUNK + HIDDEN),
    "TE in HTTP/1.0": post(b"Transfer-Encoding: chunked", body=CHUNK + HIDDEN, start=b"POST /problems HTTP/1.0"),
    "two CL": post(b"Content-Length: 0", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
    "CL list": post(b"Content-Length: 0, %d" % len(HIDDEN), body=HIDDEN),
    "CL negative": post(b"Content-Length: -1", body=HIDDEN),
    "CL plus": post(b"Content-Length: +0", body=HIDDEN),
    "CL hex": post(b"Content-Length: 0x0", body=HIDDEN),
    "CL huge": post(b"Content-Length: 99999999999999999999999", body=HIDDEN),
    "CL with a space inside": post(b"Content-Length: 0 0", body=HIDDEN),
    "CL with a space before the colon": post(b"Content-Length : 0", body=HIDDEN),
    "obs-fold": post(b"X: a\r\n Content-Length: 5", b"Content-Length: 0", body=b""),
    "obs-fold of TE": post(b"Transfer-Encoding:\r\n chunked", body=CHUNK + HIDDEN),
    "space before the first header": b"POST /problems HTTP/1.1\r\n Host: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
    "bare CR": post(b"X: a\rContent-Length: 5", b"Content-Length: 0", body=b""),
    "nul in a header": post(b"X: a\x00b", b"Content-Length: 0"),
    "header without a colon": post(b"Garbage", b"Content-Length: 0"),
    "header without a name": post(b": x", b"Content-Length: 0"),
    "chunk size negative": post(b"Transfer-Encoding: chunked", body=b"-1\r\n\r\n" + HIDDEN),
    "chunk size with 0x": post(b"Transfer-Encoding: chunked", body=b"0x0\r\n\r\n" + HIDDEN),
    "chunk size overflow": post(b"Transfer-Encoding: chunked", body=b"10000000000000000\r\n" + HIDDEN),
    "chunk without its end": post(b"Transfer-Encoding: chunked", body=b"2\r\nabXX0\r\n\r\n" + HIDDEN),
    "chunk extension flood": post(b"Transfer-Encoding: chunked", body=b"0;" + b"a" * 70_000 + b"\r\n\r\n"),
    "version": b"GET / HTTP/1.9\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
    "version lower case": b"GET / http/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
    "two spaces": b"GET  /  HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
    "no version": b"GET /\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
    "space in the target": b"GET /a b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
    "huge header": post(b"X: " + b"a" * 1_000_000, b"Content-Length: 0"),
    "huge target": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "too many headers": post(*(b"X-%d: y" % i for i in range(5000)), b"Content-Length: 0"),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
}


def answers(said: bytes) -> list[int]:
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:] + said.split(b"HTTP/1.0 ")[1:]]


@pytest.mark.parametrize("case", AMBIGUOUS)
async def test_an_ambiguous_request_is_answered_at_most_once(suite, case: str) -> None:
    said = await suite.raw(AMBIGUOUS[case], seconds=1.0)
    assert b"/hidden" not in said, said
    assert len(answers(said)) <= 1, said
    assert all(400 <= status < 500 for status in answers(said)), said
    assert b"Traceback" not in said


async def test_bare_line_feeds_end_one_request_only(suite) -> None:
    """hyper reads LF as CRLF, as RFC 9112 §2.2 allows; what matters is that everything is read that way."""
    said = await suite.raw(
        b"GET /problems/x HTTP/1.1\nHost: 127.0.0.1\nConnection: close\n\n" + HIDDEN, seconds=1.0, answers=1
    )
    assert len(answers(said)) == 1
    assert b"/hidden" not in said


async def test_two_honest_requests_on_one_connection_are_two(suite) -> None:
    """The control: what the cases above hide is found when it is not hidden."""
    said = await suite.raw(post(b"Content-Length: 0") + HIDDEN, seconds=1.0, answers=2)
    assert answers(said) == [405, 404]
    assert b"/hidden" in said


async def test_a_body_longer_than_it_says_is_no_second_request_of_somebody_else(suite, kit) -> None:
    operation = kit.operations["quote_to_order.place_order"]
    head = b"Authorization: Bearer " + suite.token(operation).encode()
    start = b"POST " + kit.target(operation).encode() + b" HTTP/1.1"
    said = await suite.raw(
        post(head, b"Content-Type: application/json", b"Content-Length: 2", body=b"{}xx", start=start), 1.0, answers=1
    )
    assert answers(said)[0] == 400
    assert len(answers(said)) <= 2  # "xx" is the broken beginning of another request, and refused as one
    assert all(status == 400 for status in answers(said))


async def test_a_slow_header_does_not_hold_a_connection_for_ever(suite) -> None:
    """It was begun with the suite, so that nobody waits for it here."""
    said = await asyncio.wait_for(asyncio.shield(suite.slow_header), 50.0)
    assert all(status in (400, 408) for status in answers(said))
