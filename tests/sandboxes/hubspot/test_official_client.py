"""HubSpot's own client, unmodified, against the portal."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import hubspot
import pytest
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchReadInputSimplePublicObjectId,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.crm.objects.notes import SimplePublicObjectInputForCreate as NewNote

from sandboxes.company import company
from sandboxes.hubspot import TOKEN
from sandboxes.kit import serve_sandbox

EMAIL = company().customers[0].contacts[0].email.lower()


@pytest.fixture(scope="module")
async def portal() -> AsyncGenerator[str]:
    async with serve_sandbox("hubspot") as url:
        yield url


@pytest.fixture
async def root(portal: str) -> str:
    async with httpx.AsyncClient(base_url=f"{portal}/__sandbox__") as client:
        await client.post("/reset")
        await client.post("/rate-limit", json={})
    return portal


def pointed(api: Any, root: str) -> Any:
    api.api_client.configuration.host = root
    return api


@pytest.fixture
def contacts(root: str) -> Any:
    return pointed(hubspot.Client.create(access_token=TOKEN).crm.contacts.basic_api, root)


@pytest.fixture
def batches(root: str) -> Any:
    return pointed(hubspot.Client.create(access_token=TOKEN).crm.contacts.batch_api, root)


def upserts(*inputs: dict[str, Any]) -> Any:
    return BatchInputSimplePublicObjectBatchInputUpsert(inputs=list(inputs))


def one(email: str, trace: str | None = None, **properties: str) -> dict[str, Any]:
    traced = {"objectWriteTraceId": trace} if trace else {}
    return {"id": email, "idProperty": "email", "properties": properties, **traced}


def test_a_contact_is_made_read_changed_and_deleted(contacts: Any) -> None:
    new = SimplePublicObjectInputForCreate(properties={"email": "Ada@Alster.example", "firstname": "Ada"})
    made = contacts.create(simple_public_object_input_for_create=new)
    assert made.properties["email"] == "ada@alster.example"
    change = SimplePublicObjectInput(properties={"jobtitle": "Fitter"})
    contacts.update(made.id, simple_public_object_input=change)
    read = contacts.get_by_id("ADA@alster.example", id_property="email", properties=["jobtitle"])
    assert (read.id, read.properties["jobtitle"], read.archived) == (made.id, "Fitter", False)
    contacts.archive(made.id)
    with pytest.raises(ApiException) as gone:
        contacts.get_by_id(made.id)
    assert gone.value.status == 404


def test_pages_follow_one_another_to_the_end(contacts: Any) -> None:
    first = contacts.get_page(limit=100)
    assert len(first.results) == 100
    second = contacts.get_page(limit=100, after=first.paging.next.after)
    assert not {each.id for each in first.results} & {each.id for each in second.results}
    last = sum(len(customer.contacts) for customer in company().customers) % 100
    page, pages = second, 2
    while page.paging:
        page, pages = contacts.get_page(limit=100, after=page.paging.next.after), pages + 1
    assert (pages, len(page.results)) == (7, last)


def test_an_address_that_is_taken_is_a_conflict(contacts: Any) -> None:
    new = SimplePublicObjectInputForCreate(properties={"email": EMAIL})
    with pytest.raises(ApiException) as refused:
        contacts.create(simple_public_object_input_for_create=new)
    assert refused.value.status == 409
    assert '"category":"CONFLICT"' in refused.value.body
    assert "Existing ID: " in refused.value.body


def test_a_batch_tells_of_each_what_it_did(batches: Any) -> None:
    done = batches.upsert(upserts(one(EMAIL, "a", phone="1"), one("new@x.example", "b"), one("wrong", "c")))
    assert [(each.object_write_trace_id, each.new) for each in done.results] == [("a", False), ("b", True)]
    assert (done.num_errors, done.errors[0].category) == (1, "VALIDATION_ERROR")
    assert done.errors[0].context == {"objectWriteTraceId": ["c"]}


def test_a_batch_without_traces_is_refused_whole(batches: Any, contacts: Any) -> None:
    with pytest.raises(ApiException) as refused:
        batches.upsert(upserts(one("new@x.example"), one("wrong")))
    assert (refused.value.status, "INVALID_EMAIL" in refused.value.body) == (400, True)
    with pytest.raises(ApiException):
        contacts.get_by_id("new@x.example", id_property="email")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([one("a@x.example"), one("A@x.example")], "Duplicate IDs"),
        ([one(f"{number}@x.example") for number in range(101)], "Maximum batch size"),
        ([{"id": "1", "idProperty": "phone", "properties": {}}], "unique property"),
    ],
)
def test_what_no_batch_may_hold(batches: Any, inputs: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ApiException) as refused:
        batches.upsert(upserts(*inputs))
    assert refused.value.status == 400
    assert message in refused.value.body


def test_a_batch_read_names_those_who_are_missing(batches: Any) -> None:
    wanted = BatchReadInputSimplePublicObjectId(
        properties=["company"], properties_with_history=[], id_property="email",
        inputs=[{"id": EMAIL}, {"id": "nobody@x.example"}],
    )  # fmt: skip
    found = batches.read(wanted)
    assert [each.properties["company"] for each in found.results] == [company().customers[0].name]
    assert found.errors[0].context == {"ids": ["nobody@x.example"]}


def test_search_filters_sorts_and_pages(root: str) -> None:
    api = pointed(hubspot.Client.create(access_token=TOKEN).crm.contacts.search_api, root)
    name = company().customers[0].name
    request = PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "company", "operator": "EQ", "value": name.upper()}]}],
        sorts=["-lastname"], limit=1, properties=["lastname"], after="0",
    )  # fmt: skip
    first = api.do_search(public_object_search_request=request)
    assert first.total == len(company().customers[0].contacts)
    assert first.results[0].properties["lastname"] == max(one.last_name for one in company().customers[0].contacts)
    assert first.paging.next.after == "1"


def test_a_note_is_associated_with_a_contact(contacts: Any, root: str) -> None:
    person = contacts.get_by_id(EMAIL, id_property="email")
    notes = pointed(hubspot.Client.create(access_token=TOKEN).crm.objects.notes.basic_api, root)
    link = {
        "to": {"id": person.id},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}],
    }
    body = NewNote(associations=[link], properties={"hs_timestamp": "2026-01-15T09:00:00Z", "hs_note_body": "Hello"})
    note = notes.create(simple_public_object_input_for_create=body)
    api = pointed(hubspot.Client.create(access_token=TOKEN).crm.associations.v4.basic_api, root)
    (linked,) = api.get_page("contacts", person.id, "notes").results
    assert (linked.to_object_id, linked.association_types[0].type_id) == (note.id, 201)


def test_without_the_token_nothing_is_told(root: str) -> None:
    api = pointed(hubspot.Client.create(access_token="pat-other").crm.contacts.basic_api, root)
    with pytest.raises(ApiException) as refused:
        api.get_page()
    assert (refused.value.status, "INVALID_AUTHENTICATION" in refused.value.body) == (401, True)


async def test_too_many_calls_are_refused_by_policy(contacts: Any, root: str) -> None:
    async with httpx.AsyncClient(base_url=f"{root}/__sandbox__") as client:
        await client.post("/rate-limit", json={"per_ten_seconds": 1})
        contacts.get_page(limit=1)
        with pytest.raises(ApiException) as refused:
            contacts.get_page(limit=1)
        assert refused.value.status == 429
        assert '"policyName":"TEN_SECONDLY_ROLLING"' in refused.value.body
        await client.post("/clock", json={"offset_seconds": 11})
        assert contacts.get_page(limit=1).results
