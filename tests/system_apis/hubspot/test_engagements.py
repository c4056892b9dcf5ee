"""Notes in HubSpot: made once for each reference, listed newest first."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from shared.binding.problems import BackendFault, Invalid
from shared.contracts.canonical.engagement import MarketingContact, NewEngagement
from shared.contracts.system.marketing import ContactNotFound, EngagementsBeyondReach
from shared.resilience.outbound_faults import OutcomeUnknown
from system_apis.hubspot import HubSpotMarketing

Kept = Callable[[str], Awaitable[list[dict[str, Any]]]]
Fail = Callable[..., Awaitable[None]]
AT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
VISIT = NewEngagement("visit-1", "Visited <the> plant & met\nAda", AT)


async def test_a_note_keeps_text_moment_and_reference(
    marketing: HubSpotMarketing, person: MarketingContact, kept: Kept
) -> None:
    noted = await marketing.note_engagement(person.contact_id, VISIT)
    assert (noted.text, noted.at, noted.reference) == (VISIT.text, AT, "visit-1")
    (only,) = await kept("notes")
    assert only["hs_note_body"] == "Visited &lt;the&gt; plant &amp; met<br>Ada"
    assert (await marketing.list_engagements(person.contact_id)).items == [noted]


async def test_a_repeat_finds_the_first(marketing: HubSpotMarketing, person: MarketingContact, kept: Kept) -> None:
    first = await marketing.note_engagement(person.contact_id, VISIT)
    assert await marketing.note_engagement(person.contact_id, VISIT) == first
    assert len(await kept("notes")) == 1


async def test_a_repeat_finds_the_first_before_search_knows_it(
    marketing: HubSpotMarketing, person: MarketingContact, control: httpx.AsyncClient, kept: Kept
) -> None:
    await control.post("/index", json={"lag_seconds": 60})
    first = await marketing.note_engagement(person.contact_id, VISIT)
    assert (await marketing.list_engagements(person.contact_id)).items == []
    assert await marketing.note_engagement(person.contact_id, VISIT) == first
    assert len(await kept("notes")) == 1


@pytest.mark.parametrize("fault", ["lost-reply", "truncate", "close"])
async def test_a_note_whose_answer_is_lost_is_looked_up_and_never_made_twice(
    marketing: HubSpotMarketing, person: MarketingContact, fail: Fail, kept: Kept, fault: str
) -> None:
    await fail("POST", "/crm/v3/objects/notes", fault)
    try:
        await marketing.note_engagement(person.contact_id, VISIT)
    except OutcomeUnknown:
        assert fault == "close"  # it never arrived, and nobody can know that
    assert len(await kept("notes")) == (fault != "close")


async def test_references_that_differ_in_case_are_two(
    marketing: HubSpotMarketing, person: MarketingContact, kept: Kept
) -> None:
    await marketing.note_engagement(person.contact_id, VISIT)
    await marketing.note_engagement(person.contact_id, NewEngagement("VISIT-1", "Another", AT))
    assert len(await kept("notes")) == 2


async def test_notes_are_listed_newest_first_page_by_page(
    marketing: HubSpotMarketing, person: MarketingContact
) -> None:
    for day in (2, 0, 1):
        await marketing.note_engagement(person.contact_id, NewEngagement(f"d{day}", f"{day}", AT + timedelta(day)))
    first = await marketing.list_engagements(person.contact_id, None, 2)
    second = await marketing.list_engagements(person.contact_id, first.next_cursor, 2)
    assert [each.text for each in (*first.items, *second.items)] == ["2", "1", "0"]
    assert second.next_cursor is None


async def test_a_person_without_notes_has_an_empty_list(marketing: HubSpotMarketing, person: MarketingContact) -> None:
    assert (await marketing.list_engagements(person.contact_id)).items == []


@pytest.mark.parametrize("contact_id", ["1", "nobody"])
async def test_nothing_is_noted_with_or_listed_for_a_stranger(
    marketing: HubSpotMarketing, kept: Kept, contact_id: str
) -> None:
    with pytest.raises(ContactNotFound):
        await marketing.note_engagement(contact_id, VISIT)
    with pytest.raises(ContactNotFound):
        await marketing.list_engagements(contact_id)
    assert await kept("notes") == []


async def test_a_list_ends_where_search_ends(marketing: HubSpotMarketing, person: MarketingContact) -> None:
    with pytest.raises(EngagementsBeyondReach):
        await marketing.list_engagements(person.contact_id, "9990", 50)


async def test_a_moment_outside_the_calendar_is_refused(marketing: HubSpotMarketing, person: MarketingContact) -> None:
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(Invalid) as caught:
        await marketing.note_engagement(person.contact_id, NewEngagement("x", "x", first))
    assert [error.pointer for error in caught.value.errors] == ["/at"]


async def test_a_portal_without_our_property_is_told_so(
    opened: Callable[..., HubSpotMarketing], person: MarketingContact, kept: Kept
) -> None:
    marketing = opened(reference_property="not_made_yet")
    with pytest.raises(BackendFault, match="no such property; make it"):
        await marketing.note_engagement(person.contact_id, VISIT)
    assert await kept("notes") == []


async def test_what_people_wrote_in_hubspot_is_read_as_text(
    marketing: HubSpotMarketing, person: MarketingContact, portal: str
) -> None:
    from sandboxes.hubspot import TOKEN

    body = {
        "properties": {
            "hs_timestamp": "1768469400000",
            "hs_note_body": "<div><b>Called</b>&nbsp;Ada</div><p>Again</p>",
        },
        "associations": [
            {
                "to": {"id": person.contact_id},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}],
            }
        ],
    }
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}) as client:
        assert (await client.post(f"{portal}/crm/v3/objects/notes", json=body)).status_code == 201
    (only,) = (await marketing.list_engagements(person.contact_id)).items
    assert (only.text, only.reference, only.at) == ("Called\xa0Ada\nAgain", "", AT)
