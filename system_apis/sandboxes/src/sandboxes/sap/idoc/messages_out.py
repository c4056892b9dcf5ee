"""What this system tells others, built from the state that OData shows: master data, orders, deliveries, invoices."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from sandboxes.sap.idoc.document import Segment
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.sales.fields import day, number, text
from sandboxes.sap.sales.partners import INTERNAL_CODES
from sandboxes.sap.sales.tables import (
    ADDRESSES,
    CREDIT_ACCOUNTS,
    CREDIT_PROFILES,
    CUSTOMER_COMPANIES,
    CUSTOMERS,
    DELIVERIES,
    DELIVERY_ITEMS,
    INVOICE_ITEMS,
    INVOICE_PARTNERS,
    INVOICES,
    ITEMS,
    ORDER_PARTNERS,
    ORDERS,
    PARTNER_FUNCTIONS,
    PARTNERS,
    PRODUCT_DESCRIPTIONS,
    PRODUCT_PLANTS,
    PRODUCT_SALES,
    PRODUCTS,
    SALES_AREAS,
    SCHEDULE_LINES,
)
from sandboxes.sap.storage import Records, Table

_CHANGED = "005"  # MSGFN: the object as it is now replaces what the receiver has
_NUMBER, _ITEM = 10, 6


def customer(records: Records, key: str) -> list[Segment]:
    """DEBMAS: a customer with its sales areas and partner functions."""
    row = _row(records, CUSTOMERS, Customer=key)
    partner = records.find(PARTNERS, Customer=row["Customer"])[0]
    address: Row = next(iter(records.find(ADDRESSES, BusinessPartner=partner["BusinessPartner"])), Row())
    areas = [_sales_area(records, one) for one in records.find(SALES_AREAS, Customer=row["Customer"])]
    fields = {
        "MSGFN": _CHANGED,
        "KUNNR": _padded(row, "Customer", _NUMBER),
        "AUFSD": text(row, "OrderIsBlockedForCustomer"),
        "FAKSD": text(row, "BillingIsBlockedForCustomer"),
        "KTOKD": text(row, "CustomerAccountGroup"),
        "LAND1": text(address, "Country"),
        "LIFSD": text(row, "DeliveryIsBlocked"),
        "LOEVM": "X" if row["DeletionIndicator"] else "",
        "NAME1": text(partner, "OrganizationBPName1")[:35],
        "NAME2": text(partner, "OrganizationBPName2")[:35],
        "ORT01": text(address, "CityName")[:35],
        "PSTLZ": text(address, "PostalCode"),
        "REGIO": text(address, "Region"),
        "STCEG": text(row, "VATRegistration"),
        "STRAS": text(address, "StreetName")[:35],
    }
    companies = [
        Segment(
            "E1KNB1M",
            {
                "MSGFN": _CHANGED,
                "BUKRS": text(one, "CompanyCode"),
                "AKONT": text(one, "ReconciliationAccount"),
                "ZTERM": text(one, "PaymentTerms"),
            },
        )
        for one in records.find(CUSTOMER_COMPANIES, Customer=row["Customer"])
    ]
    return [Segment("E1KNA1M", fields, [*areas, *companies, *_credit(records, row, partner)])]


def material(records: Records, key: str) -> list[Segment]:
    """MATMAS: a material with its descriptions."""
    row = _row(records, PRODUCTS, Product=key)
    fields = {
        "MSGFN": _CHANGED,
        "MATNR": text(row, "Product")[:18],
        "LVORM": "X" if row["IsMarkedForDeletion"] else "",
        "MTART": text(row, "ProductType"),
        "MATKL": text(row, "ProductGroup"),
        "MEINS": text(row, "BaseUnit"),
        "BRGEW": str(number(row, "GrossWeight")),
        "NTGEW": str(number(row, "NetWeight")),
        "GEWEI": text(row, "WeightUnit"),
        "EAN11": text(row, "ProductStandardID"),
        "MSTAE": text(row, "CrossPlantStatus"),
        "MATNR_LONG": text(row, "Product"),
    }
    texts = [
        Segment("E1MAKTM", {"MSGFN": _CHANGED, "MAKTX": text(one, "ProductDescription"), "SPRAS_ISO": language})
        for one in records.find(PRODUCT_DESCRIPTIONS, Product=row["Product"])
        if (language := text(one, "Language"))
    ]
    plants = [
        Segment("E1MARCM", {"MSGFN": _CHANGED, "WERKS": text(one, "Plant")})
        for one in records.find(PRODUCT_PLANTS, Product=row["Product"])
    ]
    sales = [
        Segment(
            "E1MVKEM",
            {
                "MSGFN": _CHANGED,
                "VKORG": text(one, "ProductSalesOrg"),
                "VTWEG": text(one, "ProductDistributionChnl"),
            },
        )
        for one in records.find(PRODUCT_SALES, Product=row["Product"])
    ]
    return [Segment("E1MARAM", fields, [*texts, *plants, *sales])]


def confirmation(records: Records, key: str) -> list[Segment]:
    """ORDRSP: an order as it was entered, with what is confirmed of each item and for when."""
    row = _row(records, ORDERS, SalesOrder=key)
    number_of_order, currency = _padded(row, "SalesOrder", _NUMBER), text(row, "TransactionCurrency")
    area = (("006", "OrganizationDivision"), ("007", "DistributionChannel"), ("008", "SalesOrganization"))
    created = _date(row, "CreationDate")
    return [
        Segment("E1EDK01", {"ACTION": "000", "CURCY": currency, "BELNR": number_of_order}),
        *(Segment("E1EDK14", {"QUALF": code, "ORGID": text(row, name)}) for code, name in area),
        Segment("E1EDK03", {"IDDAT": "012", "DATUM": created}),
        *(
            Segment("E1EDKA1", {"PARVW": INTERNAL_CODES.get(code, code), "PARTN": _padded(one, "Customer", _NUMBER)})
            for one in records.find(ORDER_PARTNERS, SalesOrder=row["SalesOrder"])
            if (code := text(one, "PartnerFunction"))
        ),
        Segment("E1EDK02", {"QUALF": "001", "BELNR": text(row, "PurchaseOrderByCustomer")}),
        Segment("E1EDK02", {"QUALF": "002", "BELNR": number_of_order, "DATUM": created}),
        *(_confirmed_item(records, one) for one in records.find(ITEMS, SalesOrder=row["SalesOrder"])),
        _sum("002", row, "TotalNetAmount", currency),
    ]


def delivery(records: Records, key: str) -> list[Segment]:
    """SHPCON, DESADV, WHSORD and SHPORD: a delivery with its items and the day its goods left."""
    row = _row(records, DELIVERIES, DeliveryDocument=key)
    dates = Segment("E1EDT13", {"QUALF": "006", "NTANF": _date(row, "PlannedGoodsIssueDate")})
    dates.fields["ISDD"] = _date(row, "ActualGoodsMovementDate")
    items = [_delivery_item(one) for one in records.find(DELIVERY_ITEMS, DeliveryDocument=row["DeliveryDocument"])]
    fields = {
        "VBELN": _padded(row, "DeliveryDocument", _NUMBER),
        "VSTEL": text(row, "ShippingPoint"),
        "VKORG": text(row, "SalesOrganization"),
        "BTGEW": str(number(row, "HeaderGrossWeight")),
        "NTGEW": str(number(row, "HeaderNetWeight")),
        "GEWEI": text(row, "HeaderWeightUnit"),
        "BOLNR": text(row, "BillOfLading"),
    }
    parties = [
        Segment("E1ADRM1", {"PARTNER_Q": code, "PARTNER_ID": _padded(row, name, _NUMBER)})
        for code, name in (("AG", "SoldToParty"), ("WE", "ShipToParty"))
    ]
    return [Segment("E1EDL20", fields, [*parties, dates, *items])]


def invoice(records: Records, key: str) -> list[Segment]:
    """INVOIC: an invoice with its references, items and sums."""
    row = _row(records, INVOICES, BillingDocument=key)
    items = records.find(INVOICE_ITEMS, BillingDocument=row["BillingDocument"])
    order = records.get(ORDERS, SalesOrder=items[0]["SalesDocument"]) or {}
    currency, billed = text(row, "TransactionCurrency"), _date(row, "BillingDocumentDate")
    references = (
        ("009", _padded(row, "BillingDocument", _NUMBER)),
        ("001", text(order, "PurchaseOrderByCustomer")),
        ("002", _padded(items[0], "SalesDocument", _NUMBER)),
        ("012", _padded(items[0], "ReferenceSDDocument", _NUMBER)),
    )
    return [
        Segment("E1EDK01", {"CURCY": currency, "BSART": "INVO", "BELNR": _padded(row, "BillingDocument", _NUMBER)}),
        *(_invoice_partner(one) for one in records.find(INVOICE_PARTNERS, BillingDocument=row["BillingDocument"])),
        *(Segment("E1EDK02", {"QUALF": code, "BELNR": value, "DATUM": billed}) for code, value in references if value),
        Segment("E1EDK03", {"IDDAT": "026", "DATUM": billed}),
        *(_invoice_item(one) for one in items),
        _sum("010", row, "TotalNetAmount", currency),
        _sum("005", row, "TaxAmount", currency),
        _sum("011", row, "TotalGrossAmount", currency),
    ]


MESSAGES: Mapping[str, tuple[str, Callable[[Records, str], list[Segment]]]] = MappingProxyType(
    {
        "DEBMAS": ("DEBMAS07", customer),
        "MATMAS": ("MATMAS05", material),
        "ORDRSP": ("ORDERS05", confirmation),
        "DESADV": ("DELVRY07", delivery),
        "WHSORD": ("DELVRY07", delivery),
        "SHPORD": ("DELVRY07", delivery),
        "SHPCON": ("DELVRY07", delivery),
        "INVOIC": ("INVOIC02", invoice),
    }
)
"""Of each message its basic type, and what builds it from an object's number."""


