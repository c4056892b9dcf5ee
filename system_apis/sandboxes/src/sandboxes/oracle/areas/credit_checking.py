"""CreditCheckingService: asks for credit for an amount; what is granted is held back until it is used or runs out.

Available is the limit less receivables, open orders and what was granted and not used. An amount of zero grants
nothing and tells what is available.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandboxes.oracle.area import Area
from sandboxes.oracle.framework.declare import Work
from sandboxes.oracle.soap.declare import Operation, Record, Service, SoapRefusal, Tree, elements
from sandboxes.oracle.soap.endpoint import endpoints

_SCHEMA = """
CREATE TABLE ar_authorization (
  authorization_number INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, amount TEXT NOT NULL
);
"""


def _check(work: Work, arguments: Mapping[str, Any]) -> Sequence[Tree]:
    sent: Tree = arguments.get("request") or {}
    account = work.records.connection.execute(
        "SELECT account_id, currency, credit_limit, exposure, open_orders, on_hold FROM hz_account "
        "WHERE account_number = ?",
        (sent.get("CustomerAccountNumber") or "",),
    ).fetchone()
    if account is None:
        raise SoapRefusal("The account number isn't valid.", "AR_CC_INVALID_ACCOUNT", "CustomerAccountNumber")
    amount = Decimal(sent.get("RequestAuthorizationAmount") or 0)
    if amount < 0:
        raise SoapRefusal("The amount must not be negative.", "AR_CC_INVALID_AMOUNT", "RequestAuthorizationAmount")
    currency = sent.get("RequestAuthorizationCurrency") or account[1]
    available = _available(work, account)
    wanted = amount * _rate(work, account[1]) / _rate(work, currency)
    granted = not account[5] and (available is None or wanted <= available)
    answer: Tree = {
        "CustomerAccountNumber": sent["CustomerAccountNumber"],
        "AvailableCredit": None if available is None else format(available, "f"),
        "CreditCurrency": account[1],
        "AuthorizationAmount": format(amount if granted else Decimal(0), "f"),
        "ResponseMessage": _said(granted=granted, on_hold=bool(account[5])),
    }
    if granted and amount:
        answer["AuthorizationNumber"] = _granted(work, int(account[0]), wanted)
    return [answer]


def _granted(work: Work, account: int, amount: Decimal) -> int:
    number = work.records.next_number("authorization", 1001)
    work.records.connection.execute(
        "INSERT INTO ar_authorization VALUES (?, ?, ?)", (number, account, format(amount, "f"))
    )
    return number


def _available(work: Work, account: Sequence[Any]) -> Decimal | None:
    """What may still be owed; None where no limit is set, and none is kept to."""
    if account[2] is None:
        return None
    held = work.records.connection.execute("SELECT amount FROM ar_authorization WHERE account_id = ?", (account[0],))
    used = sum((Decimal(one[0]) for one in held), Decimal(account[3]) + Decimal(account[4]))
    return Decimal(account[2]) - used


def _rate(work: Work, currency: str) -> Decimal:
    found = work.records.connection.execute(
        "SELECT units_per_euro FROM gl_rate WHERE currency = ?", (currency,)
    ).fetchone()
    if found is None:
        raise SoapRefusal("The currency isn't valid.", "AR_CC_INVALID_CURRENCY", "RequestAuthorizationCurrency")
    return Decimal(found[0])


def _said(*, granted: bool, on_hold: bool) -> str:
    if on_hold:
        return "The customer account is on credit hold."
    return "The authorization request is approved." if granted else "The amount exceeds the available credit."


_NAMESPACE = (
    "http://xmlns.oracle.com/apps/financials/receivables/creditManagement/creditChecking/creditCheckingService/"
)
SERVICE = Service(
    name="CreditCheckingService",
    path="/fscmService/CreditCheckingService",
    types=f"{_NAMESPACE}types/",
    records_namespace=_NAMESPACE,
    records=(
        Record(
            "CreditCheckingRequest",
            (
                *elements("CustomerAccountNumber"),
                *elements("RequestAuthorizationAmount", "decimal"),
                *elements("RequestAuthorizationCurrency ExistingAuthorizationNumber RequestSource"),
            ),
        ),
        Record(
            "CreditCheckingResponse",
            (
                *elements("CustomerAccountNumber"),
                *elements("AuthorizationAmount AvailableCredit", "decimal"),
                *elements("CreditCurrency AuthorizationNumber ResponseMessage"),
            ),
        ),
    ),
    operations=(
        Operation(
            "creditChecking", {"request": "CreditCheckingRequest"}, "CreditCheckingResponse", _check, wrapped=False
        ),
    ),
)
area = Area(name="credit checking", schema=_SCHEMA, order=17, endpoints=endpoints(SERVICE))
