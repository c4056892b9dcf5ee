"""A Slack workspace over HTTP, and the service that speaks in it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from bad_day import Fail, failing

from sandboxes.kit import serve_sandbox
from sandboxes.slack import CHANNELS, TOKEN
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.slack import SlackNotifications
from system_apis.slack.connector import Slack
from system_apis.slack.settings import SlackSettings


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[str]:
    async with serve_sandbox("slack") as url:
        yield url


@pytest.fixture
async def control(sandbox: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{sandbox}/__sandbox__") as client:
        await client.post("/reset")
        yield client


@pytest.fixture
def fail(control: httpx.AsyncClient) -> Fail:
    return failing(control, "path", "fault", method="*", times=1)


@pytest.fixture
def told(control: httpx.AsyncClient) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """Every message in the workspace, with what Slack would act upon."""

    async def read() -> list[dict[str, Any]]:
        return (await control.get("/ledger")).json()["messages"]

    return read


@pytest.fixture
async def opened(
    sandbox: str, control: httpx.AsyncClient, tmp_path: Path
) -> AsyncIterator[Callable[..., SlackNotifications]]:
    """A service with these settings; its own circuit, closed."""
    del control
    wire = open_wire()

    def open_(*, token: str = TOKEN, **settings: Any) -> SlackNotifications:
        (tmp_path / "token").write_text(token)
        chosen: dict[str, Any] = {
            "url": sandbox, "channels": CHANNELS, "retry_delays": (0.01, 0.01), "retry_share": 10.0, **settings,
        }  # fmt: skip
        return SlackNotifications(
            Slack(SlackSettings(token=Secret(f"file:{tmp_path / 'token'}"), **chosen), Outbound(wire))
        )

    yield open_
    await wire.aclose()


@pytest.fixture
def slack(opened: Callable[..., SlackNotifications]) -> SlackNotifications:
    return opened()
