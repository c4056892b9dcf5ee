"""Several orgs in one process: the same firm, other ids, other users, other records."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandboxes.company import company
from sandboxes.kit import UnknownSandboxError, discover, serve_sandbox

V = "/services/data/v66.0"
APP = {"client_id": "triptych-local", "client_secret": "triptych-local-secret"}


@pytest.fixture(scope="module")
async def emea(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    state = tmp_path_factory.mktemp("emea") / "salesforce-emea.sqlite3"
    async with serve_sandbox("salesforce-emea", state=state) as url:
        yield url


async def log_in(url: str, username: str) -> httpx.Response:
    form = {"grant_type": "password", "username": username, "password": "sandbox-password", **APP}
    async with httpx.AsyncClient(base_url=url) as client:
        return await client.post("/services/oauth2/token", data=form)


async def test_another_org_has_users_and_ids_of_its_own(emea: str, url: str) -> None:
    first = (await log_in(url, "integration@tarn-gauge.example")).json()
    second = (await log_in(emea, "integration@tarn-gauge.example.emea")).json()
    assert (await log_in(emea, "integration@tarn-gauge.example")).status_code == 400
    ids = [each["id"].split("/")[-2:] for each in (first, second)]
    assert not set(ids[0]) & set(ids[1])
    assert all(len(each) == 18 for each in ids[1])


async def test_a_token_opens_its_own_org_only_and_records_do_not_meet(emea: str, url: str) -> None:
    token = (await log_in(emea, "integration@tarn-gauge.example.emea")).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers) as client:
        assert (await client.get(f"{url}{V}/limits")).status_code == 401
        customer = company().customers[0]
        assert (await client.get(f"{emea}{V}/sobjects/Account/{customer.salesforce_id}")).status_code == 404
        soql = "SELECT Id, (SELECT Id FROM Contacts) FROM Account WHERE ERP_Customer_Number__c = "
        soql += f"'{customer.sap_customer}'"
        [found] = (await client.get(f"{emea}{V}/query", params={"q": soql})).json()["records"]
        assert found["Id"][:3] + found["Id"][5:15] == customer.salesforce_id[:3] + customer.salesforce_id[5:15]
        assert found["Contacts"]["totalSize"] == len(customer.contacts)
        made = (await client.post(f"{emea}{V}/sobjects/Account", json={"Name": "Only in EMEA"})).json()["id"]
        assert made[3:5] not in ("Hs", "aj")
        described = (await client.get(f"{emea}{V}/query", params={"q": "SELECT Id FROM Organization"})).json()
        assert token.startswith(described["records"][0]["Id"][:15])


def test_every_name_is_a_sandbox_with_a_file_of_its_own() -> None:
    found = discover(frozenset({"salesforce", "salesforce-emea", "salesforce-apac", "easypost"}))
    assert sorted(found) == ["easypost", "salesforce", "salesforce-apac", "salesforce-emea"]
    assert sorted(discover(frozenset({"salesforce-emea"}))) == ["salesforce-emea"]
    with pytest.raises(UnknownSandboxError, match="easypost-emea"):
        discover(frozenset({"easypost-emea"}))


async def test_a_name_that_a_server_of_every_org_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be called 'pubsub'"):
        async with serve_sandbox("salesforce-pubsub", state=tmp_path / "x.sqlite3"):
            pass
