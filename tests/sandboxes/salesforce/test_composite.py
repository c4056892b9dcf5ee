from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandboxes.company import company

V = "/services/data/v66.0"
ACCOUNTS = f"{V}/sobjects/Account"
SOME = company().customers[7]


def sub(reference: str, method: str, url: str, body: Any = None) -> dict[str, Any]:
    entry = {"referenceId": reference, "method": method, "url": url}
    return entry if body is None else {**entry, "body": body}


async def composite(client: httpx.AsyncClient, *subs: dict[str, Any], all_or_none: bool = True) -> list[dict[str, Any]]:
    answer = await client.post(f"{V}/composite", json={"allOrNone": all_or_none, "compositeRequest": subs})
    assert answer.status_code == 200, answer.text
    return answer.json()["compositeResponse"]


async def number_of(client: httpx.AsyncClient, name: str) -> int:
    query = {"q": f"SELECT COUNT() FROM Account WHERE Name = '{name}'"}
    return (await client.get(f"{V}/query", params=query)).json()["totalSize"]


async def test_references_reach_into_urls_bodies_and_lists(client: httpx.AsyncClient) -> None:
    made, found, child, read = await composite(
        client,
        sub("a", "POST", ACCOUNTS, {"Name": "Referenced"}),
        sub("q", "GET", f"{V}/query?q=SELECT+Id+FROM+Account+WHERE+Id='@{{a.id}}'"),
        sub("c", "POST", f"{V}/sobjects/Contact", {"LastName": "X", "AccountId": "@{q.records[0].Id}"}),
        sub("r", "GET", f"{V}/sobjects/Contact/@{{c.id}}?fields=AccountId"),
    )
    assert [each["httpStatusCode"] for each in (made, found, child, read)] == [201, 200, 201, 200]
    assert made["httpHeaders"] == {"Location": f"{ACCOUNTS}/{made['body']['id']}"}
    assert read["body"]["AccountId"] == made["body"]["id"]
    assert [each["referenceId"] for each in (made, found, child, read)] == ["a", "q", "c", "r"]


async def test_all_or_none_takes_everything_back(client: httpx.AsyncClient, unique: Iterator[str]) -> None:
    name = next(unique)
    first, second, third = await composite(
        client,
        sub("a", "POST", ACCOUNTS, {"Name": name}),
        sub("b", "POST", ACCOUNTS, {}),
        sub("c", "POST", ACCOUNTS, {"Name": name}),
    )
    assert second["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    for halted in (first, third):
        assert halted["httpStatusCode"] == 400
        assert halted["body"][0]["errorCode"] == "PROCESSING_HALTED"
        assert halted["body"][0]["message"].startswith("The transaction was rolled back since another operation")
    assert await number_of(client, name) == 0


async def test_without_all_or_none_only_dependants_halt(client: httpx.AsyncClient, unique: Iterator[str]) -> None:
    name = next(unique)
    bad, dependant, other = await composite(
        client,
        sub("a", "POST", ACCOUNTS, {}),
        sub("b", "GET", f"{ACCOUNTS}/@{{a.id}}"),
        sub("c", "POST", ACCOUNTS, {"Name": name}),
        all_or_none=False,
    )
    assert bad["httpStatusCode"] == 400
    expected = "Invalid reference specified. No value for a.id found in a"
    assert dependant["body"] == [{"errorCode": "PROCESSING_HALTED", "message": expected}]
    assert other["httpStatusCode"] == 201
    assert await number_of(client, name) == 1


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        {"compositeRequest": []},
        {"compositeRequest": [{"method": "GET", "url": V}]},
        {"compositeRequest": [sub("a", "GET", V), sub("a", "GET", V)]},
        {"compositeRequest": [sub(f"r{number}", "GET", V) for number in range(26)]},
        {"compositeRequest": [sub(f"r{number}", "GET", f"{V}/query?q=x") for number in range(6)]},
    ],
)
async def test_malformed_envelopes_are_refused_as_a_whole(client: httpx.AsyncClient, envelope: dict[str, Any]) -> None:
    answer = await client.post(f"{V}/composite", json=envelope)
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"]


