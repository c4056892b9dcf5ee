"""ReceivablesCustomerProfileService: how credit is given to an account.

Source: "Usage Notes for Receivables Customer Profile Service". An account has one active profile.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandboxes.company import company
from sandboxes.oracle.area import Area
from sandboxes.oracle.framework.declare import Work
from sandboxes.oracle.soap.declare import Operation, Record, Service, SoapRefusal, Tree, elements
from sandboxes.oracle.soap.endpoint import endpoints

PROFILE_CLASSES = frozenset({"DEFAULT", "Key accounts"})
PAYMENT_TERMS = frozenset({"IMMEDIATE", "30 Net", "45 Net", *(one.payment_terms for one in company().customers)})
_FIRST = 300_000_007_000_000
_SCHEMA = """
CREATE TABLE ar_profile (
  profile_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL UNIQUE, profile_class TEXT NOT NULL,
  starts TEXT NOT NULL DEFAULT '2025-01-01', risk_code TEXT NOT NULL DEFAULT 'MODERATE'
);
CREATE TRIGGER ar_profile_seeded AFTER INSERT ON hz_account WHEN NEW.payment_terms <> '' BEGIN
  INSERT INTO ar_profile (profile_id, account_id, profile_class)
  VALUES (NEW.account_id + 500000000, NEW.account_id, 'DEFAULT');
END;
"""
_SHOWN = (
    "CustomerProfileId", "CustomerAccountId", "AccountNumber", "PartyId", "ProfileClassName", "EffectiveStartDate",
    "CreditHold", "CreditLimit", "CreditCurrencyCode", "PaymentTerms", "RiskCode",
)  # fmt: skip
_SELECT = (
    "SELECT p.profile_id, a.account_id, a.account_number, a.party_id, p.profile_class, p.starts, "
    "CASE a.on_hold WHEN 1 THEN 'Y' ELSE 'N' END, a.credit_limit, a.currency, a.payment_terms, p.risk_code "
    "FROM ar_profile p JOIN hz_account a USING (account_id) WHERE a.account_id = ?"
)


def _account_of(work: Work, sent: Tree) -> int:
    column = "account_number" if sent.get("AccountNumber") else "account_id"
    wanted = sent.get("AccountNumber") or sent.get("CustomerAccountId") or ""
    found = work.records.connection.execute(
        f"SELECT account_id FROM hz_account WHERE {column} = ?",  # noqa: S608 - one of two names
        (wanted,),
    ).fetchone()
    if found is None:
        raise SoapRefusal("The customer account isn't valid.", "AR_CUST_PROF_INVALID_ACCOUNT", "AccountNumber")
    return int(found[0])


def _active(work: Work, account: int) -> list[Tree]:
    found = work.records.connection.execute(_SELECT, (account,)).fetchone()
    return [dict(zip(_SHOWN, found, strict=True))] if found else []


def _get(work: Work, arguments: Mapping[str, Any]) -> Sequence[Tree]:
    return _active(work, _account_of(work, arguments.get("customerProfile") or {}))


def _create(work: Work, arguments: Mapping[str, Any]) -> Sequence[Tree]:
    sent: Tree = arguments.get("customerProfile") or {}
    account = _account_of(work, sent)
    if _active(work, account):
        raise SoapRefusal("An active customer profile already exists.", "AR_CUST_PROF_EXISTS", "AccountNumber")
    if sent.get("ProfileClassName") not in PROFILE_CLASSES:
        raise SoapRefusal("The profile class isn't valid.", "AR_CUST_PROF_INVALID_CLASS", "ProfileClassName")
    work.records.connection.execute(
        "INSERT INTO ar_profile (profile_id, account_id, profile_class, starts) VALUES (?, ?, ?, ?)",
        (
            work.records.next_number("profile", _FIRST), account, sent["ProfileClassName"],
            sent.get("EffectiveStartDate") or work.today,
        ),
    )  # fmt: skip
    return _changed(work, account, {"PaymentTerms": "IMMEDIATE"} | sent)


def _update(work: Work, arguments: Mapping[str, Any]) -> Sequence[Tree]:
    sent: Tree = arguments.get("customerProfile") or {}
    account = _account_of(work, sent)
    if not _active(work, account):
        raise SoapRefusal("There is no active customer profile.", "AR_CUST_PROF_NONE", "AccountNumber")
    return _changed(work, account, sent)


def _changed(work: Work, account: int, sent: Tree) -> list[Tree]:
    terms, currency = sent.get("PaymentTerms"), sent.get("CreditCurrencyCode")
    connection = work.records.connection
    if terms and terms not in PAYMENT_TERMS:
        raise SoapRefusal("The payment terms aren't valid.", "AR_CUST_PROF_INVALID_TERMS", "PaymentTerms")
    if currency and not connection.execute("SELECT 1 FROM gl_rate WHERE currency = ?", (currency,)).fetchone():
        raise SoapRefusal("The currency isn't valid.", "AR_CUST_PROF_INVALID_CURRENCY", "CreditCurrencyCode")
    limit = format(Decimal(sent["CreditLimit"]), "f") if sent.get("CreditLimit") else None
    hold = None if sent.get("CreditHold") is None else int(str(sent["CreditHold"]).upper() in ("Y", "TRUE"))
    connection.execute(
        "UPDATE hz_account SET payment_terms = coalesce(?, payment_terms), currency = coalesce(?, currency), "
        "credit_limit = coalesce(?, credit_limit), on_hold = coalesce(?, on_hold) WHERE account_id = ?",
        (terms, currency, limit, hold, account),
    )
    return _active(work, account)


_NAMESPACE = "http://xmlns.oracle.com/apps/financials/receivables/customers/customerProfileService/"
SERVICE = Service(
    name="ReceivablesCustomerProfileService",
    path="/fscmService/ReceivablesCustomerProfileService",
    types=f"{_NAMESPACE}types/",
    records_namespace=_NAMESPACE,
    records=(
        Record(
            "CustomerProfile",
            (
                *elements("CustomerProfileId CustomerAccountId", "long"),
                *elements("AccountNumber"),
                *elements("PartyId", "long"),
                *elements("ProfileClassName"),
                *elements("EffectiveStartDate", "date"),
                *elements("CreditHold"),
                *elements("CreditLimit", "decimal"),
                *elements("CreditCurrencyCode PaymentTerms RiskCode"),
            ),
        ),
    ),
    operations=(
        Operation("getActiveCustomerProfile", {"customerProfile": "CustomerProfile"}, "CustomerProfile", _get),
        Operation("createCustomerProfile", {"customerProfile": "CustomerProfile"}, "CustomerProfile", _create),
        Operation("updateCustomerProfile", {"customerProfile": "CustomerProfile"}, "CustomerProfile", _update),
    ),
)
area = Area(name="customer profiles", schema=_SCHEMA, order=16, endpoints=endpoints(SERVICE))
