"""What makes one org another than the next: its name, its ids, its usernames."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandboxes.company import checksum, company
from sandboxes.company.identifiers import spread
from sandboxes.salesforce.storage import Insert

_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SEED_POD = "aj"
_SEEDED = re.compile(rf"[0-9A-Za-z]{{3}}{_SEED_POD}[0-9A-Za-z]{{10}}[A-Z0-5]{{3}}")
_NAME = re.compile(r"[a-z][a-z0-9]{0,20}")
_TAKEN = frozenset({"pubsub"})  # a server of every org is called so


class OrgIdentity:
    """One org among several of this process.

    Args:
        name: Empty for the first one, whose seed is as the company has it; `emea` for another, whose ids stand in
            pods of their own and whose usernames end in `.emea`, as usernames are unique over all orgs.

    Raises:
        ValueError: No org can be called so.
    """

    def __init__(self, name: str = "") -> None:
        if name and (not _NAME.fullmatch(name) or name in _TAKEN):
            raise ValueError(f"An org cannot be called {name!r}; take small letters and digits, and not pubsub.")
        self.name = name
        self.seed_pod, self.pod = (_pod(name, "seed"), _pod(name, "made")) if name else (_SEED_POD, "Hs")
        self.organization_id = self.own(company().salesforce_organization_id)

    def own(self, record_id: str) -> str:
        """The id here of what the company's seed calls this."""
        fifteen = record_id[:3] + self.seed_pod + record_id[5:15]
        return fifteen + checksum(fifteen)

    def username(self, username: str) -> str:
        """The username here of this person."""
        return f"{username}.{self.name}" if self.name else username

    def seeding(self, seed: Callable[[Insert], None]) -> Callable[[Insert], None]:
        """The seed with this org's ids and usernames."""
        if not self.name:
            return seed

        def fill(insert: Insert) -> None:
            def inserting(sobject: str, row: Mapping[str, Any]) -> None:
                insert(sobject, {name: self._translated(name, value) for name, value in row.items()})

            seed(inserting)

        return fill

    def _translated(self, name: str, value: Any) -> Any:
        if name == "Username":
            return self.username(value)
        return self.own(value) if isinstance(value, str) and _SEEDED.fullmatch(value) else value


def _pod(name: str, purpose: str) -> str:
    first, second = divmod(spread(name, purpose) % 3_844, 62)
    pod = _BASE_62[first] + _BASE_62[second]
    return pod if pod not in (_SEED_POD, "Hs") else f"{pod[0]}0"
