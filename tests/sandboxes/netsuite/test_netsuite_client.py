"""The client library `netsuite`, pointed at the stand-in and otherwise as it is."""

from typing import Any

import httpx
import pytest
from netsuite import Config, NetSuiteRestApi, NetSuiteRestlet, NetSuiteSoapApi, TokenAuth
from netsuite.exceptions import NetsuiteAPIRequestError
from zeep.cache import InMemoryCache

from sandboxes.netsuite import ACCOUNT, CONSUMER_KEY, CONSUMER_SECRET, TOKEN_ID, TOKEN_SECRET

# It sends its JSON as `data`, which httpx would rather have as `content`, and signs by a function of old.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content="),
    pytest.mark.filterwarnings("ignore:use sign_hmac_sha256_with_client"),
]

CONFIG = Config(
    account=ACCOUNT,
    auth=TokenAuth(
        consumer_key=CONSUMER_KEY, consumer_secret=CONSUMER_SECRET, token_id=TOKEN_ID, token_secret=TOKEN_SECRET
    ),
)


class Rest(NetSuiteRestApi):
    base = ""

    def _make_url(self, subpath: str) -> str:
        return f"{self.base}/services/rest{subpath}"


class Restlet(NetSuiteRestlet):
    base = ""

    def _make_url(self, subpath: str) -> str:
        return f"{self.base}/app/site/hosting/restlet.nl{subpath}"


@pytest.fixture
def rest(fresh: str) -> Rest:
    client = Rest(CONFIG)
    client.base = fresh
    return client


@pytest.fixture
def restlet(base_url: str) -> Restlet:
    client = Restlet(CONFIG)
    client.base = base_url
    return client


async def test_records_are_created_read_changed_and_deleted(rest: Any) -> None:
    body = {"companyName": "Neu & Söhne", "subsidiary": {"id": "1"}, "externalId": "N1"}
    assert await rest.post("/record/v1/customer", json=body) is None
    made = await rest.get("/record/v1/customer/eid:N1", params={"expandSubResources": "true"})
    assert made["companyName"] == "Neu & Söhne"
    await rest.patch(f"/record/v1/customer/{made['id']}", json={"phone": "1"})
    await rest.put("/record/v1/customer/eid:N1", json={"email": "a@b.example"})
    assert (await rest.get(f"/record/v1/customer/{made['id']}"))["phone"] == "1"
    await rest.delete(f"/record/v1/customer/{made['id']}")
    with pytest.raises(NetsuiteAPIRequestError) as caught:
        await rest.get(f"/record/v1/customer/{made['id']}")
    assert caught.value.status_code == 404


async def test_suiteql_and_the_metadata_catalog_are_read(rest: Any) -> None:
    found = await rest.suiteql(
        "SELECT id, itemid FROM item WHERE itemid IN ('TG-00001', 'TG-00002') ORDER BY id", limit=5
    )
    assert [one["itemid"] for one in found["items"]] == ["TG-00001", "TG-00002"]
    assert "companyName" in (await rest.jsonschema("customer"))["properties"]
    assert "/salesOrder/{id}" in (await rest.openapi(["salesOrder"]))["paths"]
    with pytest.raises(NetsuiteAPIRequestError, match="NONEXISTENT_FIELD"):
        await rest.post("/record/v1/customer", json={"companyNam": "x"})


async def test_restlets_answer_and_refuse(restlet: Any) -> None:
    told = await restlet.get(101, params={"script": "101", "deploy": "1", "order": "SO100003"})
    assert (told["status"], len(told["fulfillments"])) == ("Pending Billing", 1)
    stock = await restlet.post(102, json={"items": ["TG-00001", "nope"]})
    assert stock["unknown"] == ["nope"]
    assert stock["items"][0]["available"] == {"HAM1": 2430.0, "RNO1": 4617.0, "OSA1": 4364.0}
    for number, status, code in ((101, 400, "SSS_MISSING_REQD_ARGUMENT"), (999, 404, "SSS_INVALID_SCRIPTLET_ID")):
        with pytest.raises(NetsuiteAPIRequestError, match=code) as caught:
            await restlet.get(number)
        assert caught.value.status_code == status
    with pytest.raises(NetsuiteAPIRequestError) as caught:
        await restlet.delete(101)
    assert caught.value.status_code == 405


async def test_restlets_know_their_callers(plain: httpx.AsyncClient) -> None:
    refused = await plain.get("/app/site/hosting/restlet.nl?script=101&deploy=1")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "INVALID_LOGIN_ATTEMPT")


async def test_the_soap_client_works_on_the_wsdl(fresh: str) -> None:
    wsdl = f"{fresh}/wsdl/v2024_2_0/netsuite.wsdl"
    no_cache: Any = InMemoryCache()
    soap: Any = NetSuiteSoapApi(CONFIG, version="2024.2.0", wsdl_url=wsdl, cache=no_cache)
    # This version of the client hands its coroutine's answer on whole.
    read = await soap.get("customer", internalId=107)
    assert read.body.readResponse.record.entityId == "10100001"
    made = await soap.add(soap.Relationships.Contact(firstName="Ada", lastName="Li", company={"internalId": "107"}))
    assert made.body.writeResponse.baseRef.type == "contact"
    await soap.transport.aclose()
    soap.transport.wsdl_client.close()
