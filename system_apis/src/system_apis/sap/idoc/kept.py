"""What is kept of each IDoc, sent or received, on whatever database."""

from typing import Literal

import msgspec

Direction = Literal["sent", "received"]

READY, TROUBLE, TAKEN, IN_TARGET, NOT_MADE, MADE = "30", "02", "03", "39", "40", "41"
ADDED, POSTED, NO_MORE = "50", "53", "68"
"""Status codes as SAP numbers them: of what we send 30 ready, 02 not taken, 03 taken, 39 there, 40 refused by the
application, 41 posted; of what we receive 50 kept, 53 told to subscribers, 68 passed over."""


class KeptIdoc(msgspec.Struct, frozen=True, kw_only=True):
    """One document.

    Attributes:
        position: Grows with each document that is kept.
        direction: Which way it went.
        identity: What a repeat has in common with it.
        message_id: ARCKEY, where it is one of SAP's message ids.
        docnum: The sender's number.
        partner: The other side's logical system.
        status: Where it stands, see above.
        status_text: What explains it.
        about: What it is about, `0010100001`; empty if there is no telling.
        serial: SERIAL of its control record.
        object_key: What the receiver made of it, an order's number.
        kept_at: When it was kept first, in Unix seconds.
        moved_at: When it came to its status, likewise.
        document: As XML.
        confirmed: Whether nobody is to be told of it (any more): always so of what we sent.
    """

    position: int = 0
    direction: Direction
    identity: str
    message_id: str = ""
    docnum: str
    partner: str
    basic_type: str
    message_type: str
    status: str
    status_text: str = ""
    about: str = ""
    serial: str = ""
    object_key: str = ""
    kept_at: float = 0.0
    moved_at: float = 0.0
    document: str = ""
    confirmed: bool = False


class StatusEntry(msgspec.Struct, frozen=True):
    """A status that a document had; `at` in Unix seconds."""

    status: str
    text: str
    at: float


class Verdict(msgspec.Struct, frozen=True):
    """What a receiver says of a document of ours: the status it comes to, why, and what was made of it."""

    docnum: str
    status: str
    text: str
    object_key: str = ""


class Arriving(msgspec.Struct, frozen=True):
    """A document that comes, with what it says of ours."""

    document: KeptIdoc
    verdicts: list[Verdict] = []
