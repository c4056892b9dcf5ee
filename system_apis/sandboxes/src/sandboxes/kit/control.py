"""The control path: watch a sandbox, make it fail, move its clock. No vendor has it."""

import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

import msgspec

from sandboxes.kit.asgi import Message, Receive, Scope, Send
from sandboxes.kit.clock import Clock
from sandboxes.kit.faults import Fault, Faults, fail
from sandboxes.kit.http import Request, Response, read_body, send_response
from sandboxes.kit.sandbox import SandboxApp

CONTROL = "/__sandbox__/"
_REMEMBERED = 10_000


class Watched:
    """A sandbox app under watch: an ASGI app that logs every request and fails those it is told to fail."""

    def __init__(self, app: SandboxApp, clock: Clock) -> None:
        self._app, self._clock = app, clock
        self._faults = Faults()
        # (started, method, path, status, traceparent, seconds, fault); made readable when someone asks
        self._log: deque[tuple[float, str, str, int, bytes, float, str | None]] = deque(maxlen=_REMEMBERED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope["path"]
        if path.startswith(CONTROL):
            request = Request(scope, await read_body(receive))
            await send_response(send, self._control(request, path.removeprefix(CONTROL)))
            return
        status = 0  # stays so when no answer is sent

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method: str = scope["method"]
        at, started = time.time(), time.perf_counter()
        fault = self._faults.struck(method, path) if self._faults.active else None
        try:
            if fault is None:
                await self._app(scope, receive, sending)
            else:
                await fail(fault, self._app, scope, receive, sending)
        finally:
            took = time.perf_counter() - started
            kind = fault and fault.fault
            self._log.append((at, method, path, status, _traceparent(scope), took, kind))

    def _control(self, request: Request, name: str) -> Response:
        try:
            match request.method, name:
                case "GET", "requests":
                    return self._requests(request.query)
                case "POST", "faults":
                    return Response({"id": self._faults.add(msgspec.json.decode(request.body, type=Fault))}, 201)
                case "DELETE", "faults":
                    self._faults.clear()
                    return Response(status=204)
                case "POST", "reset":
                    self._reset()
                    return Response(status=204)
                case "POST", "clock":
                    return self._move_clock(request.json())
                case "GET", "ledger":
                    return Response(self._app.ledger())
                case "POST" | "PUT", own if own in self._app.controls:
                    return Response(self._app.controls[own](request.json() if request.body else {}))
                case _:
                    return Response({"error": f"There is no control {request.method} {name}."}, 404)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as refused:
            return Response({"error": f"The control {name} cannot read this: {refused}"}, 400)

    def _requests(self, query: dict[str, str]) -> Response:
        trace_id = query.get("trace_id", "").encode()
        # traceparent is version-trace_id-parent_id-flags (W3C Trace Context)
        entries = [entry for entry in self._log if not trace_id or trace_id == _trace_id(entry[4])]
        limit = int(query.get("limit", "100"))
        told = [_readable(entry) for entry in entries[-limit:]]
        return Response({"total": len(entries), "requests": told})

    def _reset(self) -> None:
        self._faults.clear()
        self._log.clear()
        self._clock.offset_seconds = 0.0
        self._app.reset()

    def _move_clock(self, body: dict[str, Any]) -> Response:
        self._clock.offset_seconds = float(body["offset_seconds"])
        return Response({"now": self._clock.now()})


def _traceparent(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return value
    return b""


def _trace_id(traceparent: bytes) -> bytes:
    return traceparent[3:35]


def _readable(entry: tuple[float, str, str, int, bytes, float, str | None]) -> dict[str, object]:
    at, method, path, status, traceparent, seconds, fault = entry
    return {
        "at": datetime.fromtimestamp(at, UTC),
        "method": method,
        "path": path,
        "status": status,
        "trace_id": _trace_id(traceparent).decode("ascii", "replace") or None,
        "span_id": traceparent[36:52].decode("ascii", "replace") or None,
        "duration_ms": round(seconds * 1000, 3),
        "fault": fault,
    }
