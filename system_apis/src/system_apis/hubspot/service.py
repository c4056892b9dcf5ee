"""The marketing contract over HubSpot."""

from shared.binding.declare import Page
from shared.contracts.canonical.engagement import (
    ContactsFound,
    ContactsSaved,
    ContactsToSave,
    ContactsWanted,
    Engagement,
    MarketingContact,
    NewEngagement,
)
from shared.contracts.system.marketing import Marketing
from system_apis.hubspot.connector import HubSpot
from system_apis.hubspot.faults import no_contact
from system_apis.hubspot.translator import (
    distinct,
    in_order,
    to_contact,
    to_engagement,
    to_note,
    to_saved,
    to_upserts,
)


class HubSpotMarketing(Marketing):
    """Marketing as a HubSpot portal keeps it."""

    def __init__(self, hubspot: HubSpot) -> None:
        self._hubspot = hubspot
        self._reference = hubspot.settings.reference_property

    async def get_contact(self, contact_id: str) -> MarketingContact:
        """As promised by `Marketing`."""
        found = await self._hubspot.contact(contact_id)
        if found is None:
            raise no_contact(contact_id)
        return to_contact(found)

    async def find_contacts(self, wanted: ContactsWanted) -> ContactsFound:
        """As promised by `Marketing`, in one call."""
        emails = distinct(wanted.emails)
        return ContactsFound(in_order(await self._hubspot.contacts(emails), emails))

    async def save_contacts(self, contacts: ContactsToSave) -> ContactsSaved:
        """As promised by `Marketing`, in one call."""
        return to_saved(contacts, await self._hubspot.upsert(to_upserts(contacts)))

    async def note_engagement(self, contact_id: str, engagement: NewEngagement) -> Engagement:
        """As promised by `Marketing`. HubSpot knows no idempotency key for notes, so we look before we write."""
        if not contact_id.isdecimal():
            raise no_contact(contact_id)
        properties, reference = to_note(engagement, self._reference), engagement.reference
        note = await self._hubspot.once.make(
            f"{contact_id}:{reference}",
            lambda: self._hubspot.noted(contact_id, reference),
            lambda: self._hubspot.note(contact_id, properties),
        )
        return to_engagement(note, self._reference)

    async def list_engagements(self, contact_id: str, cursor: str | None = None, limit: int = 50) -> Page[Engagement]:
        """As promised by `Marketing`. HubSpot's search does not know who exists, so an empty answer is asked after."""
        if not contact_id.isdecimal():
            raise no_contact(contact_id)
        page = await self._hubspot.notes(contact_id, cursor or "0", limit)
        if not page.results and await self._hubspot.contact(contact_id) is None:
            raise no_contact(contact_id)
        after = page.paging.next.after if page.paging and page.paging.next else None
        return Page([to_engagement(note, self._reference) for note in page.results], after)
