"""Many seeds over several processes, until one fails or all are through."""

import gc
import hashlib
import multiprocessing
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import NamedTuple

from shared.durable.simulation.planted_bugs import Bug, planted
from shared.durable.simulation.verdict import Broken
from shared.durable.simulation.world import play

_PORTION = 200


class Portion(NamedTuple):
    """What some consecutive seeds gave.

    Attributes:
        seeds: How many were played.
        totals: Flows by how they ended, and what befell them.
        spread: Seeds by the number of faults in their worlds.
        failures: Seeds in which a promise was not kept, with the trace of each.
    """

    seeds: int
    totals: Counter[str]
    spread: Counter[int]
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
    spread: Counter[int] = Counter()
    with planted(bug), _without_collector():
        for count, seed in enumerate(seeds, 1):
            try:
                played = play(seed)
            except Broken as broken:
                return Portion(count, totals, spread, {seed: str(broken)})
            faults = sum(played.faults.values())
            spread[faults] += 1
            totals.update(played.ended)
            totals.update(played.faults)
            totals.update(
                faults=faults, retries=played.retries, parks=played.parks, effects=played.effects,
                events=played.events, refused_saves=played.stale, seconds=round(played.seconds),
            )  # fmt: skip
            gc.collect(0)  # of the world that is over, and of nothing else
    return Portion(len(seeds), totals, spread, {})


def digest(story: list[str]) -> str:
    """A story in 16 hex digits: the same wherever and whenever its seed is played."""
    return hashlib.blake2b("\n".join(story).encode(), digest_size=8).hexdigest()


@contextmanager
def _without_collector() -> Generator[None]:
    """Worlds end by themselves but for a few circles; what lives longer need not be looked through for those."""
    collecting = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if collecting:
            gc.enable()
