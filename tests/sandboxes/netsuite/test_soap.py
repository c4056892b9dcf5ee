"""SOAP over the same records: zeep reads the WSDL and calls the port."""

import hashlib
import hmac
import secrets
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import zeep
from zeep.exceptions import Fault

from sandboxes.netsuite import ACCOUNT, CONSUMER_KEY, CONSUMER_SECRET, TOKEN_ID, TOKEN_SECRET


class Suitetalk:
    """A zeep client that sends a token passport with each call."""

    def __init__(self, base_url: str, version: str = "2024_2") -> None:
        self.client: Any = zeep.Client(f"{base_url}/wsdl/v{version}_0/netsuite.wsdl")
        self.core, self.common = (
            self.client.type_factory(f"urn:{name}_{version}.platform.webservices.netsuite.com")
            for name in ("core", "common")
        )
        self.relationships = self.client.type_factory(f"urn:relationships_{version}.lists.webservices.netsuite.com")
        self.sales = self.client.type_factory(f"urn:sales_{version}.transactions.webservices.netsuite.com")

    def passport(self, **changes: str) -> Any:
        told = {"account": ACCOUNT, "consumerKey": CONSUMER_KEY, "token": TOKEN_ID, "nonce": secrets.token_hex(10)}
        told |= {"timestamp": str(int(time.time())), **changes}
        secret = told.pop("secret", TOKEN_SECRET)
        key, base = f"{CONSUMER_SECRET}&{secret}".encode(), "&".join(told.values()).encode()
        signature = b64encode(hmac.digest(key, base, hashlib.sha256)).decode()
        signed = self.core.TokenPassportSignature(signature, algorithm="HMAC-SHA256")
        return self.core.TokenPassport(**told, signature=signed)

    def call(self, operation: str, passport: Any = None, preferences: Any = None, **arguments: Any) -> Any:
        headers = {"tokenPassport": passport or self.passport()}
        if preferences:
            headers["searchPreferences"] = preferences
        return getattr(self.client.service, operation)(_soapheaders=headers, **arguments).body

    def ref(self, record_type: str = "", **keys: str) -> Any:
        return self.core.RecordRef(type=record_type or None, **keys)

    def order(self, customer: str, quantity: float = 2, **more: Any) -> Any:
        line = self.sales.SalesOrderItem(item=self.ref(externalId="TG-00001"), quantity=quantity)
        lines = self.sales.SalesOrderItemList(item=[line])
        return self.sales.SalesOrder(entity=self.ref(internalId=customer), itemList=lines, **more)


@pytest.fixture(scope="module")
def soap(base_url: str) -> Iterator[Suitetalk]:
    made = Suitetalk(base_url)
    yield made
    made.client.transport.session.close()


def failure(answer: Any) -> tuple[str, str]:
    [detail] = answer.status.statusDetail
    return detail.type, detail.code


def test_get_reads_a_record_with_its_sublists(soap: Suitetalk) -> None:
    read = soap.call("get", baseRef=soap.ref("customer", internalId="107")).readResponse
    assert read.status.isSuccess
    assert (read.record.entityId, read.record.internalId) == ("10100001", "107")
    assert read.record.currency.name == "EUR"
    assert read.record.addressbookList.addressbook[0].addressbookAddress.country == "_germany"


def test_a_record_that_is_not_there_is_no_fault(soap: Suitetalk) -> None:
    read = soap.call("getList", baseRef=[soap.ref("inventoryItem", externalId=key) for key in ("TG-00001", "no")])
    found, missing = read.readResponseList.readResponse
    assert found.record.itemId == "TG-00001"
    assert failure(missing) == ("ERROR", "RCRD_DSNT_EXIST")


def test_add_upsert_update_and_delete_a_customer(fresh: str, soap: Suitetalk) -> None:
    address = soap.common.Address(addr1="Kai 1", city="Hamburg", country="_germany")
    entry = soap.relationships.CustomerAddressbook(defaultBilling=True, addressbookAddress=address)
    book = soap.relationships.CustomerAddressbookList(addressbook=[entry])
    subsidiary = soap.ref(internalId="1")
    customer = soap.relationships.Customer(
        externalId="S1", companyName="Ö & <Co>", subsidiary=subsidiary, addressbookList=book
    )
    made = soap.call("add", record=customer).writeResponse
    key = made.baseRef.internalId
    assert (made.status.isSuccess, made.baseRef.externalId, made.baseRef.type) == (True, "S1", "customer")
    again = soap.call("add", record=customer).writeResponse
    assert failure(again) == ("ERROR", "DUP_RCRD")
    renamed = soap.relationships.Customer(externalId="S1", companyName="Neu")
    assert soap.call("upsert", record=renamed).writeResponse.baseRef.internalId == key
    emptied = soap.relationships.Customer(internalId=key, phone="1", nullFieldList={"name": ["email"]})
    assert soap.call("update", record=emptied).writeResponse.status.isSuccess
    read = soap.call("get", baseRef=soap.ref("customer", externalId="S1")).readResponse.record
    assert (read.companyName, read.phone, len(read.addressbookList.addressbook)) == ("Neu", "1", 1)
    assert soap.call("delete", baseRef=soap.ref("customer", internalId=key)).writeResponse.status.isSuccess


