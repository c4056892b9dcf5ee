"""`triptych quota` where nothing runs, and how its table reads."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from shared.host.embedded import EmbeddedValkey
from shared.host.quota_view import QuotaStanding, show_quotas, standings_table
from shared.host.runtime import NotRunning, Runtime


def runtime(state: Path, valkey: str) -> Runtime:
    return Runtime(topology="fused.toml", state=str(state), processes={}, issuer="", valkey=valkey)


async def test_a_suite_that_has_ended_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        NotRunning, match=r"is not running: its Valkey does not answer .* Run `triptych up` first"
    ) as told:
        await show_quotas(runtime(tmp_path, f"unix://{tmp_path}/nowhere.sock"), as_json=False)
    assert "\n" not in str(told.value)


async def test_a_suite_that_spent_nothing_says_so(tmp_path: Path, capsys: Any) -> None:
    async with EmbeddedValkey(tmp_path) as server:
        await show_quotas(runtime(tmp_path, server.url), as_json=False)
        assert capsys.readouterr().out == "Nothing was spent yet.\n"
        await show_quotas(runtime(tmp_path, server.url), as_json=True)
        assert capsys.readouterr().out == "[]\n"


def test_the_table_tells_who_spent_what_and_until_when_it_lasts() -> None:
    soon = datetime.now(UTC) + timedelta(hours=2)
    out = Console(file=io.StringIO(), width=150, highlight=False)
    out.print(
        standings_table(
            [
                QuotaStanding("salesforce", 24, 100_000, 60_000, 12_000, 28_000, 20_000, 4_000.4, soon, None),
                QuotaStanding("other-org", 24, 100, 100, 0, 0, 20, 10, datetime(2026, 1, 1, tzinfo=UTC), soon),
            ]
        )
    )
    first, second = out.file.getvalue().splitlines()[1:]  # pyright: ignore[reportAttributeAccessIssue]
    for part in (
        "60,000",
        "12,000",
        "28,000 (28 %)",
        "20,000",
        "4,000",
        f"{soon.astimezone():%d %b %H:%M}",
        "never so",
    ):
        assert part in first
    assert "0 (0 %)" in second
    assert "now" in second
