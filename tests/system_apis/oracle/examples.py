"""Calls of the contract of any resource that succeed; see tests/conformance."""

from typing import Any

from shared.contracts.system.oracle_fusion import OracleAction, OracleChange, OracleChanges, OracleOrdering, OracleQuery

_ITEM = {"OrganizationCode": "001", "ItemNumber": "TG-DOOR", "ItemClass": "Gauges", "ItemDescription": "A gauge"}
_HOLD = {"SourceTransactionSystem": "LEG", "HoldCode": "CONFORMANCE", "HoldComments": "A call of the documentation"}
_ORDERS = "salesOrdersForOrderHub"


def _hold(known: Any) -> tuple[OracleAction]:
    order = known["oracle_fusion.query"].items[0]
    hold = {**_HOLD, "OrderNumber": str(order.fields["OrderNumber"])}
    return (OracleAction(_ORDERS, "applyHold", parameters={"holdRequests": [hold]}),)


EXAMPLES = {
    "oracle_fusion.query": lambda _: (
        OracleQuery(_ORDERS, fields=["OrderNumber"], order_by=[OracleOrdering("HeaderId")], limit=1),
    ),
    "oracle_fusion.save": lambda _: (OracleChanges([OracleChange("upsert", "itemsV2", fields=_ITEM)]),),
    "oracle_fusion.invoke": _hold,
}
