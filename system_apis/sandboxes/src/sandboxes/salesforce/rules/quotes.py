"""Opportunities, quotes and their lines: derived prices and totals, and which price books fit."""

from sandboxes.salesforce.rules.ruling import Change, Rules, integrity, sum_of, total
from sandboxes.salesforce.storage import Row, Store

_OUTCOMES = {"Closed Won": (1, 1), "Closed Lost": (1, 0)}


def _opportunity(change: Change) -> None:
    row = change.row
    row["IsClosed"], row["IsWon"] = _OUTCOMES.get(str(row["StageName"]), (0, 0))
    row.setdefault("HasOpportunityLineItem", 0)


def _pricebook_entry(change: Change) -> None:
    product = change.related("Product2", "Product2Id")
    change.row["Name"], change.row["ProductCode"] = product.get("Name"), product.get("ProductCode")


def _quote(change: Change) -> None:
    opportunity = change.related("Opportunity", "OpportunityId")
    row = change.row
    row["AccountId"] = opportunity.get("AccountId")
    row["GrandTotal"] = sum(row.get(name) or 0 for name in ("TotalPrice", "Tax", "ShippingHandling"))


def priced_line(change: Change, parent: str, reference: str) -> Row:
    """Give a line its entry's product, list price and currency; returns the parent record.

    ApiError FIELD_INTEGRITY_EXCEPTION when the entry is inactive or of another price book or currency.
    """
    entry = change.related("PricebookEntry", "PricebookEntryId")
    owner = change.related(parent, reference)
    product = change.store.select('SELECT "IsActive" FROM "Product2" WHERE "Id" = ?', (entry["Product2Id"],))
    if change.before is None:
        if not entry["IsActive"] or not product[0][0]:
            raise integrity("PricebookEntryId", "pricebook entry is inactive")
        if owner.get("Pricebook2Id") and owner["Pricebook2Id"] != entry["Pricebook2Id"]:
            message = f"pricebook entry is in a different pricebook than the one assigned to the {parent}"
            raise integrity("PricebookEntryId", message)
        if owner.get("CurrencyIsoCode") != entry["CurrencyIsoCode"]:
            message = f"pricebook entry currency code does not match {parent} currency code"
            raise integrity("PricebookEntryId", message)
    row = change.row
    row["Product2Id"], row["CurrencyIsoCode"] = entry["Product2Id"], entry["CurrencyIsoCode"]
    if row.get("ListPrice") is None:
        row["ListPrice"] = entry["UnitPrice"]
    return owner


def _adopt_pricebook(change: Change, parent: str, owner: Row) -> None:
    """The first line decides the price book of a quote or opportunity that has none."""
    sobject = change.store.catalogue.get(parent)
    if sobject and owner.get("Pricebook2Id") is None:
        entry = change.related("PricebookEntry", "PricebookEntryId")
        change.store.update(sobject, owner["Id"], {"Pricebook2Id": entry["Pricebook2Id"]})


def _quote_line(change: Change) -> None:
    owner = priced_line(change, "Quote", "QuoteId")
    _adopt_pricebook(change, "Quote", owner)
    change.row["Subtotal"] = total(change.row, discounted=False)
    change.row["TotalPrice"] = total(change.row, discounted=True)


def _opportunity_line(change: Change) -> None:
    owner = priced_line(change, "Opportunity", "OpportunityId")
    _adopt_pricebook(change, "Opportunity", owner)
    row = change.row
    if row.get("UnitPrice") is None:
        row["UnitPrice"] = row["ListPrice"]
    row["TotalPrice"] = total(row, discounted=True)
    product = change.related("Product2", "Product2Id")
    row["Name"] = f"{owner.get('Name')} {product.get('Name')}"[:376]


def _roll_up_quote(store: Store, line: Row) -> None:
    sql = (
        'SELECT COUNT(*), coalesce(SUM("Subtotal"), 0), coalesce(SUM("TotalPrice"), 0) '
        'FROM "QuoteLineItem" WHERE "QuoteId" = ? AND "IsDeleted" = 0'
    )
    count, subtotal, price = sum_of(store, sql, line["QuoteId"])
    discount = round((1 - price / subtotal) * 100, 2) if subtotal else 0.0
    store.execute(
        'UPDATE "Quote" SET "LineItemCount" = ?, "Subtotal" = ?, "TotalPrice" = ?, "Discount" = ?, '
        '"GrandTotal" = ? + coalesce("Tax", 0) + coalesce("ShippingHandling", 0) WHERE "Id" = ?',
        (count, subtotal, price, discount, price, line["QuoteId"]),
    )


def _roll_up_opportunity(store: Store, line: Row) -> None:
    sql = 'SELECT COUNT(*), SUM("TotalPrice") FROM "OpportunityLineItem" WHERE "OpportunityId" = ? AND "IsDeleted" = 0'
    count, amount = sum_of(store, sql, line["OpportunityId"])
    store.execute(
        'UPDATE "Opportunity" SET "HasOpportunityLineItem" = ?, "Amount" = coalesce(?, "Amount") WHERE "Id" = ?',
        (int(count > 0), amount, line["OpportunityId"]),
    )


OPPORTUNITY = Rules(before=_opportunity)
OPPORTUNITY_LINE = Rules(before=_opportunity_line, after=_roll_up_opportunity)
PRICEBOOK_ENTRY = Rules(before=_pricebook_entry)
QUOTE = Rules(before=_quote)
QUOTE_LINE = Rules(before=_quote_line, after=_roll_up_quote)
