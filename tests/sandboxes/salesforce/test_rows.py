import gzip
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from sandboxes.company import company

V = "/services/data/v66.0"
ACCOUNTS = f"{V}/sobjects/Account"
SOME = company().customers[5]


def error(answer: httpx.Response) -> tuple[int, str, str]:
    [first] = answer.json()
    return answer.status_code, first["errorCode"], first["message"]


async def test_a_record_is_created_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    body = {"Name": "  Ünïcode GmbH ", "NumberOfEmployees": 12, "Credit_Limit__c": 1000.5, "Site": ""}
    made = await client.post(ACCOUNTS, json=body)
    record_id = made.json()["id"]
    assert made.status_code == 201
    assert made.json() == {"id": record_id, "success": True, "errors": []}
    assert made.headers["Location"] == f"{ACCOUNTS}/{record_id}"
    record = (await client.get(f"{ACCOUNTS}/{record_id[:15]}/")).json()
    assert record["attributes"] == {"type": "Account", "url": f"{ACCOUNTS}/{record_id}"}
    assert (record["Name"], record["NumberOfEmployees"], record["Site"]) == ("Ünïcode GmbH", 12, None)
    assert record["CreatedDate"].endswith("+0000")
    assert (await client.patch(f"{ACCOUNTS}/{record_id}", json={"Site": "North"})).status_code == 204
    changed = (await client.get(f"{ACCOUNTS}/{record_id}?fields=Id,Site")).json()
    assert changed == {"attributes": record["attributes"], "Id": record_id, "Site": "North"}
    assert (await client.delete(f"{ACCOUNTS}/{record_id}")).status_code == 204
    gone = await client.get(f"{ACCOUNTS}/{record_id}")
    assert error(gone) == (404, "ENTITY_IS_DELETED", "entity is deleted")


async def test_paths_ignore_case_and_trailing_slashes_and_versions_vary(client: httpx.AsyncClient) -> None:
    for version in (20, 45, 59, 67):
        path = f"/services/data/v{version}.0/SObjects/account/{SOME.salesforce_id}/"
        record = (await client.get(path)).json()
        assert record["attributes"]["url"].startswith(f"/services/data/v{version}.0/sobjects/Account/")
    for version in ("19.0", "68.0", "66.5", "x"):
        assert error(await client.get(f"/services/data/v{version}/limits"))[1] == "NOT_FOUND"


