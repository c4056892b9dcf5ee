"""API_SLS_DOC_WITH_CREDIT_BLOCK: orders that the credit check blocks, released or rejected by hand.

Source: the service's published name, set and function imports; a choice of its properties.
"""

from collections.abc import Mapping

from sandboxes.sap.odata_v2.behaviour import Behaviour, Work
from sandboxes.sap.odata_v2.edm import FunctionImport, Row, Service, Value, entity_set, properties
from sandboxes.sap.sales import credit_block
from sandboxes.sap.sales.tables import ORDERS

_SET = entity_set(
    "A_CreditBlockedSalesDocument",
    "SalesDocument",
    "SalesDocument:10# SalesDocumentType:4 SalesOrganization:4 DistributionChannel:2 SoldToParty:10# "
    "TotalNetAmount=16,3@TransactionCurrency TransactionCurrency:5 TotalCreditCheckStatus:1 CreationDate:date "
    "LastChangeDateTime:dto",
)
_BY_HAND = {"SalesDocument": "SalesOrder", "SalesDocumentType": "SalesOrderType"}
_RESULT = "FunctionResult"

CREDIT_BLOCKED = Service(
    name="API_SLS_DOC_WITH_CREDIT_BLOCK",
    title="Sales Documents with Credit Blocks - Release, Reject",
    component="SD-SLS-API",
    sets={_SET.name: _SET},
    functions={
        name: FunctionImport(name, "POST", properties("SalesDocument:10#"), _RESULT)
        for name in ("ReleaseCreditBlock", "RejectCreditBlock")
    },
    complex_types={_RESULT: properties("Boolean:bool")},
)
_COLUMNS = ", ".join(f'"{_BY_HAND.get(name, name)}" AS "{name}"' for name in _SET.properties)
_BLOCKED = "\"TotalCreditCheckStatus\" = 'B' AND \"OverallSDDocumentRejectionSts\" <> 'C'"
_ROWS = f"SELECT {_COLUMNS} FROM {ORDERS.name} WHERE {_BLOCKED}"  # noqa: S608 - model names
VIEW = f'CREATE VIEW "{CREDIT_BLOCKED.table(_SET.name)}" AS {_ROWS};'
"""The set as a view over orders."""


def _release(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    credit_block.release(work, {"SalesOrder": arguments["SalesDocument"]}, {})
    return [{"Boolean": True}]


def _reject(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    credit_block.reject(work, {"SalesOrder": arguments["SalesDocument"]}, {})
    return [{"Boolean": True}]


BEHAVIOUR = Behaviour(call={"ReleaseCreditBlock": _release, "RejectCreditBlock": _reject})
