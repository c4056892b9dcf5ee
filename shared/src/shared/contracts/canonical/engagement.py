"""People as marketing knows them, and what was said to and heard from them."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from shared.contracts.canonical.values import Id, LongText, ShortText
from shared.security.sensitive import Sensitive

EmailAddress = Annotated[
    str,
    msgspec.Meta(
        min_length=3, max_length=254, pattern=r"^[^\s@]+@[^\s@]+$", examples=["mareike.gross@alster.example"],
        description="An e-mail address (RFC 5321); its case does not matter",
    ),
]  # fmt: skip
Saving = Literal["created", "updated", "refused"]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class MarketingContact(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A person, whom marketing knows by their e-mail address."""

    contact_id: Id
    updated: datetime
    email: Sensitive[str] = ""
    first_name: Sensitive[str] = ""
    last_name: Sensitive[str] = ""
    phone: Sensitive[str] = ""
    company: str = ""
    job_title: str = ""


class ContactToSave(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What to note of a person. What is left out stays as it is; an empty text clears it."""

    email: Sensitive[EmailAddress]
    first_name: Sensitive[ShortText] | None = None
    last_name: Sensitive[ShortText] | None = None
    phone: Sensitive[ShortText] | None = None
    company: ShortText | None = None
    job_title: ShortText | None = None


class ContactsToSave(msgspec.Struct, frozen=True, rename="camel"):
    """People to enter or change; each e-mail address once."""

    contacts: Annotated[list[ContactToSave], msgspec.Meta(min_length=1, max_length=100)]


class ContactSaved(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What became of one of them. `contact_id` is absent where it was refused, `reason` where not."""

    email: Sensitive[str]
    outcome: Saving
    contact_id: Id | None = None
    reason: str = ""


class ContactsSaved(msgspec.Struct, frozen=True, rename="camel"):
    """What became of each, in the order asked."""

    contacts: list[ContactSaved]


class ContactsWanted(msgspec.Struct, frozen=True, rename="camel"):
    """Whom to look for. Addresses travel in the body, because paths are logged."""

    emails: Sensitive[Annotated[list[EmailAddress], msgspec.Meta(min_length=1, max_length=100)]]


class ContactsFound(msgspec.Struct, frozen=True, rename="camel"):
    """Those who are known, in the order asked."""

    contacts: list[MarketingContact]


class NewEngagement(msgspec.Struct, frozen=True, rename="camel"):
    """Something to note with a person: a visit, an order, a call. `reference` makes a repeat find the first."""

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    text: Sensitive[Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]]
    at: Moment


class Engagement(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Something noted with a person, in plain text. `reference` is empty where others noted it."""

    engagement_id: Id
    at: datetime
    text: Sensitive[LongText]
    reference: str = ""
