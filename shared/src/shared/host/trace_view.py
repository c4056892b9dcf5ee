"""One trace as a tree: spans of every process, then what each stand-in backend logged of it."""

from typing import Any

import httpx
from rich.console import Console
from rich.tree import Tree

from shared.host.runtime import Runtime


async def show_trace(runtime: Runtime, trace_id: str, console: Console) -> int:
    """Print everything known of a trace; returns the exit status, 1 if nothing is."""
    async with httpx.AsyncClient(timeout=5.0) as http:
        spans, lines = await _collect(runtime, trace_id, http)
        requests = {name: await _requests(http, url, trace_id) for name, url in runtime.sandboxes.items()}
    if not spans:
        console.print(f"No process of the running suite remembers the trace {trace_id}.")
        return 1
    for tree in _trees(spans):
        console.print(tree)
    for line in lines:
        console.print(
            f"[dim]{line.get('timestamp', '')}[/] {line.get('level', '')} {line.get('event', '')}", soft_wrap=True
        )
    for name, found in requests.items():
        for request in found:
            console.print(
                f"[cyan]{name}[/] {request['status']} {request['method']} {request['path']} {request['duration_ms']} ms"
            )
    return 0


async def _collect(
    runtime: Runtime, trace_id: str, http: httpx.AsyncClient
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    spans: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for name, url in runtime.processes.items():
        try:
            answer = await http.get(f"{url}/traces/{trace_id}")
        except httpx.HTTPError:
            continue
        if answer.is_success and (view := answer.json()):
            spans += [{**span, "process": name} for span in _flat(view["spans"])]
            lines += view.get("lines", [])
    return spans, lines


def _flat(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for span in spans for found in (span, *_flat(span.get("children", [])))]


async def _requests(http: httpx.AsyncClient, url: str, trace_id: str) -> list[dict[str, Any]]:
    if not url.startswith("http"):
        return []
    try:
        answer = await http.get(f"{url}/__sandbox__/requests", params={"trace_id": trace_id})
    except httpx.HTTPError:
        return []
    return answer.json()["requests"]


def _trees(spans: list[dict[str, Any]]) -> list[Tree]:
    known = {span["spanId"] for span in spans}
    children: dict[str, list[dict[str, Any]]] = {}
    roots: list[dict[str, Any]] = []
    for span in spans:
        parent = span.get("parentId", "")
        (children.setdefault(parent, []) if parent in known else roots).append(span)
    return [_grow(Tree(_label(root)), root, children) for root in roots]


def _grow(tree: Tree, span: dict[str, Any], children: dict[str, list[dict[str, Any]]]) -> Tree:
    for child in children.get(span["spanId"], []):
        _grow(tree.add(_label(child)), child, children)
    return tree


def _label(span: dict[str, Any]) -> str:
    error = f" [red]{span['error']}[/]" if span.get("error") else ""
    return f"{span['name']} [dim]{span.get('durationMs', 0):.1f} ms · {span['kind']} · {span['process']}[/]{error}"
