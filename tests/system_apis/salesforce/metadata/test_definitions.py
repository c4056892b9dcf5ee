"""Objects, fields, events and channels come to the org as one deployment, whole or not at all."""

import base64
from typing import Any

import pytest

from shared.binding.problems import Invalid
from shared.contracts.system.salesforce_definitions import (
    ChannelDefinition,
    Definitions,
    DefinitionsRefused,
    DeploymentNotFound,
    FieldDefinition,
    ObjectDefinition,
    Package,
)
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.metadata.administration import Administration
from system_apis.salesforce.metadata.retrieval import Retrieval
from system_apis.salesforce.metadata.tooling import Tooling
from system_apis.salesforce.metadata.writing import package_of, zipped

FIELDS = [
    FieldDefinition("Code__c", "Code", "Text", length=40, external_id=True, unique=True),
    FieldDefinition("Number__c", "Number", "AutoNumber", display_format="N-{000}"),
    FieldDefinition("Ok__c", "Ok", "Checkbox"),
    FieldDefinition("Price__c", "Price", "Currency"),
    FieldDefinition("Day__c", "Day", "Date"),
    FieldDefinition("At__c", "At", "DateTime"),
    FieldDefinition("Mail__c", "Mail", "Email"),
    FieldDefinition("Secret__c", "Secret", "EncryptedText"),
    FieldDefinition("Rich__c", "Rich", "Html"),
    FieldDefinition("Long__c", "Long", "LongTextArea"),
    FieldDefinition("Account__c", "Account", "Lookup", refers_to="Account"),
    FieldDefinition("Owner_Contact__c", "Contact", "MasterDetail", refers_to="Contact", relationship_name="Meters"),
    FieldDefinition("Kinds__c", "Kinds", "MultiselectPicklist", values=["a", "b"]),
    FieldDefinition("Count__c", "Count", "Number", precision=6, scale=0, required=True),
    FieldDefinition("Share__c", "Share", "Percent"),
    FieldDefinition("Phone__c", "Phone", "Phone"),
    FieldDefinition("State__c", "State", "Picklist", values=["new & old", "used"]),
    FieldDefinition("Note__c", "Note", "TextArea"),
    FieldDefinition("Hour__c", "Hour", "Time"),
    FieldDefinition("Site__c", "Site", "Url"),
]
METER = ObjectDefinition("Meter__c", "Meter", "Meters", name_format="M-{0000}", fields=FIELDS)
READ = ObjectDefinition("Meter_Read__e", "Meter Read", fields=[FieldDefinition("Code__c", "Code", "Text")])
CHANNELS = [
    ChannelDefinition("Meters__chn", "Meters", "data", ["Meter__ChangeEvent", "AccountChangeEvent"]),
    ChannelDefinition("Reads__chn", "Reads", "event", ["Meter_Read__e"]),
]


def packed(content: bytes, *, check_only: bool = False) -> Package:
    return Package(base64.b64encode(content).decode(), check_only=check_only)


@pytest.fixture
def administration(salesforce: SalesforceConnector) -> Administration:
    return Administration(salesforce)


async def test_every_type_of_field_an_event_and_channels_come_at_once(
    administration: Administration, salesforce: SalesforceConnector, org: Any
) -> None:
    account_field = ObjectDefinition("Account", fields=[FieldDefinition("Meter_Count__c", "Meters", "Number", scale=0)])
    made = await administration.define(Definitions([METER, READ, account_field], CHANNELS))
    assert made.state == "succeeded"
    assert len(made.components) == 2 + len(FIELDS) + 1 + 1 + 2 + 3
    described = await org.rest("GET", "/sobjects/Meter__c/describe")
    fields = {each["name"]: each for each in described["fields"]}
    assert {each.name for each in FIELDS} <= fields.keys()
    assert [each["value"] for each in fields["State__c"]["picklistValues"]] == ["new & old", "used"]
    assert (fields["Owner_Contact__c"]["cascadeDelete"], fields["Count__c"]["scale"]) == (True, 0)
    account = await org.rest("GET", "/sobjects/Account/describe")
    assert "Meter_Count__c" in {each["name"] for each in account["fields"]}
    contact = (await org.rest("GET", "/query?q=SELECT Id FROM Contact LIMIT 1"))["records"][0]["Id"]
    values = {"Count__c": 3, "Code__c": "m1", "Owner_Contact__c": contact}
    row = await org.rest("POST", "/sobjects/Meter__c", json=values)
    shown = await org.rest("GET", f"/sobjects/Meter__c/{row['id']}")
    assert (shown["Name"], shown["Number__c"]) == ("M-0001", "N-001")
    assert (await org.rest("POST", "/sobjects/Meter_Read__e", json={"Code__c": "m1"}))["success"]
    again = await administration.define(Definitions([METER], CHANNELS))
    assert (again.state, any(each.created for each in again.components)) == ("succeeded", False)
    tooling = {each.qualified_api_name: each for each in await Tooling(salesforce).fields("Meter__c")}
    assert tooling["Code__c"].is_indexed
    assert {"Price", "Meter_Count"} <= {each.developer_name for each in await Tooling(salesforce).made_fields()}