async def test_a_composite_counts_as_one_call_a_batch_as_many(client: httpx.AsyncClient) -> None:
    async def used() -> int:
        header = (await client.get(f"{V}/limits")).headers["Sforce-Limit-Info"]
        return int(header.removeprefix("api-usage=").split("/")[0])

    before = await used()
    await composite(client, *(sub(f"r{number}", "GET", f"{V}/limits") for number in range(5)))
    assert await used() == before + 2
    requests = [{"method": "GET", "url": "v66.0/limits"}] * 5
    await client.post(f"{V}/composite/batch", json={"batchRequests": requests})
    assert await used() == before + 8


async def test_batch_runs_independently_and_halts_when_told(client: httpx.AsyncClient) -> None:
    requests = [
        {"method": "GET", "url": f"v66.0/sobjects/Account/{SOME.salesforce_id}?fields=Name"},
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {}},
        {"method": "GET", "url": "v66.0/limits"},
    ]
    answer = (await client.post(f"{V}/composite/batch", json={"batchRequests": requests})).json()
    assert answer["hasErrors"] is True
    assert [each["statusCode"] for each in answer["results"]] == [200, 400, 200]
    assert answer["results"][0]["result"]["Name"] == SOME.name
    body = {"batchRequests": requests, "haltOnError": True}
    last = (await client.post(f"{V}/composite/batch", json=body)).json()["results"][2]
    assert (last["statusCode"], last["result"][0]["errorCode"]) == (412, "BATCH_PROCESSING_HALTED")
    assert (await client.post(f"{V}/composite/batch", json={"batchRequests": requests * 9})).status_code == 400


def tree(name: str, last: str | None) -> dict[str, Any]:
    contact = {"attributes": {"type": "Contact", "referenceId": "c1"}, "LastName": last}
    root = {"attributes": {"type": "Account", "referenceId": "a1"}, "Name": name}
    return {"records": [{**root, "Contacts": {"records": [contact]}}]}


async def test_a_tree_is_created_whole(client: httpx.AsyncClient, unique: Iterator[str]) -> None:
    answer = await client.post(f"{V}/composite/tree/Account", json=tree(next(unique), "Leaf"))
    assert (answer.status_code, answer.json()["hasErrors"]) == (201, False)
    root, leaf = answer.json()["results"]
    assert (root["referenceId"], leaf["referenceId"]) == ("a1", "c1")
    contact = (await client.get(f"{V}/sobjects/Contact/{leaf['id']}")).json()
    assert contact["AccountId"] == root["id"]


async def test_a_tree_with_one_bad_record_leaves_nothing(client: httpx.AsyncClient, unique: Iterator[str]) -> None:
    name = next(unique)
    answer = await client.post(f"{V}/composite/tree/Account", json=tree(name, None))
    assert (answer.status_code, answer.json()["hasErrors"]) == (400, True)
    [result] = answer.json()["results"]
    assert result["referenceId"] == "c1"
    assert result["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert await number_of(client, name) == 0
    many = {"records": [{"attributes": {"type": "Account", "referenceId": f"r{n}"}} for n in range(201)]}
    assert (await client.post(f"{V}/composite/tree/Account", json=many)).status_code == 400


def record(**fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, **fields}


async def test_collections_answer_in_order_with_status_codes(client: httpx.AsyncClient) -> None:
    body = {"allOrNone": False, "records": [record(Name="One"), record(), record(Name="Three")]}
    answer = await client.post(f"{V}/composite/sobjects", json=body)
    one, two, three = answer.json()
    assert answer.status_code == 200
    assert [each["success"] for each in (one, two, three)] == [True, False, True]
    assert two["errors"] == [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [Name]",
            "fields": ["Name"],
        }
    ]
    change = {"records": [record(id=one["id"], Site="A"), record(Id="001Hs00000zzzzz", Site="B"), record(Site="C")]}
    changed = (await client.patch(f"{V}/composite/sobjects", json=change)).json()
    codes = [each["errors"][0]["statusCode"] if each["errors"] else "" for each in changed]
    assert codes == ["", "INVALID_CROSS_REFERENCE_KEY", "MISSING_ARGUMENT"]
    read = f"{V}/composite/sobjects/Account"
    found = (await client.post(read, json={"ids": [three["id"], "x", one["id"]], "fields": ["Name", "Site"]})).json()
    assert [each and each["Name"] for each in found] == ["Three", None, "One"]
    got = (await client.get(read, params={"ids": one["id"], "fields": "Site"})).json()
    assert got[0]["Site"] == "A"
    ids = {"ids": f"{one['id']},{three['id']}", "allOrNone": "true"}
    deleted = (await client.delete(f"{V}/composite/sobjects", params=ids)).json()
    assert [each["success"] for each in deleted] == [True, True]


