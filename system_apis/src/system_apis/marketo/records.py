"""Marketo's answers as its REST API sends them (developer.adobe.com/marketo-apis), as far as we use them.

`success` says whether a request was carried out, whatever the HTTP status; each record of a batch has a status of its
own beside it.
"""

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

_Row = TypeVar("_Row")


class ReasonRecord(msgspec.Struct, frozen=True):
    """Why a request, or one record of a batch, was refused: a number in quotes and a sentence."""

    code: str = ""
    message: str = ""


class OutcomeRecord(msgspec.Struct, frozen=True):
    """The part of an answer that says whether the request was carried out."""

    success: bool
    errors: list[ReasonRecord] = []


class AnswerRecord(msgspec.Struct, Generic[_Row], frozen=True, rename="camel"):
    """An answer; `next_page_token` and `more_result` are there where pages are."""

    result: list[_Row] = []
    next_page_token: str = ""
    more_result: bool = False


class LeadRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A person. A field without a value is null, or not there."""

    id: int
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    title: str | None = None
    company: str | None = None
    updated_at: datetime | None = None


class SavedRecord(msgspec.Struct, frozen=True):
    """What became of one person of a batch, in the order sent: `created`, `updated` or `skipped`."""

    status: str
    id: int | None = None
    reasons: list[ReasonRecord] = []


class AttributeRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A further attribute of an activity, under its display name or its API name."""

    name: str = ""
    api_name: str = ""
    value: str | int | float | bool | None = None


class ActivityRecord(msgspec.Struct, frozen=True, rename="camel"):
    """An activity. `marketo_guid` is what tells it from others; the number beside it is going away."""

    marketo_guid: str = msgspec.field(name="marketoGUID")
    activity_date: datetime
    primary_attribute_value: str | None = None
    attributes: list[AttributeRecord] = []


class AddedRecord(msgspec.Struct, frozen=True):
    """What became of a new activity: `added` or `skipped`; reasons come under one of two names."""

    status: str
    guid: str | None = msgspec.field(name="marketoGUID", default=None)
    errors: list[ReasonRecord] = []
    reasons: list[ReasonRecord] = []


class TokenRecord(msgspec.Struct, frozen=True):
    """What the identity endpoint issues."""

    access_token: str
