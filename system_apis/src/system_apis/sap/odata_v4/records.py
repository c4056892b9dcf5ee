"""What SAP sends of orders by OData V4, and how that becomes the rows that OData V2 makes.

Source: the published metadata of API_SALESORDER. Properties are named as by V2; navigations begin with an underscore
and are lists, days are ISO 8601, decimals numbers or strings.
"""

import msgspec
from msgspec.structs import replace

from system_apis.sap.order_records import FollowingDocument, ItemRow, OrderRow, ScheduleLine
from system_apis.sap.records import Metadata, Results, Text


class ItemV4(ItemRow, frozen=True):
    """An item."""

    etag: Text = msgspec.field(default=None, name="@odata.etag")
    schedule: list[ScheduleLine] = msgspec.field(default=[], name="_ScheduleLine")


class OrderV4(OrderRow, frozen=True):
    """An order."""

    etag: Text = msgspec.field(default=None, name="@odata.etag")
    items: list[ItemV4] = msgspec.field(default=[], name="_Item")
    following: list[FollowingDocument] = msgspec.field(default=[], name="_SubsequentProcFlowDoc")


class FoundV4(msgspec.Struct, frozen=True):
    """A collection of orders; `value` must be there, or it is another answer."""

    value: list[OrderV4]


def row(found: OrderV4) -> OrderRow:
    """An order as the rows that the translator knows."""
    items: list[ItemRow] = [
        replace(one, metadata=Metadata(one.etag), to_ScheduleLine=Results(one.schedule)) for one in found.items
    ]
    return replace(
        found,
        metadata=Metadata(found.etag),
        to_Item=Results(items),
        to_SubsequentProcFlowDoc=Results(found.following),
    )
