"""The account's other ways in: queries of any length, asynchronous jobs, RESTlets, SOAP; one set of slots for all."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandboxes.company import Company
from sandboxes.netsuite import CONSUMER_KEY
from shared.binding.problems import BackendFault, Overloaded, QuotaExceeded
from shared.contracts.system.erp import OrderRejected
from shared.resilience.wire import ReplyHeaders, WireReply
from shared.security.secrets import Secret
from system_apis.netsuite.connector import NetSuiteConnector, made_id
from system_apis.netsuite.jobs import MOST_RECORDS, Jobs, idempotency_key
from system_apis.netsuite.limits import SMALLEST
from system_apis.netsuite.records import KeyRow
from system_apis.netsuite.restlets import Restlets
from system_apis.netsuite.service import NetSuiteErp
from system_apis.netsuite.soap import SoapClient, problem_of_soap
from system_apis.netsuite.soap_xml import parsed, text_of

ITEMS = "SELECT id FROM item WHERE id > {after} ORDER BY id"
Account = Callable[..., NetSuiteConnector]


class Status(msgspec.Struct):
    """What the account's RESTlet says of an order."""

    status: str
    invoices: list[str] = []


async def no_pause(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.001))


async def test_every_row_comes_however_small_the_pages(account: Account, sandbox_url: str, firm: Company) -> None:
    small = account(sandbox_url, query_page=90)
    found = [row.id async for row in small.every(ITEMS, KeyRow, "list_items")]
    assert len(found) == len(firm.products)
    assert found == sorted(set(found))


async def test_statement_that_suiteql_cannot_read_is_our_fault(account: Account, sandbox_url: str) -> None:
    with pytest.raises(BackendFault):
        await account(sandbox_url).query("SELECT nothing FROM nowhere", KeyRow, "ask")


async def test_field_that_the_account_does_not_have_is_our_fault_not_left_out(
    account: Account, sandbox_url: str, control: Any
) -> None:
    body = {"companyName": "Typo", "subsidiary": {"id": "1"}, "emial": "x@example.com"}
    with pytest.raises(BackendFault) as refused:
        await account(sandbox_url).create("/customer", body, "create_customer")
    assert refused.value.extensions["code"] == "NONEXISTENT_FIELD"
    assert (await control.ledger())["customers"] == []


async def test_job_is_done_once_for_its_reference(account: Account, sandbox_url: str, control: Any) -> None:
    jobs = Jobs(account(sandbox_url), no_pause)
    body = {"companyName": "Job & Sons", "subsidiary": {"id": "1"}}
    await control.do("faults", fault="lost-reply", method="POST", path="/services/rest/record/v1/customer")
    first = await jobs.submit("POST", "/customer", body, "job-1", "create_customer")
    assert await jobs.submit("POST", "/customer", body, "job-1", "create_customer") == first
    assert (await jobs.result(first)).headers["location"]
    assert len((await control.ledger())["customers"]) == 1
    assert (await jobs.look(first)).completed
    assert idempotency_key("job-1") != idempotency_key("job-2")


async def test_refusal_inside_a_job_is_that_of_the_write(account: Account, sandbox_url: str, control: Any) -> None:
    jobs = Jobs(account(sandbox_url), no_pause)
    job = await jobs.submit("POST", "/customer", {"email": "nobody@example.com"}, "job-3", "create_customer")
    with pytest.raises(OrderRejected, match="remark"):
        await jobs.result(job)
    assert (await control.ledger())["customers"] == []


