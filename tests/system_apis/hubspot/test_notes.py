"""What is HubSpot's own: notes in HTML, a search index that lags and ends, a property of ours that must be made."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandboxes.hubspot import TOKEN
from shared.binding.problems import BackendFault
from shared.contracts.canonical.engagement import MarketingContact, NewEngagement
from shared.contracts.system.marketing import EngagementsBeyondReach
from system_apis.hubspot import HubSpotMarketing

Kept = Callable[[str], Awaitable[list[dict[str, Any]]]]
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


async def test_a_repeat_finds_the_first_before_search_knows_it(
    marketing: HubSpotMarketing, person: MarketingContact, control: httpx.AsyncClient, kept: Kept
) -> None:
    await control.post("/index", json={"lag_seconds": 60})
    first = await marketing.note_engagement(person.contact_id, VISIT)
    assert (await marketing.list_engagements(person.contact_id)).items == []
    assert await marketing.note_engagement(person.contact_id, VISIT) == first
    assert len(await kept("notes")) == 1


async def test_a_list_ends_where_search_ends(marketing: HubSpotMarketing, person: MarketingContact) -> None:
    with pytest.raises(EngagementsBeyondReach):
        await marketing.list_engagements(person.contact_id, "9990", 50)


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
