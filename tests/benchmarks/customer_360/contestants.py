"""The applications that are compared, each started on the server's core."""

import asyncio
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
from customer_360.backends import APART, ROOT, Backends
from customer_360.cores import SERVER_CORE, ended, ending, started
from customer_360.plan import PLAN_VARIABLE

from shared.host.runtime import read_runtime
from shared.host.server import free_port
from shared.host.tokens import app_token

_START_SECONDS = 30.0
_NODE = Path(__file__).parent / "node"
EXPERIENCE = "/experience/field-sales/v1/customers"


@dataclass
class Contestant:
    """A running application.

    Attributes:
        name: As the tables call it.
        url: Of customers; an id follows.
        headers: Every request's, with the token where one is asked for.
    """

    name: str
    url: str
    headers: dict[str, str]
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it."""
        ended(self.process)


async def triptych(
    topology: str, backends: Backends, folder: Path, salesforce: str = APART, *, live: bool = False
) -> Contestant:
    """The suite in one of its topologies, everything on but coalescing; `Backends.topology` tells of the rest."""
    port, state = free_port(), folder / topology
    path = backends.topology(topology, folder, salesforce, live=live)
    command = [sys.executable, "-m", "shared.host", "up", str(path), "--port", str(port), "--state", str(state)]
    process = _start(command, {}, folder / f"{topology}.log")
    await _answers(process, f"http://127.0.0.1:{port}/readyz", folder / f"{topology}.log")
    headers = {"authorization": f"Bearer {await app_token(read_runtime(state), 'field-sales-app')}"}
    return Contestant(f"Triptych {topology}", f"http://127.0.0.1:{port}{EXPERIENCE}", headers, process)


async def fastapi(client: str, plan: Path, folder: Path) -> Contestant:
    """FastAPI under uvicorn over `httpx` or `aiohttp`."""
    command = [sys.executable, "-m", "customer_360.fastapi_app", client]
    environment = {"PYTHONPATH": str(_NODE.parents[1]), PLAN_VARIABLE: str(plan)}
    return await _plain(f"FastAPI + {client}", command, environment, folder / f"fastapi-{client}.log")


async def fastify(plan: Path, folder: Path) -> Contestant | str:
    """fastify over undici, or why it cannot run here."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "fastify + undici left out: node and npm are not installed"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "triptych-benchmarks" / "node"
    cache.mkdir(parents=True, exist_ok=True)
    if refusal := await asyncio.to_thread(_install, npm, cache):
        return f"fastify + undici left out: {refusal}"
    shutil.copy(_NODE / "server.mjs", cache)
    command = [node, str(cache / "server.mjs")]
    environment = {PLAN_VARIABLE: str(plan), "NODE_ENV": "production"}
    return await _plain("fastify + undici", command, environment, folder / "fastify.log")


def _install(npm: str, cache: Path) -> str:
    wanted = (_NODE / "package.json").read_bytes()
    installed = cache / "installed.json"
    if installed.exists() and installed.read_bytes() == wanted:
        return ""
    shutil.copy(_NODE / "package.json", cache)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    try:
        done = subprocess.run([npm, "install", *options], cwd=cache, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "npm did not install its packages within a minute"
    if done.returncode:
        return f"npm could not install its packages (status {done.returncode})"
    installed.write_bytes(wanted)
    return ""


async def _plain(name: str, command: list[str], environment: dict[str, str], log: Path) -> Contestant:
    port = free_port()
    process = _start([*command, str(port)], environment, log)
    await _answers(process, f"http://127.0.0.1:{port}/", log)
    return Contestant(name, f"http://127.0.0.1:{port}/customers", {}, process)


def _start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    return started(command, SERVER_CORE, {"TRIPTYCH_TOPOLOGIES": str(ROOT), **environment}, log)


async def _answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    async with httpx.AsyncClient() as http:
        for _ in range(int(_START_SECONDS / 0.05)):
            try:
                await http.get(url)
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
            else:
                return
            if process.poll() is not None:
                break
    process.kill()
    raise SystemExit(f"{url} does not answer:\n{ending(log)}")
