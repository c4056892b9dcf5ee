"""Sales orders: entered, submitted, kept in step with credit and stock.

Source: REST API for Oracle Fusion Cloud SCM, "Sales Orders for Order Hub". One source transaction makes one order:
a second POST of the same is refused, not answered with the first.
"""

from decimal import Decimal

from sandboxes.oracle.framework.declare import Node, Resource, Row, Work
from sandboxes.oracle.framework.problems import Detail, RestError
from sandboxes.oracle.sales import refusals, statuses
from sandboxes.oracle.sales.accounts import (
    Account,
    account_of,
    book,
    currency_exists,
    money,
    site_of,
    tax_percent,
    within_credit,
)
from sandboxes.oracle.sales.lines import Entering
from sandboxes.oracle.sales.order_hub import BESIDES, BILL_TO, HOLDS, HUB, LINES, ORIGINALS, RETURN, SHIP_TO, TOTALS
from sandboxes.oracle.sales.pricing import number, write_charges
from sandboxes.oracle.sales.scheduling import schedule

CREDIT_HOLD = "DOO_CREDIT_CHECK_FAILURE"
_HUNDRED = Decimal(100)


def create_order(work: Work, _: Resource, __: Row | None, node: Node) -> Row:
    """Enter an order, and submit it if it says so."""
    sent = node.values
    system, identifier = str(sent["SourceTransactionSystem"]), str(sent["SourceTransactionId"])
    if work.records.get(HUB, OrderKey=f"{system}:{identifier}"):
        raise RestError(400, refusals.duplicate(system, identifier))
    account = _account(work, node)
    currency = str(sent.get("TransactionalCurrencyCode") or account.currency)
    if not currency_exists(work.records.connection, currency):
        raise RestError(400, refusals.currency(currency))
    entering = Entering(work, account, currency, frozen=sent.get("FreezePriceFlag") is True)
    nodes = node.children.get("lines", [])
    lines = [entering.enter(place, one) for place, one in enumerate(nodes, 1)]
    wrong = entering.wrong + ([] if nodes else [refusals.no_lines()])
    sites = _sites(work, account, node, wrong)
    if wrong:
        raise RestError(400, *wrong)
    header = _header(work, account, currency, sent)
    _customers(work, header, account, sites)
    for line, entered in zip([one for one in lines if one], nodes, strict=True):
        _line(work, header, line, entered)
    for child in BESIDES:
        for one in node.children.get(child.name, []):
            work.records.add(child, one.values, header["@id"])
    recalculate(work, header)
    if sent.get("SubmittedFlag"):
        submit(work, header)
    return work.records.again(HUB, header)


def submit(work: Work, header: Row) -> None:
    """Check account and credit, schedule what is ordered, and reserve it.

    Raises:
        RestError: 400, the account takes no orders.
    """
    account, currency = order_account(work, header), str(header["TransactionalCurrencyCode"])
    lines = work.records.below(LINES, header)
    ordered = [one for one in lines if one["TransactionCategoryCode"] != RETURN]
    if ordered and account.on_hold:
        raise RestError(400, refusals.account_on_hold(account.account_number))
    value = sum((number(one, "ExtendedAmount") for one in ordered), Decimal(0))
    held = bool(ordered) and not within_credit(work.records.connection, account, value, currency)
    book(work.records.connection, account, value, currency)
    for line in lines:
        if line["TransactionCategoryCode"] == RETURN:
            work.records.change(LINES, line, {"StatusCode": statuses.AWAIT_RECEIPT})
        else:
            schedule(work, header, line)
    work.records.change(HUB, header, {"SubmittedFlag": True})
    if held:
        hold(work, header, CREDIT_HOLD, "The customer exceeded the credit limit.")
    recalculate(work, header)


def hold(work: Work, header: Row, code: str, comments: str) -> None:
    """Put an order on hold."""
    row: Row = {
        "HoldInstanceId": work.records.next_number("hold", 300_000_030_000_001),
        "HoldCode": code,
        "HoldName": code.replace("_", " ").title(),
        "HoldComments": comments,
        "HoldUserName": work.user,
        "HoldDateTime": work.stamp,
        "HoldFlag": True,
    }
    work.records.add(HOLDS, row, header["@id"])
    work.records.change(HUB, header, {"OnHoldFlag": True})
    for line in work.records.below(LINES, header):
        work.records.change(LINES, line, {"OnHoldFlag": True})


