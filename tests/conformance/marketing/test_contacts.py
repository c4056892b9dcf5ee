"""People, by their e-mail addresses."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from sandboxes.company import company
from shared.contracts.canonical.engagement import (
    ContactsToSave,
    ContactsWanted,
    ContactToSave,
    MarketingContact,
)
from shared.contracts.system.marketing import ContactNotFound, ContactRepeated, Marketing
from shared.resilience.outbound_faults import OutcomeUnknown
from shared.security.sensitive import masked

Kept = Callable[[str], Awaitable[list[dict[str, Any]]]]
Fail = Callable[..., Awaitable[None]]


async def test_people_are_found_by_address_in_the_order_asked_and_strangers_left_out(
    marketing: Marketing, emails: list[str]
) -> None:
    asked = ["nobody@alster.example", emails[1].upper(), emails[0], emails[1]]
    found = await marketing.find_contacts(ContactsWanted(asked))
    assert [each.email.lower() for each in found.contacts] == [emails[1].lower(), emails[0].lower()]


async def test_a_person_is_read_by_id(marketing: Marketing, person: MarketingContact) -> None:
    read = await marketing.get_contact(person.contact_id)
    assert read == person
    assert (read.company, read.first_name) == (
        company().customers[0].name,
        company().customers[0].contacts[0].first_name,
    )


@pytest.mark.parametrize("contact_id", ["1", "999999999999999999999", "nobody"])
async def test_who_is_not_there_is_not_found(marketing: Marketing, contact_id: str) -> None:
    with pytest.raises(ContactNotFound, match="look the person up"):
        await marketing.get_contact(contact_id)


async def test_a_hundred_people_are_saved_in_one_call_each_with_an_outcome(
    marketing: Marketing, emails: list[str], kept: Kept, vendor: Any
) -> None:
    before = len(await kept(vendor.people))
    strangers = [ContactToSave(f"new{number}@alster.example", f"N{number}") for number in range(98)]
    wrong = ContactToSave("no,address@x", "Nemo")
    batch = ContactsToSave([ContactToSave(emails[0].upper(), phone="+49 1"), *strangers, wrong])
    saved = (await marketing.save_contacts(batch)).contacts
    assert [each.outcome for each in saved] == ["updated", *["created"] * 98, "refused"]
    assert [each.email for each in saved] == [each.email for each in batch.contacts]
    assert "correct" in saved[-1].reason
    assert saved[-1].contact_id is None
    assert "no,address" not in saved[-1].reason
    assert len(await kept(vendor.people)) == before + 98


async def test_what_is_left_out_stays_and_an_empty_text_clears(marketing: Marketing, person: MarketingContact) -> None:
    await marketing.save_contacts(ContactsToSave([ContactToSave(person.email, phone="", job_title="Fitter")]))
    changed = await marketing.get_contact(person.contact_id)
    assert (changed.phone, changed.job_title, changed.last_name) == ("", "Fitter", person.last_name)


async def test_saving_twice_comes_to_the_same(marketing: Marketing) -> None:
    batch = ContactsToSave([ContactToSave("twice@alster.example", "Ada")])
    first, second = [(await marketing.save_contacts(batch)).contacts[0] for _ in range(2)]
    assert (first.outcome, second.outcome) == ("created", "updated")
    assert first.contact_id == second.contact_id


@pytest.mark.parametrize("fault", ["lost-reply", "truncate", "close"])
async def test_a_batch_whose_answer_is_lost_is_sent_again_and_makes_nobody_twice(
    marketing: Marketing, fail: Fail, kept: Kept, fault: str, vendor: Any
) -> None:
    await fail("POST", vendor.save_path, fault)
    batch = ContactsToSave([ContactToSave("lost@alster.example", "Ada")])
    with suppress(OutcomeUnknown):  # of those who must not be asked again unasked
        await marketing.save_contacts(batch)
    (saved,) = (await marketing.save_contacts(batch)).contacts
    assert saved.outcome == "updated" or fault == "close"
    assert [each["email"] for each in await kept(vendor.people)].count("lost@alster.example") == 1


async def test_an_address_named_twice_is_refused_before_anything_is_sent(
    marketing: Marketing, kept: Kept, vendor: Any
) -> None:
    before = await kept(vendor.people)
    batch = ContactsToSave([ContactToSave("a@alster.example"), ContactToSave("A@alster.example")])
    with pytest.raises(ContactRepeated) as caught:
        await marketing.save_contacts(batch)
    assert [error.pointer for error in caught.value.errors] == ["/contacts/1/email"]
    assert await kept(vendor.people) == before


def test_addresses_and_names_are_masked(emails: list[str]) -> None:
    batch = ContactsToSave([ContactToSave(emails[0], "Mareike")])
    assert emails[0] not in str(masked(batch))
    assert "Mareike" not in str(masked(batch))
    assert emails[0] not in str(masked(ContactsWanted(emails)))


async def test_people_saved_at_once_by_many_are_still_one_each(
    marketing: Marketing, kept: Kept, vendor: Any, control: Any
) -> None:
    await control.post("/work", json={"seconds": 0.02})  # 404 where a write takes no time
    batch = ContactsToSave([ContactToSave("once@alster.example", "Ada")])
    outcomes = [
        saved.contacts[0].outcome for saved in await asyncio.gather(*(marketing.save_contacts(batch) for _ in range(8)))
    ]
    assert sorted(outcomes) == ["created", *["updated"] * 7]
    assert [each["email"] for each in await kept(vendor.people)].count("once@alster.example") == 1
