"""A Marketo subscription over HTTP, the service that talks to it, and its control path."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from bad_day import Fail, failing

from sandboxes.kit import serve_sandbox
from sandboxes.marketo import ACTIVITY_TYPE, CLIENT_ID, CLIENT_SECRET
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.marketo import MarketoMarketing
from system_apis.marketo.connector import Marketo
from system_apis.marketo.settings import MarketoSettings


@pytest.fixture(scope="module")
async def subscription() -> AsyncGenerator[str]:
    async with serve_sandbox("marketo") as url:
        yield url


@pytest.fixture
async def control(subscription: str) -> AsyncGenerator[httpx.AsyncClient]:
    """The control path of a subscription as seeded."""
    async with httpx.AsyncClient(base_url=f"{subscription}/__sandbox__") as client:
        await client.post("/reset")
        yield client
        await client.delete("/faults")
        await client.post("/limits", json={})
        await client.post("/work", json={"seconds": 0})


@pytest.fixture
async def opened(
    subscription: str, control: httpx.AsyncClient, tmp_path: Path
) -> AsyncGenerator[Callable[..., MarketoMarketing]]:
    """A service with these settings; its own circuit, closed."""
    del control
    wire = open_wire()

    def open_(*, secret: str = CLIENT_SECRET, **settings: Any) -> MarketoMarketing:
        (tmp_path / "secret").write_text(secret)
        chosen = {"url": subscription, "client_id": CLIENT_ID, "activity_type": ACTIVITY_TYPE,
                  "retry_delays": (0.01,), **settings}  # fmt: skip
        reference = Secret(f"file:{tmp_path / 'secret'}")
        return MarketoMarketing(Marketo(MarketoSettings(client_secret=reference, **chosen), Outbound(wire)))

    yield open_
    await wire.aclose()


@pytest.fixture
def marketing(opened: Callable[..., MarketoMarketing]) -> MarketoMarketing:
    return opened()


@pytest.fixture
def fail(control: httpx.AsyncClient) -> Fail:
    """`fail("POST", "*/leads.json", "lost-reply")`: what Marketo does on a bad day."""
    return failing(control, "method", "path", "fault")


@pytest.fixture
def refuse(fail: Callable[..., Any]) -> Callable[..., Any]:
    """`refuse("606")`: what is asked next is refused with this number, in a 200."""

    async def put(code: str, path: str = "/rest/*", times: int | None = 1) -> None:
        body = {"requestId": "1#2", "success": False, "errors": [{"code": code, "message": "A secret sentence"}]}
        await fail("*", path, "status", status=200, body=body, times=times)

    return put
