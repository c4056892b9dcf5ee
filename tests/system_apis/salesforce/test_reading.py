import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandboxes.company import company
from shared.binding.problems import Invalid, NotFound
from shared.contracts.canonical.quote import Quote
from shared.contracts.system.crm import CrmOrderNotFound, CustomerNotFound, QuoteNotFound
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.salesforce import apis
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.service import SalesforceCrm

PLAIN = company().quotes_for("plain")[0]
BUYER = company().customer_by_number[PLAIN.customer]
UNKNOWN = {"001": "001000000000000AAA", "0Q0": "0Q0000000000000AAA", "801": "801000000000000AAA"}


def test_the_host_finds_the_crm_of_salesforce() -> None:
    found = {(api.name, api.tier) for api in apis}
    assert {("crm (salesforce)", "system"), ("salesforce_platform (salesforce)", "system")} <= found


@pytest.mark.parametrize("shown", [BUYER.salesforce_id, BUYER.salesforce_id[:15]])
async def test_a_customer_is_found_by_either_form_of_its_id(crm: SalesforceCrm, shown: str) -> None:
    customer = await crm.get_customer(shown)
    assert (customer.customer_id, customer.name) == (BUYER.salesforce_id, BUYER.name)
    assert (customer.erp_number, customer.currency) == (BUYER.sap_customer, BUYER.currency)
    assert customer.billing_address is not None
    assert customer.billing_address.country == BUYER.billing.country
    assert customer.billing_address.street == f"{BUYER.billing.street} {BUYER.billing.house_number}".strip()


async def test_names_in_every_script_arrive_as_they_are(crm: SalesforceCrm) -> None:
    for customer in company().customers[::12]:
        assert (await crm.get_customer(customer.salesforce_id)).name == customer.name


async def test_an_overview_costs_one_call_and_holds_what_is_open(crm: SalesforceCrm, org: Any) -> None:
    await crm.get_customer(BUYER.salesforce_id)  # logs in
    before = len(await org.requests())
    overview = await crm.get_customer_overview(BUYER.salesforce_id)
    assert len(await org.requests()) == before + 1
    assert {each.contact_id for each in overview.contacts} == {each.salesforce_id for each in BUYER.contacts}
    assert [each.quote_id for each in overview.open_quotes] == [PLAIN.salesforce_id]
    assert all(not each.is_closed for each in overview.open_opportunities)
    assert PLAIN.opportunity_id in {each.opportunity_id for each in overview.open_opportunities}


@pytest.mark.parametrize("scenario", ["expired", "rejected"])
async def test_an_overview_leaves_out_quotes_that_are_over(crm: SalesforceCrm, scenario: str) -> None:
    quote = company().quotes_for(scenario)[0]
    overview = await crm.get_customer_overview(company().customer_by_number[quote.customer].salesforce_id)
    assert quote.salesforce_id not in {each.quote_id for each in overview.open_quotes}


async def test_a_quote_with_its_lines_costs_one_call(crm: SalesforceCrm, org: Any) -> None:
    many = company().quotes_for("many-lines")[0]
    await crm.get_customer(BUYER.salesforce_id)
    before = len(await org.requests())
    quote = await crm.get_quote(many.salesforce_id)
    assert len(await org.requests()) == before + 1
    assert len(quote.lines) == len(many.lines) == 50
    by_id = {line.salesforce_id: line for line in many.lines}
    for line in quote.lines:
        seed = by_id[line.line_id]
        assert line.sku == company().product_by_number[seed.product].sku
        assert line.quantity == seed.quantity
        assert line.unit_price.amount == seed.unit_price * (100 - seed.discount_percent) / 100