def test_what_was_deleted_is_told_by_type_and_time(fresh: str, soap: Suitetalk) -> None:
    newcomer = soap.relationships.Customer(
        externalId="gone-1", companyName="Soon gone", subsidiary=soap.ref(internalId="1"), isPerson=False
    )
    key = soap.call("add", record=newcomer).writeResponse.baseRef.internalId
    soap.call("delete", baseRef=soap.ref("customer", internalId=key))

    def deleted(kind: str, since: str, page: int = 1) -> Any:
        wanted = soap.core.GetDeletedFilter(
            deletedDate=soap.core.SearchDateField(searchValue=since, operator="onOrAfter"),
            type=soap.core.SearchEnumMultiSelectField(searchValue=[kind], operator="anyOf"),
        )
        return soap.call("getDeleted", getDeletedFilter=wanted, pageIndex=page).getDeletedResult

    found = deleted("customer", "2020-01-01T00:00:00Z")
    (one,) = found.deletedRecordList.deletedRecord
    assert (one.record.internalId, one.record.externalId, found.totalPages) == (key, "gone-1", 1)
    assert deleted("salesOrder", "2020-01-01T00:00:00Z").totalRecords == 0
    assert deleted("customer", "2999-01-01T00:00:00Z").totalRecords == 0
    assert failure(deleted("customer", "2020-01-01T00:00:00Z", 9))[1] == "INVALID_PAGE_INDEX"
    assert failure(deleted("nothing", "2020-01-01T00:00:00Z"))[1] == "INVALID_RCRD_TYPE"


def test_a_list_is_written_record_by_record(fresh: str, soap: Suitetalk) -> None:
    records = [soap.order("107"), soap.order("99999"), soap.order("107", quantity=0)]
    good, unknown, empty = soap.call("addList", record=records).writeResponseList.writeResponse
    assert good.status.isSuccess
    assert failure(unknown) == ("ERROR", "INVALID_KEY_OR_REF")
    assert failure(empty) == ("ERROR", "USER_ERROR")


@pytest.fixture
def delayed(fresh: str) -> Iterator[httpx.Client]:
    """The stand-in's control path, with jobs that wait until its clock moves."""
    with httpx.Client(base_url=f"{fresh}/__sandbox__") as control:
        control.post("/async", json={"delay_seconds": 60}).raise_for_status()
        yield control
        control.post("/clock", json={"offset_seconds": 0}).raise_for_status()


def test_an_asynchronous_list_is_done_later_and_told_record_by_record(soap: Suitetalk, delayed: httpx.Client) -> None:
    subsidiary = soap.ref(internalId="1")
    new = [
        soap.relationships.Customer(externalId=f"A{number}", companyName=name, subsidiary=subsidiary)
        for number, name in enumerate(("One", "", "Three"))
    ]
    taken = soap.call("asyncUpsertList", record=new).asyncStatusResult
    assert (taken.status, taken.percentCompleted) == ("pending", 0.0)
    with pytest.raises(Fault) as early:
        soap.call("getAsyncResult", jobId=taken.jobId, pageIndex=1)
    assert early.value.detail[0][0].text == "JOB_NOT_COMPLETE"
    assert delayed.get("/ledger").json()["customers"] == []
    delayed.post("/clock", json={"offset_seconds": 61}).raise_for_status()
    later = {"timestamp": str(int(time.time()) + 61)}
    looked = soap.call("checkAsyncStatus", soap.passport(**later), jobId=taken.jobId).asyncStatusResult
    assert looked.status == "finishedWithErrors"
    for _ in range(2):
        told = soap.call("getAsyncResult", soap.passport(**later), jobId=taken.jobId, pageIndex=1).asyncResult
        first, refused, third = told.writeResponseList.writeResponse
        assert (first.baseRef.externalId, third.baseRef.externalId) == ("A0", "A2")
        assert failure(refused)[0] == "ERROR"
    assert len(delayed.get("/ledger").json()["customers"]) == 2


