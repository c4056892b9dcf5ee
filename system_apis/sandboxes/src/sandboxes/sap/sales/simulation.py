"""Order simulation: the same checks, prices and promises as an order, and nothing stored.

A node comes back only when the request named its navigation: `to_Pricing`, `to_Credit`, `to_PricingElement`,
`to_Partner`, `to_Item` and, per item, `to_PricingElement`, `to_ScheduleLine`, `to_Partner`. Empty ones suffice.
"""

from collections.abc import Mapping

from sandboxes.sap.odata_v2.behaviour import Behaviour, Node, Payload, Work
from sandboxes.sap.odata_v2.edm import EntitySet, Row, Value
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.draft import Draft, draft_order
from sandboxes.sap.sales.draft_item import DraftItem


def _simulate(work: Work, entity_set: EntitySet, payload: Payload) -> Node:
    draft = draft_order(work, payload)
    work.remarks += [*draft.remarks, messages.simulated()]
    return Node(entity_set, _fitting(entity_set, draft.header), _header_links(work, draft, payload))


def _header_links(work: Work, draft: Draft, payload: Payload) -> dict[str, Node | list[Node] | None]:
    sets = work.service.sets
    links: dict[str, Node | list[Node] | None] = {
        "to_Pricing": Node(
            sets["A_SalesOrderPricingSimulation"], _fitting(sets["A_SalesOrderPricingSimulation"], draft.header)
        ),
        "to_Credit": Node(
            sets["A_SalesOrderCreditSimulation"], _fitting(sets["A_SalesOrderCreditSimulation"], draft.header)
        ),
        "to_PricingElement": _nodes(sets["A_SalesOrderPrcgElmntSimln"], draft.conditions),
        "to_Partner": _nodes(sets["A_SalesOrderPartnerSimulation"], draft.partners),
        "to_Item": [
            Node(
                sets["A_SalesOrderItemSimulation"],
                _item_row(sets["A_SalesOrderItemSimulation"], item),
                _item_links(work, item, sent),
            )
            for item, sent in zip(draft.items, payload.below("to_Item"), strict=True)
        ],
    }
    return {name: link for name, link in links.items() if name in payload.children}


def _item_links(work: Work, item: DraftItem, sent: Payload) -> dict[str, Node | list[Node] | None]:
    sets, key = work.service.sets, {"SalesOrderItem": item.row["SalesOrderItem"]}
    links: dict[str, Node | list[Node] | None] = {
        "to_PricingElement": _nodes(sets["A_SalesOrderItmPrcgElmntSimln"], [one | key for one in item.conditions]),
        "to_ScheduleLine": _nodes(sets["A_SalesOrderScheduleLineSimln"], [item.schedule | key]),
        "to_Partner": _nodes(
            sets["A_SalesOrderItemPartnerSimln"], [one.values | key for one in sent.below("to_Partner")]
        ),
    }
    return {name: link for name, link in links.items() if name in sent.children}


def _item_row(entity_set: EntitySet, item: DraftItem) -> Row:
    return _fitting(entity_set, item.row) | {"Plant": item.row["ProductionPlant"]}


def _nodes(entity_set: EntitySet, rows: list[Row]) -> list[Node]:
    return [Node(entity_set, _fitting(entity_set, row)) for row in rows]


def _fitting(entity_set: EntitySet, row: Mapping[str, Value]) -> Row:
    """A row of the order as a row of its counterpart; a simulated order has no number."""
    shown = {name: row.get(name, prop.initial) for name, prop in entity_set.properties.items()}
    return shown | {"SalesOrder": ""}


BEHAVIOUR = Behaviour(create={"A_SalesOrderSimulation": _simulate})
