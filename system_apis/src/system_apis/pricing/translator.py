"""The pricing service's documents ↔ canonical model, and what its refusals mean. Pure functions."""

from collections.abc import Mapping
from decimal import Decimal

from shared.binding.problems import BackendFault, BackendUnavailable, FieldError, Problem, QuotaExceeded
from shared.contracts.canonical.price import (
    PriceAgreement,
    PriceAgreements,
    PricedLine,
    PriceRequest,
    Prices,
    PriceSource,
)
from shared.contracts.canonical.values import Money
from shared.contracts.system.pricing import (
    CurrencyNotPriced,
    CustomerNotPriced,
    PricedCustomerNotFound,
    QuantityNotPriced,
    SkuNotPriced,
)
from shared.resilience.outbound_faults import problem_of_status
from shared.resilience.wire import WireReply
from system_apis.pricing.records import (
    AgreementRecord,
    AgreementsRecord,
    PricedLineRecord,
    PricesRecord,
    RefusalRecord,
)

NAME = "pricing"
NOT_MODIFIED = 304
_ANSWERS = frozenset({200, NOT_MODIFIED, 404, 422})
_BEYOND = Decimal(10) ** 12
_SOURCES: Mapping[str, PriceSource] = {"LIST": "list", "SCALE": "scale", "AGREEMENT": "agreement"}


def to_query(request: PriceRequest) -> list[tuple[str, str]]:
    """A request as the service takes it.

    Raises:
        QuantityNotPriced: A quantity is not above zero, or is no number that anybody sells.
    """
    wrong = [
        FieldError("Ask for more than 0 and less than 10^12.", pointer=f"/lines/{index}/quantity")
        for index, line in enumerate(request.lines)
        if not line.quantity.is_finite() or not 0 < line.quantity < _BEYOND
    ]
    if wrong:
        raise QuantityNotPriced("These quantities have no price; correct the lines named.", errors=wrong)
    query = [("customer", request.erp_number), ("currency", request.currency)]
    if request.on is not None:
        query.append(("date", request.on.isoformat()))
    for line in request.lines:
        query += [("sku", line.sku), ("quantity", f"{line.quantity:f}")]
    return query


def to_prices(record: PricesRecord, request: PriceRequest) -> Prices:
    """An answer to a request.

    Raises:
        BackendFault: It answers another request, or an amount is no number.
    """
    asked = [(line.sku, line.quantity) for line in request.lines]
    told = [(line.sku, line.quantity) for line in record.lines]
    whose = (record.customer, record.currency, record.date)
    if told != asked or whose != (request.erp_number, request.currency, request.on or record.date):
        raise BackendFault("pricing priced something else than was asked for.")
    lines = [_line(line, record.currency) for line in record.lines]
    total = sum((line.net_amount.amount for line in lines), Decimal(0))
    return Prices(record.customer, record.date, lines, Money(total, record.currency))


def _line(record: PricedLineRecord, currency: str) -> PricedLine:
    return PricedLine(
        sku=record.sku,
        quantity=record.quantity,
        list_price=_money(record.list_price, currency),
        discount_percent=_number(record.discount_percent),
        net_price=_money(record.net_price, currency),
        net_amount=_money(record.net_amount, currency),
        source=_SOURCES[record.source],
        valid_until=record.valid_until,
        agreement_id=record.agreement,
    )


def to_agreements(record: AgreementsRecord) -> PriceAgreements:
    """The agreements, by SKU and first day."""
    found = [_agreement(one) for one in record.agreements]
    return PriceAgreements(record.customer, sorted(found, key=lambda one: (one.sku, one.valid_from, one.agreement_id)))


def _agreement(record: AgreementRecord) -> PriceAgreement:
    price = _money(record.net_price, record.currency)
    return PriceAgreement(record.id, record.sku, price, record.valid_from, record.valid_until)


def _money(amount: Decimal, currency: str) -> Money:
    return Money(_number(amount), currency)


def _number(amount: Decimal) -> Decimal:
    if not amount.is_finite():
        raise BackendFault("pricing answered with a price that is no number.")
    return amount


def problem_of_reply(reply: WireReply) -> Problem | None:
    """What a status means whatever was asked. A 404 and a 422 depend on that, and pass as answers."""
    if reply.status in _ANSWERS:
        return None
    problem = problem_of_status(reply, NAME)
    if isinstance(problem, QuotaExceeded | BackendUnavailable | BackendFault):
        return problem
    return BackendFault(f"pricing answered {reply.status} to a request of ours.")


def problem_of_prices(refusal: RefusalRecord, request: PriceRequest) -> Problem:
    """Why lines have no price."""
    match refusal.code:
        case "UNKNOWN_CUSTOMER":
            return CustomerNotPriced(
                f"The pricing system knows no customer {request.erp_number}; check the number.",
                errors=[FieldError("There is no such customer.", pointer="/erpNumber")],
            )
        case "NO_PRICES_IN_CURRENCY":
            return CurrencyNotPriced(
                f"There are no prices in {request.currency}; ask in another currency.",
                errors=[FieldError("There is no price list in it.", pointer="/currency")],
            )
        case "UNKNOWN_SKU":
            lines = [index for index in refusal.lines if 0 <= index < len(request.lines)]
            errors = [FieldError("This product has no price.", pointer=f"/lines/{index}/sku") for index in lines]
            return SkuNotPriced("Some products have no price; correct or omit the lines named.", errors=errors)
        case _:
            return _unknown(refusal)


def problem_of_agreements(refusal: RefusalRecord, erp_number: str) -> Problem:
    """Why there are no agreements to look at."""
    if refusal.code == "UNKNOWN_CUSTOMER":
        return PricedCustomerNotFound(f"The pricing system knows no customer {erp_number}; check the number.")
    return _unknown(refusal)


def _unknown(refusal: RefusalRecord) -> Problem:
    code = refusal.code[:64] if refusal.code.replace("_", "").isalnum() else "an unreadable code"
    return BackendFault(f"pricing refused a request of ours with {code}.")
