"""What a treasurer tells a ledger and what it hears; kept by Valkey (`quota_script`) or one process (`quota_local`).

The rules, for both:

- A call is charged to the bucket in progress and counts until that bucket has been over for a whole window.
- A lease is charged when it is taken. It may be spent until its bucket ends; what is left is given back to that bucket.
- The backend's own count, less what is ours, is what others use. Of the counts seen within a 24th of the window (an
  hour of a day) up to the latest, the highest stands: a lower one may be late, or may miss calls on their way. So a
  count raises what we believe at once, and what rolls out of the window at the backend lowers it an hour later.
- A count heard before the bucket in progress began is dropped: beside books from which calls have rolled out since, it
  would make calls of ours look like those of others.
- Nothing is granted above the ceiling of its priority, except one call a bucket that looks: when others have used what
  ours have left of it, and nobody has heard from the backend for a whole bucket. Ours alone never pass the ceiling.
"""

from typing import NamedTuple, Protocol

from shared.resilience.quota_forecast import Snapshot


class Errand(NamedTuple):
    """One visit to the ledger.

    Attributes:
        needed: Calls that wait for a permit.
        extra: Permits wanted for a lease on top.
        withheld: Share of the allowance that these calls leave alone.
        debt: Calls already made without asking; charged even above the allowance.
        returned: Permits of an ended lease that were not spent.
        returned_to: The bucket they were charged to.
        used: The backend's count, with calls made since; -1 when there is none to tell.
        allowed: The allowance it named.
        unspent: Permits in hand, which that count cannot contain.
        age: Seconds since that count was heard.
    """

    needed: int = 0
    extra: int = 0
    withheld: float = 0.0
    debt: int = 0
    returned: int = 0
    returned_to: int = 0
    used: int = -1
    allowed: int = 0
    unspent: int = 0
    age: float = 0.0


class Balance(NamedTuple):
    """How the ledger stands after a visit; times in seconds.

    Attributes:
        granted: Permits, 0 to `needed + extra`.
        bucket: The bucket in progress.
        ends_in: Until it ends.
        ours: Calls of ours that count, leases among them.
        others: Calls of others that count.
        limit: The allowance.
        wait: Until one more of these calls may go; 0 when some were granted.
        crossed: Percent of the alert level that was crossed upwards by this visit, else 0.
        level: The alert level that was crossed last, 0 below all.
    """

    granted: int
    bucket: int
    ends_in: float
    ours: int
    others: int
    limit: int
    wait: float
    crossed: int
    level: int

    @property
    def used(self) -> int:
        """Calls that count, whoever made them."""
        return self.ours + self.others


class Ledger(Protocol):
    """Keeps a budget's books."""

    async def settle(self, errand: Errand) -> Balance:
        """Book an errand, all of it at once, and answer the balance."""
        ...

    async def read(self) -> Snapshot:
        """The books, unchanged."""
        ...
