import subprocess
import sys
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from sandboxes.company import Quote, checksum, company, minor_units, salesforce_id

SCENARIOS = (
    *("credit-refused", "short-stock", "zero-quantity", "blocked-customer", "draft", "in-review", "rejected"),
    *("accepted", "expired", "inactive-product", "long-names", "emoji", "arabic", "japanese", "cyrillic"),
    *("no-minor-units", "three-minor-units", "many-lines"),
)


def total(quote: Quote) -> Decimal:
    return sum(
        (line.quantity * line.unit_price * (100 - line.discount_percent) / 100 for line in quote.lines), Decimal()
    )


def unique(values: list[object]) -> bool:
    return len(values) == len(set(values))


def test_the_firm_is_large_enough() -> None:
    seed = company()
    assert len(seed.customers) >= 240
    assert len(seed.products) >= 520
    assert len(seed.quotes) >= 72
    assert len(seed.quotes_for("plain")) >= 20


def test_the_firm_is_the_same_in_every_process() -> None:
    code = "from sandboxes.company import company; print(company())"
    other = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert other.stdout.strip() == str(company())


def test_checksums_mark_the_capitals_of_each_five() -> None:
    # Worked through by hand: no capitals AAA, all capitals 555, the second of each five C.
    assert checksum("001000000000000") == "AAA"
    assert checksum("ABCDEFGHIJKLMNO") == "555"
    assert checksum("0A0000A0000A000") == "CCC"
    assert checksum("001D000000IqhSL") == "IAZ"  # an id of the REST API guide


def test_ids_are_valid_and_belong_to_one_record() -> None:
    seed = company()
    ids = [one.salesforce_id for one in (*seed.customers, *seed.products, *seed.quotes, *seed.salespeople)]
    ids += [contact.salesforce_id for customer in seed.customers for contact in customer.contacts]
    ids += [quote.opportunity_id for quote in seed.quotes]
    ids += [line.salesforce_id for quote in seed.quotes for line in quote.lines]
    assert unique(list(ids))
    assert all(len(one) == 18 and one[15:] == checksum(one[:15]) for one in ids)
    assert salesforce_id("001", 1).startswith("001")


def test_sap_knows_each_customer_and_ship_to_by_one_number() -> None:
    seed = company()
    numbers = [one.sap_customer for one in seed.customers]
    numbers += [place.sap_customer for one in seed.customers for place in one.ship_to]
    assert unique(list(numbers))
    assert all(1 <= len(one.sap_name_parts) <= 4 for one in seed.customers)
    assert all(len(part) <= 40 for one in seed.customers for part in one.sap_name_parts)
    assert any(one.sap_business_partner != one.sap_customer for one in seed.customers)


def test_mailboxes_are_ascii_and_belong_to_one_person() -> None:
    mailboxes = [contact.email for customer in company().customers for contact in customer.contacts]
    assert unique(list(mailboxes))
    assert all(mailbox.isascii() for mailbox in mailboxes)


def test_look_ups_find_what_the_lists_hold() -> None:
    seed = company()
    for customer in seed.customers:
        assert seed.customer_by_number[customer.number] is customer
        assert seed.customer_by_salesforce_id[customer.salesforce_id] is customer
        assert seed.customer_by_sap[customer.sap_customer] is customer
    for product in seed.products:
        assert seed.product_by_sku[product.sku] is product
    for quote in seed.quotes:
        assert seed.quote_by_number[quote.number] is quote
        assert quote.ship_to < len(seed.customer_by_number[quote.customer].ship_to)
        assert quote.currency == seed.customer_by_number[quote.customer].currency
    assert seed.quotes_for("unheard of") == ()


def test_parents_exist_and_nobody_is_their_own_ancestor() -> None:
    seed = company()
    depths = Counter[int]()
    for customer in seed.customers:
        depth, ancestor = 0, customer
        while ancestor.parent is not None:
            ancestor, depth = seed.customer_by_number[ancestor.parent], depth + 1
            assert depth < 5
        depths[depth] += 1
    assert set(depths) == {0, 1, 2}


def test_plain_quotes_can_all_become_orders() -> None:
    seed = company()
    wanted = Counter[str]()
    owed = Counter[int]()
    for quote in seed.quotes_for("plain"):
        customer = seed.customer_by_number[quote.customer]
        assert quote.status == "Approved"
        assert quote.expires > date(2090, 1, 1)
        assert not customer.order_blocked
        owed[customer.number] += int(total(quote)) + 1
        assert customer.credit_exposure + owed[customer.number] < customer.credit_limit
        for line in quote.lines:
            product = seed.product_by_number[line.product]
            assert product.active
            assert line.quantity > 0
            wanted[product.sku] += int(line.quantity)
    for sku, pieces in wanted.items():
        assert all(pieces <= on_hand * 0.9 for on_hand in seed.product_by_sku[sku].stock.values())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_has_quotes(scenario: str) -> None:
    assert company().quotes_for(scenario)


def test_scenarios_are_what_they_say() -> None:
    seed = company()
    for quote in seed.quotes_for("credit-refused"):
        customer = seed.customer_by_number[quote.customer]
        assert customer.credit_exposure + total(quote) > customer.credit_limit
    for quote in seed.quotes_for("short-stock"):
        assert quote.lines[0].quantity > sum(seed.product_by_number[quote.lines[0].product].stock.values())
    assert all(quote.lines[0].quantity == 0 for quote in seed.quotes_for("zero-quantity"))
    assert all(seed.customer_by_number[quote.customer].order_blocked for quote in seed.quotes_for("blocked-customer"))
    assert all(quote.expires < date(2026, 1, 1) for quote in seed.quotes_for("expired"))
    assert all(len(quote.lines) == 50 for quote in seed.quotes_for("many-lines"))
    assert {quote.currency for quote in seed.quotes_for("three-minor-units")} == {"KWD"}
    assert "JPY" in {quote.currency for quote in seed.quotes_for("no-minor-units")}
    (long, *_) = seed.quotes_for("long-names")
    assert (len(long.name), len(seed.customer_by_number[long.customer].name)) == (255, 255)
    assert len(seed.customer_by_number[long.customer].billing.street) == 255


def test_a_product_appears_once_in_a_quote() -> None:
    for quote in company().quotes:
        assert unique([line.product for line in quote.lines])


def test_prices_can_be_paid_in_their_currency() -> None:
    for quote in company().quotes:
        for line in quote.lines:
            exponent = line.unit_price.as_tuple().exponent
            assert isinstance(exponent, int)
            assert -exponent == minor_units(quote.currency)
