"""What operators copy and pipe is not broken into pieces."""

from io import StringIO

import pytest
from rich.console import Console

from shared.host.operator_tables import standard_output, table

LONG = "order-0Q0aj0000000001CAA.2-cancellation"
PROBLEM = "SAP answered 200 with a body of another shape than agreed. " * 4


def test_in_a_pipe_each_flow_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    listed = table("flow", "state", "problem")
    listed.add_row(LONG, "dead", PROBLEM)
    standard_output().print(listed)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["flow", "state", "problem"]
    assert row.split() == [LONG, "dead", *PROBLEM.split()]


def test_on_a_narrow_terminal_an_id_stays_whole() -> None:
    screen = StringIO()
    listed = table("flow", "state", "problem")
    listed.add_row(LONG, "dead", PROBLEM)
    Console(file=screen, width=80).print(listed)
    assert all(len(line) <= 80 for line in screen.getvalue().splitlines())
    assert LONG in screen.getvalue()
