"""HubSpot's CRM API v3 (and v4 associations): where it is, who we are there, and its paths."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from shared.contracts.system.marketing import EngagementsBeyondReach
from shared.resilience.once import Once
from shared.resilience.outbound import BackendSettings, Outbound
from shared.resilience.outbound_faults import decode_json
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret
from system_apis.hubspot.faults import ANSWERS_UNTIL, NAME, no_contact, problem_of, unexpected
from system_apis.hubspot.records import AssociationsRecord, BatchRecord, ObjectRecord, PageRecord, UpsertRecord

_T = TypeVar("_T")
CONTACT_PROPERTIES = ("email", "firstname", "lastname", "phone", "company", "jobtitle")
_CONTACTS, _NOTES = "/crm/v3/objects/contacts", "/crm/v3/objects/notes"
_READ: Mapping[str, str] = {"accept": "application/json"}
_WRITE: Mapping[str, str] = {**_READ, "content-type": "application/json"}
_BATCH = 100
_ASSOCIATIONS_PAGE = 500
_SEARCH_REACH = 10_000
_NOTE_TO_CONTACT = 202  # developers.hubspot.com, "Association type ID values"


class HubSpotSettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.hubspot]` of a topology; what every backend has, and:

    Attributes:
        url: `https://api.hubapi.com`, `https://api-eu1.hubapi.com`.
        token: Reference to the private app's access token. The app needs `crm.objects.contacts.read` and `.write`.
        reference_property: A single-line text property of notes, made once by an administrator, that keeps the
            reference which makes a repeat find the first note.
        settle_seconds: How long HubSpot may still work on a note whose answer we stopped waiting for.
    """  # noqa: D415 - a heading that the list completes

    token: Secret
    reference_property: str = "triptych_reference"
    settle_seconds: float = 30.0


class _Bearer:
    """The private app's token, read anew for each request, so that a rotated one needs no restart."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    async def headers(self) -> Mapping[str, str]:
        """`Authorization: Bearer …` (RFC 6750 §2.1)."""
        return {"authorization": f"Bearer {self._token.reveal()}"}

    def refused(self, reply: WireReply) -> bool:
        """Never: there is no other token."""
        del reply
        return False

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Nothing to renew."""
        del used
        return False


