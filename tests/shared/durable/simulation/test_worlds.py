"""What one seed gives: the same world each time and everywhere, on either store, with every kind of trouble in it."""

import os
import subprocess
import sys

import pytest

from shared.durable.simulation import Broken, play
from shared.durable.simulation.campaign import digest, play_portion
from shared.durable.simulation.journal import MemoryStore, SqliteStore
from shared.durable.simulation.planted_bugs import Bug, planted

_DIGESTS = """
from shared.durable.simulation import play
from shared.durable.simulation.campaign import digest
for seed in range(40, 80):
    story = []
    play(seed, story=story)
    print(digest(story))
"""


def told(seed: int) -> str:
    story: list[str] = []
    play(seed, story=story)
    return digest(story)


def play_each(seeds: range, store: type[MemoryStore | SqliteStore]) -> None:
    for seed in seeds:
        play(seed, store=store())


@pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
def test_a_seed_tells_the_same_story_in_every_process(hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    there = subprocess.run(
        [sys.executable, "-c", _DIGESTS], env=environment, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert there.stdout.split() == [told(seed) for seed in range(40, 80)]


def test_a_world_is_the_same_in_memory_and_in_the_sqlite_driver() -> None:
    for seed in range(300, 400):
        in_memory: list[str] = []
        in_sqlite: list[str] = []
        one, other = play(seed, store=MemoryStore(), story=in_memory), play(seed, store=SqliteStore(), story=in_sqlite)
        assert in_memory == in_sqlite, seed
        assert one == other, seed


def test_worlds_hold_every_kind_of_trouble_and_of_end() -> None:
    portion = play_portion(range(300))
    for kind in (
        "completed", "refused", "cancelled", "dead", "discarded", "retired", "retries", "parks", "refused_saves",
        "crashes", "stalls", "failed calls", "outages met", "lost replies", "slow network", "refusals", "store away",
        "lost commits", "slow commits", "operator acts",
    ):  # fmt: skip
        assert portion.totals[kind] > 0, kind
    assert portion.totals["faults"] / portion.seeds > 10


def test_a_story_names_every_act_of_the_people() -> None:
    story: list[str] = []
    for seed in range(100):
        play(seed, story=story)
    everything = "\n".join(story)
    for act in (
        "signals",
        "cancels",
        "resumes",
        "edits",
        "discards",
        "retires",
        "flow.sleep",
        "flow.wait_for",
        "flow.child",
    ):
        assert act in everything, act


@pytest.mark.parametrize(
    ("bug", "broken"),
    [
        ("fence", "which it had lost"),
        ("attempt", "(did not end|one flow ended)"),
        ("doubt", "is cancelled, but"),
        ("retry", "(put off by|attempts were recorded before)"),
        ("park", "attempts were recorded before"),
        ("undo", "but .* stand"),
        ("order", "undone out of turn"),
        ("timer", "(before its time|too little)"),
        ("signal", "did not end"),
        ("wake", "did not end"),
        ("child", "(started a child more than once|did not end)"),
        ("twice", "called again without another claim"),
        ("unsaved", "(attempts were recorded before|without its event|the outbox holds|but .* stand)"),
        ("key", "(stands 2 times|stands 3 times|but .* stand)"),
    ],
)
@pytest.mark.parametrize("store", [MemoryStore, SqliteStore])
def test_a_planted_bug_is_found_with_seed_and_story(
    bug: Bug, broken: str, store: type[MemoryStore | SqliteStore]
) -> None:
    with planted(bug):
        with pytest.raises(Broken, match=broken) as found:
            play_each(range(1000), store)
        first, *story = str(found.value).splitlines()
        assert first.startswith("seed ")
        assert len(story) > 3
        with pytest.raises(Broken) as again:
            play(int(first.split()[1].rstrip(":")), store=store())
    assert str(again.value) == str(found.value)