async def test_chunked_and_compressed_bodies_are_read(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"Name": '
        yield b'"In pieces"}'

    headers = {"Content-Type": "application/json"}
    assert (await client.post(ACCOUNTS, content=pieces(), headers=headers)).status_code == 201
    zipped = {"Content-Encoding": "gzip", **headers}
    body = gzip.compress(b'{"Name": "Zipped"}')
    assert (await client.post(ACCOUNTS, content=body, headers=zipped)).status_code == 201
    assert error(await client.post(ACCOUNTS, content=b"no gzip", headers=zipped))[1] == "JSON_PARSER_ERROR"


@pytest.mark.parametrize(
    ("body", "code", "message", "fields"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"]),
        ({"Name": ""}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"]),
        ({"Name": "x", "Foo": 1}, "INVALID_FIELD", "No such column 'Foo' on sobject of type Account", None),
        ({"Name": "x" * 256}, "STRING_TOO_LONG", "Account Name: data value too large: ", ["Name"]),
        (
            {"Name": "x", "CurrencyIsoCode": "XXX"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "bad value for",
            ["CurrencyIsoCode"],
        ),
        ({"Name": "x", "ParentId": "nonsense"}, "MALFORMED_ID", "Parent Account ID: id value", ["ParentId"]),
        ({"Name": "x", "ParentId": "003aj000000000GAAQ"}, "FIELD_INTEGRITY_EXCEPTION", "incorrect type", ["ParentId"]),
        ({"Name": "x", "ParentId": "001Hs00000zzzzz"}, "INVALID_CROSS_REFERENCE_KEY", "invalid cross", ["ParentId"]),
        (
            {"Name": "x", "Credit_Limit__c": -1},
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "cannot be negative",
            ["Credit_Limit__c"],
        ),
        (
            {"Name": "x", "Credit_Limit__c": 1e17},
            "NUMBER_OUTSIDE_VALID_RANGE",
            "outside of valid range",
            ["Credit_Limit__c"],
        ),
        ({"Name": "x", "Credit_Limit__c": "abc"}, "JSON_PARSER_ERROR", "instance of double from VALUE_STRING", None),
        ({"Name": 5}, "JSON_PARSER_ERROR", "instance of string from VALUE_NUMBER_INT", None),
        ({"Name": "x", "Order_Block__c": 1}, "JSON_PARSER_ERROR", "instance of boolean", None),
        (
            {"Name": "x", "CreatedDate": "2026-01-01T00:00:00Z"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: CreatedDate",
            ["CreatedDate"],
        ),
        ({"Name": "x", "Nope": {"Id": "1"}}, "INVALID_FIELD", "No such column 'Nope'", None),
        (
            {"Name": "x", "Parent": {"ERP_Customer_Number__c": "none"}},
            "INVALID_FIELD",
            "Foreign key external ID: none not found",
            None,
        ),
    ],
)
async def test_bad_records_are_refused_in_the_vendors_words(
    client: httpx.AsyncClient, body: dict[str, Any], code: str, message: str, fields: list[str] | None
) -> None:
    answer = await client.post(ACCOUNTS, json=body)
    [first] = answer.json()
    assert (answer.status_code, first["errorCode"]) == (400, code)
    assert message in first["message"]
    assert first.get("fields") == fields


async def test_invalid_email_addresses_and_dates_are_refused(client: httpx.AsyncClient) -> None:
    contact = {"LastName": "x", "Email": "nonsense"}
    assert error(await client.post(f"{V}/sobjects/Contact", json=contact))[1] == "INVALID_EMAIL_ADDRESS"
    contact = {"LastName": "x", "Birthdate": "31.12.2026"}
    assert error(await client.post(f"{V}/sobjects/Contact", json=contact))[1] == "JSON_PARSER_ERROR"


async def test_bodies_that_are_not_json_are_refused(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    for content in (b"", b"{", b"[1]"):
        answer = await client.post(ACCOUNTS, content=content, headers=headers)
        assert error(answer)[:2] == (400, "JSON_PARSER_ERROR")
    answer = await client.post(ACCOUNTS, data={"Name": "x"})
    assert error(answer)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_unknown_resources_and_methods_are_refused(client: httpx.AsyncClient) -> None:
    missing = (404, "NOT_FOUND", "The requested resource does not exist")
    for path in (f"{V}/nothing", f"{V}/sobjects/Nope", f"{V}/sobjects/Nope/describe", f"{ACCOUNTS}/001Hs00000zzzzz"):
        assert error(await client.get(path)) == missing
    assert error(await client.put(ACCOUNTS, json={}))[:2] == (405, "METHOD_NOT_ALLOWED")
    hint = "Provided external ID field does not exist or is not accessible: Phone"
    assert error(await client.get(f"{ACCOUNTS}/Phone/1")) == (404, "NOT_FOUND", hint)
    unknown = "No such column 'Nope' on sobject of type Account"
    answer = await client.get(f"{ACCOUNTS}/{SOME.salesforce_id}?fields=Nope")
    assert error(answer) == (400, "INVALID_FIELD", unknown)


async def test_without_a_session_every_call_is_401(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get(f"{V}/limits")
    assert error(answer) == (401, "INVALID_SESSION_ID", "Session expired or invalid")
    answer = await anonymous.get(f"{V}/limits", headers={"Authorization": "Basic eDp5"})
    assert error(answer)[:2] == (401, "INVALID_AUTH_HEADER")
    assert (await anonymous.get("/services/data")).json()[-1]["version"] == "67.0"


async def test_upsert_creates_once_and_then_updates(client: httpx.AsyncClient, unique: Iterator[str]) -> None:
    path = f"{ACCOUNTS}/ERP_Customer_Number__c/{next(unique)}"
    first = await client.patch(path, json={"Name": "Once"})
    assert (first.status_code, first.json()["created"]) == (201, True)
    second = await client.patch(path, json={"Name": "Twice"})
    assert (second.status_code, second.json()) == (200, {**first.json(), "created": False})
    assert (await client.patch(path.replace("v66", "v45"), json={"Name": "Old"})).status_code == 204
    assert (await client.get(f"{path}?fields=Name")).json()["Name"] == "Old"
    answer = await client.patch(path, json={"Name": "x", "ERP_Customer_Number__c": "y"})
    assert error(answer)[:2] == (400, "INVALID_FIELD")
    assert (await client.delete(path)).status_code == 204
    assert error(await client.get(path))[:2] == (404, "NOT_FOUND")


async def test_external_ids_may_hold_any_character(client: httpx.AsyncClient) -> None:
    path = f"{ACCOUNTS}/ERP_Customer_Number__c/a%2Fb%20%C3%A9%25"
    assert (await client.patch(path, json={"Name": "Odd"})).status_code == 201
    assert (await client.get(path)).json()["ERP_Customer_Number__c"] == "a/b é%"


async def test_duplicate_external_ids_name_the_record_that_has_it(client: httpx.AsyncClient) -> None:
    body = {"Name": "x", "ERP_Customer_Number__c": SOME.sap_customer}
    status, code, message = error(await client.post(ACCOUNTS, json=body))
    assert (status, code) == (400, "DUPLICATE_VALUE")
    assert message == (
        "duplicate value found: ERP_Customer_Number__c duplicates value on record with id: " + SOME.salesforce_id[:15]
    )


async def test_a_parent_may_be_named_by_its_external_id(client: httpx.AsyncClient) -> None:
    body = {"LastName": "By number", "Account": {"ERP_Customer_Number__c": SOME.sap_customer}}
    made = (await client.post(f"{V}/sobjects/Contact", json=body)).json()["id"]
    record = (await client.get(f"{V}/sobjects/Contact/{made}")).json()
    assert (record["AccountId"], record["Name"]) == (SOME.salesforce_id, "By number")


async def test_relationships_lead_up_and_down(client: httpx.AsyncClient) -> None:
    contact = SOME.contacts[0].salesforce_id
    up = (await client.get(f"{V}/sobjects/Contact/{contact}/Account?fields=Name")).json()
    assert up["Name"] == SOME.name
    down = (await client.get(f"{ACCOUNTS}/{SOME.salesforce_id}/contacts")).json()
    assert down["totalSize"] >= len(SOME.contacts)
    assert error(await client.get(f"{ACCOUNTS}/{SOME.salesforce_id}/Nope"))[1] == "NOT_FOUND"


async def test_conditional_requests_answer_304_and_412(client: httpx.AsyncClient) -> None:
    path = f"{ACCOUNTS}/{(await client.post(ACCOUNTS, json={'Name': 'Conditional'})).json()['id']}"
    seen = await client.get(path)
    tag, modified = seen.headers["ETag"], seen.headers["Last-Modified"]
    assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 304
    assert (await client.get(path, headers={"If-Modified-Since": modified})).status_code == 304
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200
    stale = {"If-Match": '"stale"'}
    assert error(await client.patch(path, json={"Site": "x"}, headers=stale))[:2] == (412, "PRECONDITION_FAILED")
    old = {"If-Unmodified-Since": "Mon, 05 Jan 2026 00:00:00 GMT"}
    assert (await client.delete(path, headers=old)).status_code == 412
    assert (await client.patch(path, json={"Site": "x"}, headers={"If-Match": tag})).status_code == 204
    described = await client.get(f"{ACCOUNTS}/describe")
    headers = {"If-Modified-Since": described.headers["Last-Modified"]}
    assert (await client.get(f"{ACCOUNTS}/describe", headers=headers)).status_code == 304


async def test_changes_are_listed_by_window(client: httpx.AsyncClient) -> None:
    made = (await client.post(f"{V}/sobjects/Lead", json={"LastName": "a", "Company": "b"})).json()["id"]
    kept = (await client.post(f"{V}/sobjects/Lead", json={"LastName": "a", "Company": "b"})).json()["id"]
    stamp = (await client.get(f"{V}/sobjects/Lead/{made}")).json()["SystemModstamp"]
    await client.delete(f"{V}/sobjects/Lead/{made}")
    window = {"start": f"{stamp[:10]}T00:00:00+00:00", "end": "2099-01-01T00:00:00Z"}
    updated = (await client.get(f"{V}/sobjects/Lead/updated/", params=window)).json()
    assert kept in updated["ids"]
    assert made not in updated["ids"]
    assert updated["latestDateCovered"].endswith("+0000")
    deleted = (await client.get(f"{V}/sobjects/Lead/deleted", params=window)).json()
    assert made in {each["id"] for each in deleted["deletedRecords"]}
    for wrong in ({"start": "2020-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, {"start": "x", "end": "y"}):
        assert (await client.get(f"{V}/sobjects/Lead/deleted", params=wrong)).status_code == 400


async def test_deleting_a_parent_takes_its_children_along(client: httpx.AsyncClient) -> None:
    parent = (await client.post(ACCOUNTS, json={"Name": "Parent"})).json()["id"]
    body = {"LastName": "Child", "AccountId": parent}
    child = (await client.post(f"{V}/sobjects/Contact", json=body)).json()["id"]
    await client.delete(f"{ACCOUNTS}/{parent}")
    assert error(await client.get(f"{V}/sobjects/Contact/{child}"))[1] == "ENTITY_IS_DELETED"


async def test_describe_carries_the_keys_clients_read(client: httpx.AsyncClient) -> None:
    described = (await client.get(f"{V}/sobjects/Order/describe")).json()
    fields = {field["name"]: field for field in described["fields"]}
    external = fields["External_Order_Id__c"]
    assert (external["externalId"], external["unique"], external["idLookup"], external["custom"]) == (True,) * 4
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["AccountId"]["relationshipName"] == "Account"
    assert [value["value"] for value in fields["Status"]["picklistValues"]] == ["Draft", "Activated"]
    assert fields["BillingStreet"]["compoundFieldName"] == "BillingAddress"
    wanted = (
        "aggregatable autoNumber byteLength calculated calculatedFormula cascadeDelete caseSensitive "
        "compoundFieldName controllerName createable custom defaultValue defaultValueFormula defaultedOnCreate "
        "dependentPicklist deprecatedAndHidden digits displayLocationInDecimal encrypted externalId extraTypeInfo "
        "filterable filteredLookupInfo groupable highScaleNumber htmlFormatted idLookup inlineHelpText label "
        "length mask maskType name nameField namePointing nillable permissionable picklistValues "
        "polymorphicForeignKey precision queryByDistance referenceTargetField referenceTo relationshipName "
        "relationshipOrder restrictedDelete restrictedPicklist scale soapType sortable type unique updateable "
        "writeRequiresMasterRead"
    )
    assert set(wanted.split()) <= external.keys()
    wanted = (
        "name label labelPlural keyPrefix custom customSetting createable updateable deletable undeletable "
        "mergeable queryable retrieveable searchable replicateable triggerable layoutable activateable "
        "feedEnabled mruEnabled deprecatedAndHidden hasSubtypes isInterface urls fields childRelationships "
        "recordTypeInfos supportedScopes actionOverrides namedLayoutInfos compactLayoutable listviewable "
        "lookupLayoutable searchLayoutable"
    )
    assert set(wanted.split()) <= described.keys()
    children = {child["relationshipName"]: child for child in described["childRelationships"]}
    assert children["OrderItems"]["cascadeDelete"] is True


async def test_the_list_of_objects_and_recent_records(client: httpx.AsyncClient) -> None:
    listed = (await client.get(f"{V}/sobjects/")).json()
    assert listed["maxBatchSize"] == 200
    assert {"Account", "Order", "Quote", "Product2"} <= {each["name"] for each in listed["sobjects"]}
    assert len((await client.get(f"{V}/recent", params={"limit": 3})).json()) == 3
    shown = (await client.get(ACCOUNTS)).json()
    assert shown["objectDescribe"]["name"] == "Account"
    assert shown["recentItems"]
    assert "query" in (await client.get(V)).json()


async def test_the_method_may_come_as_a_parameter(client: httpx.AsyncClient) -> None:
    made = (await client.post(ACCOUNTS, json={"Name": "Override"})).json()["id"]
    answer = await client.post(f"{ACCOUNTS}/{made}?_HttpMethod=PATCH", json={"Site": "x"})
    assert answer.status_code == 204


async def test_an_ambiguous_external_id_is_300_with_urls(client: httpx.AsyncClient) -> None:
    body = {"LastName": "Twin", "ERP_Contact_Number__c": "TWIN-1"}
    twins = [(await client.post(f"{V}/sobjects/Contact", json=body)).json()["id"] for _ in range(2)]
    urls = [f"{V}/sobjects/Contact/{each}" for each in twins]
    for method in ("GET", "PATCH"):
        path = f"{V}/sobjects/Contact/ERP_Contact_Number__c/twin-1"
        answer = await client.request(method, path, json={"Title": "x"})
        assert (answer.status_code, answer.json()) == (300, urls)
