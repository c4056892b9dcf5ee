"""CustomerAccountService: accounts of parties, their sites and what these are used for.

Source: SOAP Web Services for CX Sales and B2B Service, "Customer Account". `merge` creates or changes, level by level:
what has an id is changed, what has none is made.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sandboxes.oracle.area import Area
from sandboxes.oracle.areas.parties import SOURCE_SYSTEMS, address_of, addresses_of, party_of
from sandboxes.oracle.framework.declare import Row, Work
from sandboxes.oracle.soap.criteria import condition
from sandboxes.oracle.soap.declare import Element, Operation, Record, Service, SoapRefusal, Tree, elements
from sandboxes.oracle.soap.endpoint import endpoints

_FIRST, _FIRST_NUMBER = 300_000_006_000_000, 20_100_001
_USES = frozenset({"BILL_TO", "SHIP_TO", "SOLD_TO"})
_SCHEMA = """
CREATE TABLE hz_cust_account (
  account_id INTEGER PRIMARY KEY, account_name TEXT, status TEXT NOT NULL DEFAULT 'A', established TEXT,
  terminated TEXT, customer_type TEXT, orig_system TEXT, orig_system_reference TEXT UNIQUE, created_by_module TEXT
);
CREATE TABLE hz_cust_acct_site (
  site_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, party_site_id INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'A', orig_system TEXT, orig_system_reference TEXT UNIQUE, created_by_module TEXT,
  UNIQUE (account_id, party_site_id)
);
CREATE TRIGGER hz_account_described AFTER INSERT ON hz_account BEGIN
  INSERT INTO hz_cust_account (account_id, account_name) VALUES (NEW.account_id, NEW.party_name);
END;
CREATE TRIGGER hz_site_described AFTER INSERT ON hz_site BEGIN
  INSERT OR IGNORE INTO hz_cust_acct_site (site_id, account_id, party_site_id)
  VALUES (NEW.site_use_id + 2000000, NEW.account_id, NEW.party_site_id);
