"""Permission sets at every door: what a user may not read is not there, what they may not write is refused."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from sandboxes.company import company
from sandboxes.salesforce.access import permission_set

V = "/services/data/v66.0"
READER = "catalog-reader@tarn-gauge.example"
CLERK = company().salespeople[0].username
APP = {"client_id": "triptych-local", "client_secret": "triptych-local-secret"}


def granted(verbs: str, **fields: str) -> str:
    """A set on Account: the rights on it, and `read` or `edit` of its fields."""
    allow = "".join(
        f"<allow{verb}>{str(verb in verbs).lower()}</allow{verb}>" for verb in ("Create", "Delete", "Edit", "Read")
    )
    rows = "".join(
        f"<fieldPermissions><editable>{str(right == 'edit').lower()}</editable><field>Account.{name}</field>"
        "<readable>true</readable></fieldPermissions>"
        for name, right in fields.items()
    )
    return (
        '<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">'
        f"{rows}<label>Clerk</label><objectPermissions>{allow}<object>Account</object></objectPermissions>"
        "</PermissionSet>"
    )


async def as_user(client: httpx.AsyncClient, username: str) -> dict[str, str]:
    form = {"grant_type": "password", "username": username, "password": "sandbox-password", **APP}
    token = (await client.post("/services/oauth2/token", data=form)).json()["access_token"]
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
async def reader(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    anonymous.headers.update(await as_user(anonymous, READER))
    return anonymous


@pytest.fixture
async def clerk(client: httpx.AsyncClient, url: str) -> AsyncIterator[Callable[..., Any]]:
    """Gives the clerk a set and returns a client of theirs; `client` stays the administrator."""
    async with httpx.AsyncClient(base_url=url) as theirs:

        async def given(verbs: str, **fields: str) -> httpx.AsyncClient:
            body = {"xml": granted(verbs, **fields), "assign": [CLERK]}
            answer = await client.put("/__sandbox__/permission-set", json=body)
            assert (answer.status_code, answer.json()) == (200, {"name": "Clerk"})
            theirs.headers.update(await as_user(client, CLERK))
            return theirs

        yield given
        await client.put("/__sandbox__/permission-set", json={"name": "Clerk", "withdraw": [CLERK]})


async def ask(client: httpx.AsyncClient, soql: str) -> Any:
    return (await client.get(f"{V}/query", params={"q": soql})).json()


def test_a_permission_set_is_read_from_metadata_xml() -> None:
    found = permission_set(granted("Create Edit", Phone="read", Website="edit"))
    assert found.objects == {"account": frozenset({"Create", "Edit", "Read"})}
    assert found.fields == {"account.phone": False, "account.website": True}
    with pytest.raises(ValueError, match="DOCTYPE"):
        permission_set("<!DOCTYPE x><PermissionSet/>")


async def test_the_seeded_reader_sees_products_and_nothing_else(reader: httpx.AsyncClient) -> None:
    listed = {each["name"] for each in (await reader.get(f"{V}/sobjects")).json()["sobjects"]}
    assert listed == {"Organization", "Pricebook2", "PricebookEntry", "Product2", "User"}
    assert (await ask(reader, "SELECT COUNT() FROM Product2"))["totalSize"] >= 520
    assert (await ask(reader, "SELECT UnitPrice, Product2.Name FROM PricebookEntry LIMIT 1"))["records"]
    refused = (await ask(reader, "SELECT Id FROM Account"))[0]
    assert (refused["errorCode"], "sObject type 'Account' is not supported" in refused["message"]) == (
        "INVALID_TYPE",
        True,
    )
    assert (await reader.get(f"{V}/sobjects/Account/describe")).status_code == 404
    assert (await ask(reader, "SELECT StockKeepingUnit FROM Product2"))[0]["errorCode"] == "INVALID_FIELD"
    assert (await reader.get(f"{V}/recent")).json() == []


async def test_what_is_not_readable_is_in_no_describe_and_no_record(clerk: Callable[..., Any]) -> None:
    theirs = await clerk("Read Edit", Phone="edit", Website="read", BillingAddress="read")
    described = (await theirs.get(f"{V}/sobjects/Account/describe")).json()
    fields = {each["name"]: each for each in described["fields"]}
    assert {"Id", "Name", "OwnerId", "Phone", "Website", "BillingCity", "BillingAddress"} <= fields.keys()
    assert not {"Industry", "ShippingCity", "Credit_Limit__c"} & fields.keys()
    assert (fields["Phone"]["updateable"], fields["Website"]["updateable"]) == (True, False)
    assert (described["createable"], described["updateable"], described["deletable"]) == (False, True, False)
    assert [each["childSObject"] for each in described["childRelationships"]] == ["Account"] or not described[
        "childRelationships"
    ]
    row = (await theirs.get(f"{V}/sobjects/Account/{company().customers[0].salesforce_id}")).json()
    assert ("Website" in row, "Industry" in row) == (True, False)
    asked = await theirs.get(f"{V}/sobjects/Account/{row['Id']}", params={"fields": "Industry"})
    assert asked.json()[0]["errorCode"] == "INVALID_FIELD"
    walked = (await ask(theirs, "SELECT Id, (SELECT Id FROM Contacts) FROM Account LIMIT 1"))[0]
    assert walked["errorCode"] == "INVALID_TYPE"


async def test_writes_without_the_right_are_refused_at_every_door(clerk: Callable[..., Any], unique: Any) -> None:
    theirs = await clerk("Read Edit", Phone="edit", Website="read")
    account = company().customers[1].salesforce_id
    made = await theirs.post(f"{V}/sobjects/Account", json={"Name": next(unique)})
    assert (made.status_code, made.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    gone = await theirs.delete(f"{V}/sobjects/Account/{account}")
    assert (gone.status_code, gone.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert (await theirs.patch(f"{V}/sobjects/Account/{account}", json={"Phone": "1"})).status_code == 204
    read_only = await theirs.patch(f"{V}/sobjects/Account/{account}", json={"Website": "x.example"})
    assert (read_only.json()[0]["errorCode"], read_only.json()[0]["fields"]) == (
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        ["Website"],
    )
    hidden = await theirs.patch(f"{V}/sobjects/Account/{account}", json={"Industry": "x"})
    assert hidden.json()[0]["errorCode"] == "INVALID_FIELD"
    parts = [{"method": "POST", "url": f"{V}/sobjects/Account", "referenceId": "a", "body": {"Name": "x"}}]
    composite = (await theirs.post(f"{V}/composite", json={"compositeRequest": parts})).json()
    assert composite["compositeResponse"][0]["body"][0]["errorCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"
    records = [{"attributes": {"type": "Account"}, "Name": "x"}, {"attributes": {"type": "Contact"}, "LastName": "x"}]
    collection = (await theirs.post(f"{V}/composite/sobjects", json={"records": records})).json()
    assert [each["errors"][0]["statusCode"] for each in collection] == [
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INVALID_TYPE",
    ]


async def finished(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    while True:
        job = (await client.get(path)).json()
        if job["state"] in ("JobComplete", "Failed"):
            return job


async def test_bulk_jobs_have_the_rights_of_who_made_them(clerk: Callable[..., Any]) -> None:
    theirs = await clerk("Read", Phone="read")
    refused = await theirs.post(f"{V}/jobs/ingest", json={"object": "Contact", "operation": "insert"})
    assert "InvalidEntity" in refused.json()[0]["message"]
    job = (await theirs.post(f"{V}/jobs/ingest", json={"object": "Account", "operation": "insert"})).json()
    path = f"{V}/jobs/ingest/{job['id']}"
    await theirs.put(f"{path}/batches", content="Name\nx\n", headers={"content-type": "text/csv"})
    await theirs.patch(path, json={"state": "UploadComplete"})
    assert (await finished(theirs, path))["numberRecordsFailed"] == 1
    assert "INSUFFICIENT_ACCESS_OR_READONLY:" in (await theirs.get(f"{path}/failedResults")).text
    job = (await theirs.post(f"{V}/jobs/ingest", json={"object": "Account", "operation": "insert"})).json()
    path = f"{V}/jobs/ingest/{job['id']}"
    await theirs.put(f"{path}/batches", content="Name,Industry\nx,y\n", headers={"content-type": "text/csv"})
    await theirs.patch(path, json={"state": "UploadComplete"})
    assert "Field name not found : Industry" in (await finished(theirs, path))["errorMessage"]
    query = {"operation": "query", "query": "SELECT Id, Industry FROM Account"}
    assert (await theirs.post(f"{V}/jobs/query", json=query)).json()[0]["errorCode"] == "INVALID_FIELD"
    job = (await theirs.post(f"{V}/jobs/query", json=query | {"query": "SELECT Phone FROM Account"})).json()
    assert (await finished(theirs, f"{V}/jobs/query/{job['id']}"))["numberRecordsProcessed"] > 0


async def test_the_administrator_sees_everything_while_others_do_not(
    client: httpx.AsyncClient, clerk: Callable[..., Any]
) -> None:
    theirs, soql = await clerk("Read"), "SELECT Id, Industry FROM Account LIMIT 1"
    assert (await ask(theirs, soql))[0]["errorCode"] == "INVALID_FIELD"
    assert (await ask(client, soql))["totalSize"] == 1
    assert (await ask(theirs, soql))[0]["errorCode"] == "INVALID_FIELD"
    await client.put("/__sandbox__/permission-set", json={"name": "Clerk", "withdraw": [CLERK]})
    assert (await ask(theirs, soql))["totalSize"] == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"xml": "<PermissionSet><label>x</label>"}, "Error parsing file"),
        ({"name": "Nobody", "assign": [CLERK]}, "there is no permission set Nobody"),
        ({"xml": granted("Read", Name="read")}, "You cannot deploy to a required field: Account.Name"),
        ({"xml": granted("Read", Nowhere__c="read")}, "Account.Nowhere__c"),
        ({"xml": granted("Read"), "assign": ["nobody@x.example"]}, "there is no user nobody@x.example"),
    ],
)
async def test_a_set_that_the_org_would_not_deploy_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], words: str
) -> None:
    answer = await client.put("/__sandbox__/permission-set", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
