"""Failures on request: what a backend does on a bad day, chosen by method and path."""

import asyncio
from fnmatch import fnmatchcase
from itertools import count
from typing import Literal

import msgspec

from sandboxes.kit.asgi import ASGIApp, Message, Receive, Scope, Send
from sandboxes.kit.http import Response, read_body, send_response

Kind = Literal["latency", "status", "lost-reply", "nonsense", "truncate", "close", "html"]

_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>"
_NONSENSE = '{"unexpected": [1, 2, "\\ud800'


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One failure, as `POST /__sandbox__/faults` takes it.

    - latency: answers as usual after `seconds` (the other faults wait as well when `seconds` is set)
    - status: answers `status` with `body` (text as it is, anything else as JSON) and `headers`
    - lost-reply: does what was asked, then closes the connection without an answer
    - nonsense: answers 200 with JSON that cannot be read, or with `body`
    - truncate: does what was asked, sends half the answer's body, closes
    - close: closes the connection, nothing done
    - html: answers a web page (200, or `status`) where data was asked for

    `path` is a glob over the path without the query; `times` None means until cleared; the first `after`
    matching requests pass.
    """

    fault: Kind
    method: str = "*"
    path: str = "*"
    seconds: float = 0.0
    status: int | None = None
    times: int | None = 1
    after: int = 0
    body: object = None
    headers: dict[str, str] = {}

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is to fail; counts it."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path) or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The failures in force, oldest first; the first that strikes is the one that happens."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.active: dict[int, Fault] = {}

    def add(self, fault: Fault) -> int:
        """Put a failure in force and return its number."""
        number = next(self._numbers)
        self.active[number] = fault
        return number

    def clear(self) -> None:
        """Everything works again."""
        self.active.clear()

    def struck(self, method: str, path: str) -> Fault | None:
        """The failure that is to happen to this request; one that is used up is forgotten."""
        for number, fault in self.active.items():
            if fault.strikes(method, path):
                if fault.times == 0:
                    del self.active[number]
                return fault
        return None


async def fail(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request the way the fault says."""
    if fault.seconds:
        await asyncio.sleep(fault.seconds)
    if fault.fault == "latency":
        await app(scope, receive, send)
    elif fault.fault == "lost-reply":
        await app(scope, receive, _ignore)
        await _hang_up(scope, receive)
    elif fault.fault == "truncate":
        await app(scope, receive, _half(send))
        await _hang_up(scope, receive)
    elif fault.fault == "close":
        await read_body(receive)
        await _hang_up(scope, receive)
    else:
        await read_body(receive)
        await send_response(send, _false_answer(fault))


def _false_answer(fault: Fault) -> Response:
    if fault.fault == "status":
        return Response(fault.body, fault.status or 503, fault.headers)
    body = _LOGIN_PAGE if fault.fault == "html" else _NONSENSE
    media_type = "text/html; charset=utf-8" if fault.fault == "html" else "application/json"
    return Response(fault.body or body, fault.status or 200, fault.headers, media_type)


async def _ignore(_: Message) -> None:
    """Let the app believe that its answer was sent."""


def _half(send: Send) -> Send:
    """Announces the whole body and sends half of it."""
    chunks: list[bytes] = []

    async def half(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            return
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            body = b"".join(chunks)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})

    return half


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection; ASGI has no message for it, so the server lends its transport."""
    scope["extensions"]["sandbox.hang_up"]()
    while (await receive())["type"] != "http.disconnect":
        pass
