"""Files go up as they are and come down piece by piece."""

import pytest

from shared.binding.problems import Problem
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.platform.refusals import OrgRefused
from system_apis.salesforce.platform.rows import Rows

CONTENT = bytes(range(256)) * 300 + b"\r\n--x--\r\n"


async def test_a_file_comes_back_as_it_was_sent(salesforce: SalesforceConnector, org) -> None:
    rows = Rows(salesforce)
    made = await rows.upload({"Title": "Grüße", "PathOnClient": 'a"b\r\n.bin'}, CONTENT, "test")
    read = await rows.read("ContentVersion", made.id, "test")
    assert read is not None
    assert (read.record["Title"], read.record["ContentSize"]) == ("Grüße", len(CONTENT))
    assert read.record["VersionData"].endswith(f"{made.id}/VersionData")
    async with rows.blob("ContentVersion", made.id, "VersionData", "test") as arriving:
        assert b"".join([piece async for piece in arriving.chunks()]) == CONTENT


async def test_a_file_without_a_title_and_a_blob_that_is_not_there_are_refused(salesforce: SalesforceConnector) -> None:
    rows = Rows(salesforce)
    with pytest.raises(OrgRefused) as refused:
        await rows.upload({"PathOnClient": "a.txt"}, b"x", "test")
    assert refused.value.code == "REQUIRED_FIELD_MISSING"
    with pytest.raises(Problem):
        async with rows.blob("ContentVersion", "068000000000000AAA", "VersionData", "test"):
            pass