def _credit(records: Records, customer: Row, partner: Row) -> list[Segment]:
    """What a customer may owe, in each control area; areas are named like credit segments here."""
    profile = records.get(CREDIT_PROFILES, BusinessPartner=partner["BusinessPartner"]) or {}
    accounts = records.find(CREDIT_ACCOUNTS, BusinessPartner=partner["BusinessPartner"])
    areas = [
        Segment(
            "E1KNKKM",
            {
                "MSGFN": _CHANGED,
                "KKBER": text(one, "CreditSegment"),
                "KLIMK": str(number(one, "CreditLimitAmount")),
                "KNKLI": _padded(customer, "Customer", _NUMBER),
                "CTLPC": text(profile, "CreditRiskClass"),
            },
        )
        for one in accounts
    ]
    currency = text(accounts[0], "CreditSegmentCurrency") if accounts else ""
    return [Segment("E1KNKAM", {"MSGFN": _CHANGED, "WAERS": currency}, areas)] if areas else []


def _confirmed_item(records: Records, item: Row) -> Segment:
    key = {"SalesOrder": item["SalesOrder"], "SalesOrderItem": item["SalesOrderItem"]}
    place = _padded(item, "SalesOrderItem", _ITEM)
    fields = {
        "POSEX": place,
        "MENGE": str(number(item, "RequestedQuantity")),
        "MENEE": text(item, "RequestedQuantityUnit"),
        "NETWR": str(number(item, "NetAmount")),
        "ABGRU": text(item, "SalesDocumentRjcnReason"),
    }
    reference = {"QUALF": "002", "BELNR": _padded(item, "SalesOrder", _NUMBER), "ZEILE": place}
    lines = [
        Segment(
            "E1EDP20",
            {"WMENG": str(number(one, "ConfdOrderQtyByMatlAvailCheck")), "EDATU": _date(one, "ConfirmedDeliveryDate")},
        )
        for one in records.find(SCHEDULE_LINES, **key)
        if number(one, "ConfdOrderQtyByMatlAvailCheck")
    ]
    named = Segment("E1EDP19", {"QUALF": "002", "IDTNR": text(item, "Material")})
    return Segment("E1EDP01", fields, [Segment("E1EDP02", reference), *lines, named])


