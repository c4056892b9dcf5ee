"""The Tooling API: definitions as rows, components one at a time."""

from typing import Any

import httpx
import pytest

from sandboxes.kit import Clock
from sandboxes.salesforce.org import Org

V = "/services/data/v66.0"
T = f"{V}/tooling"
CODE = {"label": "Dock Code", "type": "Text", "length": 64, "externalId": True, "unique": True}


async def made(client: httpx.AsyncClient, kind: str, name: str, metadata: dict[str, Any]) -> str:
    answer = await client.post(f"{T}/sobjects/{kind}", json={"FullName": name, "Metadata": metadata})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def rows(client: httpx.AsyncClient, soql: str) -> list[dict[str, Any]]:
    answer = await client.get(f"{T}/query", params={"q": soql})
    assert answer.status_code == 200, answer.text
    return answer.json()["records"]


async def test_a_field_is_made_read_asked_for_and_taken_away(client: httpx.AsyncClient) -> None:
    field_id = await made(client, "CustomField", "Account.Dock_Code__c", CODE)
    try:
        shown = (await client.get(f"{T}/sobjects/CustomField/{field_id}")).json()
        assert (shown["FullName"], shown["Metadata"]) == ("Account.Dock_Code__c", CODE)
        soql = "SELECT Id, TableEnumOrId FROM CustomField WHERE DeveloperName = 'Dock_Code'"
        assert [each["Id"] for each in await rows(client, soql)] == [field_id]
        soql = (
            "SELECT QualifiedApiName, DataType, Length FROM FieldDefinition "
            "WHERE EntityDefinition.QualifiedApiName = 'Account' AND IsIndexed = true AND Length = 64"
        )
        assert "Dock_Code__c" in [each["QualifiedApiName"] for each in await rows(client, soql)]
        saved = await client.patch(f"{V}/sobjects/Account/Dock_Code__c/D1", json={"Name": "Docked"})
        assert saved.status_code == 201
        longer = {"Metadata": CODE | {"length": 80}}
        assert (await client.patch(f"{T}/sobjects/CustomField/{field_id}", json=longer)).status_code == 204
        other = {"Metadata": {"label": "Dock Code", "type": "Number", "precision": 5, "scale": 0}}
        refused = await client.patch(f"{T}/sobjects/CustomField/{field_id}", json=other)
        assert "Cannot change the type" in refused.json()[0]["message"]
    finally:
        assert (await client.delete(f"{T}/sobjects/CustomField/{field_id}")).status_code == 204
    assert (await client.get(f"{T}/sobjects/CustomField/{field_id}")).status_code == 404
    gone = await client.get(f"{V}/query", params={"q": "SELECT Dock_Code__c FROM Account"})
    assert gone.json()[0]["errorCode"] == "INVALID_FIELD"


async def test_a_channel_carries_the_changes_of_its_members(client: httpx.AsyncClient) -> None:
    channel = await made(client, "PlatformEventChannel", "Leads__chn", {"channelType": "data", "label": "Leads"})
    body = {"eventChannel": "Leads__chn", "selectedEntity": "LeadChangeEvent"}
    member = await made(client, "PlatformEventChannelMember", "Leads_chn_Lead", body)
    found = await rows(client, "SELECT DeveloperName, SelectedEntity FROM PlatformEventChannelMember")
    assert ("Leads_chn_Lead", "LeadChangeEvent") in [(each["DeveloperName"], each["SelectedEntity"]) for each in found]
    used = await client.delete(f"{T}/sobjects/PlatformEventChannel/{channel}")
    assert used.json()[0]["errorCode"] == "DEPENDENCY_EXISTS"
    for path in (f"PlatformEventChannelMember/{member}", f"PlatformEventChannel/{channel}"):
        assert (await client.delete(f"{T}/sobjects/{path}")).status_code == 204


