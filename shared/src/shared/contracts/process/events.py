"""What Process APIs tell the world, in the order in which it happened: events of the outbox."""

import msgspec

from shared.contracts.canonical.values import Id, Money


class OrderPlaced(msgspec.Struct, frozen=True, rename="camel"):
    """A quote became an order that stands in every system."""

    order_id: Id
    quote_id: Id
    erp_order_id: Id
    crm_order_id: Id
    shipment_id: Id
    total: Money


class OrderCancelled(msgspec.Struct, frozen=True, rename="camel"):
    """An order that stood was cancelled in every system. `label_refunded`: the carrier gave the postage back."""

    order_id: Id
    erp_order_id: Id
    crm_order_id: Id
    shipment_id: Id
    label_refunded: bool
