"""What one seed decides: how bad the world is, and each blow of fate in it."""

from collections import Counter
from random import Random
from typing import Any

from shared.durable.simulation.verdict import Witness
from shared.durable.simulation.virtual_loop import Simulated, VirtualLoop

TROUBLE_SECONDS = 200.0
"""How long a world is in trouble."""
_MOST_CRASHES = 8


class Chance:
    """The one source of randomness of a world.

    Args:
        seed: Decides everything.
        loop: Its time.
        witness: Sees what is committed.

    Attributes:
        random: Draws.
        calm: Nothing happens in this world but work.
        steady: Processes and their store are well, only calls fail: what is due is done in time.
        over: No more trouble from now on.
        crashes: Processes that died.
        faults: What was done to this world, by kind.
    """

    def __init__(self, seed: int, loop: VirtualLoop, witness: Witness) -> None:
        self.random = Random(seed)  # noqa: S311 - a repeatable world, no secret
        self._loop = loop
        self._until = loop.now + TROUBLE_SECONDS
        draw = self.random.random
        self.calm = draw() < 0.04  # noqa: PLR2004
        self.over = self.calm
        self.steady = self.calm or draw() < 0.1  # noqa: PLR2004
        self.crashes = 0
        self.faults: Counter[str] = Counter()
        self.witness = witness
        self._crash = 0.0 if self.steady else self.random.choice((0.0, 0.015, 0.04))
        self._store = 0.0 if self.steady else self.random.choice((0.0, 0.0, 0.03, 0.06))
        self._slow = 0.0 if self.steady else 0.01
        self._late = 0.0 if self.steady else 0.03
        self._call = self.random.choice((0.02, 0.1, 0.3, 0.5))
        begins = loop.now + draw() * 30
        self._outage = (begins, begins + draw() * 120) if draw() < 0.15 else (0.0, 0.0)  # noqa: PLR2004

    def trouble(self, probability: float, kind: str) -> bool:
        """Whether something goes wrong that does with this probability while there is trouble."""
        if self.over or self._loop.now > self._until or self.random.random() >= probability:
            return False
        self.faults[kind] += 1
        return True

    def survives(self, process: Simulated, where: str) -> bool:
        """Whether a process gets past a boundary alive."""
        if self._crash and self.crashes < _MOST_CRASHES and self.trouble(self._crash, "crashes"):
            self.kill(process, where)
        return not process.dead

    def kill(self, process: Simulated, where: str) -> None:
        """End a process."""
        if not process.dead:
            self.crashes += 1
            process.die()
            self.witness.note(process, "died", where)

    # --- the journal ---------------------------------------------------------------------------------

    def commit_after(self) -> float:
        """Seconds until a commit: a few milliseconds, rarely many seconds."""
        if self._slow and self.trouble(self._slow, "slow commits"):
            return self.random.uniform(1.0, 45.0)
        return 0.001 + 0.009 * self.random.random()

    def in_time(self) -> bool:
        """Whether a commit of a process that died meanwhile still reached the disk."""
        return self.random.random() < 0.5  # noqa: PLR2004

    def refuses(self) -> bool:
        """Whether the store cannot serve now."""
        return self._store > 0 and self.trouble(self._store, "store away")

    def loses_answer(self) -> bool:
        """Whether a commit happens and is reported as failed."""
        return self._store > 0 and self.trouble(self._store, "lost commits")

    def committed(self, process: Simulated, items: list[Any], outcomes: list[Any]) -> None:
        """Have the witness look at it."""
        self.witness.committed(process, items, outcomes)

    # --- the network ---------------------------------------------------------------------------------

    def call_fails(self) -> bool:
        """Whether a call does not get through."""
        return self._call > 0 and self.trouble(self._call, "failed calls")

    def loses_reply(self) -> bool:
        """Whether a call is answered and the answer is lost."""
        return self._call > 0 and self.trouble(self._call, "lost replies")

    def is_out(self) -> bool:
        """Whether the backend is down."""
        out = not self.over and self._outage[0] <= self._loop.now < self._outage[1]
        self.faults["outages met"] += out
        return out

    def on_the_way(self) -> float:
        """Seconds that a request, or its answer, takes."""
        if self._late and self.trouble(self._late, "slow network"):
            return self.random.uniform(5.0, 50.0)
        return 0.002 + 0.03 * self.random.random()
