"""Oracle E-Business Suite through its Integrated SOA Gateway: orders placed and followed by OE_ORDER_PUB over REST.

It stands beside Fusion, for houses that still order there; `EbsOrders` is its whole surface.
"""

from system_apis.oracle.ebs.gateway import IntegratedSoaGateway
from system_apis.oracle.ebs.orders import EbsOrders
from system_apis.oracle.ebs.settings import EbsSettings

__all__ = ["EbsOrders", "EbsSettings", "IntegratedSoaGateway"]
