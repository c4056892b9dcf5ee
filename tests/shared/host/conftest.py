"""A running suite of two processes, the command line, and a headless browser where one is installed."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shared.host.runtime import Runtime
from shared.host.server import free_port
from shared.host.supervisor import running_topology
from shared.host.topology import load_topology

ROOT = Path(__file__).parents[3]
TOPOLOGIES = ROOT / "deploy" / "topologies"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip

LAUNCH = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])"""
"""The browser wants its debugging pipe at descriptors 3 and 4."""


@pytest.fixture(scope="session")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runtime]:
    """Two processes, so that the documentation page has an API of another origin to try."""
    path = TOPOLOGIES / "tiered.toml"
    state = tmp_path_factory.mktemp("pages")
    async with running_topology(path, load_topology(path), state, free_port()) as runtime:
        yield runtime


@dataclass
class Said:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return " ".join(self.out.split())


class CommandLine:
    """Runs `triptych` as a person does."""

    def __init__(self, state: Path) -> None:
        self._state = state

    async def __call__(self, *arguments: str, folder: Path = ROOT, **environment: str) -> Said:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shared.host", *arguments,
            cwd=folder, env={**os.environ, "TRIPTYCH_STATE": str(self._state), **environment},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(child.communicate(), 200)
        return Said(child.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def triptych(tmp_path: Path) -> CommandLine:
    """The command where nothing runs."""
    return CommandLine(tmp_path / "nothing-here")


@pytest.fixture
def triptych_here(suite: Runtime) -> CommandLine:
    """The command beside the running suite."""
    return CommandLine(Path(suite.state))


@dataclass
class Tab:
    """One page of the browser, with everything it asked for and complained about."""

    browser: "Browser"
    session: str
    requested: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])

    async def open(self, url: str) -> None:
        await self.send("Page.navigate", url=url)
        await self.until(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})")

    async def send(self, method: str, **params: Any) -> Any:
        return await self.browser.send(method, self.session, **params)

    async def run(self, script: str) -> Any:
        answer = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until a script's value is truthy; returns it."""
        for _ in range(1200):
            if value := await self.run(f"(found => found instanceof Node ? true : found)({script})"):
                return value
            await asyncio.sleep(0.05)
        raise AssertionError(f"{script} did not come true within a minute; complaints: {self.complaints}")

    def heard(self, method: str, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("warning", "error"):
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("warning", "error", "assert"):
            self.complaints.append(json.dumps(params["args"]))


class Browser:
    """Headless Chromium over its debugging pipe (Chrome DevTools Protocol)."""

    def __init__(self, reader: asyncio.StreamReader, writer: int) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._tabs: dict[str, Tab] = {}
        self._listener = asyncio.create_task(self._listen())

    async def tab(self, width: int = 1280, height: int = 900) -> Tab:
        target = (await self.send("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        tab = self._tabs[session] = Tab(self, session)
        for domain in ("Page", "Network", "Runtime", "Log"):
            await tab.send(f"{domain}.enable")
        await tab.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        return tab

    async def send(self, method: str, session: str | None = None, **params: Any) -> Any:
        number = len(self._waiting) + 1
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self._waiting[number] = asyncio.get_running_loop().create_future()
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        return await asyncio.wait_for(self._waiting[number], 60)

    async def _listen(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                message = json.loads((await self._reader.readuntil(b"\0"))[:-1])
                if future := self._waiting.get(message.get("id", 0)):
                    future.set_result(message.get("result") or message.get("error"))
                elif tab := self._tabs.get(message.get("sessionId", "")):
                    tab.heard(message["method"], message["params"])

    def close(self) -> None:
        self._listener.cancel()


@pytest.fixture(scope="session")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser; tests that ask for it are skipped where none is installed."""
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip(
            f"No browser is installed (looked for {', '.join(BROWSERS)}); the pages are tested without one too."
        )
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    profile = tmp_path_factory.mktemp("browser")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LAUNCH, str(to_read), str(from_write),
        program, *SWITCHES, f"--user-data-dir={profile}", "about:blank",
        pass_fds=(to_read, from_write), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    os.close(to_read)
    os.close(from_write)
    reader = asyncio.StreamReader(limit=32 * 1024 * 1024)
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_read, "rb")
    )
    found = Browser(reader, to_write)
    yield found
    with contextlib.suppress(TimeoutError, OSError):
        await found.send("Browser.close")
    found.close()
    pipe.close()
    os.close(to_write)
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    await child.wait()
