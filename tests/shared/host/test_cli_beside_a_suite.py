"""The command line beside a running suite: orders, tokens, traces, for people and for scripts."""

import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path
from typing import Any

import pytest

from shared.host.server import free_port

ROOT = Path(__file__).parents[3]


async def test_an_order_is_told_step_by_step_and_its_trace_shows_every_backend(triptych_here: Any) -> None:
    said = await triptych_here("order", "--json")
    assert (said.status, said.err) == (0, ""), said.out
    steps = [line for line in said.out.splitlines() if line.startswith("  ✓ ")]
    assert len(steps) == 12
    assert len({len(line) for line in steps}) == 1, "durations stand under each other"
    assert "flow." not in said.out
    summary = json.loads(said.out.splitlines()[-1])
    assert summary["status"] == "completed"
    assert all(summary[name] for name in ("order_id", "erp_order_id", "crm_order_id", "shipment_id", "tracking_code"))

    trace = await triptych_here("trace", summary["trace_id"])
    assert trace.status == 0
    assert "flow order-quote" in trace.out
    for backend in ("salesforce answered 200", "sap answered 201", "easypost answered 201"):
        assert any("└─ " + backend in line or "├─ " + backend in line for line in trace.out.splitlines()), backend


async def test_for_a_person_there_is_no_json(triptych_here: Any) -> None:
    said = await triptych_here("order", "--no-json")
    assert said.status == 0
    assert "{" not in said.out


@pytest.mark.parametrize(
    ("quote", "problem", "told"),
    [
        ("bad id!", "/problems/invalid", "quoteId"),
        ("0Q0Hs0000009999AAA", "/problems/quote-not-found", "0Q0Hs0000009999AAA"),
    ],
)
async def test_a_refused_order_says_why_and_where_that_is_explained(
    triptych_here: Any, quote: str, problem: str, told: str
) -> None:
    said = await triptych_here("order", quote, "--json")
    assert said.status == 1
    assert said.err == ""
    refusal = next(line for line in said.out.splitlines() if line.startswith("✗ "))
    assert told in refusal
    assert problem in said.out
    summary = json.loads(said.out.splitlines()[-1])
    assert (summary["status"], summary["problem"]) == ("refused", problem)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("token", "--client", "nobody"), "it has field-sales-app"),
        (("token", "--api", "nothing"), "There is no API 'nothing'"),
        (("trace", "zzz"), "is no trace id"),
        (("trace", "0" * 31 + "1"), "old ones are forgotten"),
        (("serve", "nobody"), "it has edge, core"),
    ],
)
async def test_a_refusal_beside_a_suite_is_one_line_too(
    triptych_here: Any, arguments: tuple[str, ...], hint: str
) -> None:
    said = await triptych_here(*arguments)
    assert (said.status, said.out) == (2, "")
    assert hint in said.err
    assert said.err.count("\n") == 1


async def test_a_token_is_all_that_is_printed(triptych_here: Any) -> None:
    said = await triptych_here("token")
    assert said.out.count(".") == 2
    assert said.out.count("\n") == 1


async def _up(state: Path, *arguments: str) -> Any:
    return await create_subprocess_exec(
        sys.executable, "-m", "shared.host", "up", "fused", "--port", str(free_port()), "--state", str(state),
        *arguments,
        cwd=ROOT, stdout=PIPE, stderr=PIPE, start_new_session=True,
    )  # fmt: skip


async def test_once_ends_with_one_json_line_and_nothing_after_it_and_ctrl_c_ends_a_serving_suite_quietly(
    tmp_path: Path,
) -> None:
    once = await _up(tmp_path, "--once")
    out, err = await once.communicate()
    assert (once.returncode, err) == (0, b"")
    lines = out.decode().splitlines()
    summary = json.loads(lines[-1])
    assert summary["status"] == "completed"
    assert summary["ready_ms"] > 0
    assert sum(line.startswith("{") for line in lines) == 1

    serving = await _up(tmp_path)
    while b"Serving" not in await serving.stdout.readline():
        assert serving.returncode is None
    began = time.perf_counter()
    os.killpg(serving.pid, signal.SIGINT)  # as a terminal does: to the whole group
    out, err = await serving.communicate()
    assert (serving.returncode, out, err) == (0, b"", b"")
    assert time.perf_counter() - began < 60  # a quiet machine needs half a second