async def test_a_refusal_points_at_what_is_wrong_and_leaves_the_org_alone(
    administration: Administration, org: Any
) -> None:
    good = FieldDefinition("Good__c", "Good", "Date")
    bad = FieldDefinition("Bad__c", "Bad", "Lookup", refers_to="Nowhere__c")
    wrong = ObjectDefinition("Wrong__c", "Wrong", fields=[good, bad])
    channel = ChannelDefinition("Wrong__chn", "Wrong", "data", ["NobodyChangeEvent"])
    with pytest.raises(DefinitionsRefused) as refused:
        await administration.define(Definitions([wrong], [channel]))
    said = {each.pointer: each.detail for each in refused.value.errors}
    assert said.keys() == {"/objects/0/fields/1", "/channels/0/members/0"}
    assert "no CustomObject named Nowhere__c" in said["/objects/0/fields/1"]
    assert "Wrong__c" not in {each["name"] for each in (await org.rest("GET", "/sobjects"))["sobjects"]}


async def test_an_object_of_the_org_gains_fields_without_saying_again_what_it_is(
    administration: Administration, org: Any
) -> None:
    first, second = FieldDefinition("First__c", "First", "Date"), FieldDefinition("Second__c", "Second", "Date")
    await administration.define(Definitions([ObjectDefinition("Gauge__c", "Gauge", "Gauges of ours", fields=[first])]))
    await administration.define(Definitions([ObjectDefinition("Gauge__c", fields=[second])]))
    described = await org.rest("GET", "/sobjects/Gauge__c/describe")
    assert (described["label"], described["labelPlural"]) == ("Gauge", "Gauges of ours")
    assert {"First__c", "Second__c"} <= {each["name"] for each in described["fields"]}
    for unlabelled in (ObjectDefinition("Nowhere__c"), ObjectDefinition("Nowhere__c", fields=[first])):
        with pytest.raises(DefinitionsRefused):
            await administration.define(Definitions([unlabelled]))


async def test_what_is_defined_twice_is_refused_and_none_of_it_lost(administration: Administration, org: Any) -> None:
    field, channel = FieldDefinition("First__c", "First", "Date"), ChannelDefinition("Ours__chn", "Ours", "data")
    twice = [
        (Definitions([ObjectDefinition("Twin__c", "Twin", fields=[field]), ObjectDefinition("twin__c")]), "/objects/1"),
        (Definitions([ObjectDefinition("Twin__c", "Twin", fields=[field, field])]), "/objects/0/fields/1"),
        (Definitions(channels=[channel, channel]), "/channels/1"),
    ]
    for definitions, where in twice:
        with pytest.raises(Invalid, match="defined twice") as refused:
            await administration.define(definitions)
        assert [each.pointer for each in refused.value.errors] == [where]
    assert not await org.requests("/metadata/deployRequest")


async def test_what_was_deployed_comes_back_also_after_the_session_has_ended(
    administration: Administration, salesforce: SalesforceConnector, org: Any
) -> None:
    package = package_of(Definitions([METER]), "66.0")
    tried = await administration.deploy(packed(package, check_only=True))
    assert tried.state == "succeeded"
    assert "Meter__c" not in {each["name"] for each in (await org.rest("GET", "/sobjects"))["sobjects"]}
    done = await administration.deploy(packed(package))
    assert (await administration.look(done.deployment_id)) == done
    await org.control("expire-tokens")
    found = await Retrieval(salesforce).retrieve({"CustomObject": ["Meter__c", "Nobody__c"]})
    assert found.files.keys() == {"package.xml", "objects/Meter__c.object"}
    assert b"<fullName>Secret__c</fullName>" in found.files["objects/Meter__c.object"]
    assert ["Nobody__c" in each for each in found.problems] == [True]
    assert (await administration.deploy(packed(zipped(found.files)))).state == "succeeded"
    for unknown in ("0AfHs0000000ZZZ", "001Hs0000000ZZZ", "nothing"):
        with pytest.raises(DeploymentNotFound):
            await administration.look(unknown)


async def test_a_package_that_is_none_fails_and_one_that_waits_is_still_running(
    administration: Administration, org: Any
) -> None:
    failed = await administration.deploy(packed(b"no zip"))
    assert (failed.state, failed.components[0].problem) == ("failed", "The zip file cannot be read")
    with pytest.raises(Invalid, match="not base64"):
        await administration.deploy(Package("abc"))
    await org.control("deployments", seconds=30)
    try:
        administration.patience = 0.15
        begun = await administration.define(Definitions([READ]))
        assert begun.state == "running"
        await administration.cancel(begun.deployment_id)
        assert (await administration.look(begun.deployment_id)).state == "cancelled"
    finally:
        await org.control("deployments", seconds=0.02)


async def test_a_lost_answer_to_definitions_is_asked_again(administration: Administration, org: Any) -> None:
    await org.fault(fault="lost-reply", method="POST", path="*/metadata/deployRequest", times=1)
    assert (await administration.define(Definitions([READ]))).state == "succeeded"