async def test_collections_roll_back_all_or_none(client: httpx.AsyncClient, unique: Iterator[str]) -> None:
    name = next(unique)
    body = {"allOrNone": True, "records": [record(Name=name), record()]}
    first, second = (await client.post(f"{V}/composite/sobjects", json=body)).json()
    assert first["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert second["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert await number_of(client, name) == 0


async def test_collections_upsert_by_external_id(client: httpx.AsyncClient, unique: Iterator[str]) -> None:
    number = next(unique)
    path = f"{V}/composite/sobjects/Account/ERP_Customer_Number__c"
    body = {"records": [record(Name="A", ERP_Customer_Number__c=number), record(Name="No key")]}
    first, keyless = (await client.patch(path, json=body)).json()
    assert (first["success"], first["created"], keyless["success"]) == (True, True, False)
    again = (await client.patch(path, json=body)).json()[0]
    assert (again["id"], again["created"]) == (first["id"], False)


async def test_collections_have_limits(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{V}/composite/sobjects", json={"records": [record(Name="x")] * 201})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
    mixed = [record(Name="x"), {"attributes": {"type": "Lead"}, "LastName": "x", "Company": "x"}] * 6
    assert (await client.post(f"{V}/composite/sobjects", json={"records": mixed})).status_code == 400


async def test_each_graph_stands_or_falls_alone(client: httpx.AsyncClient, unique: Iterator[str]) -> None:
    good, bad = next(unique), next(unique)
    graphs = [
        {"graphId": "g1", "compositeRequest": [sub("a", "POST", ACCOUNTS, {"Name": good})]},
        {
            "graphId": "g2",
            "compositeRequest": [sub("a", "POST", ACCOUNTS, {"Name": bad}), sub("b", "POST", ACCOUNTS, {})],
        },
    ]
    first, second = (await client.post(f"{V}/composite/graph", json={"graphs": graphs})).json()["graphs"]
    assert (first["isSuccessful"], second["isSuccessful"]) == (True, False)
    assert (await number_of(client, good), await number_of(client, bad)) == (1, 0)
    assert first["graphResponse"]["compositeResponse"][0]["httpStatusCode"] == 201
    failing = [{"graphId": f"g{n}", "compositeRequest": [sub("a", "POST", ACCOUNTS, {})]} for n in range(17)]
    last = (await client.post(f"{V}/composite/graph", json={"graphs": failing})).json()["graphs"][-1]
    assert last["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    too_many = {"graphs": [{"graphId": str(n), "compositeRequest": []} for n in range(76)]}
    assert (await client.post(f"{V}/composite/graph", json=too_many)).status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("composite", {"compositeRequest": [1]}),
        ("composite/batch", {"batchRequests": ["x"]}),
        ("composite/batch", {}),
        ("composite/graph", {"graphs": [{"graphId": "g", "compositeRequest": 5}]}),
        ("composite/tree/Account", {"records": [{"attributes": 1}]}),
        ("composite/tree/Account", {"records": "x"}),
        ("composite/sobjects", {"records": [1]}),
        ("composite/sobjects/Account", {"ids": 5, "fields": ["Id"]}),
        ("sobjects/Account", {"Name": "x", "Parent": "x"}),
    ],
)
async def test_bodies_of_the_wrong_shape_are_400(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    assert (await client.post(f"{V}/{path}", json=body)).status_code == 400
