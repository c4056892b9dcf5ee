"""What is Marketo's own: several people with one address, fields and activity types that each subscription names."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandboxes.company import company
from sandboxes.kit import serve_sandbox
from sandboxes.marketo import CLIENT_SECRET
from shared.binding.problems import BackendFault
from shared.contracts.canonical.engagement import (
    ContactsToSave,
    ContactsWanted,
    ContactToSave,
    MarketingContact,
    NewEngagement,
)
from shared.contracts.system.marketing import Marketing
from shared.host.settings import read_settings
from shared.host.wiring import Wiring
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from system_apis.marketo import MarketoMarketing, api
from system_apis.marketo.records import ActivityRecord, AttributeRecord
from system_apis.marketo.translator import to_engagement

EMAIL = company().customers[0].contacts[0].email
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def person(marketing: MarketoMarketing) -> MarketingContact:
    return (await marketing.find_contacts(ContactsWanted([EMAIL]))).contacts[0]


@pytest.fixture
async def twin(subscription: str, control: httpx.AsyncClient) -> int:
    """Another person with the same address, as people in Marketo's own pages make them."""
    del control
    async with httpx.AsyncClient(base_url=subscription) as client:
        form = {"grant_type": "client_credentials", "client_id": "7f0c2a51-38be-4d0e-9c57-1b6a4e8d2f93",
                "client_secret": CLIENT_SECRET}  # fmt: skip
        token = (await client.post("/identity/oauth/token", data=form)).json()["access_token"]
        body = {"action": "createDuplicate", "input": [{"email": EMAIL, "firstName": "Twin"}]}
        made = await client.post("/rest/v1/leads.json", json=body, headers={"authorization": f"Bearer {token}"})
    return made.json()["result"][0]["id"]


async def test_of_several_people_with_one_address_the_first_is_found(
    marketing: MarketoMarketing, person: MarketingContact, twin: int
) -> None:
    found = (await marketing.find_contacts(ContactsWanted([EMAIL]))).contacts
    assert [each.contact_id for each in found] == [person.contact_id]
    assert int(person.contact_id) < twin


async def test_none_of_several_with_one_address_is_changed_and_people_are_told_to_merge_them(
    marketing: MarketoMarketing, twin: int
) -> None:
    del twin
    (saved,) = (await marketing.save_contacts(ContactsToSave([ContactToSave(EMAIL, "Ada")]))).contacts
    assert (saved.outcome, saved.contact_id) == ("refused", None)
    assert "merge them" in saved.reason


async def test_an_address_with_a_comma_is_nobody_s_and_does_not_find_others(marketing: MarketoMarketing) -> None:
    assert (await marketing.find_contacts(ContactsWanted([f'"x,{EMAIL}']))).contacts == []


async def test_the_company_is_kept_where_the_subscription_keeps_it_or_not_at_all(
    opened: Callable[..., MarketoMarketing], control: httpx.AsyncClient
) -> None:
    batch = ContactsToSave([ContactToSave("new@alster.example", company="Alster")])
    marketing = opened(company_field="website")
    (saved,) = (await marketing.save_contacts(batch)).contacts
    assert (await marketing.get_contact(saved.contact_id or "")).company == "Alster"
    bare = opened(company_field="")
    await bare.save_contacts(batch)
    assert (await bare.get_contact(saved.contact_id or "")).company == ""
    (kept,) = [each for each in (await control.get("/ledger")).json()["leads"] if each["email"] == "new@alster.example"]
    assert (kept["website"], kept["company"]) == ("Alster", None)


async def test_what_marketo_keeps_no_longer_is_not_asked_for(
    opened: Callable[..., MarketoMarketing], person: MarketingContact
) -> None:
    marketing = opened(history_days=30)
    for days in (40, 5):
        note = NewEngagement(f"d{days}", f"{days}", NOW - timedelta(days))
        await opened().note_engagement(person.contact_id, note)
    listed = (await marketing.list_engagements(person.contact_id)).items
    assert [each.text for each in listed] == ["5"]


async def test_more_engagements_than_marketo_tells_at_once_are_all_listed(
    marketing: MarketoMarketing, person: MarketingContact, subscription: str
) -> None:
    await marketing.note_engagement(person.contact_id, NewEngagement("first", "first", NOW - timedelta(1)))
    async with httpx.AsyncClient(base_url=subscription) as client:
        form = {"grant_type": "client_credentials", "client_id": "7f0c2a51-38be-4d0e-9c57-1b6a4e8d2f93",
                "client_secret": CLIENT_SECRET}  # fmt: skip
        token = (await client.post("/identity/oauth/token", data=form)).json()["access_token"]
        one = {"leadId": int(person.contact_id), "activityDate": NOW.isoformat(), "activityTypeId": 100_001,
               "attributes": []}  # fmt: skip
        for batch in (range(300), range(300, 320)):
            body = {"input": [{**one, "primaryAttributeValue": f"r{number}"} for number in batch]}
            await client.post(
                "/rest/v1/activities/external.json", json=body, headers={"authorization": f"Bearer {token}"}
            )
    seen: list[str] = []
    cursor = None
    while True:
        page = await marketing.list_engagements(person.contact_id, cursor, 200)
        seen += [each.reference for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(set(seen)) == 321
    assert seen[-1] == "first"


async def test_a_type_that_is_not_approved_is_told_and_names_the_settings(
    opened: Callable[..., MarketoMarketing], person: MarketingContact, control: httpx.AsyncClient
) -> None:
    for wrong in ({"activity_type": 7}, {"text_attribute": "nothing"}):
        with pytest.raises(BackendFault, match=r"Compare \[backends.marketo\]"):
            await opened(**wrong).note_engagement(person.contact_id, NewEngagement("r", "t", NOW))
    assert (await control.get("/ledger")).json()["activities"] == []


@pytest.mark.parametrize(
    "attribute", [AttributeRecord(name="Text", value="Hi"), AttributeRecord(api_name="text", value="Hi")]
)
def test_an_attribute_is_known_by_either_of_its_names(attribute: AttributeRecord) -> None:
    settings: Any = type("Settings", (), {"text_attribute": "text"})
    activity = ActivityRecord("1", NOW, "r", [AttributeRecord(name="Other", value=1), attribute])
    assert to_engagement(activity, settings).text == "Hi"


async def test_the_host_builds_it_from_the_topology(tmp_path: Any) -> None:
    async with serve_sandbox("marketo") as url:
        (tmp_path / "secret").write_text(f"{CLIENT_SECRET}\n")
        section = {
            "url": "sandbox:marketo",
            "client_id": "x",
            "client_secret": "file:{state}/secret",
            "activity_type": 1,
        }
        wire = open_wire()
        wiring = Wiring(
            {Outbound: Outbound(wire)},
            lambda contract: pytest.fail(f"asks for {contract}"),
            lambda kind: read_settings(kind, {"marketo": section}, {"marketo": url}, tmp_path),
        )
        assert isinstance(wiring.build(api.service), Marketing)
        await wire.aclose()
