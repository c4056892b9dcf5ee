"""Deterministic simulation: the real engine and the real SQLite driver, in a world that one integer decides.

Time is virtual, so a minute of waiting costs nothing. What is simulated lies around the engine: the event loop, the
moment at which a commit reaches the disk and its answer the worker, backends and the network to them, processes that
die or stall, and the people who submit, repeat and cancel. `play(seed)` runs one such world and checks what it left.
"""

from shared.durable.simulation.verdict import Broken
from shared.durable.simulation.world import Played, play

__all__ = ["Broken", "Played", "play"]
