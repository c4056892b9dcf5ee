"""Runs flows in thousands of child processes that end at a boundary; prints one JSON line of what came of it.

    python kill_campaign.py FOLDER KILLS SEED [--url postgresql://…] [--bug NAME] [--freeze-every N] [--until-stale]

Children run the flows of `killed_flows` a few at a time, killed anywhere; now and then one is stopped until another
has taken its flows, and let go on beside that. Backends are files that outlive every process: a line for each call
that arrives, and one for each effect. In the end one flow poisons its workers.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from killed_flows import Goods, Trade, submit_once

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.durable.endangered.boundaries import Boundaries, Ending, current_call, endangered
from shared.durable.endangered.commits import Commits
from shared.durable.endangered.reckoning import Reckoning
from shared.durable.endangered.trail import Trail, TrailReader
from shared.durable.journal import Journal
from shared.durable.runner import FlowRunner
from shared.durable.simulation.planted_bugs import planted
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.worker import WorkerSettings
from shared.telemetry.logging import configure_logging

WAVE = 3
KILLS_A_ROUND = 500
STALE_ROUND = 60
FARTHEST = 9
LEASE = 0.15
READS = frozenset({"books.look"})
WRITES = ("books.enter", "books.strike")
MOST_POISONED = 9


class Backend:
    """Knows repeats by their key."""

    def __init__(self, folder: Path, worker: int) -> None:
        self.arrived, self.effects = folder / "arrived", folder / "effects"
        self.worker = worker

    async def __call__(self, operation: Operation, arguments: dict[str, Any], context: CallContext) -> Any:
        await asyncio.sleep(0)
        if operation.safe:
            return arguments["name"]
        append(self.arrived, f"{self.worker} {current_call.get()}")
        line = f"{context.idempotency_key} {operation.name}"
        known = self.effects.read_text().splitlines() if self.effects.exists() else []
        if line not in known:
            append(self.effects, line)
        return arguments.get("goods")


def append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


class Campaign:
    def __init__(self, folder: Path, kills: int, seed: int, url: str, freeze_every: int) -> None:
        self.folder, self.kills, self.url, self.freeze_every = folder, kills, url, freeze_every
        self.chance = random.Random(seed)
        self.killed = self.frozen = self.number = self.rounds = 0
        self.stopped: list[int] = []
        self.thawed: list[int] = []
        self.totals = Counter[str]()
        self.wrong: list[str] = []

    def journal(self) -> Journal:
        if not self.url:
            return SqliteJournal(self.folder / f"journal-{self.rounds}.db")
        from postgres_server import PASSWORD

        from shared.durable.postgres.journal import PostgresJournal

        return PostgresJournal(self.url, lambda: PASSWORD)

    # --- in a child ----------------------------------------------------------------------------------

    def live(self, flows: dict[str, Goods], ending: Ending) -> NoReturn:
        try:
            asyncio.run(self.work(flows, ending))
        except BaseException as error:  # noqa: BLE001 - a child must not return into its parent's code
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)

    async def work(self, flows: dict[str, Goods], ending: Ending) -> None:
        trail = Trail(self.place / "trail", self.number)
        boundaries = Boundaries(ending, trail)
        settings = WorkerSettings(lease=LEASE, poll=0.02, quarantine_after=5 if ending.poison else 10**6)
        execute = endangered(Backend(self.place, self.number), boundaries, trail)
        with Commits(boundaries, trail, READS).between_boundaries(postgres=bool(self.url)):
            journal = self.journal()
            await journal.open()
            async with FlowRunner(journal, [Trade], execute, settings=settings) as runner:
                await asyncio.gather(*(submit_once(runner, key, goods) for key, goods in flows.items()))
                views = await asyncio.gather(*(runner.result(key, 60) for key in flows))
            await journal.close()
        (self.place / f"states-{self.number}").write_text(json.dumps({view.flow_id: view.state for view in views}))

    # --- in the parent -------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Work once here, so that children begin with everything imported, built and specialized."""
        self.place.mkdir()
        asyncio.run(self.work({f"warm{n}": Goods("warm", acceptable=n % 2 == 0) for n in range(8)}, Ending()))
        if threading.active_count() > 1:
            raise SystemExit("A thread is left, which no child would have.")

    @property
    def place(self) -> Path:
        return self.folder / f"round-{self.rounds}"

    def child(self, flows: dict[str, Goods], ending: Ending) -> str:
        self.number += 1
        pid = os.fork()
        if pid == 0:
            self.live(flows, ending)
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            self.stopped.append(pid)
            return "stopped"
        if os.WIFSIGNALED(status):
            return "killed"
        if status != 0:
            raise SystemExit("A worker failed.")
        return "ended"

    def wake(self, *, all_of_them: bool = False) -> None:
        """Let workers go on whose flows another has had; they end by themselves."""
        while True:
            for pid in self.thawed:
                os.waitpid(pid, 0)
            self.thawed, self.stopped = self.stopped, []
            for pid in self.thawed:
                os.kill(pid, signal.SIGCONT)
            if not all_of_them or not self.thawed:
                return

    def wave(self, flows: dict[str, Goods]) -> dict[str, str]:
        while True:
            freeze = self.killed < self.kills and self.killed % self.freeze_every == 1 and not self.stopped
            waiting = bool(self.stopped)
            near, far = (FARTHEST, 4 * FARTHEST) if waiting else (1, FARTHEST)  # it must outlive the other's lease
            nth = self.chance.randint(near, far) if self.killed < self.kills else 0
            how = self.child(flows, Ending("", nth, freeze=freeze))
            if waiting:
                self.wake()
            if how == "ended":
                return json.loads((self.place / f"states-{self.number}").read_text())
            self.killed += 1
            self.frozen += how == "stopped"

    def round(self, kills: int) -> None:
        self.rounds += 1
        self.place.mkdir()
        states: dict[str, str] = {}
        wanted: dict[str, Goods] = {}
        before, number = self.killed, 0
        while self.killed < self.kills and self.killed - before < kills:
            keys = [f"r{self.rounds}f{number + n}" for n in range(WAVE)]
            number += WAVE
            flows = {key: Goods(key, acceptable=self.chance.random() > 0.25) for key in keys}
            wanted |= flows
            states |= self.wave(flows)
        self.wake(all_of_them=True)
        self.compare(wanted, states)

    def compare(self, wanted: dict[str, Goods], states: dict[str, str]) -> None:
        reckoning = Reckoning()
        reckoning.read(TrailReader(self.place / "trail").fresh())
        lines = (self.place / "arrived").read_text().splitlines()
        arrived = {(int(worker), int(call)) for worker, call in map(str.split, lines)}
        tallies = reckoning.reconcile(arrived, WRITES)
        self.totals["predicted"] += sum(tally.predicted for tally in tallies.values())
        self.totals["made"] += len(lines)
        self.totals["stale"] += reckoning.stale
        self.totals["flows"] += len(wanted)
        self.wrong += reckoning.wrong
        effects = Counter((self.place / "effects").read_text().splitlines())
        for key, goods in wanted.items():
            expected = "completed" if goods.acceptable else "refused"
            if states[key] != expected:
                self.wrong.append(f"{key} is {states[key]}, not {expected}.")
            mine = sorted(line.partition("/")[2] for line in effects.elements() if line.partition("/")[0] == key)
            whole = ["2 enter", "4 enter", "6 enter"]
            undone = ["2 enter", "2/undo strike", "4 enter", "4/undo strike"]
            if mine != (whole if goods.acceptable else undone):
                self.wrong.append(f"{key} had the effects {mine}.")

    def poison(self) -> int:
        self.rounds += 1
        self.place.mkdir()
        for ended in range(MOST_POISONED):
            if self.child({f"poison{self.rounds}": Goods("poison")}, Ending(poison="books.enter")) == "ended":
                return ended
        return MOST_POISONED


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("kills", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--url", default="")
    parser.add_argument("--bug", default=None)
    parser.add_argument("--freeze-every", type=int, default=50)
    parser.add_argument("--until-stale", action="store_true", help="end once a save under a lost fence was seen")
    given = parser.parse_args()
    campaign = Campaign(given.folder, given.kills, given.seed, given.url, given.freeze_every)
    a_round = STALE_ROUND if given.until_stale else KILLS_A_ROUND
    configure_logging(level="critical")  # what workers say that die by the thousand, nobody reads
    campaign.warm_up()
    gc.collect()
    gc.freeze()
    with planted(given.bug):
        while campaign.killed < given.kills and not (given.until_stale and campaign.totals["stale"]):
            campaign.round(a_round)
        poisoned = campaign.poison()
    told = {"kills": campaign.killed, "frozen": campaign.frozen, "poisoned": poisoned, "wrong": campaign.wrong[:20]}
    print(json.dumps({**told, **campaign.totals}))


if __name__ == "__main__":
    main()
