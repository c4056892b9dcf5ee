"""Many seeds over several processes, until one fails or all are through."""

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import NamedTuple

from shared.durable.simulation.planted_bugs import Bug, planted
from shared.durable.simulation.verdict import Broken
from shared.durable.simulation.world import play

_PORTION = 50


class Portion(NamedTuple):
    """What some consecutive seeds gave.

    Attributes:
        seeds: How many were played.
        totals: Flows by how they ended, and what befell them.
        failures: Seeds in which a promise was not kept, with the trace of each.
    """

    seeds: int
    totals: Counter[str]
    failures: dict[int, str]


def play_many(seeds: range, jobs: int, bug: Bug | None = None) -> Iterator[Portion]:
    """Play seeds side by side and give what came of them, portion by portion; ends early after a failure.

    Args:
        seeds: Which.
        jobs: Processes.
        bug: A defect to plant.
    """
    portions = iter([seeds[at : at + _PORTION] for at in range(0, len(seeds), _PORTION)])
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        running: set[Future[Portion]] = set()
        failed = False
        while True:
            while not failed and len(running) < 2 * jobs and (portion := next(portions, None)) is not None:
                running.add(pool.submit(play_portion, portion, bug))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                failed = failed or bool(each.result().failures)
                yield each.result()


def play_portion(seeds: range, bug: Bug | None = None) -> Portion:
    """Play these seeds here, one after the other; ends after the first failure."""
    totals: Counter[str] = Counter()
    with planted(bug):
        for count, seed in enumerate(seeds, 1):
            try:
                played = play(seed)
            except Broken as broken:
                return Portion(count, totals, {seed: str(broken)})
            totals.update(played.ended)
            totals.update(
                crashes=played.crashes, stalls=played.stalls, retries=played.retries, effects=played.effects,
                refused_saves=played.stale, seconds=round(played.seconds),
            )  # fmt: skip
    return Portion(len(seeds), totals, {})