async def test_a_quote_says_where_it_stands_and_goes(crm: SalesforceCrm) -> None:
    quote = await crm.get_quote(PLAIN.salesforce_id)
    ship_to = BUYER.ship_to[PLAIN.ship_to]
    assert (quote.state, quote.customer_id, quote.expires) == ("approved", BUYER.salesforce_id, PLAIN.expires)
    assert quote.ship_to is not None
    assert (quote.ship_to_name, quote.ship_to.city) == (ship_to.name, ship_to.address.city)
    assert all(line.price_book_entry_id for line in quote.lines)


@pytest.mark.parametrize(
    ("scenario", "state"), [("draft", "draft"), ("rejected", "rejected"), ("expired", "expired"), ("plain", "approved")]
)
async def test_a_seed_quote_has_its_canonical_state(crm: SalesforceCrm, scenario: str, state: str) -> None:
    assert (await crm.get_quote(company().quotes_for(scenario)[0].salesforce_id)).state == state


@pytest.mark.parametrize("scenario", ["arabic", "japanese", "cyrillic", "emoji", "long-names", "no-minor-units"])
async def test_a_quote_in_any_script_or_currency_survives_the_wire(crm: SalesforceCrm, scenario: str) -> None:
    seed = company().quotes_for(scenario)[0]
    quote = await crm.get_quote(seed.salesforce_id)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(quote), type=Quote)
    assert again == quote
    assert (again.name, again.total.currency) == (seed.name, seed.currency)


Read = Callable[[SalesforceCrm, str], Awaitable[object]]


@pytest.mark.parametrize(
    ("read", "prefix", "missing"),
    [
        (lambda crm, at: crm.get_customer(at), "001", CustomerNotFound),
        (lambda crm, at: crm.get_customer_overview(at), "001", CustomerNotFound),
        (lambda crm, at: crm.list_quotes(at), "001", CustomerNotFound),
        (lambda crm, at: crm.get_quote(at), "0Q0", QuoteNotFound),
        (lambda crm, at: crm.get_order(at), "801", CrmOrderNotFound),
    ],
)
async def test_what_is_not_there_is_not_found(
    crm: SalesforceCrm, org: Any, read: Read, prefix: str, missing: type[NotFound]
) -> None:
    with pytest.raises(missing):
        await read(crm, UNKNOWN[prefix])
    asked = len(await org.requests())
    for malformed in ("x", "' OR Name LIKE '%", PLAIN.salesforce_id[:14], "0" * 17):
        with pytest.raises(missing):
            await read(crm, malformed)
    assert len(await org.requests()) == asked


