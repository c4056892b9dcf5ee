"""The quotes, each with a reason to exist."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Final

from msgspec import Struct

from sandboxes.company import east, west
from sandboxes.company.identifiers import salesforce_id, spread
from sandboxes.company.money import from_euro
from sandboxes.company.names import EMOJI_NAME, LONG_NAME, longest
from sandboxes.company.records import Customer, Product, Quote, QuoteLine, QuoteStatus

_WESTERN: Final = frozenset(locale.country for locale in west.LOCALES)
_LAST_DAY = date(2099, 12, 31)
_FIRST_DAY = date(2026, 1, 5)


def _in_erp(customer: Customer) -> bool:
    return bool(customer.sap_customer)


def _solvent(customer: Customer) -> bool:
    named_plainly = customer.number not in (LONG_NAME, EMOJI_NAME)
    able = _in_erp(customer) and not customer.order_blocked
    return able and named_plainly and customer.credit_exposure * 2 < customer.credit_limit


def _western(customer: Customer) -> bool:
    return _solvent(customer) and customer.country in _WESTERN


def _from(country: str) -> Callable[[Customer], bool]:
    return lambda customer: _solvent(customer) and customer.country == country


def _out_of_credit(customer: Customer) -> bool:
    return _in_erp(customer) and customer.credit_exposure >= customer.credit_limit and not customer.order_blocked


def _plentiful(product: Product) -> bool:
    return product.active and all(on_hand >= 100 for on_hand in product.stock.values())  # noqa: PLR2004 - ample


def _scarce(product: Product) -> bool:
    return product.active and sum(product.stock.values()) < 10  # noqa: PLR2004 - fewer than any line asks for


class _Scenario(Struct, frozen=True):
    """How the quotes of one kind differ from plain ones."""

    name: str
    quotes: int
    customer: Callable[[Customer], bool] = _western
    first_product: Callable[[Product], bool] = _plentiful
    status: QuoteStatus = "Approved"
    expires: date = _LAST_DAY
    title: Callable[[Customer], str] = lambda customer: f"Spare parts for {customer.name}"[:255]
    lines: int | None = None  # None: one to six
    first_quantity: int | None = None  # None: 1 to 24


_SCENARIOS: Final = (
    _Scenario("plain", 30),
    _Scenario("credit-refused", 4, customer=_out_of_credit),
    _Scenario("short-stock", 4, first_product=_scarce, first_quantity=12),
    _Scenario("zero-quantity", 3, lines=3, first_quantity=0),
    _Scenario("blocked-customer", 3, customer=lambda customer: customer.order_blocked),
    _Scenario("draft", 5, status="Draft"),
    _Scenario("in-review", 3, status="In Review"),
    _Scenario("rejected", 3, status="Rejected"),
    _Scenario("accepted", 3, status="Accepted"),
    _Scenario("expired", 3, expires=date(2020, 1, 31)),
    _Scenario("inactive-product", 2, first_product=lambda product: not product.active),
    _Scenario(
        "long-names",
        2,
        customer=lambda customer: customer.number == LONG_NAME,
        title=lambda customer: longest(f"Renewal for {customer.name[:60]}"),
    ),
    _Scenario("emoji", 2, customer=lambda customer: customer.number == EMOJI_NAME, title=lambda _: "Brunnen 🚰 💧"),
    _Scenario("arabic", 2, customer=_from(east.EMIRATES.country), title=lambda c: f"قطع غيار لـ {c.name}"),
    _Scenario("japanese", 2, customer=_from(east.JAPAN.country), title=lambda c: f"{c.name} 御見積"),
    _Scenario("cyrillic", 2, customer=_from(east.UKRAINE.country), title=lambda c: f"Запчастини для {c.name}"),
    _Scenario("no-minor-units", 2, customer=_from(east.KOREA.country)),
    _Scenario("no-minor-units", 1, customer=_from(east.JAPAN.country)),
    _Scenario("three-minor-units", 2, customer=_from(east.KUWAIT.country)),
    _Scenario("many-lines", 2, lines=50),
    _Scenario("not-in-erp", 17, customer=lambda customer: not _in_erp(customer)),
)


def quotes(customers: tuple[Customer, ...], products: tuple[Product, ...]) -> tuple[Quote, ...]:
    """All quotes, number 1 first; customers are taken in turn, so that plain quotes do not share credit."""
    numbers = count(1)
    turn = count()
    written: list[Quote] = []
    for scenario in _SCENARIOS:
        buyers = [customer for customer in customers if scenario.customer(customer)]
        firsts = [product for product in products if scenario.first_product(product)]
        others = [product for product in products if _plentiful(product)]
        for _ in range(scenario.quotes):
            buyer = buyers[next(turn) % len(buyers)]
            written.append(_quote(next(numbers), scenario, buyer, firsts, others))
    return tuple(written)


def _quote(number: int, scenario: _Scenario, customer: Customer, firsts: list[Product], others: list[Product]) -> Quote:
    length = scenario.lines or 1 + spread("lines", number) % 6
    start = spread("start", number)
    chosen = [firsts[start % len(firsts)]]
    chosen += [others[(start + 7 * place) % len(others)] for place in range(1, length)]
    return Quote(
        number=number,
        salesforce_id=salesforce_id("0Q0", number),
        opportunity_id=salesforce_id("006", number),
        name=scenario.title(customer),
        scenario=scenario.name,
        customer=customer.number,
        ship_to=number % len(customer.ship_to),
        status=scenario.status,
        created=min(_FIRST_DAY + timedelta(days=2 * number), scenario.expires - timedelta(days=30)),
        expires=scenario.expires,
        currency=customer.currency,
        lines=tuple(_line(number, place, product, customer, scenario) for place, product in enumerate(chosen)),
    )


def _line(quote: int, place: int, product: Product, customer: Customer, scenario: _Scenario) -> QuoteLine:
    quantity = 1 + spread("quantity", quote, place) % 24
    if place == 0 and scenario.first_quantity is not None:
        quantity = scenario.first_quantity
    return QuoteLine(
        salesforce_id=salesforce_id("0QL", quote * 100 + place),
        product=product.number,
        quantity=Decimal(quantity),
        unit_price=from_euro(product.list_price, customer.currency),
        discount_percent=Decimal((0, 0, 5, 10)[spread("discount", quote, place) % 4]),
    )
