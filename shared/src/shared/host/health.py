"""Probes: alive, started, ready, and a detailed answer for people.

Readiness does not depend on a backend: an API whose backend is down still answers, with a problem that says
so, and taking it out of the load balancer would only turn one outage into two.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from shared.telemetry.metrics import exposition

PROBES = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})
HEALTH_MEDIA_TYPE = "application/health+json"

Check = Callable[[], Awaitable[tuple[bool, str]]]
"""Says whether a part works, and a few words about it."""


class Health:
    """What a process knows about itself.

    Args:
        process: Its name in the topology.
        version: Of the release.
    """

    def __init__(self, process: str, version: str) -> None:
        self.process = process
        self.version = version
        self.started = False
        self.stopping = False
        self._since = time.time()
        self._checks: dict[str, tuple[Check, bool]] = {}

    def add(self, name: str, check: Check, *, vital: bool) -> None:
        """Report on a part; without a vital one this process cannot serve at all."""
        self._checks[name] = (check, vital)

    async def report(self) -> tuple[int, dict[str, Any]]:
        """Status code and body of `/health` (the shape of draft-inadarei-api-health-check)."""
        checks: dict[str, Any] = {}
        worst = "pass"
        for name, (check, vital) in self._checks.items():
            well, words = await check()
            checks[name] = [{"status": "pass" if well else "fail" if vital else "warn", "output": words}]
            if not well:
                worst = "fail" if vital or worst == "fail" else "warn"
        body = {
            "status": worst if self.started and not self.stopping else "fail",
            "serviceId": self.process,
            "releaseId": self.version,
            "uptimeSeconds": round(time.time() - self._since, 1),
            "checks": checks,
        }
        return (503 if body["status"] == "fail" else 200), body

    async def ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.started and not self.stopping


Page = Callable[[int, dict[str, Any]], Response[Any]]
"""Shows a person the status code and report of `/health`."""


def health_routes(health: Health, page: Page | None = None) -> list[HTTPRouteHandler]:
    """`/livez`, `/readyz`, `/startupz`, `/health` (as a page for who asks for `text/html`) and `/metrics`."""

    @get("/livez", sync_to_thread=False)
    def livez() -> Response[str]:
        return _plain(well=True)

    @get("/startupz", sync_to_thread=False)
    def startupz() -> Response[str]:
        return _plain(well=health.started)

    @get("/readyz")
    async def readyz() -> Response[str]:
        return _plain(well=await health.ready())

    @get("/health")
    async def report(request: Request[Any, Any, Any]) -> Response[Any]:
        status, body = await health.report()
        if page is not None and "text/html" in request.headers.get("accept", ""):
            return page(status, body)
        return Response(msgspec.json.encode(body), status_code=status, media_type=HEALTH_MEDIA_TYPE)

    @get("/metrics", sync_to_thread=False)
    def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        body, content_type = exposition(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    return [livez, startupz, readyz, report, metrics]


def _plain(*, well: bool) -> Response[str]:
    return Response("ok\n" if well else "not now\n", status_code=200 if well else 503, media_type="text/plain")
