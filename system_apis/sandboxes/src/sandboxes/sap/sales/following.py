"""What sales documents that follow another have in common: terms, a share of the value, a limit on the quantity."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sandboxes.sap.odata_v2.behaviour import Work
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.order_store import change_stamp
from sandboxes.sap.sales.pricing import money

_TERMS = (
    *("SalesOrganization", "DistributionChannel", "OrganizationDivision", "SoldToParty", "TransactionCurrency"),
    *("IncotermsClassification", "CustomerPaymentTerms"),
)


def following_header(work: Work, preceding: Mapping[str, Value], sent: Mapping[str, Value]) -> Row:
    """The header of a document that follows another: its terms, what was sent, a new document's statuses.

    Raises:
        ODataError: 400, it is for another customer or in another currency than what it follows.
    """
    for name in ("SoldToParty", "TransactionCurrency"):
        if text(sent, name) not in ("", text(preceding, name)):
            raise messages.refused(messages.other_than_reference(name))
    return {
        **dict(sent),
        **{name: preceding[name] for name in _TERMS},
        "CreationDate": midnight(work),
        "CreatedByUser": work.user,
        "LastChangeDate": midnight(work),
        "LastChangeDateTime": work.now,
        "PricingDate": midnight(work),
        "OverallSDProcessStatus": "A",
        "OverallSDDocumentRejectionSts": "A",
    }


def share_of(item: Mapping[str, Value], quantity: Decimal) -> Decimal:
    """What this much of an item is worth, in the places of its currency; the whole of it to the last cent."""
    net, whole = number(item, "NetAmount"), number(item, "RequestedQuantity")
    return money(net * quantity / whole, text(item, "TransactionCurrency"))


def not_above(limit: Decimal, items: Sequence[Mapping[str, Value]], position: str) -> None:
    """Refuse items that together take more than a limit; rejected ones take nothing.

    Raises:
        ODataError: 400.
    """
    live = [one for one in items if not text(one, "SalesDocumentRjcnReason")]
    if sum((number(one, "RequestedQuantity") for one in live), Decimal(0)) > limit:
        raise messages.refused(messages.above_reference(position))


def stamp(work: Work, header: Row) -> Row:
    """See `order_store.change_stamp`."""
    return change_stamp(work, header)


def midnight(work: Work) -> datetime:
    """Today, as dates are kept."""
    return work.now.replace(hour=0, minute=0, second=0, microsecond=0)
