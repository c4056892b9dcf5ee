"""An independent client, unmodified; only its transport is told where the org is."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, bulk, bulk2
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from sandboxes.company import company

USERNAME = "integration@tarn-gauge.example"


class Loopback(HTTPAdapter):
    """Sends whatever is meant for a salesforce.com host, or for the org over https, to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = self._url + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **kwargs)


@pytest.fixture
def session(url: str) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.mount("https://", Loopback(url))
        yield made


@pytest.fixture
def connect(session: requests.Session, private_key: rsa.RSAPrivateKey, signing: str) -> Callable[[], Salesforce]:
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

    def connected() -> Salesforce:
        return Salesforce(username=USERNAME, consumer_key=signing, privatekey=pem, session=session)

    return connected


async def test_every_login_works(session: requests.Session, connect: Callable[[], Salesforce]) -> None:
    def run() -> list[int]:
        by_jwt = connect()
        by_soap = Salesforce(
            username=USERNAME, password="sandbox-password", security_token="sandbox-token", session=session
        )
        app = {"consumer_key": "triptych-local", "consumer_secret": "triptych-local-secret"}
        by_password = Salesforce(username=USERNAME, password="sandbox-password", session=session, **app)
        by_app = Salesforce(domain="tarn-gauge.my", session=session, **app)
        return [len(sf.describe()["sobjects"]) for sf in (by_jwt, by_soap, by_password, by_app)]

    assert min(await asyncio.to_thread(run)) >= 15


async def test_a_wrong_password_is_an_authentication_failure(session: requests.Session) -> None:
    def run() -> None:
        Salesforce(username=USERNAME, password="wrong", security_token="x", session=session)

    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        await asyncio.to_thread(run)


async def test_records_are_created_read_changed_and_deleted(connect: Callable[[], Salesforce]) -> None:
    def run() -> None:
        sf = connect()
        made = sf.Account.create({"Name": "Loopback & Söhne", "BillingCity": "Köln"})
        assert made["success"]
        assert sf.Account.get(made["id"])["BillingAddress"]["city"] == "Köln"
        assert sf.Account.update(made["id"], {"Name": "Loopback"}) == 204
        assert sf.Account.upsert("ERP_Customer_Number__c/LB-1", {"Name": "By number"}) == 201
        assert sf.Account.upsert("ERP_Customer_Number__c/LB-1", {"Name": "By number again"}) == 200
        assert sf.Account.get_by_custom_id("ERP_Customer_Number__c", "LB-1")["Name"] == "By number again"
        assert sf.Account.delete(made["id"]) == 204
        with pytest.raises(SalesforceResourceNotFound):
            sf.Account.get(made["id"])
        with pytest.raises(SalesforceMalformedRequest, match="REQUIRED_FIELD_MISSING"):
            sf.Account.create({})

    await asyncio.to_thread(run)


async def test_query_all_walks_every_page(connect: Callable[[], Salesforce]) -> None:
    def run() -> None:
        sf = connect()
        everything = sf.query_all("SELECT Id, Name FROM PricebookEntry")
        assert everything["totalSize"] == len({each["Id"] for each in everything["records"]}) > 6_000
        first = sf.query("SELECT Id FROM PricebookEntry")
        assert (len(first["records"]), first["done"]) == (2_000, False)
        locator = first["nextRecordsUrl"].rpartition("/")[2]
        assert len(sf.query_more(locator)["records"]) == 2_000

    await asyncio.to_thread(run)


async def test_describe_limits_recent_and_composite_answer(connect: Callable[[], Salesforce]) -> None:
    def run() -> None:
        sf = connect()
        described = sf.Order.describe()
        assert {"External_Order_Id__c", "Status"} <= {each["name"] for each in described["fields"]}
        assert sf.Account.metadata()["objectDescribe"]["keyPrefix"] == "001"
        assert sf.limits()["DailyApiRequests"]["Remaining"] > 0
        customer = company().customers[0]
        url = f"/services/data/v59.0/sobjects/Account/{customer.salesforce_id}"
        body = {"compositeRequest": [{"method": "GET", "url": url, "referenceId": "a"}]}
        answered = sf.restful("composite", method="POST", json=body)
        assert answered["compositeResponse"][0]["body"]["Name"] == customer.name
        assert sf.is_sandbox() is False
        assert sf.api_usage["api-usage"].total == 100_000

    await asyncio.to_thread(run)


