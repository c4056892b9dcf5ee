"""The order of segments of the types we know."""

from types import MappingProxyType
from typing import Final

from system_apis.sap.idoc.types.confirmations import ALEAUD01
from system_apis.sap.idoc.types.customers import DEBMAS07
from system_apis.sap.idoc.types.deliveries import DELVRY07
from system_apis.sap.idoc.types.invoices import INVOIC02
from system_apis.sap.idoc.types.materials import MATMAS05
from system_apis.sap.idoc.types.orders import ORDERS05

STRUCTURES: Final = MappingProxyType(
    {
        "ORDERS05": ORDERS05,
        "INVOIC02": INVOIC02,
        "DEBMAS07": DEBMAS07,
        "MATMAS05": MATMAS05,
        "DELVRY07": DELVRY07,
        "ALEAUD01": ALEAUD01,
    }
)
"""Of each basic type its segments in order, each level by itself."""
