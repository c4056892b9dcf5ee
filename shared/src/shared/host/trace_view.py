"""One trace as a tree: the spans of every process, and under each call of a stand-in what that logged of it."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import click
import httpx
import msgspec

from shared.binding.problems import NotFound
from shared.host.runtime import NotRunning, Runtime

_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_CLOCK_MS = 1.0
"""Two clocks of one machine may disagree by this much; a request is looked for that much around its span."""


class _Span(msgspec.Struct, rename="camel"):
    name: str
    kind: str
    span_id: str
    parent_id: str
    at: datetime
    duration_ms: float
    error: str | None = None
    attributes: dict[str, Any] = {}
    children: list["_Span"] = []
    process: str = ""


class _Trace(msgspec.Struct):
    spans: list[_Span] = []
    lines: list[dict[str, Any]] = []


class _Request(msgspec.Struct):
    """What a stand-in logged."""

    at: datetime
    method: str
    path: str
    status: int
    duration_ms: float
    fault: str | None = None
    sandbox: str = ""


class _Requests(msgspec.Struct):
    requests: list[_Request]


@dataclass
class _Node:
    """One line of the tree."""

    at: datetime
    duration_ms: float
    text: str
    below: list["_Node"] = field(default_factory=list["_Node"])


async def show_trace(runtime: Runtime, trace_id: str) -> int:
    """Print everything known of a trace; returns the exit status.

    Raises:
        NotFound: It is no trace id, or nobody remembers it.
        NotRunning: No process of the suite answers.
    """
    if not _TRACE_ID.fullmatch(trace_id):
        raise NotFound(f"{trace_id[:80]!r} is no trace id; it has 32 hexadecimal digits, see `Trace-Id` of an answer.")
    async with httpx.AsyncClient(timeout=5.0) as http:
        traces = await asyncio.gather(*(_trace(http, *each, trace_id) for each in runtime.processes.items()))
        seen = await asyncio.gather(*(_requests(http, *each, trace_id) for each in runtime.sandboxes.items()))
    if all(trace is None for trace in traces):
        raise NotRunning("No process of the suite answers; start it with `triptych up`.")
    spans = [span for trace in traces if trace for span in trace.spans]
    if not spans:
        raise NotFound(f"No process of the running suite remembers the trace {trace_id}; old ones are forgotten first.")
    _print(_tree(spans, runtime, [request for found in seen for request in found]), trace_id)
    for line in (line for trace in traces if trace for line in trace.lines):
        click.echo(f"  {line.get('timestamp', '')} {line.get('level', '')} {line.get('event', '')}")
    return 0


async def _trace(http: httpx.AsyncClient, process: str, url: str, trace_id: str) -> _Trace | None:
    try:
        answer = await http.get(f"{url}/traces/{trace_id}")
    except httpx.HTTPError:
        return None
    found = msgspec.json.decode(answer.content, type=_Trace | None) if answer.is_success else None
    spans = _flat(found.spans if found else [])
    for span in spans:
        span.process = process
    return _Trace(spans, found.lines if found else [])


def _flat(spans: list[_Span]) -> list[_Span]:
    return [found for span in spans for found in (span, *_flat(span.children))]


async def _requests(http: httpx.AsyncClient, name: str, url: str, trace_id: str) -> list[_Request]:
    if not url.startswith("http"):  # the warehouse is a database, whose calls are spans of ours
        return []
    try:
        answer = await http.get(f"{url}/__sandbox__/requests", params={"trace_id": trace_id})
        found = msgspec.json.decode(answer.content, type=_Requests).requests
    except (httpx.HTTPError, msgspec.MsgspecError):
        return []
    for request in found:
        request.sandbox = name
    return found


def _tree(spans: list[_Span], runtime: Runtime, requests: list[_Request]) -> list[_Node]:
    """Spans under their parents, wherever they ran; each stand-in's request under the span that made it."""
    several = len(runtime.processes) > 1
    nodes = {span.span_id: _Node(span.at, span.duration_ms, _text(span, several=several)) for span in spans}
    roots: list[_Node] = []
    for span in sorted(spans, key=lambda each: each.at):
        parent = nodes.get(span.parent_id)
        (parent.below if parent else roots).append(nodes[span.span_id])
    for request in sorted(requests, key=lambda each: each.at):
        makers = [span for span in spans if _made(span, request, runtime)]
        latest = max(makers, key=lambda span: span.at, default=None)
        (nodes[latest.span_id].below if latest else roots).append(_logged(request))
    return roots


def _made(span: _Span, request: _Request, runtime: Runtime) -> bool:
    base = runtime.sandboxes[request.sandbox].rstrip("/")
    after_ms = (request.at - span.at).total_seconds() * 1000
    same = span.attributes.get("url.full") == base + request.path
    same = same and span.attributes.get("http.request.method") == request.method
    return same and -_CLOCK_MS <= after_ms <= span.duration_ms + _CLOCK_MS


def _text(span: _Span, *, several: bool) -> str:
    status = span.attributes.get("http.response.status_code")
    shown = span.name if status is None or span.kind != "server" else f"{span.name} → {status}"
    where = click.style(f"  {span.process}", dim=True) if several and span.kind == "server" else ""
    error = click.style(f"  {span.error}", fg="red") if span.error else ""
    return shown + where + error


def _logged(request: _Request) -> _Node:
    fault = click.style(f"  fault: {request.fault}", fg="red") if request.fault else ""
    text = click.style(f"{request.sandbox} answered {request.status} to {request.method} {request.path}", fg="cyan")
    return _Node(request.at, request.duration_ms, text + fault)


def _print(roots: list[_Node], trace_id: str) -> None:
    began = min(root.at for root in roots)
    click.echo(click.style(f"Trace {trace_id}, {began.astimezone():%Y-%m-%d %H:%M:%S}", bold=True))
    click.echo(click.style("   start       took", dim=True))
    for root in roots:
        _print_node(root, began, "", "")


def _print_node(node: _Node, began: datetime, first: str, rest: str) -> None:
    start_ms = (node.at - began).total_seconds() * 1000
    times = click.style(f"{start_ms:>8.1f}  {node.duration_ms:>6.1f} ms", dim=True)
    click.echo(f"{times}  {first}{node.text}")
    for below in node.below:
        last = below is node.below[-1]
        _print_node(below, began, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))
