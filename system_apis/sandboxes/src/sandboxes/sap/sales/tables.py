"""The tables that sales reads and writes, and those no service shows: exposure, reservations, locks, the ledger."""

from sandboxes.sap.odata_v2.edm import Service, entity_set
from sandboxes.sap.services.billing_document import BILLING_DOCUMENT
from sandboxes.sap.services.business_partner import BUSINESS_PARTNER
from sandboxes.sap.services.credit_account import CREDIT_ACCOUNT
from sandboxes.sap.services.credit_memo_request import CREDIT_MEMO_REQUEST
from sandboxes.sap.services.customer_return import CUSTOMER_RETURN
from sandboxes.sap.services.material_stock import MATERIAL_STOCK
from sandboxes.sap.services.outbound_delivery import OUTBOUND_DELIVERY
from sandboxes.sap.services.product import PRODUCT
from sandboxes.sap.services.sales_order import SALES_ORDER
from sandboxes.sap.storage import Table, table_of

INTERNAL = Service(
    name="INTERNAL",
    title="What no service shows",
    sets={
        one.name: one
        for one in (
            entity_set("ListPrice", "Material", "Material:40 Amount=15,2"),
            entity_set("ExchangeRate", "Currency", "Currency:5 UnitsPerEuro=15,5"),
            entity_set("Exposure", "Customer", "Customer:10# Amount=18,3 OpenOrders=18,3"),
            entity_set("Reservation", "Material Plant", "Material:40 Plant:4 Quantity=15,3"),
            entity_set("BillingRunHeld", "Kind", "Kind:10"),
            entity_set("Lock", "Document", "Document:10# User:12"),
            entity_set(
                "Ledger",
                "SalesOrder",
                "SalesOrder:10# PurchaseOrderByCustomer:35 SoldToParty:10# TotalNetAmount=16,3 "
                "TransactionCurrency:5 CreatedAt:dto State:10",
            ),
        )
    },
)


def _table(service: Service, name: str) -> Table:
    return table_of(service, name)


ORDERS = _table(SALES_ORDER, "A_SalesOrder")
ITEMS = _table(SALES_ORDER, "A_SalesOrderItem")
ORDER_PARTNERS = _table(SALES_ORDER, "A_SalesOrderHeaderPartner")
ITEM_PARTNERS = _table(SALES_ORDER, "A_SalesOrderItemPartner")
ORDER_CONDITIONS = _table(SALES_ORDER, "A_SalesOrderHeaderPrElement")
ITEM_CONDITIONS = _table(SALES_ORDER, "A_SalesOrderItemPrElement")
SCHEDULE_LINES = _table(SALES_ORDER, "A_SalesOrderScheduleLine")
ORDER_TEXTS = _table(SALES_ORDER, "A_SalesOrderText")
ITEM_TEXTS = _table(SALES_ORDER, "A_SalesOrderItemText")
ORDER_FLOW = _table(SALES_ORDER, "A_SalesOrderSubsqntProcFlow")
ITEM_FLOW = _table(SALES_ORDER, "A_SalesOrderItmSubsqntProcFlow")
CUSTOMERS = _table(BUSINESS_PARTNER, "A_Customer")
PARTNERS = _table(BUSINESS_PARTNER, "A_BusinessPartner")
ADDRESSES = _table(BUSINESS_PARTNER, "A_BusinessPartnerAddress")
CUSTOMER_COMPANIES = _table(BUSINESS_PARTNER, "A_CustomerCompany")
SALES_AREAS = _table(BUSINESS_PARTNER, "A_CustomerSalesArea")
PARTNER_FUNCTIONS = _table(BUSINESS_PARTNER, "A_CustSalesPartnerFunc")
PRODUCTS = _table(PRODUCT, "A_Product")
PRODUCT_DESCRIPTIONS = _table(PRODUCT, "A_ProductDescription")
PRODUCT_PLANTS = _table(PRODUCT, "A_ProductPlant")
PRODUCT_SALES = _table(PRODUCT, "A_ProductSalesDelivery")
STOCK = _table(MATERIAL_STOCK, "A_MatlStkInAcctMod")
CREDIT_ACCOUNTS = _table(CREDIT_ACCOUNT, "CreditManagementAccount")
CREDIT_PROFILES = _table(CREDIT_ACCOUNT, "CreditMgmtBusinessPartner")
DELIVERIES = _table(OUTBOUND_DELIVERY, "A_OutbDeliveryHeader")
DELIVERY_ITEMS = _table(OUTBOUND_DELIVERY, "A_OutbDeliveryItem")
DELIVERY_PARTNERS = _table(OUTBOUND_DELIVERY, "A_OutbDeliveryPartner")
DELIVERY_FLOW = _table(OUTBOUND_DELIVERY, "A_OutbDeliveryDocFlow")
INVOICES = _table(BILLING_DOCUMENT, "A_BillingDocument")
INVOICE_ITEMS = _table(BILLING_DOCUMENT, "A_BillingDocumentItem")
INVOICE_PARTNERS = _table(BILLING_DOCUMENT, "A_BillingDocumentPartner")
RETURNS = _table(CUSTOMER_RETURN, "A_CustomerReturn")
RETURN_ITEMS = _table(CUSTOMER_RETURN, "A_CustomerReturnItem")
RETURN_PARTNERS = _table(CUSTOMER_RETURN, "A_CustomerReturnPartner")
CREDIT_REQUESTS = _table(CREDIT_MEMO_REQUEST, "A_CreditMemoRequest")
CREDIT_ITEMS = _table(CREDIT_MEMO_REQUEST, "A_CreditMemoRequestItem")
CREDIT_PARTNERS = _table(CREDIT_MEMO_REQUEST, "A_CreditMemoReqPartner")
BILLING_RUN_HELD = _table(INTERNAL, "BillingRunHeld")
LIST_PRICES = _table(INTERNAL, "ListPrice")
EXCHANGE_RATES = _table(INTERNAL, "ExchangeRate")
EXPOSURES = _table(INTERNAL, "Exposure")
RESERVATIONS = _table(INTERNAL, "Reservation")
LOCKS = _table(INTERNAL, "Lock")
LEDGER = _table(INTERNAL, "Ledger")

SEARCHED = (
    (ORDERS, "PurchaseOrderByCustomer"),
    (ORDERS, "SoldToParty"),
    (ORDERS, "LastChangeDateTime"),
    (PARTNERS, "Customer"),
    (ADDRESSES, "AddressID"),
    (DELIVERY_ITEMS, "ReferenceSDDocument"),
    (INVOICE_ITEMS, "SalesDocument"),
    (RETURNS, "PurchaseOrderByCustomer"),
    (RETURN_ITEMS, "ReferenceSDDocument"),
    (CREDIT_ITEMS, "ReferenceSDDocument"),
)
