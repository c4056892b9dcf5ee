"""SIGKILL at every boundary: nothing is lost, nothing happens twice."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("killed_flows.py")


async def killed(*arguments: str) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.decode().splitlines() if line.startswith('{"states"')]


@pytest.mark.slow
async def test_killed_at_every_boundary_a_flow_still_ends_with_each_effect_once(tmp_path: Path) -> None:
    effects = {
        "good": ["good/2 enter", "good/4 enter", "good/6 enter"],
        "bad": ["bad/2 enter", "bad/2/undo strike", "bad/4 enter", "bad/4/undo strike"],
    }
    reports = await killed("every", str(tmp_path))
    for report in reports:
        ((name, state),) = report["states"].items()
        assert state == ("completed" if name == "good" else "refused"), report
        assert report["ledger"] == effects[name], report
    assert len(reports) > 40


@pytest.mark.slow
async def test_killed_at_every_boundary_flows_that_wait_for_others_still_end_with_each_effect_once(
    tmp_path: Path,
) -> None:
    good, bad = "family-good", "family-bad"
    traded = [f"{good}:trade/{seq} enter" for seq in (2, 4, 6)]
    undone = [f"{bad}:trade/{seq}{what}" for seq in (2, 4) for what in (" enter", "/undo strike")]
    effects = {
        good: sorted([f"{good}/1 enter", f"{good}/5 enter", *traded]),
        bad: sorted([f"{bad}/1 enter", f"{bad}/1/undo strike", *undone]),
    }
    reports = await killed("family", str(tmp_path))
    for report in reports:
        ((name, state),) = report["states"].items()
        assert state == ("completed" if name == good else "refused"), report
        assert report["ledger"] == effects[name], report
    assert len(reports) > 60


@pytest.mark.slow
async def test_killed_anywhere_again_and_again_every_flow_ends_with_each_effect_once(tmp_path: Path) -> None:
    (report,) = await killed("random", str(tmp_path), "7")
    assert report["kills"] > 10
    effects: dict[str, list[str]] = {key: [] for key in report["states"]}
    for line in report["ledger"]:
        key, _, effect = line.partition("/")
        effects[key].append(effect)
    for number in range(40):
        key, refused = f"f{number}", number % 4 == 0
        assert report["states"][key] == ("refused" if refused else "completed")
        undone = ["2 enter", "2/undo strike", "4 enter", "4/undo strike"]
        assert effects[key] == (undone if refused else ["2 enter", "4 enter", "6 enter"]), key
