"""The marketing contract over Marketo."""

from shared.binding.declare import Page
from shared.binding.problems import BackendFault
from shared.contracts.canonical.engagement import (
    ContactsFound,
    ContactsSaved,
    ContactsToSave,
    ContactsWanted,
    Engagement,
    MarketingContact,
    NewEngagement,
)
from shared.contracts.system.marketing import EngagementsBeyondReach, Marketing
from system_apis.marketo.connector import Marketo, is_lead_id
from system_apis.marketo.faults import is_missing, no_contact, reason_of
from system_apis.marketo.records import ActivityRecord
from system_apis.marketo.translator import (
    as_added,
    in_order,
    to_activity,
    to_contact,
    to_engagement,
    to_people,
    to_saved,
)


class MarketoMarketing(Marketing):
    """Marketing as a Marketo subscription keeps it."""

    def __init__(self, marketo: Marketo) -> None:
        self._marketo = marketo

    async def get_contact(self, contact_id: str) -> MarketingContact:
        """As promised by `Marketing`."""
        found = await self._marketo.lead(contact_id)
        if found is None:
            raise no_contact(contact_id)
        return to_contact(found)

    async def find_contacts(self, wanted: ContactsWanted) -> ContactsFound:
        """As promised by `Marketing`, in one call."""
        return ContactsFound(in_order(await self._marketo.leads(wanted.emails), wanted.emails))

    async def save_contacts(self, contacts: ContactsToSave) -> ContactsSaved:
        """As promised by `Marketing`, in one call."""
        return to_saved(contacts, await self._marketo.save(to_people(contacts, self._marketo.settings)))

    async def note_engagement(self, contact_id: str, engagement: NewEngagement) -> Engagement:
        """As promised by `Marketing`. Marketo knows no idempotency key for activities, so we look before we write."""
        if not is_lead_id(contact_id):
            raise no_contact(contact_id)
        sent = to_activity(contact_id, engagement, self._marketo.settings)

        async def find() -> ActivityRecord | None:
            known = await self._marketo.activities(contact_id, "note_engagement")
            return next((each for each in known if each.primary_attribute_value == engagement.reference), None)

        async def add() -> ActivityRecord:
            made = await self._marketo.add(sent)
            reasons = made.reasons or made.errors
            if is_missing(reasons):
                raise no_contact(contact_id)
            if made.status != "added":
                raise BackendFault(f"No activity was added: {reason_of(reasons)} Compare [backends.marketo] with it.")
            return as_added(made, sent)

        activity = await self._marketo.once.make(f"{contact_id}:{engagement.reference}", find, add)
        return to_engagement(activity, self._marketo.settings)

    async def list_engagements(self, contact_id: str, cursor: str | None = None, limit: int = 50) -> Page[Engagement]:
        """As promised by `Marketing`. Marketo tells them oldest first, so all of a person's are read for a page."""
        if not is_lead_id(contact_id):
            raise no_contact(contact_id)
        if cursor is not None and not cursor.isdecimal():
            raise EngagementsBeyondReach("There is no such place in the list; begin without a cursor.")
        known = await self._marketo.activities(contact_id, "list_engagements")
        if not known and await self._marketo.lead(contact_id) is None:
            raise no_contact(contact_id)
        newest = sorted(known, key=lambda each: (each.activity_date, each.marketo_guid), reverse=True)
        begin = int(cursor or 0)
        items = [to_engagement(each, self._marketo.settings) for each in newest[begin : begin + limit]]
        return Page(items, str(begin + limit) if begin + limit < len(newest) else None)
