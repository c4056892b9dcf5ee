"""Drift: a backend's schema is no longer what our contracts and translators need."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

Drift = Literal[
    "missing-object",
    "missing-field",
    "wrong-type",
    "not-allowed",
    "too-short",
    "missing-value",
    "not-unique",
    "newly-required",
]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a backend differs from what we need.

    Attributes:
        subject: The object, or `Object.Field`.
        drift: What kind of difference it is.
        detail: What is so, and what was needed.
        operations: Operations of the contract that it breaks, or will break with some records.
        advice: What to do, in the backend or in the topology.
        breaking: Whether those operations fail; otherwise they go on, with a loss that `detail` names.
    """

    subject: str
    drift: Drift
    detail: str
    operations: tuple[str, ...]
    advice: str
    breaking: bool = True


class DriftGuard(Protocol):
    """Compares a live backend with what an API needs; `Api(drift=…)` names the class, built like any part of it."""

    async def findings(self) -> Sequence[Finding]:
        """Every difference, breaking ones first.

        Raises:
            Problem: The backend could not be asked.
        """
        ...
