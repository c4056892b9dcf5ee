"""Descriptions are kept, asked about by date, and forgotten when the org contradicts them."""

import msgspec
import pytest

from shared.contracts.system.salesforce_platform import FieldNotKnown, ObjectNotFound, QueryRequest
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.service import OrgPlatform


async def test_an_object_is_described_with_its_fields_and_children(platform: OrgPlatform) -> None:
    described = await platform.describe_object("account")
    fields = {field.name: field for field in described.fields}
    assert (described.name, described.key_prefix, described.createable) == ("Account", "001", True)
    assert fields["ERP_Customer_Number__c"].external_id
    assert (fields["ParentId"].type, fields["ParentId"].reference_to) == ("reference", ["Account"])
    assert ("Contact", "AccountId", "Contacts") in [
        (child.child_s_object, child.field, child.relationship_name) for child in described.child_relationships
    ]


async def test_objects_come_in_pages_by_name_from_one_call(platform: OrgPlatform, org) -> None:
    first = await platform.list_objects(limit=5)
    second = await platform.list_objects(cursor=first.next_cursor, limit=200)
    names = [each.name for each in (*first.items, *second.items)]
    assert names == sorted(set(names))
    assert {"Account", "Quote", "Order"} < set(names)
    assert second.next_cursor is None
    assert len(await org.requests("/sobjects")) == 1


async def test_a_description_is_kept_then_asked_about_by_date(describe: Describe, org) -> None:
    now = [0.0]
    describe.clock = lambda: now[0]
    first = await describe.object("Account")
    assert await describe.object("ACCOUNT") is first
    now[0] = 601.0
    assert await describe.object("Account") is first
    assert [each["status"] for each in await org.requests("/describe")] == [200, 304]
    describe.forget("Account")
    assert await describe.object("Account") is not first


async def test_what_is_no_object_is_not_found(platform: OrgPlatform) -> None:
    for name in ("Nothing__c", "nothing-9999", "Account/describe", "../limits", "A" * 81):
        with pytest.raises(ObjectNotFound):
            await platform.describe_object(name)


async def test_a_field_that_the_org_has_lost_is_refused_and_the_object_described_anew(
    platform: OrgPlatform, describe: Describe, org
) -> None:
    described = await describe.object("Account")
    ghost = msgspec.structs.replace(described.fields[3], name="Lost__c")
    describe._kept["account"].answer = msgspec.structs.replace(described, fields=[*described.fields, ghost])
    with pytest.raises(FieldNotKnown):
        await platform.query(QueryRequest("Account", ["Lost__c"]))
    with pytest.raises(FieldNotKnown, match="its description lists them"):
        await platform.query(QueryRequest("Account", ["Lost__c"]))
    assert len(await org.requests("/describe")) == 2
    assert len(await org.requests("/query")) == 1


async def test_limits_tell_what_is_left(platform: OrgPlatform, org) -> None:
    await org.control("limits", DailyApiRequests=500, used=100)
    allowance = (await platform.get_limits()).allowances["DailyApiRequests"]
    assert (allowance.max, allowance.remaining) == (500, 399)
