"""Calls of the marketing contract that succeed; see tests/conformance."""

from datetime import UTC, datetime

from sandboxes.company import company
from shared.contracts.canonical.engagement import ContactsToSave, ContactsWanted, ContactToSave, NewEngagement

PERSON = company().customers[0].contacts[0]
VISIT = NewEngagement("conformance-1", "Visited the plant", datetime(2026, 1, 15, 9, tzinfo=UTC))

EXAMPLES = {
    "marketing.find_contacts": lambda _: (ContactsWanted([PERSON.email]),),
    "marketing.get_contact": lambda known: (known["marketing.find_contacts"].contacts[0].contact_id,),
    "marketing.save_contacts": lambda _: (ContactsToSave([ContactToSave("conformance@alster.example", "Ada")]),),
    "marketing.note_engagement": lambda known: (known["marketing.save_contacts"].contacts[0].contact_id, VISIT),
    "marketing.list_engagements": lambda known: (known["marketing.get_contact"].contact_id, None, 5),
}
