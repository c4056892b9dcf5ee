"""Parts of a suite that die are started again where they were; stopping is for good."""

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest

from shared.host.child_process import KeptChild
from shared.host.sandbox_process import addresses_of, start_sandboxes
from shared.host.topology import load_topology

TOPOLOGIES = Path(__file__).parents[3] / "deploy" / "topologies"
SLEEPER = "import os, pathlib, time; pathlib.Path('{file}').write_text(str(os.getpid())); time.sleep(60)"


def _pid_in(file: Path) -> str:
    return file.read_text() if file.exists() else ""


async def _next_pid(file: Path, before: str = "") -> str:
    async with asyncio.timeout(60):
        while (now := _pid_in(file)) in ("", before):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)
    return now


async def test_a_child_that_dies_is_started_again_until_it_is_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sleeper.py").write_text(SLEEPER.format(file=tmp_path / "pid"))
    child = KeptChild("sleeper", ["sleeper"], {"PYTHONPATH": str(tmp_path)})
    await child.start()
    child.keep()
    first = await _next_pid(tmp_path / "pid")
    os.kill(int(first), signal.SIGKILL)
    second = await _next_pid(tmp_path / "pid", first)
    await child.stop()
    assert child.status is not None
    with pytest.raises(ProcessLookupError):
        os.kill(int(second), 0)
    said = capsys.readouterr().err
    assert '"event":"process.died"' in said
    assert '"event":"process.restarted"' in said


async def test_stand_ins_come_back_at_the_addresses_that_were_handed_out(tmp_path: Path) -> None:
    child, file = await start_sandboxes(load_topology(TOPOLOGIES / "fused.toml"), tmp_path)
    try:
        before = await addresses_of(child, file)
        child.keep()
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        async with httpx.AsyncClient(base_url=before["sap"]) as http, asyncio.timeout(60):
            while True:
                try:
                    answer = await http.get("/__sandbox__/ledger")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        assert answer.json()["orders"] == []
        assert await addresses_of(child, file) == before
    finally:
        await child.stop()
