"""HubSpot's contacts and notes ↔ canonical model. Pure functions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from html.parser import HTMLParser

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
from system_apis.hubspot.faults import reason_of
from system_apis.hubspot.records import BatchRecord, ObjectRecord, PartFaultRecord, UpsertRecord

_TRACE = "objectWriteTraceId"
_LINE_ENDS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3"})


def to_contact(record: ObjectRecord) -> MarketingContact:
    """A contact; what HubSpot does not know of it is empty."""
    held = {name: value or "" for name, value in record.properties.items()}
    return MarketingContact(
        contact_id=record.id,
        updated=record.updated_at,
        email=held.get("email", ""),
        first_name=held.get("firstname", ""),
        last_name=held.get("lastname", ""),
        phone=held.get("phone", ""),
        company=held.get("company", ""),
        job_title=held.get("jobtitle", ""),
    )


def in_order(found: Sequence[ObjectRecord], emails: Sequence[str]) -> list[MarketingContact]:
    """The contacts found, in the order of the addresses asked for, each once."""
    place = {email.lower(): number for number, email in reversed(list(enumerate(emails)))}
    contacts = [to_contact(record) for record in found]
    return sorted(contacts, key=lambda contact: place.get(contact.email.lower(), len(place)))


def distinct(emails: Sequence[str]) -> list[str]:
    """The addresses as HubSpot keeps them, each once: it refuses a batch that names one twice."""
    return list(dict.fromkeys(email.lower() for email in emails))


def to_upserts(wanted: ContactsToSave) -> list[UpsertRecord]:
    """The inputs of a batch upsert, each with its place as trace id.

    Raises:
        ContactRepeated: Two are about one address, so that it would be open which of them counts.
    """
    refuse_repeats(wanted)
    return [
        UpsertRecord(contact.email.lower(), "email", _properties(contact), str(place))
        for place, contact in enumerate(wanted.contacts)
    ]


def to_saved(wanted: ContactsToSave, batch: BatchRecord) -> ContactsSaved:
    """What became of each.

    Raises:
        BackendFault: HubSpot left one out.
    """
    made = {record.object_write_trace_id or record.properties.get("email"): record for record in batch.results}
    refused = {trace: fault for fault in batch.errors for trace in fault.context.get(_TRACE, [])}
    return ContactsSaved(
        [
            _saved(contact.email, made.get(str(place)) or made.get(contact.email.lower()), refused.get(str(place)))
            for place, contact in enumerate(wanted.contacts)
        ]
    )


def _saved(email: str, record: ObjectRecord | None, fault: PartFaultRecord | None) -> ContactSaved:
    if record is not None:
        return ContactSaved(email, "created" if record.new else "updated", record.id)
    if fault is None:
        raise BackendFault("hubspot did not say what became of every contact; save them again, it changes nothing.")
    return ContactSaved(email, "refused", reason=reason_of(fault))


def _properties(contact: ContactToSave) -> dict[str, str]:
    given = {
        "email": contact.email.lower(),
        "firstname": contact.first_name,
        "lastname": contact.last_name,
        "phone": contact.phone,
        "company": contact.company,
        "jobtitle": contact.job_title,
    }
    return {name: value for name, value in given.items() if value is not None}


def to_note(engagement: NewEngagement, reference_property: str) -> dict[str, str]:
    """The properties of a note. HubSpot shows bodies as HTML, so the text is escaped.

    Raises:
        Invalid: The moment is no date of the calendar in UTC.
    """
    at = moment_of(engagement)
    return {
        "hs_timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "hs_note_body": escape(engagement.text, quote=False).replace("\n", "<br>"),
        reference_property: engagement.reference,
    }


def to_engagement(record: ObjectRecord, reference_property: str) -> Engagement:
    """A note as plain text.

    Raises:
        BackendFault: It has no moment that can be read.
    """
    try:
        at = datetime.fromisoformat(record.properties.get("hs_timestamp") or "")
    except ValueError:
        raise BackendFault("hubspot answered with a note whose moment cannot be read.") from None
    return Engagement(
        engagement_id=record.id,
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        text=plain(record.properties.get("hs_note_body") or ""),
        reference=record.properties.get(reference_property) or "",
    )


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "br":
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _LINE_ENDS and tag != "br":
            self.parts.append("\n")


def plain(html: str) -> str:
    """The text of a note's HTML, at most 32,000 characters."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "".join(parser.parts).removesuffix("\n")[:32_000]
