"""Reads at the same time share calls, and nobody can tell."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from eventually import eventually
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sandboxes.company import company
from shared.binding.call_context import CallContext, calling
from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    DeadlineExceeded,
    Invalid,
    NotFound,
    Problem,
    QuotaExceeded,
)
from shared.contracts.canonical.party import Customer
from shared.contracts.system.crm import CrmOrderStatus
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from shared.telemetry.metrics import REGISTRY
from shared.telemetry.tracing import Span, add_sink, remove_sink
from system_apis.salesforce.coalescing_call import MAX_IDS, MAX_IDS_WITH_CHILDREN, MAX_PATH_BYTES
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.faults import QueryTooSlow
from system_apis.salesforce.queries import Queries
from system_apis.salesforce.service import SalesforceCrm

QUERY = "/services/data/v66.0/query"
USERNAME = "integration@tarn-gauge.example"
COMPOSITE = "/services/data/v66.0/composite"
IDS = [customer.salesforce_id for customer in company().customers]
UNKNOWN = [f"001000000000{number:03}AAA" for number in range(10)]
QUOTES = [each.salesforce_id for each in company().quotes]
Connect = Callable[[SalesforceSettings], SalesforceConnector]


@pytest.fixture
async def org(fresh: Any) -> AsyncGenerator[Any]:
    """The org as the last test left it: almost all of this only reads."""
    await fresh.heal()
    yield fresh
    await fresh.heal()


@pytest.fixture
async def crm(connect: Connect, settings: SalesforceSettings) -> SalesforceCrm:
    """Logged in; reads gather long enough that a busy machine changes no count."""
    crm = SalesforceCrm(connect(msgspec.structs.replace(settings, coalesce_milliseconds=60.0)))
    await crm.get_customer(IDS[0])
    return crm


@pytest.fixture
def plain(connect: Connect, settings: SalesforceSettings) -> SalesforceCrm:
    """One that coalesces nothing."""
    return SalesforceCrm(connect(msgspec.structs.replace(settings, coalesce_milliseconds=0.0)))


@pytest.fixture
async def slow(org: Any, crm: SalesforceCrm) -> Callable[..., Awaitable[None]]:
    """Salesforce takes its time, so that calls are under way while others ask."""
    assert crm

    async def slow(seconds: float = 0.03, times: int | None = None) -> None:
        await org.fault(f"{COMPOSITE.removesuffix('composite')}*", fault="latency", seconds=seconds, times=times)

    return slow


async def outcome_of(read: Awaitable[Any]) -> Any:
    try:
        return await read
    except Problem as problem:
        return type(problem), problem.detail


async def are_under_way(crm: SalesforceCrm, count: int) -> None:
    await eventually(lambda: crm._salesforce.backend.in_flight == count, every=0.002)


async def calls(org: Any) -> tuple[int, int]:
    """Queries and composites asked so far."""
    return len(await org.requests(QUERY)), len(await org.requests(COMPOSITE))


async def test_sixty_readers_cost_two_calls_and_get_their_own_answers(crm: SalesforceCrm, org: Any, slow: Any) -> None:
    await slow()
    before, asked = await calls(org), [*IDS[:40], *UNKNOWN, *IDS[:10]]
    found = await asyncio.gather(*(outcome_of(crm.get_customer(each)) for each in asked))
    queries, composites = await calls(org)
    assert (queries - before[0], composites - before[1]) == (2, 0)  # the first at once, the others together
    for customer_id, answer in zip(asked, found, strict=True):
        if customer_id in UNKNOWN:
            assert answer[1] == f"No customer {customer_id} in Salesforce."
        else:
            assert isinstance(answer, Customer)
            assert answer.customer_id == customer_id
            assert answer.name == company().customer_by_salesforce_id[customer_id].name


async def test_a_lone_reader_never_waits_for_others(connect: Connect, settings: SalesforceSettings) -> None:
    crm = SalesforceCrm(connect(msgspec.structs.replace(settings, coalesce_milliseconds=1000.0)))
    began = time.perf_counter()
    for customer_id in IDS[:6]:
        await crm.get_customer(customer_id)
    assert time.perf_counter() - began < 5.9


async def test_readers_gather_no_longer_than_calls_like_theirs_take(
    connect: Connect, settings: SalesforceSettings
) -> None:
    crm = SalesforceCrm(connect(msgspec.structs.replace(settings, coalesce_milliseconds=1000.0)))
    await crm.get_customer(IDS[0])

    async def quickly() -> bool:  # as soon as the machine lets five readers be answered within a second
        began = time.perf_counter()
        await asyncio.gather(*(crm.get_customer(each) for each in IDS[:5]))
        return time.perf_counter() - began < 1.0

    await eventually(quickly)


async def test_without_a_window_every_read_is_a_call(plain: SalesforceCrm, org: Any) -> None:
    before = await calls(org)
    await asyncio.gather(*(plain.get_customer(each) for each in IDS[:10]))
    assert (await calls(org))[0] == before[0] + 10


async def test_overviews_share_a_call_with_all_that_hangs_on_them(
    crm: SalesforceCrm, plain: SalesforceCrm, org: Any, slow: Any
) -> None:
    alone = [await plain.get_customer_overview(each) for each in IDS[:40]]
    await slow()
    before = await calls(org)
    assert await asyncio.gather(*(crm.get_customer_overview(each) for each in IDS[:40])) == alone
    assert (await calls(org))[0] - before[0] == 2
    assert any(quote.lines for overview in alone for quote in overview.open_quotes)


async def test_children_on_further_pages_go_to_the_right_parent(
    crm: SalesforceCrm, plain: SalesforceCrm, org: Any, slow: Any
) -> None:
    quotes = [quote.salesforce_id for quote in company().quotes if len(quote.lines) > 2]
    customers = [company().customer_by_number[quote.customer].salesforce_id for quote in company().quotes[:20]]
    whole = [await plain.get_quote(each) for each in quotes]
    overviews = [await plain.get_customer_overview(each) for each in customers]
    await org.control("page-rows", rows=2)
    try:
        assert [await plain.get_quote(each) for each in quotes[:3]] == whole[:3]
        await slow(0.01, 2)
        assert await asyncio.gather(*(crm.get_quote(each) for each in quotes)) == whole
        assert await asyncio.gather(*(crm.get_customer_overview(each) for each in customers)) == overviews
        assert len(await org.requests(f"{QUERY}/01g")) > len(quotes)
    finally:
        await org.control("page-rows", rows=0)


async def test_statements_that_differ_go_as_one_composite(crm: SalesforceCrm, org: Any, slow: Any) -> None:
    await slow()
    before = await calls(org)
    customers, quotes = [crm.get_customer(each) for each in IDS[:2]], [crm.get_quote(each) for each in QUOTES[:2]]
    reads = [*customers, *quotes, crm.get_quote("0Q0000000000000AAA"), crm.get_customer_overview(IDS[2])]
    found = await asyncio.gather(*(outcome_of(each) for each in reads))
    queries, composites = await calls(org)
    assert (queries - before[0], composites - before[1]) == (1, 1)
    assert [each.customer_id for each in found[:2]] + [each.quote_id for each in found[2:4]] == IDS[:2] + QUOTES[:2]
    assert issubclass(found[4][0], NotFound)
    assert found[5].customer.customer_id == IDS[2]


async def test_a_part_that_is_refused_is_asked_for_by_itself(
    crm: SalesforceCrm, plain: SalesforceCrm, org: Any, slow: Any
) -> None:
    alone = [await plain.get_customer(IDS[1]), await plain.get_quote(QUOTES[0])]
    await slow(times=1)
    refused: dict[str, Any] = {
        "httpStatusCode": 400,
        "body": [{"errorCode": "QUERY_TIMEOUT", "message": ""}],
        "httpHeaders": {},
    }
    parts = [{**refused, "referenceId": f"read{number}"} for number in (0, 1)]
    await org.fault(COMPOSITE, fault="nonsense", body={"compositeResponse": parts})
    reads = (crm.get_customer(IDS[0]), crm.get_customer(IDS[1]), crm.get_quote(QUOTES[0]))
    assert (await asyncio.gather(*reads))[1:] == alone


async def test_a_composite_that_is_refused_as_a_whole_is_asked_for_in_pieces(
    crm: SalesforceCrm, org: Any, slow: Any
) -> None:
    await slow(times=1)
    await org.fault(COMPOSITE, fault="status", status=400, body=[{"errorCode": "LIMIT_EXCEEDED_X", "message": ""}])
    found = await asyncio.gather(crm.get_customer(IDS[0]), crm.get_customer(IDS[1]), crm.get_quote(QUOTES[0]))
    assert (found[1].customer_id, found[2].quote_id) == (IDS[1], QUOTES[0])


async def test_more_ids_than_fit_into_a_query_become_several(crm: SalesforceCrm, org: Any, slow: Any) -> None:
    await slow(0.1)
    many = [f"001{number:012}" for number in range(MAX_IDS + 50)]
    before = await calls(org)
    await asyncio.gather(*(outcome_of(crm.get_customer(each)) for each in many))
    assert (await calls(org))[0] - before[0] == 3
    before = await calls(org)
    await asyncio.gather(*(crm.get_customer_overview(each) for each in IDS[: 2 * MAX_IDS_WITH_CHILDREN + 1]))
    assert (await calls(org))[0] - before[0] == 3


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (503, "SERVER_UNAVAILABLE", BackendUnavailable),
        (403, "REQUEST_LIMIT_EXCEEDED", QuotaExceeded),
        (400, "INVALID_FIELD", BackendFault),
        (400, "A_CODE_OF_NEXT_YEAR", Invalid),
        (400, "QUERY_TIMEOUT", QueryTooSlow),
    ],
)
async def test_readers_of_a_failing_call_have_the_problem_they_would_have_alone(
    crm: SalesforceCrm, plain: SalesforceCrm, org: Any, slow: Any, status: int, code: str, kind: type[Problem]
) -> None:
    await plain.get_customer(IDS[0])
    await slow(times=1)  # the first passes
    await org.fault(QUERY, fault="status", status=status, times=None, body=[{"message": "x", "errorCode": code}])
    found = await asyncio.gather(*(crm.get_customer(each) for each in IDS[:20]), return_exceptions=True)
    alone = await outcome_of(plain.get_customer(IDS[1]))
    problems = [each for each in found[1:] if isinstance(each, Problem)]
    assert {(type(each), each.detail) for each in problems} == {alone}
    assert alone[0] is kind
    assert len({id(each) for each in problems}) == 19  # each raises its own


async def test_a_session_that_expires_is_renewed_for_all(crm: SalesforceCrm, org: Any, slow: Any) -> None:
    await slow()
    before = len(await org.requests("/services/oauth2/token"))
    await org.control("expire-tokens")
    found = await asyncio.gather(*(crm.get_customer(each) for each in IDS[:60]))
    assert [each.customer_id for each in found] == IDS[:60]
    assert len(await org.requests("/services/oauth2/token")) == before + 1


async def test_the_allowance_of_the_org_is_spent_by_calls_not_by_readers(
    crm: SalesforceCrm, org: Any, slow: Any
) -> None:
    await slow()
    allowed = (await org.control("limits"))["DailyApiRequests"]
    await org.control("limits", DailyApiRequests=allowed["Max"] - allowed["Remaining"] + 2)
    try:
        assert len(await asyncio.gather(*(crm.get_customer(each) for each in IDS[:60]))) == 60
        refused = await asyncio.gather(*(outcome_of(crm.get_customer(each)) for each in IDS[:5]))
    finally:
        await org.control("limits", DailyApiRequests=allowed["Max"])
    assert {each[0] for each in refused} == {QuotaExceeded}


async def test_a_row_that_cannot_be_read_harms_nobody_else(crm: SalesforceCrm, org: Any, slow: Any) -> None:
    await slow(times=1)
    rows: list[dict[str, Any]] = [
        {"attributes": {}, "Id": IDS[1], "Name": "Fine"},
        {"attributes": {}, "Id": IDS[2], "Name": 7},
    ]
    await org.fault(QUERY, fault="nonsense", body={"totalSize": 2, "done": True, "records": rows})
    found = await asyncio.gather(*(outcome_of(crm.get_customer(each)) for each in IDS[:3]))
    assert [each.customer_id for each in found] == IDS[:3]  # each asked for itself


async def test_one_who_runs_out_of_time_or_leaves_harms_nobody_else(crm: SalesforceCrm, org: Any, slow: Any) -> None:
    await slow(1.0)
    before = await calls(org)

    async def hurried() -> Customer:
        with calling(CallContext(deadline=time.monotonic() + 0.7, priority="batch")):
            return await crm.get_customer(IDS[1])

    first = asyncio.create_task(crm.get_customer(IDS[0]))
    await are_under_way(crm, 1)
    late, leaving = asyncio.create_task(hurried()), asyncio.create_task(crm.get_customer(IDS[2]))
    others = [asyncio.create_task(crm.get_customer(each)) for each in IDS[1:6]]
    await are_under_way(crm, 2)
    leaving.cancel()
    with pytest.raises(DeadlineExceeded, match="salesforce did not answer in time"):
        await late
    assert [(await each).customer_id for each in [first, *others]] == IDS[:6]
    assert leaving.cancelled()
    assert (await calls(org))[0] - before[0] == 2


async def test_a_call_that_nobody_waits_for_any_more_is_given_up(
    connect: Connect, settings: SalesforceSettings, org: Any, slow: Any
) -> None:
    salesforce = connect(msgspec.structs.replace(settings, coalesce_milliseconds=10.0))
    crm = SalesforceCrm(salesforce)
    await crm.get_customer(IDS[0])
    before = await calls(org)
    await slow(1.0)
    readers = [asyncio.create_task(crm.get_customer(each)) for each in IDS[:6]]
    await are_under_way(crm, 2)
    for each in readers:
        each.cancel()
    await asyncio.wait(readers)
    await are_under_way(crm, 0)

    async def are_noted() -> bool:  # the second may have been given up before it was sent
        return (await calls(org))[0] > before[0]

    await eventually(are_noted, every=0.05)
    await asyncio.sleep(1.2)  # the org notes what it has done, and no other test is to count that


async def test_a_deadline_that_is_over_is_refused_before_anything_is_sent(
    crm: SalesforceCrm, org: Any, slow: Any
) -> None:
    await slow(0.1)
    before = await calls(org)
    first = asyncio.create_task(crm.get_customer(IDS[0]))
    await are_under_way(crm, 1)
    with calling(CallContext(deadline=time.monotonic() - 1)), pytest.raises(DeadlineExceeded, match="nothing was sent"):
        await crm.get_customer(IDS[1])
    await first
    assert (await calls(org))[0] == before[0] + 1


@pytest.fixture
async def under_way(crm: SalesforceCrm, slow: Any) -> AsyncGenerator[asyncio.Task[Customer]]:
    """A shared call for the second customer that takes 0.8 s, sent just now."""
    await slow(0.8)
    ending = CallContext(deadline=time.monotonic() + 8)
    with calling(ending):
        first = asyncio.create_task(crm.get_customer(IDS[0]))
        await are_under_way(crm, 1)
        shared = asyncio.create_task(crm.get_customer(IDS[1]))
    await are_under_way(crm, 2)
    assert not shared.done()
    yield shared
    await asyncio.gather(first, shared)


async def test_who_asks_for_the_same_shares_a_call_under_way(
    crm: SalesforceCrm, org: Any, under_way: asyncio.Task[Customer]
) -> None:
    before = await calls(org)
    with calling(CallContext(deadline=time.monotonic() + 5)):
        assert await crm.get_customer(IDS[1]) == await under_way
    assert (await calls(org))[0] == before[0] + 2  # the first and the shared one, noted when they are answered


@pytest.mark.parametrize("context", [CallContext(), CallContext(priority="order"), CallContext(priority="batch")])
async def test_flows_and_those_with_more_time_share_no_call_under_way(
    crm: SalesforceCrm, org: Any, under_way: asyncio.Task[Customer], context: CallContext
) -> None:
    before = await calls(org)
    with calling(context.replace(deadline=time.monotonic() + (5 if context.priority != "interactive" else 20))):
        assert await crm.get_customer(IDS[1]) == await under_way
    assert (await calls(org))[0] == before[0] + 3


async def test_who_wrote_reads_what_was_written(crm: SalesforceCrm, org: Any, new_order: Any, slow: Any) -> None:
    order = await crm.record_order(new_order())
    await slow(0.1)

    async def read() -> str:
        with calling(CallContext(deadline=time.monotonic() + 10)):
            return (await crm.get_order(order.crm_order_id)).tracking_number

    readers = [asyncio.create_task(read()) for _ in range(5)]
    await asyncio.sleep(0.08)  # their shared call is under way
    await crm.note_order_status(order.crm_order_id, CrmOrderStatus(fulfilment="shipped", tracking_number="TRACK-9"))
    assert await read() == "TRACK-9"
    await asyncio.gather(*readers)


async def test_searches_are_shared_with_the_same_search_alone(crm: SalesforceCrm, org: Any, slow: Any) -> None:
    await slow()
    one, other = company().customers[0].name, company().customers[7].name
    before, searches = await calls(org), [one, one, one, other, other]
    pages = await asyncio.gather(*(crm.list_customers(search, None, 5) for search in searches))
    assert pages[0] == pages[1] == pages[2] != pages[3] == pages[4]
    queries, composites = await calls(org)
    assert (queries - before[0], composites - before[1]) == (3, 0)


async def test_metrics_and_spans_tell_what_was_shared(crm: SalesforceCrm, slow: Any) -> None:
    def count(name: str) -> float:
        return REGISTRY.get_sample_value(f"triptych_salesforce_{name}_total", {"statement": "customer"}) or 0.0

    await slow()
    before = count("reads"), count("read_calls")
    spans: list[Span] = []
    add_sink(spans.append)
    try:
        await asyncio.gather(*(crm.get_customer(each) for each in IDS[:30]))
    finally:
        remove_sink(spans.append)
    assert (count("reads") - before[0], count("read_calls") - before[1]) == (30, 2)
    shared = [span for span in spans if span.name == "coalesced crm.get_customer"]
    sent = [span for span in spans if span.kind == "client"]
    assert [span.attributes["db.operation.batch.size"] for span in shared] == [29] * 29
    assert {span.attributes["triptych.shared_trace_id"] for span in shared} == {sent[-1].trace_id}


async def test_a_query_of_many_ids_stays_below_what_a_url_may_be(salesforce: SalesforceConnector) -> None:
    statement = Queries(salesforce.settings).overview
    path = statement.of_several.path(customer=IDS[:MAX_IDS_WITH_CHILDREN], today=date(2026, 1, 1))
    assert len(path) < MAX_PATH_BYTES
    assert quote("Id IN ('", safe="") in path


_reads = st.sampled_from(
    [
        *(("get_customer", each) for each in (*IDS[:6], IDS[0][:15], *UNKNOWN[:2], "x")),
        *(("get_customer_overview", each) for each in (*IDS[:6], UNKNOWN[0])),
        *(("list_quotes", each) for each in (*IDS[:4], UNKNOWN[0])),
        *(("get_quote", each) for each in (*QUOTES[:6], "0Q0000000000000AAA")),
        ("get_order", "801000000000000AAA"),
        ("list_customers", company().customers[0].name),
    ]
)


@pytest.fixture
def compared(served: Any, private_key: Any) -> Any:
    """Asks for reads at once, coalesced and not, on a loop of its own, since hypothesis is not asynchronous."""
    settings = SalesforceSettings(url=served.url, username=USERNAME, private_key=Secret(f"file:{private_key[0]}"))

    async def answers(reads: list[tuple[str, str]], pauses: list[float], milliseconds: float) -> list[Any]:
        wire = open_wire()
        tuned = msgspec.structs.replace(settings, coalesce_milliseconds=milliseconds)
        crm = SalesforceCrm(SalesforceConnector(tuned, Outbound(wire)))

        async def ask(name: str, at: str, pause: float) -> Any:
            await asyncio.sleep(pause)
            return await outcome_of(getattr(crm, name)(at))

        try:
            return await asyncio.gather(*(ask(*read, pause) for read, pause in zip(reads, pauses, strict=True)))
        finally:
            await wire.aclose()

    def compare(reads: list[tuple[str, str]], pauses: list[float]) -> tuple[list[Any], list[Any]]:
        with ThreadPoolExecutor(1) as pool:
            return (
                pool.submit(asyncio.run, answers(reads, pauses, 5.0)).result(),
                pool.submit(asyncio.run, answers(reads, pauses, 0.0)).result(),
            )

    return compare


@hypothesis_settings(
    max_examples=int(os.environ.get("TRIPTYCH_COALESCING_EXAMPLES", "6")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(st.lists(st.tuples(_reads, st.sampled_from([0.0, 0.0, 0.001, 0.004])), min_size=2, max_size=24))
def test_coalesced_answers_equal_uncoalesced_ones(compared: Any, asked: list[tuple[tuple[str, str], float]]) -> None:
    coalesced, alone = compared([read for read, _ in asked], [pause for _, pause in asked])
    assert coalesced == alone
