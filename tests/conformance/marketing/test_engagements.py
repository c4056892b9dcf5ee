"""Engagements: made once for each reference, listed newest first."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from shared.binding.problems import Invalid
from shared.contracts.canonical.engagement import MarketingContact, NewEngagement
from shared.contracts.system.marketing import ContactNotFound, Marketing
from shared.resilience.outbound_faults import OutcomeUnknown

Kept = Callable[[str], Awaitable[list[dict[str, Any]]]]
Fail = Callable[..., Awaitable[None]]
AT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
VISIT = NewEngagement("visit-1", "Visited <the> plant & met\nAda", AT)


async def test_an_engagement_keeps_text_moment_and_reference(marketing: Marketing, person: MarketingContact) -> None:
    noted = await marketing.note_engagement(person.contact_id, VISIT)
    assert (noted.text, noted.at, noted.reference) == (VISIT.text, AT, "visit-1")
    assert (await marketing.list_engagements(person.contact_id)).items == [noted]


async def test_a_repeat_finds_the_first(
    marketing: Marketing, person: MarketingContact, kept: Kept, vendor: Any
) -> None:
    first = await marketing.note_engagement(person.contact_id, VISIT)
    assert await marketing.note_engagement(person.contact_id, VISIT) == first
    assert len(await kept(vendor.notes)) == 1


@pytest.mark.parametrize("fault", ["lost-reply", "truncate", "close"])
async def test_a_note_whose_answer_is_lost_is_looked_up_and_never_made_twice(
    marketing: Marketing, person: MarketingContact, fail: Fail, kept: Kept, vendor: Any, fault: str
) -> None:
    await fail("POST", vendor.note_path, fault)
    try:
        await marketing.note_engagement(person.contact_id, VISIT)
    except OutcomeUnknown:
        assert fault == "close"  # it never arrived, and nobody can know that
    assert len(await kept(vendor.notes)) == (fault != "close")


async def test_references_that_differ_in_case_are_two(
    marketing: Marketing, person: MarketingContact, kept: Kept, vendor: Any
) -> None:
    await marketing.note_engagement(person.contact_id, VISIT)
    await marketing.note_engagement(person.contact_id, NewEngagement("VISIT-1", "Another", AT))
    assert len(await kept(vendor.notes)) == 2


async def test_notes_are_listed_newest_first_page_by_page(marketing: Marketing, person: MarketingContact) -> None:
    for day in (2, 0, 1):
        await marketing.note_engagement(person.contact_id, NewEngagement(f"d{day}", f"{day}", AT + timedelta(day)))
    first = await marketing.list_engagements(person.contact_id, None, 2)
    second = await marketing.list_engagements(person.contact_id, first.next_cursor, 2)
    assert [each.text for each in (*first.items, *second.items)] == ["2", "1", "0"]
    assert second.next_cursor is None


async def test_a_person_without_notes_has_an_empty_list(marketing: Marketing, person: MarketingContact) -> None:
    assert (await marketing.list_engagements(person.contact_id)).items == []


@pytest.mark.parametrize("contact_id", ["1", "nobody"])
async def test_nothing_is_noted_with_or_listed_for_a_stranger(
    marketing: Marketing, kept: Kept, vendor: Any, contact_id: str
) -> None:
    with pytest.raises(ContactNotFound):
        await marketing.note_engagement(contact_id, VISIT)
    with pytest.raises(ContactNotFound):
        await marketing.list_engagements(contact_id)
    assert await kept(vendor.notes) == []


async def test_a_moment_outside_the_calendar_is_refused(marketing: Marketing, person: MarketingContact) -> None:
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(Invalid) as caught:
        await marketing.note_engagement(person.contact_id, NewEngagement("x", "x", first))
    assert [error.pointer for error in caught.value.errors] == ["/at"]
