"""One thing under the keys that different systems give it."""

from typing import Annotated, Literal

import msgspec

from shared.contracts.canonical.values import Id

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