def test_an_asynchronous_read_takes_four_hundred_and_no_more(soap: Suitetalk) -> None:
    references = [soap.ref("customer", internalId="107")] * 400
    job = soap.call("asyncGetList", baseRef=references).asyncStatusResult.jobId
    read = soap.call("getAsyncResult", jobId=job, pageIndex=1).asyncResult.readResponseList.readResponse
    assert (len(read), read[-1].record.entityId) == (400, "10100001")
    for operation, sent in (
        ("asyncGetList", {"baseRef": [*references, references[0]]}),
        ("getList", {"baseRef": references}),
        ("checkAsyncStatus", {"jobId": "none"}),
        ("getAsyncResult", {"jobId": job, "pageIndex": 2}),
    ):
        with pytest.raises(Fault):
            soap.call(operation, **sent)


async def test_a_job_that_fails_as_a_whole_stops_nobody_else(soap: Suitetalk, plain: httpx.AsyncClient) -> None:
    passport = soap.passport()
    keys = "".join(
        f"<c:{name}>{passport[name]}</c:{name}>" for name in ("account", "consumerKey", "token", "nonce", "timestamp")
    )
    signature = f'<c:signature algorithm="HMAC-SHA256">{passport.signature["_value_1"]}</c:signature>'
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:c="urn:core_2025_2.platform.webservices.netsuite.com" '
        f"xmlns:m='urn:messages_2025_2.platform.webservices.netsuite.com'><e:Header><m:tokenPassport>{keys}{signature}"
        "</m:tokenPassport></e:Header><e:Body><m:asyncAddList><m:record/></m:asyncAddList></e:Body></e:Envelope>"
    )
    taken = await plain.post("/services/NetSuitePort_2025_2", content=envelope)
    job = taken.text.partition("jobId>")[2].partition("<")[0]
    assert soap.call("checkAsyncStatus", jobId=job).asyncStatusResult.status == "failed"
    with pytest.raises(Fault, match="record type"):
        soap.call("getAsyncResult", jobId=job, pageIndex=1)


def test_what_a_field_may_refer_to_is_listed(soap: Suitetalk) -> None:
    def values(page: int = 1, **described: Any) -> Any:
        wanted = soap.core.GetSelectValueFieldDescription(**described)
        return soap.call("getSelectValue", fieldDescription=wanted, pageIndex=page).getSelectValueResult

    terms = values(recordType="customer", field="terms")
    assert (terms.totalRecords, terms.totalPages) == (len(terms.baseRefList.baseRef), 1)
    assert terms.baseRefList.baseRef[0].internalId
    named = soap.core.GetSelectValueFilter(filterValue="tg-00001", operator="startsWith")
    items = values(recordType="salesOrder", sublist="itemList", field="item", filter=named)
    assert [one.name for one in items.baseRefList.baseRef] == ["TG-00001"]
    wrong = soap.core.GetSelectValueFilter(filterValue="x", operator="like")
    for code, described in {
        "INVALID_RCRD_TYPE": {"recordType": "nothing", "field": "x"},
        "INVALID_FLD_VALUE": {"recordType": "customer", "field": "companyName"},
        "INVALID_SUBLIST": {"recordType": "customer", "sublist": "no", "field": "terms"},
        "INVALID_SEARCH_OPERATOR": {"recordType": "customer", "field": "terms", "filter": wrong},
        "INVALID_PAGE_INDEX": {"recordType": "customer", "field": "terms", "page": 9},
    }.items():
        assert failure(values(**described))[1] == code


def test_limits_are_told_by_soap_too(soap: Suitetalk, fresh: str) -> None:
    assert soap.call("getAccountGovernanceInfo").getAccountGovernanceInfoResult.accountConcurrencyLimit == 15
    assert soap.call("getIntegrationGovernanceInfo").getIntegrationGovernanceInfoResult.limitType == "_accountLimit"
    httpx.post(f"{fresh}/__sandbox__/concurrency", json={"own": 4}).raise_for_status()
    told = soap.call("getIntegrationGovernanceInfo").getIntegrationGovernanceInfoResult
    assert (told.integrationConcurrencyLimit, told.limitType) == (4, "_integrationSpecific")
    assert soap.call("getAccountGovernanceInfo").getAccountGovernanceInfoResult.unallocatedConcurrencyLimit == 11


def test_a_fulfillment_is_initialized_and_added(fresh: str, soap: Suitetalk) -> None:
    order = soap.call("add", record=soap.order("107")).writeResponse.baseRef.internalId
    reference = soap.core.InitializeRef(type="salesOrder", internalId=order)
    wanted = soap.core.InitializeRecord(type="itemFulfillment", reference=reference)
    draft = soap.call("initialize", initializeRecord=wanted).readResponse.record
    assert (draft.createdFrom.internalId, draft.itemList.item[0].quantity) == (order, 2)
    assert soap.call("add", record=draft).writeResponse.status.isSuccess
    shown = soap.call("get", baseRef=soap.ref("salesOrder", internalId=order)).readResponse.record
    assert (shown.status, shown.orderStatus) == ("Pending Billing", "_pendingBilling")
    nothing = soap.call("initialize", initializeRecord=wanted).readResponse
    assert failure(nothing) == ("ERROR", "INVALID_INITIALIZE_REF")


