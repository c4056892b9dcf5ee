"""Customers, credit accounts and availability by function modules."""

from collections.abc import Mapping
from decimal import Decimal

from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.odata_v2.errors import Message
from sandboxes.sap.rfc.calling import Call, number_in, shown
from sandboxes.sap.rfc.dictionary import Cell, Value
from sandboxes.sap.rfc.returned import bapiret2, bapireturn
from sandboxes.sap.rfc.soap import SoapFault
from sandboxes.sap.sales.availability import available
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.tables import (
    ADDRESSES,
    CREDIT_ACCOUNTS,
    CREDIT_PROFILES,
    CUSTOMER_COMPANIES,
    CUSTOMERS,
    EXPOSURES,
    PARTNERS,
    PRODUCT_PLANTS,
)


def customer(call: Call) -> Mapping[str, Value]:
    """A customer's name, address and blocks, and how one company code keeps its account."""
    wanted = shown(call.text("CUSTOMERNO"))
    row = call.records.get(CUSTOMERS, Customer=wanted)
    if row is None:
        return {"RETURN": bapiret2(Message("F2/153", f"Customer {wanted} has not been created"))}
    company = call.records.get(CUSTOMER_COMPANIES, Customer=wanted, CompanyCode=call.text("COMPANYCODE"))
    return {
        "CUSTOMERADDRESS": _address(call, wanted),
        "CUSTOMERGENERALDETAIL": {
            "CUSTOMER": wanted,
            "ORDR_BLK_G": text(row, "OrderIsBlockedForCustomer"),
            "DELI_BLK_G": text(row, "DeliveryIsBlocked"),
            "BILL_BLK_G": text(row, "BillingIsBlockedForCustomer"),
            "DEL_FLAG_G": "X" if row["DeletionIndicator"] else "",
            "TAX_NO_1": text(row, "TaxNumber1"),
            "VAT_REG_NO": text(row, "VATRegistration"),
        },
        "CUSTOMERCOMPANYDETAIL": {}
        if company is None
        else {
            "CUSTOMER": wanted,
            "COMP_CODE": text(company, "CompanyCode"),
            "REC_ACC": text(company, "ReconciliationAccount"),
            "PMNTTRMS": text(company, "PaymentTerms"),
        },
    }


def credit(call: Call) -> Mapping[str, Value]:
    """A customer's credit account in a control area, which here is named like the credit segment."""
    wanted, area = shown(call.text("CUSTOMER")), call.text("CREDITCONTROLAREA")
    account = _account(call, wanted, area)
    if account is None:
        return _no_account(wanted, area)
    owed = call.records.get(EXPOSURES, Customer=wanted) or {}
    detail = _detail(call, wanted, account)
    key = {name: detail[name] for name in ("CUSTMR_NO", "C_CTR_AREA", "CURRENCY")}
    return {
        "CREDIT_ACCOUNT_DETAIL": [{**detail, "CRED_EXPOS": number(owed, "Amount") + number(owed, "OpenOrders")}],
        "CREDIT_ACCOUNT_OPEN_ITEMS": [{**key, "OPEN_ITEMS": number(owed, "Amount")}],
    }


def credit_detail(call: Call) -> Mapping[str, Value]:
    """The master data of a credit account, without what is used of it."""
    wanted, area = shown(call.text("CREDITACCOUNT")), call.text("CREDITCONTROLAREA")
    account = _account(call, wanted, area)
    if account is None:
        return _no_account(wanted, area)
    return {"CREDIT_ACCOUNT_DETAIL": [_detail(call, wanted, account)]}


def exposure(call: Call) -> Mapping[str, Value]:
    """What a customer owes: billed already, and ordered."""
    wanted, area = shown(call.text("KUNNR")), call.text("KKBER")
    account = _account(call, wanted, area)
    if account is None:
        raise SoapFault("Server", f"No credit account {wanted} in area {area}", "NOT_FOUND", "SD_CREDIT_EXPOSURE")
    owed = call.records.get(EXPOSURES, Customer=wanted) or {}
    ordered, billed = number(owed, "OpenOrders"), number(owed, "Amount")
    return {
        "OPEN_ORDER": ordered,
        "OPEN_DELIVERY": Decimal(0),
        "OPEN_INVOICE": billed,
        "SUM_OPENS": ordered + billed,
        "CMWAE": text(account, "CreditSegmentCurrency"),
    }


def availability(call: Call) -> Mapping[str, Value]:
    """What can be promised of a material in a plant: at once, or not at all."""
    material, plant = call.text("MATERIAL"), call.text("PLANT")
    if call.records.get(PRODUCT_PLANTS, Product=material, Plant=plant) is None:
        return {"RETURN": bapireturn(Message("M3/305", f"Material {material} is not maintained in plant {plant}"))}
    there = available(call.records, material, plant)
    wanted = call.table("WMDVSX")
    asked = sum((number_in(one, "REQ_QTY") for one in wanted), Decimal(0))
    left, confirmed = there, list[dict[str, Cell]]()
    for one in wanted:
        taken = min(left, number_in(one, "REQ_QTY"))
        left -= taken
        confirmed.append({**one, "COM_DATE": one.get("REQ_DATE") if taken else None, "COM_QTY": taken})
    return {
        "AV_QTY_PLT": there,
        "DIALOGFLAG": "X" if asked > there else "",
        "WMDVSX": list(wanted),
        "WMDVEX": confirmed,
    }


def _account(call: Call, wanted: str, area: str) -> Row | None:
    partners = call.records.find(PARTNERS, Customer=wanted)
    partner = partners[0]["BusinessPartner"] if partners else ""
    return call.records.get(CREDIT_ACCOUNTS, BusinessPartner=partner, CreditSegment=area)


def _no_account(wanted: str, area: str) -> Mapping[str, Value]:
    said = f"Credit account {wanted} does not exist in credit control area {area}"
    return {"RETURN": bapiret2(Message("F3/027", said))}


def _detail(call: Call, wanted: str, account: Row) -> dict[str, Cell]:
    profile = call.records.get(CREDIT_PROFILES, BusinessPartner=account["BusinessPartner"]) or {}
    return {
        "CUSTMR_NO": wanted,
        "C_CTR_AREA": text(account, "CreditSegment"),
        "CURRENCY": text(account, "CreditSegmentCurrency"),
        "CRED_LIMIT": number(account, "CreditLimitAmount"),
        "RISK_CATEG": text(profile, "CreditRiskClass"),
        "CRED_BLOCK": "X" if account["CreditAccountIsBlocked"] else "",
    }


def _address(call: Call, wanted: str) -> dict[str, Cell]:
    partner = call.records.find(PARTNERS, Customer=wanted)[0]
    found = call.records.find(ADDRESSES, BusinessPartner=partner["BusinessPartner"])
    address = found[0] if found else {}
    street = " ".join(filter(None, (text(address, "StreetName"), text(address, "HouseNumber"))))
    names = {f"NAME{f'_{at}' if at > 1 else ''}": text(partner, f"OrganizationBPName{at}") for at in range(1, 5)}
    return {
        "CUSTOMER": wanted,
        **names,
        "STREET": street,
        "CITY": text(address, "CityName"),
        "POSTL_CODE": text(address, "PostalCode"),
        "REGION": text(address, "Region"),
        "COUNTRY": text(address, "Country"),
        "COUNTRYISO": text(address, "Country"),
    }