def _sales_area(records: Records, area: Row) -> Segment:
    key = {name: area[name] for name in ("Customer", "SalesOrganization", "DistributionChannel", "Division")}
    functions = [
        Segment(
            "E1KNVPM",
            {
                "MSGFN": _CHANGED,
                "PARVW": INTERNAL_CODES.get(text(one, "PartnerFunction"), text(one, "PartnerFunction")),
                "KUNN2": _padded(one, "BPCustomerNumber", _NUMBER),
                "DEFPA": "X" if one["DefaultPartner"] else "",
            },
        )
        for one in records.find(PARTNER_FUNCTIONS, **key)
    ]
    fields = {
        "MSGFN": _CHANGED,
        "VKORG": text(area, "SalesOrganization"),
        "VTWEG": text(area, "DistributionChannel"),
        "SPART": text(area, "Division"),
        "AUFSD": text(area, "OrderIsBlockedForCustomer"),
        "WAERS": text(area, "Currency"),
        "ZTERM": text(area, "CustomerPaymentTerms"),
    }
    return Segment("E1KNVVM", fields, functions)


def _delivery_item(item: Row) -> Segment:
    fields = {
        "POSNR": _padded(item, "DeliveryDocumentItem", _ITEM),
        "MATNR": text(item, "Material")[:18],
        "ARKTX": text(item, "DeliveryDocumentItemText"),
        "WERKS": text(item, "Plant"),
        "LFIMG": str(number(item, "ActualDeliveryQuantity")),
        "VRKME": text(item, "DeliveryQuantityUnit"),
        "VGBEL": _padded(item, "ReferenceSDDocument", _NUMBER),
        "VGPOS": _padded(item, "ReferenceSDDocumentItem", _ITEM),
        "MATNR_LONG": text(item, "Material"),
    }
    return Segment("E1EDL24", fields)