def test_a_search_is_paged_by_its_id(soap: Suitetalk) -> None:
    german = soap.common.CustomerSearchBasic(
        companyName=soap.core.SearchStringField(searchValue="gmbh", operator="contains"),
        creditLimit=soap.core.SearchDoubleField(searchValue=1, operator="greaterThan"),
        isInactive=soap.core.SearchBooleanField(searchValue=False),
    )
    messages = soap.client.type_factory("urn:messages_2024_2.platform.webservices.netsuite.com")
    preferences = messages.SearchPreferences(bodyFieldsOnly=True, returnSearchColumns=False, pageSize=5)
    first = soap.call("search", searchRecord=german, preferences=preferences).searchResult
    assert (first.pageIndex, first.pageSize, len(first.recordList.record)) == (1, 5, 5)
    assert first.recordList.record[0].addressbookList is None
    second = soap.call("searchMoreWithId", searchId=first.searchId, pageIndex=2).searchResult
    assert second.totalRecords == first.totalRecords > 5
    assert not {one.internalId for one in first.recordList.record} & {
        one.internalId for one in second.recordList.record
    }
    assert failure(soap.call("searchMoreWithId", searchId="no", pageIndex=2).searchResult)[1] == "INVALID_JOB_ID"


def test_transactions_are_searched_by_type_and_customer(soap: Suitetalk) -> None:
    orders = soap.common.TransactionSearchBasic(
        type=soap.core.SearchEnumMultiSelectField(searchValue=["_salesOrder"], operator="anyOf"),
        entity=soap.core.SearchMultiSelectField(searchValue=[soap.ref(internalId="107")], operator="anyOf"),
    )
    found = soap.call("search", searchRecord=orders).searchResult
    assert [one.tranId for one in found.recordList.record] == ["SO100001"]
    wrong = soap.common.CustomerSearchBasic(email=soap.core.SearchStringField(searchValue="x", operator="between2"))
    assert failure(soap.call("search", searchRecord=wrong).searchResult)[1] == "INVALID_SEARCH_OPERATOR"


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"secret": "another"}, "invalidCredentialsFault", "INVALID_LOGIN_ATTEMPT"),
        ({"token": "another"}, "invalidCredentialsFault", "INVALID_LOGIN_ATTEMPT"),
        ({"timestamp": "1000000000"}, "invalidCredentialsFault", "INVALID_LOGIN_ATTEMPT"),
        ({"account": "7654321"}, "invalidAccountFault", "INVALID_ACCT"),
    ],
)
def test_a_spoilt_passport_is_a_fault(soap: Suitetalk, changes: dict[str, str], kind: str, code: str) -> None:
    with pytest.raises(Fault) as caught:
        soap.call("get", passport=soap.passport(**changes), baseRef=soap.ref("customer", internalId="107"))
    fault: Any = caught.value
    [detail] = fault.detail
    assert fault.code == "soapenv:Server.userException"
    assert (detail.tag.rpartition("}")[2], detail[0].text) == (kind, code)


def test_a_passport_counts_once_and_hosts_are_told_without_one(soap: Suitetalk, base_url: str) -> None:
    passport = soap.passport()
    reference = soap.ref("customer", internalId="107")
    assert soap.call("get", passport=passport, baseRef=reference).readResponse.status.isSuccess
    with pytest.raises(Fault):
        soap.call("get", passport=passport, baseRef=reference)
    told = soap.client.service.getDataCenterUrls(account=ACCOUNT).body.getDataCenterUrlsResult
    assert told.dataCenterUrls.webservicesDomain == base_url


async def test_what_is_no_request_is_refused(plain: httpx.AsyncClient) -> None:
    for body in ("no xml", '<!DOCTYPE x [<!ENTITY e "x">]><x/>', "<x/>"):
        refused = await plain.post("/services/NetSuitePort_2025_2", content=body)
        assert (refused.status_code, "UNEXPECTED_ERROR" in refused.text) == (500, True)
    assert (await plain.post("/services/NetSuitePort_2016_1", content="<x/>")).status_code == 404
    assert (await plain.get("/wsdl/v2016_1_0/netsuite.wsdl")).status_code == 404
    assert "NetSuitePort_2025_2" in (await plain.get("/wsdl/v2025_2_0/netsuite.wsdl")).text
