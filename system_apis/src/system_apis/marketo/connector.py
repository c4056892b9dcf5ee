"""Marketo Engage's REST API: its paths, and what they need so that nothing happens twice."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from shared.binding.problems import BackendFault
from shared.contracts.system.marketing import EngagementsBeyondReach
from shared.resilience.credentials import FetchedCredentials
from shared.resilience.once import Once
from shared.resilience.one_at_a_time import OneAtATime
from shared.resilience.outbound import Backend, Outbound
from shared.resilience.outbound_faults import decode_json, in_doubt
from shared.resilience.slots import SlotBudget
from system_apis.marketo.faults import (
    NAME,
    is_token_ended,
    problem_of_reply,
    problem_of_sign_in,
    problem_unless_missing,
)
from system_apis.marketo.records import (
    ActivityRecord,
    AddedRecord,
    AnswerRecord,
    LeadRecord,
    SavedRecord,
    TokenRecord,
)
from system_apis.marketo.settings import MarketoSettings

_T = TypeVar("_T")
_JSON: Final = {"accept": "application/json", "content-type": "application/json"}
_FORM: Final = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
_FIELDS: Final = ("id", "email", "firstName", "lastName", "phone", "title", "updatedAt")
_REACH: Final = 100
"""Pages of 300 activities that are read of one person."""
_LONGEST_ID: Final = 18


class Marketo:
    """One subscription. What Marketo refuses is a problem by the time it leaves here; who is missing is None.

    Args:
        settings: `[backends.marketo]`.
        outbound: Makes the backends with their policies.

    Attributes:
        settings: The same.
        once: Adds activities of which Marketo would add two.
    """

    def __init__(self, settings: MarketoSettings, outbound: Outbound) -> None:
        self.settings = settings
        self.once: Once[ActivityRecord] = Once(outbound.doubts, NAME, "activity", settings.settle_seconds)
        self._saving = OneAtATime(outbound.doubts, NAME, f"people of {settings.client_id}", settings.settle_seconds)
        login = outbound.backend(f"{NAME} login", settings, credentials=None, classify=problem_of_sign_in)
        budget = SlotBudget(name=f"Marketo {settings.url}", slots=settings.concurrency, max_wait=settings.slot_wait)
        self._backend = outbound.backend(
            NAME, settings, credentials=_tokens(login, settings), refuses_from=200, classify=problem_of_reply,
            slots=outbound.treasury.slots(budget),
        )  # fmt: skip
        self._fields = ",".join((*_FIELDS, *filter(None, [settings.company_field])))

    async def lead(self, lead_id: str) -> LeadRecord | None:
        """The person of this id."""
        if not is_lead_id(lead_id):
            return None
        path = f"/rest/v1/lead/{lead_id}.json?fields={self._fields}"
        reply = await self._backend.send(
            "GET", path, headers=_JSON, operation="get_contact", classify=problem_unless_missing
        )
        found = decode_json(reply, AnswerRecord[dict[str, Any]], backend=NAME).result
        return self._lead(found[0]) if found else None

    async def leads(self, emails: Sequence[str]) -> list[LeadRecord]:
        """The people of these addresses, in no order.

        The addresses travel in the body (`_method=GET`), since paths are logged, and long ones are refused. Marketo
        separates them by commas, so that nobody can be found by an address that has one.
        """
        asked = [email for email in emails if "," not in email]
        if not asked:
            return []
        form = {"filterType": "email", "filterValues": ",".join(asked), "fields": self._fields}
        found: list[LeadRecord] = []
        token = ""
        while True:
            body = urlencode(form | ({"nextPageToken": token} if token else {})).encode()
            reply = await self._backend.send(
                "POST", "/rest/v1/leads.json?_method=GET", headers=_FORM, body=body, repeatable=True,
                operation="find_contacts",
            )  # fmt: skip
            page = decode_json(reply, AnswerRecord[dict[str, Any]], backend=NAME)
            found += [self._lead(each) for each in page.result]
            token = page.next_page_token
            if not token:
                return found

    async def save(self, people: Sequence[Mapping[str, str | None]]) -> list[SavedRecord]:
        """What became of each, in their order.

        Marketo makes two of one person if two requests about an address overlap, so none is sent while another is
        under way here, in another process, or at Marketo after somebody stopped waiting for it.
        """
        body = msgspec.json.encode({"action": "createOrUpdate", "lookupField": "email", "input": people})
        reply = await self._saving.run(
            lambda: self._backend.send(
                "POST", "/rest/v1/leads.json", headers=_JSON, body=body, repeatable=False, operation="save_contacts"
            )
        )
        return decode_json(reply, AnswerRecord[SavedRecord], backend=NAME, repeatable=False).result

    async def add(self, activity: Mapping[str, Any]) -> AddedRecord:
        """A new activity. Marketo adds two if it is sent twice."""
        body = msgspec.json.encode({"input": [activity]})
        reply = await self._backend.send(
            "POST", "/rest/v1/activities/external.json", headers=_JSON, body=body, repeatable=False,
            operation="note_engagement",
        )  # fmt: skip
        added = decode_json(reply, AnswerRecord[AddedRecord], backend=NAME, repeatable=False).result
        if not added:
            raise in_doubt(NAME)
        return added[0]

    async def activities(self, lead_id: str, operation: str) -> list[ActivityRecord]:
        """Every engagement with a person that Marketo still has, in its order.

        Raises:
            EngagementsBeyondReach: There are more than anybody reads.
        """
        begin = datetime.combine(datetime.now(UTC).date() - timedelta(self.settings.history_days), time(), UTC)
        since = quote(begin.isoformat(timespec="seconds"), safe="")
        start = await self._get(
            f"/rest/v1/activities/pagingtoken.json?sinceDatetime={since}", ActivityRecord, operation
        )
        found: list[ActivityRecord] = []
        token = start.next_page_token
        for _ in range(_REACH):
            asked = {"nextPageToken": token, "activityTypeIds": self.settings.activity_type, "leadIds": lead_id}
            page = await self._get(f"/rest/v1/activities.json?{urlencode(asked)}", ActivityRecord, operation)
            found += page.result
            token = page.next_page_token
            if not page.more_result:
                return found
        raise EngagementsBeyondReach(f"There are more than {_REACH * 300} engagements; look at them in Marketo.")

    async def _get(self, path: str, kind: type[_T], operation: str) -> AnswerRecord[_T]:
        reply = await self._backend.send("GET", path, headers=_JSON, operation=operation)
        return decode_json(reply, AnswerRecord[kind], backend=NAME)

    def _lead(self, fields: dict[str, Any]) -> LeadRecord:
        """A person, whose company may be kept in a field of another name."""
        try:
            return msgspec.convert(fields | {"company": fields.get(self.settings.company_field)}, LeadRecord)
        except msgspec.ValidationError:
            raise BackendFault(f"{NAME} answered with a person of another shape than agreed.") from None


def is_lead_id(text: str) -> bool:
    """Whether anybody could have this id: Marketo counts people."""
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID


def _tokens(login: Backend, settings: MarketoSettings) -> FetchedCredentials:
    """`Authorization: Bearer …`. Marketo issues the same token until its hour is over, so it is used until refused."""

    async def fetch() -> Mapping[str, str]:
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.reveal(),
        }
        reply = await login.send(
            "POST", "/identity/oauth/token", headers=_FORM, body=urlencode(form).encode(), repeatable=True,
            operation="marketo.sign_in",
        )  # fmt: skip
        return {"authorization": f"Bearer {decode_json(reply, TokenRecord, backend=NAME).access_token}"}

    return FetchedCredentials(fetch, refused=is_token_ended)
