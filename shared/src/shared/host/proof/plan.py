"""Which worker ends where: every boundary as often as the others, and in between anywhere."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from random import Random

from shared.durable.endangered.boundaries import Ending

_FREEZE_EVERY = 20
_NEAREST, _FARTHEST = 3, 24
_MOST_MISSES = 12


class Plan:
    """Decides for all lanes of a proof.

    Args:
        kills: How many workers are to end, at least.
        routes: Ways that an order can go, each with the boundaries that it alone crosses, in this order.
        random: Decides what is left open.

    Attributes:
        done: Workers that ended at each boundary.
        floor: How often each boundary is to be visited.
    """

    def __init__(self, kills: int, routes: Mapping[str, Sequence[str]], random: Random) -> None:
        self.kills = kills
        self.routes = routes
        self.done = Counter[str]()
        self.floor = kills // len([*chain(*routes.values())])
        self._under_way = Counter[str]()
        self._misses = Counter[str]()
        self._random = random
        self._chosen = 0

    @property
    def total(self) -> int:
        """Workers that ended."""
        return self.done.total()

    @property
    def is_over(self) -> bool:
        """Whether no further worker is to end: some end elsewhere than they were to, and are made up for."""
        return self.total + self._under_way.total() >= self.kills and not any(map(self.needed, self.routes))

    def missing(self, name: str) -> int:
        """How many more visits this boundary is to have, those under way left out; 0 if it seems out of reach."""
        left = self.floor - self.done[name] - self._under_way[name]
        return max(0, left) if self._misses[name] < _MOST_MISSES else 0

    def needed(self, route: str) -> int:
        """How many more visits the boundaries of a route are to have."""
        return sum(map(self.missing, self.routes[route]))

    def choose(self, route: str, position: int) -> Ending | None:
        """Where the next worker ends, for orders that stand at a position on their route; None for nowhere.

        Whatever is chosen must be told of by `ended` or `missed`.
        """
        if self.is_over:
            return None
        needed = sum(map(self.needed, self.routes))
        spare = self.kills - self.total - self._under_way.total() - needed
        if spare > 0 and (self._random.random() < 0.5 or not needed):  # noqa: PLR2004 - a fair coin
            return self._as_chosen("", self._random.randint(_NEAREST, _FARTHEST))
        name = next((name for name in self.routes[route][position:] if self.missing(name)), None)
        return None if name is None else self._as_chosen(name, 1)

    def ended(self, ending: Ending, name: str) -> None:
        """A worker with this ending ended at this boundary."""
        self._under_way[ending.at] -= 1
        self._misses[ending.at] = 0
        self.done[name] += 1

    def missed(self, ending: Ending) -> None:
        """A worker with this ending came to the end of its work."""
        self._under_way[ending.at] -= 1
        self._misses[ending.at] += 1

    def _as_chosen(self, name: str, nth: int) -> Ending:
        self._under_way[name] += 1
        self._chosen += 1
        return Ending(name, nth, freeze=self._chosen % _FREEZE_EVERY == 1)
