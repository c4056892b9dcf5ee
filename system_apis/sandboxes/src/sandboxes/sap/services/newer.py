"""The version 4 services of this system, each over the rows of a version 2 service.

Source: paths of SAP's released services API_SALESORDER and API_PRODUCT_AVAILY_INFO; their properties are those that the
version 2 services publish.
"""

from sandboxes.sap.odata_v2.edm import properties
from sandboxes.sap.odata_v4.model import Action, newer
from sandboxes.sap.services.availability_info import AVAILABILITY_INFO
from sandboxes.sap.services.sales_order import SALES_ORDER

SALES_ORDER_V4 = newer(
    SALES_ORDER,
    "sap/api_salesorder/srvd_a2x/sap/salesorder/0001",
    {
        "A_SalesOrder": "SalesOrder",
        "A_SalesOrderItem": "SalesOrderItem",
        "A_SalesOrderHeaderPartner": "SalesOrderPartner",
        "A_SalesOrderItemPartner": "SalesOrderItemPartner",
        "A_SalesOrderHeaderPrElement": "SalesOrderPricingElement",
        "A_SalesOrderItemPrElement": "SalesOrderItemPrcgElmnt",
        "A_SalesOrderScheduleLine": "SalesOrderScheduleLine",
        "A_SalesOrderText": "SalesOrderText",
        "A_SalesOrderItemText": "SalesOrderItemText",
        "A_SalesOrderSubsqntProcFlow": "SalesOrderSubsqntProcFlow",
    },
    searched={
        "SalesOrder": ("SalesOrder", "SoldToParty", "PurchaseOrderByCustomer"),
        "SalesOrderItem": ("SalesOrder", "Material", "SalesOrderItemText"),
    },
    actions={
        "SalesOrder": (
            Action("ReleaseApprovalRequest"),
            Action("RejectApprovalRequest"),
            Action("ReleaseCreditBlock"),
            Action("RejectCreditBlock", properties("SalesDocumentRjcnReason:2")),
        )
    },
)

AVAILABILITY_INFO_V4 = newer(
    AVAILABILITY_INFO, "sap/api_product_availy_info/srvd_a2x/sap/apiproductavailyinfo/0001", {}
)
