"""marketorestpython, unmodified, against the subscription."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from marketorestpython.client import MarketoClient

from sandboxes.company import company
from sandboxes.kit import serve_sandbox
from sandboxes.marketo import ACTIVITY_TYPE, CLIENT_ID, CLIENT_SECRET

PERSON = company().customers[0].contacts[0]


@pytest.fixture(scope="module")
async def root() -> AsyncGenerator[str]:
    async with serve_sandbox("marketo") as url:
        yield url


def opened(root: str, secret: str = CLIENT_SECRET) -> Any:
    client = MarketoClient("000-TGW-000", CLIENT_ID, secret, max_retry_time=1)
    client.host = root
    return client


@pytest.fixture(scope="module")
def client(root: str) -> Any:
    return opened(root)


def test_people_are_found_by_address_and_by_id_with_the_fields_asked_for(client: Any) -> None:
    (found,) = client.execute(
        method="get_multiple_leads_by_filter_type", filterType="email", filterValues=[PERSON.email.upper()],
        fields=["firstName", "company"],
    )  # fmt: skip
    assert (found["firstName"], found["company"]) == (PERSON.first_name, company().customers[0].name)
    (usual,) = client.execute(method="get_lead_by_id", id=found["id"])
    assert set(usual) == {"id", "email", "updatedAt", "createdAt", "firstName", "lastName"}
    assert client.execute(method="get_lead_by_id", id=1) == []


def test_a_batch_tells_of_each_what_it_did(client: Any) -> None:
    people = [{"email": "new@x.example", "firstName": "Ada"}, {"email": PERSON.email}, {"email": "wrong"},
              {"email": "long@x.example", "phone": "1" * 256}, {"email": "y@x.example", "shoeSize": 9}]  # fmt: skip
    done = client.execute(method="create_update_leads", leads=people, lookupField="email")
    assert [each["status"] for each in done] == ["created", "updated", "skipped", "skipped", "skipped"]
    assert [each["reasons"][0]["code"] for each in done[2:]] == ["1003", "1003", "1006"]
    gone = client.execute(method="delete_lead", id=[done[0]["id"]])
    assert gone[0]["status"] == "deleted"
    assert client.execute(method="get_lead_by_id", id=done[0]["id"]) == []


def test_actions_differ_in_who_may_be_there_already(client: Any) -> None:
    def done(action: str, email: str) -> Any:
        return client.execute(method="create_update_leads", leads=[{"email": email}], action=action)[0]

    assert done("createOnly", PERSON.email)["reasons"][0]["code"] == "1005"
    assert done("updateOnly", "nobody@x.example")["reasons"][0]["code"] == "1004"
    assert done("createDuplicate", "two@x.example")["status"] == "created"
    assert done("createDuplicate", "two@x.example")["status"] == "created"
    assert done("createOrUpdate", "two@x.example")["reasons"][0]["code"] == "1007"


def test_activities_are_added_and_read_since_a_moment(client: Any) -> None:
    (kind,) = [each for each in client.execute(method="get_activity_types") if each["id"] == ACTIVITY_TYPE]
    assert kind["primaryAttribute"]["name"] == "Reference"
    (found,) = client.execute(
        method="get_multiple_leads_by_filter_type", filterType="email", filterValues=[PERSON.email]
    )
    one = {"leadId": found["id"], "activityDate": "2026-02-03T11:22:33+02:00", "activityTypeId": ACTIVITY_TYPE,
           "primaryAttributeValue": "r1", "attributes": [{"apiName": "text", "value": "Called"}]}  # fmt: skip
    added = client.execute(method="add_custom_activities", input=[one, {**one, "leadId": 1}])
    assert [each["status"] for each in added] == ["added", "skipped"]
    assert added[1]["errors"][0]["code"] == "1004"
    known = client.execute(
        method="get_lead_activities", activityTypeIds=[str(ACTIVITY_TYPE)], sinceDatetime="2026-02-03",
        leadIds=[str(found["id"])],
    )  # fmt: skip
    assert [(each["activityDate"], each["primaryAttributeValue"], each["attributes"]) for each in known] == [
        ("2026-02-03T09:22:33Z", "r1", [{"name": "Text", "value": "Called"}])
    ]
    later = client.execute(
        method="get_lead_activities", activityTypeIds=[str(ACTIVITY_TYPE)],
        sinceDatetime=datetime(2026, 2, 4, tzinfo=UTC).isoformat(), leadIds=[str(found["id"])],
    )  # fmt: skip
    assert later == []


def test_a_field_that_is_not_there_has_its_number(client: Any) -> None:
    (one,) = client.execute(method="get_multiple_leads_by_filter_type", filterType="email", filterValues=[PERSON.email])
    with pytest.raises(Exception, match="'code': '1006'"):
        client.execute(method="get_lead_by_id", id=one["id"], fields="shoeSize")


def test_tokens_end_and_the_number_says_how(root: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    token = httpx.get(f"{root}/identity/oauth/token", params=form).json()
    assert 0 < token["expires_in"] <= 3600
    httpx.post(f"{root}/__sandbox__/expire-tokens", json={})
    told = [
        httpx.get(f"{root}/rest/v1/lead/1.json", headers=headers).json()["errors"][0]["code"]
        for headers in (
            {"authorization": f"Bearer {token['access_token']}"}, {"authorization": "Bearer made-up"}, {},
        )
    ]  # fmt: skip
    assert told == ["602", "601", "600"]


def test_a_wrong_secret_gets_no_token(root: str) -> None:
    with pytest.raises(Exception, match="Bad client credentials"):
        opened(root, "wrong").execute(method="get_lead_by_id", id=1)


async def test_two_requests_about_one_address_that_overlap_make_two_people(root: str) -> None:
    async with httpx.AsyncClient(base_url=root) as http:
        form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        token = (await http.get("/identity/oauth/token", params=form)).json()["access_token"]
        await http.post("/__sandbox__/work", json={"seconds": 0.3})
        body = {"input": [{"email": "twice@x.example"}]}
        asked = [
            http.post("/rest/v1/leads.json", json=body, headers={"authorization": f"Bearer {token}"}) for _ in range(2)
        ]
        made = [each.json()["result"][0]["status"] for each in await asyncio.gather(*asked)]
        await http.post("/__sandbox__/work", json={"seconds": 0})
    assert made == ["created", "created"]
