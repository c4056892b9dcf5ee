"""The marketing capability."""

from datetime import UTC, datetime

from shared.binding.declare import Contract, Cursor, Page, PageSize, get, post
from shared.binding.problems import FieldError, Invalid, NotFound
from shared.contracts.canonical.engagement import (
    ContactsFound,
    ContactsSaved,
    ContactsToSave,
    ContactsWanted,
    Engagement,
    MarketingContact,
    NewEngagement,
)
from shared.contracts.canonical.values import Id


class ContactNotFound(NotFound):
    """Nobody has this contact id."""


class ContactRepeated(Invalid):
    """A batch names the same e-mail address twice; `errors` says where."""


class EngagementsBeyondReach(Invalid):
    """The list goes no further back than this."""


def refuse_repeats(contacts: ContactsToSave) -> None:
    """Every address once, whatever its case.

    Raises:
        ContactRepeated: Two are about one address, so that it would be open which of them counts.
    """
    seen: set[str] = set()
    errors: list[FieldError] = []
    for place, contact in enumerate(contacts.contacts):
        if contact.email.lower() in seen:
            errors.append(FieldError("Named before; leave one out.", pointer=f"/contacts/{place}/email"))
        seen.add(contact.email.lower())
    if errors:
        raise ContactRepeated("A batch names each e-mail address once; see the fields named.", errors=errors)


def moment_of(engagement: NewEngagement) -> datetime:
    """When it happened, in UTC.

    Raises:
        Invalid: That is no date of the calendar in UTC.
    """
    try:
        return engagement.at.astimezone(UTC)
    except OverflowError:
        error = FieldError("No date of the calendar in UTC.", pointer="/at")
        raise Invalid("The moment cannot be kept; correct it.", errors=[error]) from None


class Marketing(Contract, tier="system", version="v1"):
    """People whom marketing knows, and what was noted with them."""

    @get("/contacts/{contact_id}", scope="marketing:read", raises=[ContactNotFound])
    async def get_contact(self, contact_id: Id) -> MarketingContact:
        """Return a person as last saved."""
        ...

    @post("/contacts/lookup", scope="marketing:read", safe=True)
    async def find_contacts(self, wanted: ContactsWanted) -> ContactsFound:
        """Find up to 100 people by their e-mail addresses; who is not known is left out."""
        ...

    @post("/contacts", scope="marketing:write", repeatable=True, status=200, raises=[ContactRepeated])
    async def save_contacts(self, contacts: ContactsToSave) -> ContactsSaved:
        """Enter or change up to 100 people, each by their e-mail address and each with an outcome of its own.

        A repeat changes nothing more. Where the outcome of the call is unknown, repeat it whole.
        """
        ...

    @post(
        "/contacts/{contact_id}/engagements",
        scope="marketing:write",
        repeatable=True,
        raises=[ContactNotFound],
    )
    async def note_engagement(self, contact_id: Id, engagement: NewEngagement) -> Engagement:
        """Note something with a person, once for each reference."""
        ...

    @get(
        "/contacts/{contact_id}/engagements",
        scope="marketing:read",
        raises=[ContactNotFound, EngagementsBeyondReach],
    )
    async def list_engagements(
        self, contact_id: Id, cursor: Cursor | None = None, limit: PageSize = 50
    ) -> Page[Engagement]:
        """List what was noted with a person, newest first; what was noted just now may be missing for seconds.

        Args:
            contact_id: The person.
            cursor: Where the previous page ended.
            limit: Engagements a page.
        """
        ...
