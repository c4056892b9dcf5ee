"""What one seed decides: how bad the world is, and each blow of fate in it."""

from random import Random
from typing import Any

from shared.durable.simulation.verdict import Witness
from shared.durable.simulation.virtual_loop import Simulated, VirtualLoop

_TROUBLE_SECONDS = 200.0
_MOST_CRASHES = 8


class Chance:
    """The one source of randomness of a world.

    Args:
        seed: Decides everything.
        loop: Its time.

    Attributes:
        random: Draws.
        calm: Nothing happens in this world but work.
        over: No more trouble from now on.
        crashes: Processes that died.
        witness: Sees what is committed.
    """

    def __init__(self, seed: int, loop: VirtualLoop) -> None:
        self.random = Random(seed)  # noqa: S311 - a repeatable world, no secret
        self._loop = loop
        self._until = loop.now + _TROUBLE_SECONDS
        draw = self.random.random
        self.calm = draw() < 0.1  # noqa: PLR2004
        self.over = self.calm
        self.crashes = 0
        self.witness = Witness(seed, loop.time)
        self._crash = self.random.choice((0.0, 0.005, 0.03))
        self._store = self.random.choice((0.0, 0.0, 0.01, 0.05))
        self._call = self.random.choice((0.02, 0.1, 0.3))
        begins = loop.now + draw() * 30
        self._outage = (begins, begins + draw() * 120) if draw() < 0.15 else (0.0, 0.0)  # noqa: PLR2004

    def trouble(self, probability: float) -> bool:
        """Whether something goes wrong that does with this probability while there is trouble."""
        if self.over or self._loop.now > self._until:
            return False
        return self.random.random() < probability

    def survives(self, process: Simulated, where: str) -> bool:
        """Whether a process gets past a boundary alive."""
        if self.crashes < _MOST_CRASHES and self.trouble(self._crash):
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
        if self.trouble(0.01):
            return self.random.uniform(1.0, 45.0)
        return 0.001 + 0.009 * self.random.random()

    def in_time(self) -> bool:
        """Whether a commit of a process that died meanwhile still reached the disk."""
        return self.random.random() < 0.5  # noqa: PLR2004

    def refuses(self) -> bool:
        """Whether the store cannot serve now."""
        return self.trouble(self._store)

    def loses_answer(self) -> bool:
        """Whether a commit happens and is reported as failed."""
        return self.trouble(self._store)

    def committed(self, process: Simulated, items: list[Any], outcomes: list[Any]) -> None:
        """Have the witness look at it."""
        self.witness.committed(process, items, outcomes)

    # --- the network ---------------------------------------------------------------------------------

    def call_fails(self) -> bool:
        """Whether a call does not get through."""
        return self.trouble(self._call)

    def is_out(self) -> bool:
        """Whether the backend is down."""
        return not self.over and self._outage[0] <= self._loop.now < self._outage[1]

    def on_the_way(self) -> float:
        """Seconds that a request, or its answer, takes."""
        if self.trouble(0.03):
            return self.random.uniform(5.0, 50.0)
        return 0.002 + 0.03 * self.random.random()