def recalculate(work: Work, header: Row) -> None:
    """Bring totals and status of an order in line with its lines."""
    lines = work.records.below(LINES, header)
    live = [one for one in lines if one["StatusCode"] != statuses.CANCELED]
    currency, account = str(header["TransactionalCurrencyCode"]), order_account(work, header)
    net = sum((number(one, "ExtendedAmount") for one in live), Decimal(0))
    listed = sum(
        (money(number(one, "UnitListPrice") * number(one, "OrderedQuantity"), currency) for one in live), Decimal(0)
    )
    tax = money(net * tax_percent(account) / _HUNDRED, currency)
    for old in work.records.below(TOTALS, header):
        work.records.remove(TOTALS, old)
    totals = (
        ("QP_TOTAL_LIST_PRICE", "List Price", listed),
        ("QP_TOTAL_NET_PRICE", "Total Net Price", net),
        ("QP_TOTAL_TAX", "Total Tax", tax),
        ("QP_TOTAL_PAY_NOW", "Pay Now", net + tax),
    )
    for place, (code, name, amount) in enumerate(totals):
        total: Row = {"TotalCode": code, "TotalName": name, "TotalAmount": amount, "CurrencyCode": currency}
        total |= {"OrderTotalId": int(str(header["HeaderId"])) * 10 + place, "PrimaryFlag": place == 1}
        work.records.add(TOTALS, total, header["@id"])
    work.records.change(HUB, header, {**statuses.of_lines(lines), **_changed(work)})


def order_account(work: Work, header: Row) -> Account:
    """The account that an order is billed to."""
    billed = work.records.below(BILL_TO, header)[0]
    account = account_of(work.records.connection, {"CustomerAccountId": billed["CustomerAccountId"]})
    if account is None:
        raise LookupError(billed["CustomerAccountId"])
    return account


def _account(work: Work, node: Node) -> Account:
    billed = node.children.get("billToCustomer", [])
    account = account_of(work.records.connection, billed[0].values) if billed else None
    path = "/billToCustomer/0/AccountNumber" if billed else "/BuyingPartyId"
    if account is None and not (billed and billed[0].values):
        account = account_of(work.records.connection, node.values)
    if account is None:
        raise RestError(400, refusals.unknown_customer(path))
    return account


def _sites(work: Work, account: Account, node: Node, wrong: list[Detail]) -> dict[str, Row]:
    """The sites that the order is billed and shipped to."""
    found: dict[str, Row] = {}
    for purpose, child in (("BILL_TO", "billToCustomer"), ("SHIP_TO", "shipToCustomer")):
        sent = node.children.get(child, [])
        site = site_of(work.records.connection, account, purpose, sent[0].values if sent else {})
        if site is None and sent:
            wrong.append(refusals.unknown_site(f"/{child}/0"))
        found[purpose] = dict(site) if site else {}
    return found


def _header(work: Work, account: Account, currency: str, sent: Row) -> Row:
    number_ = work.records.next_number("sales order", 1_000_001)
    row: Row = {
        "TransactionOn": work.stamp,
        "RequestedShipDate": work.stamp,
        "BusinessUnitName": sent.get("RequestingBusinessUnitName"),
        "PaymentTerms": account.payment_terms,
        **sent,
        "HeaderId": 300_000_010_000_000 + number_,
        "OrderNumber": str(number_),
        "OrderKey": f"{sent['SourceTransactionSystem']}:{sent['SourceTransactionId']}",
        "BuyingPartyId": account.party_id,
        "BuyingPartyName": account.party_name,
        "BuyingPartyNumber": account.party_number,
        "TransactionalCurrencyCode": currency,
        "SubmittedFlag": False,
        "CanceledFlag": False,
        "OnHoldFlag": False,
        "CreationDate": work.stamp,
        "CreatedBy": work.user,
        **_changed(work),
    }
    return work.records.add(HUB, row)


def _customers(work: Work, header: Row, account: Account, sites: dict[str, Row]) -> None:
    party: Row = {
        "PartyId": account.party_id,
        "PartyName": account.party_name,
        "PartyNumber": account.party_number,
        "CustomerAccountId": account.account_id,
        "AccountNumber": account.account_number,
    }
    billed, shipped = sites["BILL_TO"], sites["SHIP_TO"]
    bill_to = {**party, **_address(billed), "SiteUseId": billed.get("site_use_id")}
    work.records.add(BILL_TO, bill_to, header["@id"])
    work.records.add(SHIP_TO, {**party, **_address(shipped), "SiteId": shipped.get("party_site_id")}, header["@id"])


def _address(site: Row) -> Row:
    return {
        "Address1": f"{site.get('address1', '')} {site.get('house_number', '')}".strip(),
        "City": site.get("city"),
        "State": site.get("state"),
        "PostalCode": site.get("postal_code"),
        "Country": site.get("country"),
    }


def _line(work: Work, header: Row, line: Row, node: Node) -> None:
    requested = line.get("RequestedShipDate") or header["RequestedShipDate"]
    own: Row = {**line, "HeaderId": header["HeaderId"], "RequestedShipDate": requested}
    stored = work.records.add(LINES, own, header["@id"])
    write_charges(work, stored, str(header["TransactionalCurrencyCode"]))
    for child in (ORIGINALS, LINES.below["manualPriceAdjustments"]):
        for one in node.children.get(child.name, []):
            work.records.add(child, one.values, stored["@id"])


def _changed(work: Work) -> Row:
    return {"LastUpdateDate": work.stamp, "LastUpdatedBy": work.user}
