"""The resources of `salesOrdersForOrderHub`, without what writes to them does (`areas.orders` joins the two)."""

from sandboxes.oracle.framework.behaviours import KEPT
from sandboxes.oracle.framework.declare import Resource
from sandboxes.oracle.sales import order_fields as of

BILL_TO = Resource("billToCustomer", "doo_bill_to", of.BILL_TO)
SHIP_TO = Resource("shipToCustomer", "doo_ship_to", of.SHIP_TO)
COMPONENTS = Resource("chargeComponents", "doo_charge_component", of.CHARGE_COMPONENT)
CHARGES = Resource("charges", "doo_charge", of.CHARGE, children=(COMPONENTS,))
ADJUSTMENTS = Resource("manualPriceAdjustments", "doo_price_adjustment", of.ADJUSTMENT)
ORIGINALS = Resource("originalOrderReference", "doo_original_order", of.ORIGINAL)
TOTALS = Resource("totals", "doo_order_total", of.TOTAL)
HOLDS = Resource("holds", "doo_hold", of.HOLD)
LINES = Resource("lines", "doo_line", of.LINE, children=(CHARGES, ADJUSTMENTS, ORIGINALS))
ATTACHMENTS = Resource("attachments", "doo_attachment", of.ATTACHMENT, behaviour=KEPT)
PAYMENTS = Resource("payments", "doo_payment", of.PAYMENT, behaviour=KEPT)
SALES_CREDITS = Resource("salesCredits", "doo_sales_credit", of.SALES_CREDIT, behaviour=KEPT)
BESIDES = (ATTACHMENTS, PAYMENTS, SALES_CREDITS)
"""What goes with an order, and is kept as sent."""

HUB = Resource(
    "salesOrdersForOrderHub",
    "doo_header",
    of.HEADER,
    key="OrderKey",
    also=("HeaderId",),
    alternate=("SourceTransactionId", "SourceTransactionSystem"),
    finders={
        "findByOrderNumber": ("OrderNumber",),
        "findBySourceOrderNumberAndSystem": ("SourceTransactionNumber", "SourceTransactionSystem"),
    },
    children=(BILL_TO, SHIP_TO, LINES, TOTALS, HOLDS, *BESIDES),
)
"""Found by `<source system>:<source id>`, or by header id."""

ORDER, RETURN = "ORDER", "RETURN"
"""TransactionCategoryCode of a line."""
