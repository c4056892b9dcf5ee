"""What a lane tells its fork server to have done, and what the server answers: lines of JSON."""

from typing import Literal

import msgspec

from shared.durable.endangered.boundaries import Ending
from shared.durable.simulation.planted_bugs import Bug
from shared.host.runtime import Runtime


class Setup(msgspec.Struct, frozen=True):
    """What a fork server is started with.

    Attributes:
        runtime: Addresses of its lane.
        journal: URL of the lane's database in PostgreSQL; empty for SQLite.
        journal_password: Reference to the password of that.
        bug: A defect to plant.
    """

    runtime: Runtime
    journal: str = ""
    journal_password: str = ""
    bug: Bug | None = None


class Errand(msgspec.Struct, frozen=True):
    """What one child shall do.

    Attributes:
        act: In a child, `order` the quotes. In the server itself, `survey` the CRM for quotes or `rehearse` ordering
            them; `thaw` a child that stopped itself; `reap` one that was thawed.
        number: Of this child in the lane's trail.
        trail: File name of the trail.
        quotes: To be ordered.
        most: How many to survey.
        cancel_at: The operation before whose first call all these orders are cancelled; empty for none.
        ending: Where the child ends.
        listing: Tell the trail of every boundary.
        pid: Whom to thaw or reap.
    """

    act: Literal["order", "survey", "rehearse", "thaw", "reap"]
    number: int = 0
    trail: str = "trail"
    quotes: list[str] = []
    most: int = 0
    cancel_at: str = ""
    ending: Ending = Ending()
    listing: bool = False
    pid: int = 0

    @property
    def found_in(self) -> str:
        """File name of what it finds; each has its own, as a child that was stopped may end beside another."""
        return f"found-{self.number}.json"


class Outcome(msgspec.Struct, frozen=True):
    """How a child ended, or that it stopped itself and lives."""

    how: Literal["killed", "stopped", "ended", "failed", "done"]
    pid: int = 0
