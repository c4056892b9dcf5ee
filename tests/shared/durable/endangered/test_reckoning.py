"""What follows from what workers said: which calls had to be made, and which were one too many."""

from collections import Counter
from pathlib import Path

import pytest

from shared.durable.endangered.reckoning import Reckoning, Tally
from shared.durable.endangered.trail import Trail, TrailReader


def reckoned(folder: Path, *lines: tuple[int, str]) -> Reckoning:
    for worker, said in lines:
        word, *about = said.split()
        Trail(folder / "trail", worker).write(word, *about)  # type: ignore[arg-type]
    reckoning = Reckoning()
    reckoning.read(TrailReader(folder / "trail").fresh())
    return reckoning


def test_a_step_whose_outcome_died_with_its_worker_is_called_again(tmp_path: Path) -> None:
    reckoning = reckoned(
        tmp_path, (1, "begin 1 f/2 books.enter 1"), (1, "end 1 ok"), (1, "killed before-commit:books.enter"),
        (2, "claimed f 2"), (2, "begin 1 f/2 books.enter 2"), (2, "end 1 ok"), (2, "durable f/2 1"),
    )  # fmt: skip
    assert reckoning.wrong == []
    assert reckoning.reconcile({(1, 1), (2, 1)}, ["books.enter"]) == {"books.enter": Tally(2, 2)}
    assert reckoning.ends == {"before-commit:books.enter": 1}


def test_a_step_whose_outcome_was_durable_is_not(tmp_path: Path) -> None:
    reckoning = reckoned(
        tmp_path, (1, "begin 1 f/2 books.enter 1"), (1, "end 1 ok"), (1, "durable f/2 1"), (1, "killed x"),
        (2, "claimed f 2 f/2"), (2, "begin 1 f/2 books.enter 2"), (2, "end 1 ok"),
    )  # fmt: skip
    assert reckoning.wrong == ["books.enter was called again for f/2 although its first call was journaled."]
    assert reckoning.reconcile({(1, 1), (2, 1)}, ["books.enter"]) == {"books.enter": Tally(1, 2)}


def test_an_outcome_that_the_next_claim_does_not_show_is_lost(tmp_path: Path) -> None:
    reckoning = reckoned(tmp_path, (1, "begin 1 f/2 books.enter 1"), (1, "durable f/2 1"), (2, "claimed f 2"))
    assert reckoning.wrong == ["The journal lost the outcome of f/2: it was committed, and is not there any more."]


def test_one_worker_calls_a_step_again_only_after_a_transient_problem(tmp_path: Path) -> None:
    first = (
        (1, "begin 1 f/2 books.enter 1"),
        (1, "end 1 again"),
        (1, "begin 2 f/2 books.enter 1"),
        (1, "end 2 ok"),
    )
    assert reckoned(tmp_path, *first).wrong == []
    again = reckoned(tmp_path, (1, "begin 3 f/2 books.enter 1"))
    assert again.wrong == [
        "books.enter was called again for f/2 although its first call was under way in the same worker."
    ]


def test_a_worker_that_lost_a_flow_and_has_it_again_calls_what_is_left(tmp_path: Path) -> None:
    reckoning = reckoned(
        tmp_path, (1, "begin 1 f/2 books.enter 1"), (1, "stopped x"), (2, "claimed f 2"),
        (2, "begin 1 f/2 books.enter 2"),
        (2, "killed x"), (1, "end 1 ok"), (1, "claimed f 3"), (1, "begin 2 f/2 books.enter 3"),
    )  # fmt: skip
    assert reckoning.wrong == []


def test_a_worker_that_had_a_flow_twice_may_begin_the_later_run_first(tmp_path: Path) -> None:
    reckoning = reckoned(
        tmp_path, (1, "claimed f 1"), (1, "stopped x"), (2, "claimed f 2"), (2, "begin 1 f/2 books.enter 2"),
        (2, "end 1 ok"), (2, "durable f/2 2"), (2, "killed x"), (1, "claimed f 3 f/2"),
        (1, "begin 1 f/3 books.enter 3"), (1, "begin 2 f/2 books.enter 1"),
    )  # fmt: skip
    assert reckoning.wrong == []


def test_a_claim_that_is_told_late_need_not_show_what_came_after_it(tmp_path: Path) -> None:
    reckoning = reckoned(
        tmp_path, (2, "claimed f 2"), (2, "begin 1 f/2 books.enter 2"), (2, "durable f/2 2"),
        (1, "claimed f 1"), (1, "begin 1 f/2 books.enter 1"),
    )  # fmt: skip
    assert reckoning.wrong == []


@pytest.mark.parametrize(("arrived", "tally"), [(set[tuple[int, int]](), Tally(0, 0)), ({(1, 1)}, Tally(1, 1))])
def test_whether_a_call_in_the_air_arrived_is_for_the_backend_to_say(
    tmp_path: Path, arrived: set[tuple[int, int]], tally: Tally
) -> None:
    reckoning = reckoned(tmp_path, (1, "begin 1 f/2 books.enter 1"), (1, "killed x"))
    assert reckoning.reconcile(arrived, ["books.enter"]) == {"books.enter": tally}
    assert reckoning.wrong == []


def test_a_call_that_was_answered_and_never_arrived_is_wrong(tmp_path: Path) -> None:
    reckoning = reckoned(tmp_path, (1, "begin 1 f/2 books.enter 1"), (1, "end 1 ok"))
    assert reckoning.reconcile(set(), ["books.enter"]) == {"books.enter": Tally(1, 0)}
    assert reckoning.wrong == ["books.enter was called for f/2, but never arrived."]


@pytest.mark.parametrize(("came", "wrong"), [(0, True), (1, False), (2, False), (3, True)])
def test_where_calls_are_only_counted_their_number_lies_between_the_certain_and_the_possible(
    tmp_path: Path, came: int, wrong: bool
) -> None:
    reckoning = reckoned(
        tmp_path, (1, "begin 1 f/2 books.enter 1"), (1, "killed x"), (2, "claimed f 2"),
        (2, "begin 1 f/2 books.enter 2"), (2, "end 1 ok"),
    )  # fmt: skip
    tally = reckoning.reconcile_counts("books.enter", Counter({"f": came}))
    assert (tally.predicted != tally.made) is wrong
    assert bool(reckoning.wrong) is wrong


def test_a_line_that_is_not_whole_yet_is_read_later(tmp_path: Path) -> None:
    file = tmp_path / "trail"
    file.write_text("1 killed before:b")
    reader = TrailReader(file)
    assert list(reader.fresh()) == []
    file.write_text("1 killed before:books.enter\n")
    assert [entry.rest for entry in reader.fresh()] == [["before:books.enter"]]