async def test_an_expired_session_is_renewed_by_the_client(connect: Callable[[], Salesforce], url: str) -> None:
    def run() -> None:
        sf = connect()
        assert requests.post(f"{url}/__sandbox__/expire-tokens", timeout=5).ok
        assert sf.query("SELECT COUNT() FROM User")["totalSize"] > 0
        direct = Salesforce(session_id="00Dx!gone", instance_url="https://x.my.salesforce.com", session=sf.session)
        with pytest.raises((SalesforceExpiredSession, RuntimeError)):
            direct.query("SELECT Id FROM User")

    await asyncio.to_thread(run)


async def test_bulk_2_loads_and_extracts(connect: Callable[[], Salesforce], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk2, "sleep", lambda _: None)  # it looks for the end of a job every five seconds

    def run() -> None:
        sf = connect()
        records = [{"Name": f"Bulk {number}", "ERP_Customer_Number__c": f"BULK-{number}"} for number in range(250)]
        key = {"external_id_field": "ERP_Customer_Number__c"}
        loaded = sf.bulk2.Account.upsert(records=[*records, {"ERP_Customer_Number__c": "BULK-x", "Name": ""}], **key)
        assert (loaded[0]["numberRecordsProcessed"], loaded[0]["numberRecordsFailed"]) == (251, 1)
        job = loaded[0]["job_id"]
        assert sf.bulk2.Account.get_successful_records(job).count("\n") == 251
        assert "REQUIRED_FIELD_MISSING" in sf.bulk2.Account.get_failed_records(job)
        soql = "SELECT Id, Name FROM Account WHERE ERP_Customer_Number__c LIKE 'BULK-%'"
        pages = list(sf.bulk2.Account.query(soql, max_records=100))
        assert [page.count("\n") - 1 for page in pages] == [100, 100, 50]
        ids = [{"Id": line.split(",")[0].strip('"')} for page in pages for line in page.splitlines()[1:]]
        gone = sf.bulk2.Account.delete(records=ids)
        assert (gone[0]["numberRecordsProcessed"], gone[0]["numberRecordsFailed"]) == (250, 0)

    await asyncio.to_thread(run)


async def test_bulk_1_writes_and_reads(connect: Callable[[], Salesforce], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "sleep", lambda _: None)  # as above

    def run() -> None:
        accounts = connect().bulk.Account
        records = [{"Name": f"One {number}", "ERP_Customer_Number__c": f"ONE-{number}"} for number in range(120)]
        made = accounts.insert([*records, {"Name": None}], batch_size=50)
        assert [each["success"] for each in made] == [True] * 120 + [False]
        assert made[120]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
        found = accounts.query("SELECT Id, Name FROM Account WHERE ERP_Customer_Number__c LIKE 'ONE-%'")
        assert {each["Id"] for each in found} == {each["id"] for each in made[:120]}
        changed = accounts.update([{"Id": made[0]["id"], "Phone": "1"}, {"Id": "001000000000000", "Phone": "1"}])
        assert [each["success"] for each in changed] == [True, False]
        again = accounts.upsert(records[:3], "ERP_Customer_Number__c", batch_size="auto", use_serial=True)
        assert [(each["success"], each["created"]) for each in again] == [(True, False)] * 3
        detailed = accounts.upsert(records[:2], "ERP_Customer_Number__c", include_detailed_results=True)
        assert [each["Name"] for each in detailed] == ["One 0", "One 1"]
        gone = accounts.delete([{"Id": each["id"]} for each in made[:120]])
        assert all(each["success"] for each in gone)
        assert accounts.query_all(
            "SELECT Id FROM Account WHERE ERP_Customer_Number__c LIKE 'ONE-%' AND IsDeleted = true"
        )
        with pytest.raises(SalesforceMalformedRequest, match="InvalidJob"):
            accounts.upsert(records[:1], "Phone")

    await asyncio.to_thread(run)