async def test_rules_and_permission_sets_name_only_what_there_is(client: httpx.AsyncClient) -> None:
    rule = {"active": True, "errorConditionFormula": "ISBLANK(Phone)", "errorMessage": "Phone?"}
    rule_id = await made(client, "ValidationRule", "Contact.Phone_Needed", rule)
    assert (await rows(client, "SELECT ErrorMessage FROM ValidationRule WHERE Active = true"))[0][
        "ErrorMessage"
    ] == "Phone?"
    assert (await client.delete(f"{T}/sobjects/ValidationRule/{rule_id}")).status_code == 204
    for field, status in (("Account.Nothing__c", 400), ("Account.Phone", 201)):
        permissions = {"label": "P", "fieldPermissions": [{"field": field, "readable": True, "editable": True}]}
        answer = await client.post(f"{T}/sobjects/PermissionSet", json={"FullName": "P1", "Metadata": permissions})
        assert answer.status_code == status
    await client.delete(f"{T}/sobjects/PermissionSet/{answer.json()['id']}")


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("CustomField", {"Metadata": CODE}, "REQUIRED_FIELD_MISSING"),
        ("CustomField", {"FullName": "Account.ERP_Customer_Number__c", "Metadata": CODE}, "DUPLICATE_DEVELOPER_NAME"),
        ("CustomField", {"FullName": "Account.no good__c", "Metadata": CODE}, "FIELD_INTEGRITY_EXCEPTION"),
        ("CustomField", {"FullName": "Account.Bare__c", "Metadata": {"type": "Date"}}, "REQUIRED_FIELD_MISSING"),
        ("ApexClass", {"FullName": "A", "Metadata": {}}, "NOT_FOUND"),
        ("PlatformEventChannel", {"FullName": "A__chn", "Metadata": {"label": "A", "channelType": "x"}},
         "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("PlatformEventChannelMember",
         {"FullName": "M", "Metadata": {"eventChannel": "ChangeEvents", "selectedEntity": "NobodyChangeEvent"}},
         "INVALID_CROSS_REFERENCE_KEY"),
    ],
)  # fmt: skip
async def test_a_refusal_says_what_is_wrong(
    client: httpx.AsyncClient, kind: str, body: dict[str, Any], code: str
) -> None:
    answer = await client.post(f"{T}/sobjects/{kind}", json=body)
    assert answer.json()[0]["errorCode"] == code


async def test_anonymous_apex_runs_as_far_as_this_org_compiles_it(client: httpx.AsyncClient) -> None:
    run = await client.get(f"{T}/executeAnonymous", params={"anonymousBody": "System.debug('a');\nSystem.debug(1);"})
    assert (run.json()["success"], run.json()["line"]) == (True, -1)
    not_run = await client.get(f"{T}/executeAnonymous", params={"anonymousBody": "System.debug('a');\ninsert x;"})
    assert (not_run.json()["compiled"], not_run.json()["line"], not_run.json()["column"]) == (False, 2, 1)
    assert "insert" in not_run.json()["compileProblem"]
    assert (await client.get(f"{T}/query")).json()[0]["errorCode"] == "MALFORMED_QUERY"
    listed = (await client.get(f"{T}/sobjects")).json()["sobjects"]
    assert "EntityDefinition" in [each["name"] for each in listed]
    described = (await client.get(f"{T}/sobjects/CustomField/describe")).json()
    assert "TableEnumOrId" in [each["name"] for each in described["fields"]]


async def test_what_happens_to_records_of_a_new_object_is_told(clock: Clock) -> None:
    org = Org(None, clock)
    site = {
        "label": "Yard", "pluralLabel": "Yards", "deploymentStatus": "Deployed", "sharingModel": "ReadWrite",
        "nameField": {"type": "Text", "label": "Name"}, "fields": {"fullName": "Gate__c", "label": "G", "type": "Date"},
    }  # fmt: skip
    user = org.integration_user_id
    org.definitions.create("CustomObject", "Yard__c", site, user)
    member = {"eventChannel": "ChangeEvents", "selectedEntity": "Yard__ChangeEvent"}
    org.definitions.create("PlatformEventChannelMember", "ChangeEvents_Yard", member, user)
    yard = org.catalogue.sobjects["yard__c"]
    org.saving.create(yard, {"Name": "Y", "Gate__c": "2026-01-31"}, user)
    told = org.bus.after(0, org.channels.topics("/data/ChangeEvents") or [], 10)
    assert [(each.topic, each.payload["Gate__c"]) for each in told] == [("/data/Yard__ChangeEvent", "2026-01-31")]
    org.definitions.delete("PlatformEventChannelMember", "ChangeEvents_Yard")
    org.saving.create(yard, {"Name": "Z"}, user)
    assert len(org.bus.after(0, ["/data/Yard__ChangeEvent"], 10)) == 1
    org.store.close()
