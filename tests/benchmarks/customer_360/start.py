"""How long the whole suite takes from nothing, stand-in backends included, to its first answer."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import httpx
from customer_360.backends import TOPOLOGIES
from customer_360.budgets import Budget
from customer_360.contestants import EXPERIENCE
from customer_360.cores import ended, ending, started
from rich.console import Console

from shared.host.runtime import NotRunning, read_runtime
from shared.host.server import free_port
from shared.host.tokens import app_token

START_SECONDS = 3.0
_PATIENCE_SECONDS = 60.0


async def measure_start(console: Console) -> list[Budget]:
    """Start twice: with an empty state directory, and again with what the first start left."""
    with tempfile.TemporaryDirectory(prefix="triptych-benchmark-") as folder, console.status("Starting the suite …"):
        first = await _seconds_to_first_answer(Path(folder))
        again = await _seconds_to_first_answer(Path(folder))
    console.print(f"first start {first:.2f} s, again with its state {again:.2f} s")
    return [
        Budget("start of the suite with stand-in backends to first answer", START_SECONDS, first, "s", at_most=True)
    ]


async def _seconds_to_first_answer(folder: Path) -> float:
    port, state = free_port(), folder / "state"
    (state / "runtime.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "shared.host", "up", str(TOPOLOGIES / "fused.toml")]
    began = time.perf_counter()
    process = started([*command, "--port", str(port), "--state", str(state)], None, {}, folder / "log")
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            while time.perf_counter() < began + _PATIENCE_SECONDS and process.poll() is None:
                try:
                    await http.get("/readyz")
                    token = await app_token(read_runtime(state), "field-sales-app")
                    answer = await http.get(EXPERIENCE, headers={"authorization": f"Bearer {token}"})
                except (httpx.HTTPError, NotRunning):
                    await asyncio.sleep(0.02)
                    continue
                if answer.is_success:
                    return time.perf_counter() - began
        raise SystemExit(f"The suite did not answer:\n{ending(folder / 'log')}")
    finally:
        ended(process)
