"""Marketo's people and activities ↔ canonical model. Pure functions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.binding.problems import BackendFault
from shared.contracts.canonical.engagement import (
    ContactSaved,
    ContactsSaved,
    ContactsToSave,
    ContactToSave,
    Engagement,
    MarketingContact,
    NewEngagement,
)
from shared.contracts.system.marketing import moment_of, refuse_repeats
from system_apis.marketo.faults import reason_of
from system_apis.marketo.records import ActivityRecord, AddedRecord, AttributeRecord, LeadRecord, SavedRecord
from system_apis.marketo.settings import MarketoSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 32_000


def to_contact(lead: LeadRecord) -> MarketingContact:
    """A person; what Marketo does not know of them is empty."""
    return MarketingContact(
        contact_id=str(lead.id),
        updated=lead.updated_at or _EPOCH,
        email=lead.email or "",
        first_name=lead.first_name or "",
        last_name=lead.last_name or "",
        phone=lead.phone or "",
        company=lead.company or "",
        job_title=lead.title or "",
    )


def in_order(found: Sequence[LeadRecord], emails: Sequence[str]) -> list[MarketingContact]:
    """The people found, in the order of the addresses asked for; of several with one address the first entered."""
    first: dict[str, LeadRecord] = {}
    for lead in sorted(found, key=lambda lead: lead.id, reverse=True):
        first[(lead.email or "").lower()] = lead
    asked = dict.fromkeys(email.lower() for email in emails)
    return [to_contact(first[email]) for email in asked if email in first]


def to_people(wanted: ContactsToSave, settings: MarketoSettings) -> list[dict[str, str | None]]:
    """The input of a batch: what is left out stays as it is, null clears.

    Raises:
        ContactRepeated: Two are about one address, so that it would be open which of them counts.
    """
    refuse_repeats(wanted)
    return [_person(contact, settings.company_field) for contact in wanted.contacts]


def _person(contact: ContactToSave, company_field: str) -> dict[str, str | None]:
    given = {
        "firstName": contact.first_name,
        "lastName": contact.last_name,
        "phone": contact.phone,
        "title": contact.job_title,
        **({company_field: contact.company} if company_field else {}),
    }
    return {"email": contact.email} | {name: value or None for name, value in given.items() if value is not None}


def to_saved(wanted: ContactsToSave, records: Sequence[SavedRecord]) -> ContactsSaved:
    """What became of each.

    Raises:
        BackendFault: Marketo left one out.
    """
    if len(records) != len(wanted.contacts):
        raise BackendFault("marketo did not say what became of every contact; save them again, it changes nothing.")
    return ContactsSaved(
        [_saved(contact.email, record) for contact, record in zip(wanted.contacts, records, strict=True)]
    )


def _saved(email: str, record: SavedRecord) -> ContactSaved:
    if record.status == "created" and record.id is not None:
        return ContactSaved(email, "created", str(record.id))
    if record.status == "updated" and record.id is not None:
        return ContactSaved(email, "updated", str(record.id))
    return ContactSaved(email, "refused", reason=reason_of(record.reasons))


def to_activity(contact_id: str, engagement: NewEngagement, settings: MarketoSettings) -> dict[str, Any]:
    """An activity of our type, whose primary attribute is the reference. Marketo keeps its moment to the second.

    Raises:
        Invalid: The moment is no date of the calendar in UTC.
    """
    at = moment_of(engagement)
    return {
        "leadId": int(contact_id),
        "activityDate": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "activityTypeId": settings.activity_type,
        "primaryAttributeValue": engagement.reference,
        "attributes": [{"apiName": settings.text_attribute, "value": engagement.text}],
    }


def as_added(made: AddedRecord, sent: dict[str, Any]) -> ActivityRecord:
    """The activity as Marketo will tell of it."""
    return ActivityRecord(
        marketo_guid=made.guid or "",
        activity_date=datetime.fromisoformat(sent["activityDate"]),
        primary_attribute_value=sent["primaryAttributeValue"],
        attributes=[AttributeRecord(api_name=each["apiName"], value=each["value"]) for each in sent["attributes"]],
    )


def to_engagement(activity: ActivityRecord, settings: MarketoSettings) -> Engagement:
    """An activity of our type."""
    wanted = settings.text_attribute.casefold()
    texts = (each.value for each in activity.attributes if wanted in (each.api_name.casefold(), each.name.casefold()))
    return Engagement(
        engagement_id=activity.marketo_guid,
        at=activity.activity_date,
        text=str(next(texts, "") or "")[:_LONGEST],
        reference=activity.primary_attribute_value or "",
    )
