"""What flows see of a Salesforce org's change events and platform events."""

from datetime import datetime
from typing import Any, Literal

import msgspec

Reread = Literal["nothing", "records", "object"]
"""What a change event leaves open: nothing; its records, which are to be read by id; or every record of the object that
was changed since shortly before the event was committed."""


class ChangeEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A change of records, as change data capture tells it.

    A flow subscribes to one object's changes with a subclass that has the event's name, `class
    AccountChangeEvent(ChangeEvent, frozen=True)`: its type is `account-change-event`.

    Attributes:
        entity: The object, `Account`.
        kind: CREATE, UPDATE, DELETE, UNDELETE, GAP_CREATE, GAP_UPDATE, GAP_DELETE, GAP_UNDELETE or GAP_OVERFLOW.
        record_ids: The records that changed in this way; unusable when `reread` is `object`.
        fields: Their values now, without those that are nothing; of an update only what changed.
        changed: Names of the fields that changed, `Phone`, `BillingAddress.City`.
        nulled: Those of them that are nothing now.
        differing: Large texts of which `fields` holds a unified diff.
        reread: See `Reread`; `fields` is empty unless it is `nothing`.
        origin: `com/salesforce/api/rest/66.0;client=…`; empty for changes made inside the org.
        transaction_key: Shared by all changes of a transaction.
        sequence_number: Its place there, from 1.
        commit_number: Grows with every commit of the org.
        committed: When.
        user_id: Who did it.
    """

    entity: str
    kind: str
    record_ids: list[str]
    transaction_key: str
    sequence_number: int
    commit_number: int
    committed: datetime
    fields: dict[str, Any] = {}
    changed: list[str] = []
    nulled: list[str] = []
    differing: list[str] = []
    reread: Reread = "nothing"
    origin: str = ""
    user_id: str = ""


class ChangeTransaction(msgspec.Struct, frozen=True, rename="camel"):
    """Changes that one transaction made, in their order."""

    key: str
    changes: list[ChangeEvent]
