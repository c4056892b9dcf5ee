"""One thing under the keys that different systems give it."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from shared.contracts.canonical.values import Id, ShortText

EntityKind = Literal[
    "customer", "delivery-place", "contact", "product", "quote", "order", "delivery", "shipment", "invoice", "return"
]
"""What a key is of."""
SystemName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=48,
        pattern=r"^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)?$",
        description="A system, and after a dot which of its keys: `erp`, `erp.business-partner`",
    ),
]
SystemKey = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:\-]*$", description="As spelt there"
    ),
]


class KeyInSystem(msgspec.Struct, frozen=True, rename="camel"):
    """The key of one thing in one system."""

    key: SystemKey


class Identity(msgspec.Struct, frozen=True, rename="camel"):
    """Everything one thing is called: its canonical id, and the key of each system that has it."""

    kind: EntityKind
    canonical_id: Id
    keys: dict[str, str]


class KeyChange(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What was done to a key: `key` stands since then (none if it was removed), `was` stood before.

    `by` is the caller's subject, `correlation_id` leads to the order or onboarding on whose behalf it was.
    """

    at: datetime
    act: Literal["noted", "corrected", "removed"]
    system: str
    by: str = ""
    key: str = ""
    was: str = ""
    reason: str = ""
    correlation_id: str = ""


class IdentityRecord(msgspec.Struct, frozen=True, rename="camel"):
    """One thing with its keys, and everything that was done to them, oldest first."""

    kind: EntityKind
    canonical_id: Id
    keys: dict[str, str]
    changes: list[KeyChange]


class KeyClaim(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What one system says the keys of a thing are in others; it need not know any."""

    kind: EntityKind
    canonical_id: Id
    said_by: SystemName
    keys: Annotated[dict[SystemName, SystemKey], msgspec.Meta(max_length=20)] = {}


class ResolvedIdentity(msgspec.Struct, frozen=True, rename="camel"):
    """The keys of a thing, those that are noted and those that were only said; `unnoted` names the systems of these."""

    kind: EntityKind
    canonical_id: Id
    keys: dict[str, str]
    unnoted: list[str]


class KeysOfThing(msgspec.Struct, frozen=True, rename="camel"):
    """Keys to be noted of one thing."""

    kind: EntityKind
    canonical_id: Id
    keys: Annotated[dict[SystemName, SystemKey], msgspec.Meta(max_length=20)]


class KeysToNote(msgspec.Struct, frozen=True, rename="camel"):
    """Keys of several things, noted all or none."""

    things: Annotated[list[KeysOfThing], msgspec.Meta(min_length=1, max_length=50)]


class KeyCorrection(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Another key in the place of the one that stands, or none; `stands` is what the person saw there."""

    reason: Annotated[ShortText, msgspec.Meta(min_length=3)]
    stands: SystemKey | None = None
    key: SystemKey | None = None