class HubSpot:
    """One portal. What HubSpot refuses is a problem by the time it leaves here; who is missing is None."""

    def __init__(self, settings: HubSpotSettings, outbound: Outbound) -> None:
        self.settings = settings
        self.once: Once[ObjectRecord] = Once(outbound.doubts, NAME, "note", settings.settle_seconds)
        self._note_properties = ("hs_timestamp", "hs_note_body", settings.reference_property)
        self._backend = outbound.backend(NAME, settings, credentials=_Bearer(settings.token), classify=problem_of)

    async def contact(self, contact_id: str) -> ObjectRecord | None:
        """The contact of this id."""
        if not contact_id.isdecimal():
            return None
        path = f"{_CONTACTS}/{quote(contact_id, safe='')}?properties={','.join(CONTACT_PROPERTIES)}"
        reply = await self._backend.send("GET", path, headers=_READ, operation="get_contact")
        return None if reply.status == 404 else _decoded(reply, ObjectRecord)  # noqa: PLR2004 - HTTP

    async def contacts(self, emails: Sequence[str]) -> list[ObjectRecord]:
        """The contacts of these addresses, at most 100, in no order."""
        body = {"inputs": [{"id": email} for email in emails], "idProperty": "email", "properties": CONTACT_PROPERTIES}
        return (await self._read_batch(f"{_CONTACTS}/batch/read", body, "find_contacts")).results

    async def upsert(self, inputs: Sequence[UpsertRecord]) -> BatchRecord:
        """What became of each; sending it again comes to the same."""
        return await self._read_batch(f"{_CONTACTS}/batch/upsert", {"inputs": inputs}, "save_contacts")

    async def note(self, contact_id: str, properties: Mapping[str, str]) -> ObjectRecord:
        """A new note with a contact. HubSpot makes two of it if it is sent twice."""
        kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _NOTE_TO_CONTACT}
        body = {"properties": properties, "associations": [{"to": {"id": contact_id}, "types": [kind]}]}
        reply = await self._post(_NOTES, body, "note_engagement", repeatable=False)
        if reply.status == 404:  # noqa: PLR2004 - HTTP
            raise no_contact(contact_id)
        return _decoded(reply, ObjectRecord)

    async def noted(self, contact_id: str, reference: str) -> ObjectRecord | None:
        """The note of this reference with a contact.

        Search finds all but what was noted in the last moments; the newest notes are read one by one for that.
        """
        name = self.settings.reference_property
        wanted = [{"propertyName": name, "operator": "EQ", "value": reference}]
        page = await self._search([*wanted, _of(contact_id)], limit=_BATCH, after="0")
        if found := _with(page.results, name, reference):
            return found
        newest = sorted(await self._note_ids(contact_id))[-_BATCH:]
        return _with(await self._notes(newest) if newest else [], name, reference)

    async def notes(self, contact_id: str, after: str, limit: int) -> PageRecord:
        """A page of a contact's notes, newest first.

        Raises:
            EngagementsBeyondReach: HubSpot's search ends before that.
        """
        if not after.isdecimal() or int(after) + limit > _SEARCH_REACH:
            raise EngagementsBeyondReach(f"Only the newest {_SEARCH_REACH} can be listed; begin without a cursor.")
        return await self._search([_of(contact_id)], limit=limit, after=after)

    async def _search(self, filters: Sequence[Mapping[str, str]], *, limit: int, after: str) -> PageRecord:
        body = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_timestamp", "direction": "DESCENDING"}],
            "properties": self._note_properties,
            "limit": limit,
            "after": after,
        }
        reply = await self._post(f"{_NOTES}/search", body, "list_engagements", repeatable=True)
        return _decoded(reply, PageRecord)

    async def _note_ids(self, contact_id: str) -> list[int]:
        path = f"/crm/v4/objects/contacts/{contact_id}/associations/notes?limit={_ASSOCIATIONS_PAGE}"
        found: list[int] = []
        after: str | None = ""
        while after is not None:
            query = f"&after={quote(after, safe='')}" if after else ""
            reply = await self._backend.send("GET", path + query, headers=_READ, operation="note_engagement")
            if reply.status == 404:  # noqa: PLR2004 - HTTP
                raise no_contact(contact_id)
            page = _decoded(reply, AssociationsRecord)
            found += [each.to_object_id for each in page.results]
            after = page.paging.next.after if page.paging and page.paging.next else None
        return found

    async def _notes(self, ids: Sequence[int]) -> list[ObjectRecord]:
        body = {"inputs": [{"id": str(key)} for key in ids], "properties": self._note_properties}
        return (await self._read_batch(f"{_NOTES}/batch/read", body, "note_engagement")).results

    async def _read_batch(self, path: str, body: Mapping[str, Any], operation: str) -> BatchRecord:
        return _decoded(await self._post(path, body, operation, repeatable=True), BatchRecord)

    async def _post(self, path: str, body: Mapping[str, Any], operation: str, *, repeatable: bool) -> WireReply:
        encoded = msgspec.json.encode(body)
        return await self._backend.send(
            "POST", path, headers=_WRITE, body=encoded, repeatable=repeatable, operation=operation
        )


def _with(notes: Sequence[ObjectRecord], name: str, value: str) -> ObjectRecord | None:
    """The note with exactly this value: search does not tell upper from lower case."""
    return next((note for note in notes if note.properties.get(name) == value), None)


def _of(contact_id: str) -> Mapping[str, str]:
    return {"propertyName": "associations.contact", "operator": "EQ", "value": contact_id}


def _decoded(reply: WireReply, kind: type[_T]) -> _T:
    if reply.status >= ANSWERS_UNTIL:
        raise unexpected(reply)
    return decode_json(reply, kind, backend=NAME)