END;
"""
_COLUMNS = {
    "CustomerAccountId": "a.account_id",
    "PartyId": "a.party_id",
    "AccountNumber": "a.account_number",
    "AccountName": "c.account_name",
    "Status": "c.status",
    "OrigSystem": "c.orig_system",
    "OrigSystemReference": "c.orig_system_reference",
}
_SELECT = (
    "SELECT a.account_id, a.party_id, a.account_number, c.account_name, c.status, c.established, c.terminated, "
    "c.customer_type, c.orig_system, c.orig_system_reference, c.created_by_module "
    "FROM hz_account a JOIN hz_cust_account c USING (account_id)"
)
_NAMES = (
    "CustomerAccountId", "PartyId", "AccountNumber", "AccountName", "Status", "AccountEstablishedDate",
    "AccountTerminationDate", "CustomerType", "OrigSystem", "OrigSystemReference", "CreatedByModule",
)  # fmt: skip
_CHANGEABLE = {
    "AccountName": "account_name",
    "Status": "status",
    "AccountTerminationDate": "terminated",
    "AccountEstablishedDate": "established",
    "CustomerType": "customer_type",
    "OrigSystem": "orig_system",
    "OrigSystemReference": "orig_system_reference",
    "CreatedByModule": "created_by_module",
}
_SITE_CHANGEABLE = {
    "Status": "status",
    "OrigSystem": "orig_system",
    "OrigSystemReference": "orig_system_reference",
    "CreatedByModule": "created_by_module",
}


def _create(work: Work, arguments: Mapping[str, Any]) -> Sequence[Tree]:
    sent: Tree = arguments.get("customerAccount") or {}
    return [_shown(work, _made(work, sent))]


def _merge(work: Work, arguments: Mapping[str, Any]) -> Sequence[Tree]:
    sent: Tree = arguments.get("customerAccount") or {}
    if not sent.get("CustomerAccountId"):
        return [_shown(work, _made(work, sent))]
    account = int(sent["CustomerAccountId"])
    _existing(work, account)
    _change(work, "hz_cust_account", "account_id", account, _CHANGEABLE, sent)
    if sent.get("Status") == "I":
        work.records.connection.execute("UPDATE hz_account SET on_hold = 1 WHERE account_id = ?", (account,))
    for one in sent.get("CustomerAccountSite", []):
        _merge_site(work, account, one)
    return [_shown(work, account)]


def _get(work: Work, arguments: Mapping[str, Any]) -> Sequence[Tree]:
    account = int(arguments.get("customerAccountId") or 0)
    _existing(work, account)
    return [_shown(work, account)]


def _find(work: Work, arguments: Mapping[str, Any]) -> Sequence[Tree]:
    where, values = condition(arguments.get("findCriteria") or {}, _COLUMNS)
    head, _, tail = where.partition(" LIMIT")
    found = work.records.connection.execute(
        f"SELECT a.account_id FROM hz_account a JOIN hz_cust_account c USING (account_id) WHERE {head} "  # noqa: S608 - known columns, bound values
        f"ORDER BY a.account_id LIMIT{tail}",
        values,
    ).fetchall()
    return [_shown(work, int(one[0])) for one in found]


def _made(work: Work, sent: Tree) -> int:
    """A new account of a party, with its sites."""
    known = party_of(work, int(sent.get("PartyId") or 0))
    if known is None:
        raise SoapRefusal("The party doesn't exist.", "HZ_API_INVALID_PARTY", "PartyId")
    party, name = known
    _check_source(sent)
    number = str(sent.get("AccountNumber") or work.records.next_number("account number", _FIRST_NUMBER))
    taken = work.records.connection.execute("SELECT 1 FROM hz_account WHERE account_number = ?", (number,)).fetchone()
    if taken:
        raise SoapRefusal("The account number already exists.", "HZ_API_DUPLICATE_ACCOUNT_NUMBER", "AccountNumber")
    account = work.records.next_number("account", _FIRST)
    work.records.connection.execute(
        "INSERT INTO hz_account (account_id, account_number, party_id, party_number, party_name, currency, country) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (account, number, party["PartyId"], party["PartyNumber"], name,
         party.get("CurrencyCode") or "USD", _country(work, party)),
    )  # fmt: skip
    given = {"AccountName": name, "AccountEstablishedDate": work.today, "CustomerType": "R"} | sent
    _change(work, "hz_cust_account", "account_id", account, _CHANGEABLE, given)
    for one in sent.get("CustomerAccountSite", []):
        _merge_site(work, account, one)
    return account


def _merge_site(work: Work, account: int, sent: Tree) -> None:
    connection = work.records.connection
    if sent.get("CustomerAccountSiteId"):
        site = int(sent["CustomerAccountSiteId"])
        known = connection.execute(
            "SELECT party_site_id FROM hz_cust_acct_site WHERE site_id = ? AND account_id = ?", (site, account)
        ).fetchone()
        if known is None:
            raise SoapRefusal("The account site doesn't exist.", "HZ_API_NO_RECORD", "CustomerAccountSiteId")
        party_site = int(known[0])
    else:
        _check_source(sent)
        party_site = int(sent.get("PartySiteId") or 0)
        owner = connection.execute("SELECT party_id FROM hz_account WHERE account_id = ?", (account,)).fetchone()
        if address_of(work, int(owner[0]), party_site) is None:
            raise SoapRefusal(
                "The party site doesn't exist for this party.", "HZ_API_INVALID_PARTY_SITE", "PartySiteId"
            )
        site = _new_site(work, account, party_site)
    _change(work, "hz_cust_acct_site", "site_id", site, _SITE_CHANGEABLE, sent)
    for one in sent.get("CustomerAccountSiteUse", []):
        if not one.get("SiteUseId"):
            _add_use(work, account, party_site, one)


def _new_site(work: Work, account: int, party_site: int) -> int:
    site = work.records.next_number("account", _FIRST)
    connection = work.records.connection
    known = connection.execute(
        "SELECT 1 FROM hz_cust_acct_site WHERE account_id = ? AND party_site_id = ?", (account, party_site)
    ).fetchone()
    if known:
        raise SoapRefusal("The account site already exists.", "HZ_API_DUPLICATE_ACCOUNT_SITE", "PartySiteId")
    connection.execute(
        "INSERT INTO hz_cust_acct_site (site_id, account_id, party_site_id) VALUES (?, ?, ?)",
        (site, account, party_site),
    )
    return site


def _add_use(work: Work, account: int, party_site: int, sent: Tree) -> None:
    purpose = sent.get("SiteUseCode")
    if purpose not in _USES:
        raise SoapRefusal("The site use isn't valid.", "HZ_API_INVALID_SITE_USE", "SiteUseCode")
    connection = work.records.connection
    held = connection.execute(
        "SELECT party_site_id FROM hz_site WHERE account_id = ? AND purpose = ?", (account, purpose)
    ).fetchall()
    if (party_site,) in [tuple(one) for one in held]:
        raise SoapRefusal("The site use already exists.", "HZ_API_DUPLICATE_SITE_USE", "SiteUseCode")
    owner = connection.execute("SELECT party_id FROM hz_account WHERE account_id = ?", (account,)).fetchone()
    address = address_of(work, int(owner[0]), party_site) or {}
    first = not held or str(sent.get("PrimaryFlag")).lower() in ("true", "y", "1")
    location = [
        str(address.get(name) or "") for name in ("Address1", "HouseNumber", "City", "State", "PostalCode", "Country")
    ]
    connection.execute(
        "INSERT INTO hz_site VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (work.records.next_number("account", _FIRST), account, party_site, address.get("AddressNumber"), purpose,
         str(address.get("PartySiteName") or ""), int(first), *location),
    )  # fmt: skip


def _change(work: Work, table: str, key: str, identity: int, known: Mapping[str, str], sent: Mapping[str, Any]) -> None:
    changes = {known[name]: value for name, value in sent.items() if name in known}
    if not changes:
        return
    reference = changes.get("orig_system_reference")
    if (
        reference
        and work.records.connection.execute(
            f"SELECT 1 FROM {table} WHERE orig_system_reference = ? AND {key} <> ?",  # noqa: S608 - names of ours
            (reference, identity),
        ).fetchone()
    ):
        text = "The original system reference already exists."
        raise SoapRefusal(text, "HZ_API_DUPLICATE_ORIG_SYS_REF", "OrigSystemReference")
    setting = ", ".join(f"{column} = ?" for column in changes)
    work.records.connection.execute(
        f"UPDATE {table} SET {setting} WHERE {key} = ?",  # noqa: S608 - names of ours
        (*changes.values(), identity),
    )


def _check_source(sent: Tree) -> None:
    if sent.get("OrigSystemReference") and sent.get("OrigSystem") not in SOURCE_SYSTEMS:
        raise SoapRefusal("The original system isn't registered.", "HZ_API_INVALID_ORIG_SYSTEM", "OrigSystem")


def _country(work: Work, party: Row) -> str:
    below = addresses_of(work, int(str(party["PartyId"])))
    return str(below[0]["Country"]) if below else ""


def _existing(work: Work, account: int) -> None:
    if not work.records.connection.execute("SELECT 1 FROM hz_account WHERE account_id = ?", (account,)).fetchone():
        raise SoapRefusal("The customer account doesn't exist.", "HZ_API_NO_RECORD", "CustomerAccountId")


def _shown(work: Work, account: int) -> Tree:
    row = work.records.connection.execute(f"{_SELECT} WHERE a.account_id = ?", (account,)).fetchone()
    sites = work.records.connection.execute(
        "SELECT site_id, account_id, party_site_id, status, orig_system, orig_system_reference FROM hz_cust_acct_site "
        "WHERE account_id = ? ORDER BY site_id",
        (account,),
    ).fetchall()
    shown = dict(zip(_NAMES, row, strict=True))
    return {**shown, "CustomerAccountSite": [_site_shown(work, tuple(one)) for one in sites]}


def _site_shown(work: Work, site: tuple[Any, ...]) -> Tree:
    uses = work.records.connection.execute(
        "SELECT site_use_id, purpose, is_primary, name FROM hz_site WHERE account_id = ? AND party_site_id = ? "
        "ORDER BY site_use_id",
        (site[1], site[2]),
    ).fetchall()
    names = ("CustomerAccountSiteId", "CustomerAccountId", "PartySiteId", "Status", "OrigSystem", "OrigSystemReference")
    shown = dict(zip(names, site, strict=True))
    return {
        **shown,
        "CustomerAccountSiteUse": [
            {
                "SiteUseId": one[0],
                "CustomerAccountSiteId": site[0],
                "SiteUseCode": one[1],
                "PrimaryFlag": "Y" if one[2] else "N",
                "Location": one[3],
                "Status": site[3],
            }
            for one in uses
        ],
    }


_NAMESPACE = "http://xmlns.oracle.com/apps/cdm/foundation/parties/customerAccountService/"
SERVICE = Service(
    name="CustomerAccountService",
    path="/crmService/CustomerAccountService",
    types=f"{_NAMESPACE}applicationModule/types/",
    records_namespace=_NAMESPACE,
    records=(
        Record(
            "CustomerAccountSiteUse",
            (
                *elements("SiteUseId CustomerAccountSiteId", "long"),
                *elements("SiteUseCode PrimaryFlag Status Location CreatedByModule"),
            ),
        ),
        Record(
            "CustomerAccountSite",
            (
                *elements("CustomerAccountSiteId CustomerAccountId PartySiteId SetId", "long"),
                *elements("Status OrigSystem OrigSystemReference CreatedByModule"),
                Element("CustomerAccountSiteUse", "CustomerAccountSiteUse", many=True),
            ),
        ),
        Record(
            "CustomerAccount",
            (
                *elements("CustomerAccountId PartyId", "long"),
                *elements("AccountNumber Status CustomerType"),
                *elements("AccountEstablishedDate AccountTerminationDate", "date"),
                *elements("AccountName OrigSystem OrigSystemReference CreatedByModule"),
                Element("CustomerAccountSite", "CustomerAccountSite", many=True),
            ),
        ),
    ),
    operations=(
        Operation("createCustomerAccount", {"customerAccount": "CustomerAccount"}, "CustomerAccount", _create),
        Operation("mergeCustomerAccount", {"customerAccount": "CustomerAccount"}, "CustomerAccount", _merge),
        Operation("getCustomerAccount", {"customerAccountId": "long"}, "CustomerAccount", _get),
        Operation(
            "findCustomerAccount",
            {"findCriteria": "FindCriteria", "findControl": "FindControl"},
            "CustomerAccount",
            _find,
        ),
    ),
)


def _ledger(work: Work) -> dict[str, object]:
    made = work.records.connection.execute(f"{_SELECT} WHERE a.account_id >= {_FIRST}").fetchall()
    return {"accounts": [dict(zip(_NAMES, one, strict=True)) for one in made]}


area = Area(name="customer accounts", schema=_SCHEMA, order=15, endpoints=endpoints(SERVICE), ledger=_ledger)