async def test_customers_come_by_name_page_by_page_without_gap_or_repeat(crm: SalesforceCrm) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = await crm.list_customers(None, cursor, 37)
        seen += [each.customer_id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(cursor) <= 512
        assert len(page.items) == 37
    assert len(seen) == len(set(seen)) == len(company().accounts)


async def test_customers_of_one_name_and_of_long_names_are_paged_too(crm: SalesforceCrm, org: Any) -> None:
    names = ["Zwilling"] * 3 + ["ひ" * 255] * 2
    for name in names:
        await org.rest("POST", "/sobjects/Account", json={"Name": name})
    for search in ("Zwilling", "ひひ"):
        seen: list[str] = []
        cursor = None
        for _ in range(names.count("Zwilling") + 1):
            page = await crm.list_customers(search, cursor, 1)
            seen += [each.customer_id for each in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == sum(search in name for name in names)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Z"]), min_size=2, max_size=30))
def test_whatever_is_searched_for_is_only_searched_for(loop_of: Any, search: str) -> None:
    found = loop_of(search)
    assert all(search.casefold() in name.casefold() for name in found)


@pytest.fixture
def loop_of(served: Any, private_key: Any) -> Callable[[str], list[str]]:
    """Searches on a loop of its own, since hypothesis is not asynchronous."""

    async def search(text: str) -> list[str]:
        wire = open_wire()
        settings = SalesforceSettings(
            url=served.url, username="integration@tarn-gauge.example", private_key=Secret(f"file:{private_key[0]}")
        )
        try:
            crm = SalesforceCrm(SalesforceConnector(settings, Outbound(wire)))
            return [each.name for each in (await crm.list_customers(text, None, 200)).items]
        finally:
            await wire.aclose()

    def run(text: str) -> list[str]:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, search(text)).result()

    return run


@pytest.mark.parametrize("search", ["%%", "__", "' OR Name != '", "\\'", "x') LIMIT 1--"])
async def test_wildcards_and_quotes_in_a_search_are_plain_text(crm: SalesforceCrm, search: str) -> None:
    assert (await crm.list_customers(search)).items == []


async def test_a_search_finds_the_text_it_names(crm: SalesforceCrm, org: Any) -> None:
    name = '100 %_O\'Brien \\ "Söhne"'
    await org.rest("POST", "/sobjects/Account", json={"Name": name})
    assert [each.name for each in (await crm.list_customers("%_O'Brien \\ \"")).items] == [name]


@pytest.mark.parametrize("cursor", ["nonsense", "k6FhoWKhYw", "wMDA"])
async def test_a_cursor_of_another_list_is_refused(crm: SalesforceCrm, cursor: str) -> None:
    with pytest.raises(Invalid):
        await crm.list_customers(None, cursor)
    with pytest.raises(Invalid):
        await crm.list_quotes(BUYER.salesforce_id, None, cursor)


async def test_quotes_come_newest_first_page_by_page(crm: SalesforceCrm, org: Any) -> None:
    for number in range(5):
        await org.rest("POST", "/sobjects/Quote", json={"Name": f"Q{number}", "OpportunityId": PLAIN.opportunity_id})
    seen: list[str] = []
    cursor = None
    while True:
        page = await crm.list_quotes(BUYER.salesforce_id, None, cursor, 2)
        assert all(each.lines == [] for each in page.items)
        seen += [each.quote_id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 6
    assert seen[-1] == PLAIN.salesforce_id


@pytest.mark.parametrize("state", ["draft", "in-review", "approved", "rejected", "accepted", "expired"])
async def test_quotes_are_listed_by_state(crm: SalesforceCrm, org: Any, state: Any) -> None:
    past, future = date(2020, 1, 1).isoformat(), date(2099, 1, 1).isoformat()
    for status in ("Draft", "Needs Review", "In Review", "Approved", "Presented", "Rejected", "Denied", "Accepted"):
        for expires in (past, future, None):
            body = {"Name": status, "OpportunityId": PLAIN.opportunity_id, "Status": status, "ExpirationDate": expires}
            await org.rest("POST", "/sobjects/Quote", json=body)
    everything = (await crm.list_quotes(BUYER.salesforce_id)).items
    found = (await crm.list_quotes(BUYER.salesforce_id, state)).items
    assert found == [each for each in everything if each.state == state]
    assert found


async def test_a_customer_without_quotes_has_an_empty_list(crm: SalesforceCrm, org: Any) -> None:
    created = await org.rest("POST", "/sobjects/Account", json={"Name": "New"})
    assert (await crm.list_quotes(created["id"])).items == []
    overview = await crm.get_customer_overview(created["id"])
    assert overview.contacts == overview.open_quotes == overview.recent_orders == []


async def test_the_allowance_is_known_after_the_first_call(salesforce: SalesforceConnector, crm: SalesforceCrm) -> None:
    assert salesforce.usage.allowed is None
    await crm.get_customer(BUYER.salesforce_id)
    first = salesforce.usage.used
    await crm.get_customer(BUYER.salesforce_id)
    assert first is not None
    assert (salesforce.usage.used, salesforce.usage.allowed) == (first + 1, 100_000)


async def test_amounts_without_minor_units_are_whole(crm: SalesforceCrm) -> None:
    quote = await crm.get_quote(company().quotes_for("no-minor-units")[0].salesforce_id)
    assert quote.total.amount == quote.total.amount.to_integral_value()
    assert quote.total.amount > Decimal(0)