async def test_batch_is_one_job_of_up_to_a_hundred_records(account: Account, sandbox_url: str, control: Any) -> None:
    jobs = Jobs(account(sandbox_url), no_pause)
    some = [{"companyName": f"Batch {number}", "subsidiary": {"id": "1"}} for number in range(3)]
    job = await jobs.submit_batch("customer", some, "batch-1", "create_customers")
    await jobs.result(job, 3)
    assert len((await control.ledger())["customers"]) == 3
    for wrong in ([], some * (MOST_RECORDS // 2)):
        with pytest.raises(ValueError, match="batch"):
            await jobs.submit_batch("customer", wrong, "batch-2", "create_customers")


async def test_batch_of_upserts_tells_of_each_record_and_makes_no_second_one(
    account: Account, sandbox_url: str, control: Any
) -> None:
    jobs = Jobs(account(sandbox_url), no_pause)
    new = [
        {"externalId": f"up-{number}", "companyName": name, "subsidiary": {"id": "1"}}
        for number, name in enumerate(("One", "", "Three"))
    ]
    job = await jobs.submit_batch("customer", new, "up-1", "upsert_customers", upsert=True)
    one, refused, three = await jobs.outcomes(job, 3)
    assert isinstance(refused, OrderRejected)
    again = await jobs.submit_batch("customer", [new[0], new[2]], "up-2", "upsert_customers", upsert=True)
    assert await jobs.outcomes(again, 2) == [one, three]
    made = (await control.ledger())["customers"]
    assert [(each["externalId"], each["id"]) for each in made] == [("up-0", one), ("up-2", three)]
    with pytest.raises(ValueError, match="externalId"):
        await jobs.submit_batch("customer", [{"companyName": "Nameless"}], "up-3", "upsert_customers", upsert=True)


async def test_order_becomes_fulfilment_and_invoice_once_for_each_key(
    account: Account, sandbox_url: str, control: Any, new_order: Any
) -> None:
    netsuite = account(sandbox_url)
    jobs, order = Jobs(netsuite, no_pause), await NetSuiteErp(netsuite).create_order(new_order("o2c-1"))
    made: list[str] = []
    for target in ("itemFulfillment", "invoice"):
        path = f"/salesOrder/{order.erp_order_id}/!transform/{target}"
        await control.do("faults", fault="lost-reply", method="POST", path=f"*/!transform/{target}")
        body = {"shipStatus": {"id": "C"}} if target == "itemFulfillment" else {}
        job = await jobs.submit("POST", path, body, f"{order.reference}:{target}", "transform_order")
        assert await jobs.submit("POST", path, body, f"{order.reference}:{target}", "transform_order") == job
        made.append(made_id(await jobs.result(job)))
    lines = "SELECT DISTINCT nextdoc AS id FROM nexttransactionlinelink WHERE previousdoc = {order} ORDER BY nextdoc"
    followed = await netsuite.query(lines, KeyRow, "follow", order=int(order.erp_order_id))
    assert [str(row.id) for row in followed] == made
    assert (await NetSuiteErp(netsuite).get_order(order.erp_order_id)).state == "invoiced"


async def test_long_list_goes_by_soap_as_a_job(account: Account, sandbox_url: str, control: Any) -> None:
    soap = SoapClient(account(sandbox_url))
    record = (
        '<record xmlns:r="urn:relationships_2025_2.lists.webservices.netsuite.com" xsi:type="r:Customer" '
        'externalId="soap-1"><r:companyName>By SOAP</r:companyName><r:subsidiary internalId="1"/></record>'
    )
    taken = await soap.call("asyncUpsertList", record)
    job = text_of(taken.findtext("jobId") or "")
    found = await soap.call("getAsyncResult", f"<jobId>{job}</jobId><pageIndex>1</pageIndex>")
    (reference,) = found.iter("baseRef")
    assert (reference.get("externalId"), len((await control.ledger())["customers"])) == ("soap-1", 1)
    with pytest.raises(OrderRejected) as refused:
        await soap.call("getAsyncResult", "<jobId>none</jobId><pageIndex>1</pageIndex>")
    assert refused.value.extensions["code"] == "INVALID_JOB_ID"


async def test_restlet_is_signed_with_its_parameters(account: Account, sandbox_url: str) -> None:
    restlets = Restlets(account(sandbox_url))
    found = await restlets.call("GET", "101", "1", Status, parameters={"order": "1"})
    assert found.status
    with pytest.raises(BackendFault):
        await restlets.call("GET", "101", "1", Status)


async def test_restlet_that_is_busy_says_400_and_is_asked_again(
    account: Account, sandbox_url: str, control: Any
) -> None:
    restlets = Restlets(account(sandbox_url, retry_delays=(0.001,)))
    busy = {"error": {"code": "SSS_REQUEST_LIMIT_EXCEEDED", "message": "Request limit exceeded."}}
    for times, comes in ((1, True), (2, False)):
        await control.do(
            "faults", fault="status", method="GET", path="/app/site/*", status=400, body=busy, times=times
        )  # fmt: skip
        if comes:
            assert (await restlets.call("GET", "101", "1", Status, parameters={"order": "1"})).status
        else:
            with pytest.raises(QuotaExceeded):
                await restlets.call("GET", "101", "1", Status, parameters={"order": "1"})


async def test_deleted_records_are_told_over_soap(account: Account, sandbox_url: str, control: Any) -> None:
    netsuite = account(sandbox_url)
    begun = datetime.now(UTC) - timedelta(seconds=2)
    keys: list[str] = []
    for number in range(2):
        body = {"companyName": f"Gone {number}", "subsidiary": {"id": "1"}, "externalId": f"gone&{number}"}
        keys.append(await netsuite.create("/customer", body, "create_customer"))
        await netsuite.write("DELETE", f"/customer/{keys[-1]}", {}, "delete_customer")
    soap = SoapClient(netsuite)
    found = [each async for each in soap.deleted(begun, ["customer"])]
    assert [(each.record_type, each.key, each.external_id) for each in found] == [
        ("customer", keys[0], "gone&0"),
        ("customer", keys[1], "gone&1"),
    ]
    assert [each async for each in soap.deleted(begun, ["salesOrder"])] == []
    assert [each async for each in soap.deleted(begun + timedelta(days=9), ["customer"])] == []


async def test_soap_refuses_in_an_answer_of_status_200(account: Account, sandbox_url: str) -> None:
    soap = SoapClient(account(sandbox_url))
    with pytest.raises(OrderRejected) as refused:
        _ = [each async for each in soap.deleted(datetime.now(UTC), ["no'such<type"])]
    assert refused.value.extensions["code"] == "INVALID_RCRD_TYPE"


async def test_certificate_signs_in_to_rest_and_restlets_until_its_token_ends(
    account: Account, sandbox_url: str, control: Any, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    await control.do("certificate", certificate_id="ours", public_key=public.decode())
    netsuite = account(
        sandbox_url,
        auth="m2m",
        algorithm="ES256",
        client_id=CONSUMER_KEY,
        certificate_id="ours",
        private_key=Secret(f"file:{tmp_path / 'key.pem'}"),
    )
    for _ in range(2):
        assert await netsuite.query("SELECT id FROM subsidiary", KeyRow, "ask")
        assert (await Restlets(netsuite).call("GET", "101", "1", Status, parameters={"order": "1"})).status
        await control.do("expire-tokens")
    signed_in = [row for row in await control.requests() if row[1].endswith("/oauth2/v1/token")]
    assert len(signed_in) == 2


async def test_soap_wants_tokens(account: Account, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("unused")
    certified = account(
        "http://127.0.0.1:9",
        auth="m2m",
        client_id="c",
        certificate_id="k",
        private_key=Secret(f"file:{tmp_path / 'key.pem'}"),
        consumer_secret=None,
    )
    with pytest.raises(BackendFault, match="token"):
        SoapClient(certified)


async def test_token_that_is_refused_is_told_without_secrets(
    account: Account, sandbox_url: str, tmp_path: Path
) -> None:
    (tmp_path / "wrong").write_text("not-the-secret")
    netsuite = account(sandbox_url, token_secret=Secret(f"file:{tmp_path / 'wrong'}"))
    with pytest.raises(BackendFault, match="credentials") as refused:
        await netsuite.query("SELECT id FROM item", KeyRow, "ask")
    assert "not-the-secret" not in str(refused.value)
    with pytest.raises(BackendFault, match="credentials"):
        _ = [each async for each in SoapClient(netsuite).deleted(datetime.now(UTC), ["customer"])]


async def test_all_doors_share_the_accounts_slots(account: Account, sandbox_url: str, control: Any) -> None:
    await control.do("concurrency", limit=3, seconds=0.02)
    netsuite = account(sandbox_url, concurrency=3, slot_wait=30.0, retry_delays=())
    restlets, soap = Restlets(netsuite), SoapClient(netsuite)

    async def deleted() -> None:
        async for _ in soap.deleted(datetime.now(UTC), ["customer"]):
            pass

    asked: list[Any] = []
    for _ in range(5):
        asked.append(netsuite.query("SELECT id FROM subsidiary", KeyRow, "ask"))
        asked.append(restlets.call("GET", "101", "1", Status, parameters={"order": "1"}))
        asked.append(deleted())
    await asyncio.gather(*asked)
    figures = await control.do("concurrency")
    assert figures["refused"] == 0
    assert figures["most"] <= 3


@pytest.mark.parametrize(("said", "slots"), [({"limit": 9}, 9), ({"limit": 9, "own": 2}, 2)])
async def test_account_that_is_asked_for_its_limit_sizes_the_slots_of_every_door(
    account: Account, sandbox_url: str, control: Any, said: dict[str, int], slots: int
) -> None:
    await control.do("concurrency", **said, seconds=0.01)
    netsuite = account(sandbox_url, concurrency="account", slot_wait=30.0, retry_delays=())
    restlets = Restlets(netsuite)
    assert (await restlets.call("GET", "101", "1", Status, parameters={"order": "1"})).status
    await asyncio.gather(*(netsuite.query("SELECT id FROM subsidiary", KeyRow, "ask") for _ in range(slots + 3)))
    assert netsuite._slots.slots == slots
    assert (await control.do("concurrency"))["refused"] == 0
    asked = [row for row in await control.requests() if row[1].endswith("/governanceLimits")]
    assert len(asked) == 1


async def test_role_that_is_not_told_the_limit_works_with_the_smallest(
    account: Account, sandbox_url: str, control: Any
) -> None:
    await control.do("faults", fault="status", method="GET", path="*/governanceLimits", status=403, times=9)
    netsuite = account(sandbox_url, concurrency="account")
    for _ in range(2):
        assert await netsuite.query("SELECT id FROM subsidiary", KeyRow, "ask")
    assert netsuite._slots.slots == SMALLEST
    assert [row[2] for row in await control.requests() if row[1].endswith("/governanceLimits")] == [403]


async def test_call_that_gets_no_slot_in_time_is_refused_unsent(
    account: Account, sandbox_url: str, control: Any
) -> None:
    netsuite = account(sandbox_url, concurrency=1, slot_wait=0.0)
    sent = len(await control.requests())
    async with netsuite._slots.hold():
        for ask in (netsuite.query("SELECT id FROM subsidiary", KeyRow, "ask"), Jobs(netsuite).look("1")):
            with pytest.raises(Overloaded, match="1234567_SB1"):
                await ask
    assert len(await control.requests()) == sent
    assert await netsuite.query("SELECT id FROM subsidiary", KeyRow, "ask")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("WS_REQUEST_BLOCKED", QuotaExceeded),
        ("WS_CONCUR_SESSION_DISALLWD", QuotaExceeded),
        ("INVALID_LOGIN_ATTEMPT", BackendFault),
        ("INSUFFICIENT_PERMISSION", BackendFault),
    ],
)
def test_soap_faults_are_judged_by_code(code: str, kind: type[Exception]) -> None:
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
        "<faultcode>e:Server.userException</faultcode><faultstring>words</faultstring><detail>"
        f'<f:anyFault xmlns:f="urn:faults"><f:code>{code}</f:code><f:message>words</f:message></f:anyFault>'
        "</detail></e:Fault></e:Body></e:Envelope>"
    )
    assert type(problem_of_soap(WireReply(500, ReplyHeaders(), body.encode()))) is kind


@pytest.mark.parametrize(
    "document",
    [
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<a>" * 60 + b"</a>" * 60,
        b"<a><b></a>",
        b"",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
    ],
)
def test_hostile_xml_is_refused(document: bytes) -> None:
    with pytest.raises(BackendFault):
        parsed(document)