def _invoice_partner(one: Row) -> Segment:
    code = text(one, "PartnerFunction")
    return Segment("E1EDKA1", {"PARVW": INTERNAL_CODES.get(code, code), "PARTN": _padded(one, "Customer", _NUMBER)})


def _invoice_item(item: Row) -> Segment:
    references = [
        Segment("E1EDP02", {"QUALF": code, "BELNR": _padded(item, at, _NUMBER), "ZEILE": _padded(item, place, _ITEM)})
        for code, at, place in (
            ("002", "SalesDocument", "SalesDocumentItem"),
            ("016", "ReferenceSDDocument", "ReferenceSDDocumentItem"),
        )
    ]
    named = Segment("E1EDP19", {"QUALF": "002", "IDTNR": text(item, "Material")})
    amount = Segment("E1EDP26", {"QUALF": "003", "BETRG": str(number(item, "NetAmount"))})
    fields = {
        "POSEX": _padded(item, "BillingDocumentItem", _ITEM),
        "MENGE": str(number(item, "BillingQuantity")),
        "MENEE": text(item, "BillingQuantityUnit"),
        "NETWR": str(number(item, "NetAmount")),
    }
    return Segment("E1EDP01", fields, [*references, named, amount])


def _sum(kind: str, row: Row, name: str, currency: str) -> Segment:
    return Segment("E1EDS01", {"SUMID": kind, "SUMME": str(number(row, name)), "WAERQ": currency})


def _row(records: Records, table: Table, **key: Value) -> Row:
    row = records.get(table, **key)
    if row is None:
        raise ValueError(f"There is no {table.set.label} {', '.join(map(str, key.values()))}.")
    return row


def _padded(row: Mapping[str, Value], name: str, width: int) -> str:
    value = text(row, name)
    return value.zfill(width) if value.isdigit() else value


def _date(row: Mapping[str, Value], name: str) -> str:
    value: datetime | None = day(row, name)
    return f"{value:%Y%m%d}" if value else ""
