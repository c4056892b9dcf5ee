"""The messages of sales: class, number and wording.

V1/320, V1/311, V1/042, SLS_LORD/098 and the status codes are as SAP has them. The other numbers are in the
right message class but not checked against a live system: clients should act on status and severity.
"""

from sandboxes.sap.odata_v2.errors import BUSINESS, Message, ODataError


def refused(*messages: Message) -> ODataError:
    """A business error: 400, the first message leads."""
    return ODataError(400, messages[0], messages)


def order_type(kind: str) -> Message:
    """The order type does not exist."""
    return Message("V1/310", f"Sales document type {kind or '(none)'} is not defined", target="SalesOrderType")


def sales_area(customer: str, area: str) -> Message:
    """The customer exists but not in this sales area, or does not exist at all."""
    return Message("V1/320", f"Sold-to party {customer} not maintained for sales area {area}", target="SoldToParty")


def sold_to_missing() -> Message:
    """No sold-to party was sent."""
    return Message("V1/319", "Please enter sold-to party or ship-to party", target="SoldToParty")


def customer_blocked(customer: str, reason: str) -> Message:
    """The customer is blocked for orders."""
    return Message(
        "V1/302", f"Customer {customer} is blocked for sales orders (order block {reason})", target="SoldToParty"
    )


def partner_unknown(customer: str, function: str) -> Message:
    """A partner of the order does not exist as a customer."""
    return Message("VP/199", f"Customer {customer} for partner function {function} does not exist", target="Customer")


def partner_function_unknown(function: str) -> Message:
    """The partner function is not one that orders have."""
    return Message("VP/201", f"Partner function {function} is not allowed for sales orders", target="PartnerFunction")


def material_unknown(material: str, area: str) -> Message:
    """The material does not exist or is not sold in this sales area."""
    return Message("V1/382", f"Material {material or '(none)'} is not defined for sales area {area}", target="Material")


def material_blocked(material: str) -> Message:
    """The material's status forbids selling it."""
    return Message("V1/028", f"Material {material} has status: blocked for sales", target="Material")


def quantity(item: str) -> Message:
    """The quantity is missing, zero or negative."""
    return Message("V1/404", f"Item {item}: enter a requested quantity greater than zero", target="RequestedQuantity")


def unit(material: str, code: str) -> Message:
    """The unit is not one the material is sold in."""
    return Message(
        "V1/385", f"Unit of measure {code} is not defined for material {material}", target="RequestedQuantityUnit"
    )


def plant(material: str, code: str) -> Message:
    """The material is not kept in this plant."""
    return Message("V1/384", f"Material {material} is not defined in plant {code}", target="ProductionPlant")


def currency(code: str) -> Message:
    """There is no exchange rate for the currency."""
    return Message("SV/731", f"Currency {code} is not defined", target="TransactionCurrency")


def condition_type(kind: str) -> Message:
    """The condition type cannot be entered by hand."""
    return Message(
        "VE/108", f"Condition type {kind} is not allowed in pricing procedure A10001", target="ConditionType"
    )


def no_items() -> Message:
    """An order needs an item."""
    return Message("V4/219", "The sales document contains no items", target="to_Item")


def item_exists(item: str) -> Message:
    """Two items claim one number."""
    return Message("V1/501", f"Item {item} already exists in the sales document", target="SalesOrderItem")


def locked(order: str, user: str) -> ODataError:
    """Another user works on the document."""
    return refused(Message("V1/042", f"Sales document {order} is currently being processed by user {user}"))


def has_followers(order: str) -> ODataError:
    """The document cannot be deleted or changed so any more."""
    return refused(Message("V1/043", f"Sales document {order} cannot be deleted: subsequent documents exist"))


def item_delivered(item: str) -> Message:
    """The item is already on its way."""
    return Message("V1/781", f"Item {item} has already been delivered and cannot be changed")


def rejection_reason(code: str) -> Message:
    """The rejection reason does not exist."""
    return Message("V1/483", f"Reason for rejection {code} is not defined", target="SalesDocumentRjcnReason")


def no_approval(order: str) -> ODataError:
    """There is nothing to approve."""
    return ODataError(400, Message(BUSINESS, f"Sales order {order} does not require approval"))


def credit_exceeded() -> Message:
    """Remark: the order was saved but is blocked by the credit check."""
    return Message("UKM_SD/101", "Credit check: credit limit exceeded; the document is blocked", severity="warning")


def not_all_confirmed(item: str) -> Message:
    """Remark: less is confirmed than was asked for."""
    return Message("V1/849", f"Item {item}: the requested quantity cannot be confirmed in full", severity="info")


def simulated() -> Message:
    """Remark of every simulation."""
    return Message("SLS_LORD/098", "In simulation mode, the document must not be saved.", severity="warning")


def order_unknown(order: str) -> Message:
    """The order that something is to be added to does not exist."""
    return Message("SLS_LO/501", f"Sales order {order} not found", target="SalesOrder")


def partner_mandatory(function: str) -> Message:
    """An order cannot be without this partner."""
    return Message("VP/202", f"Partner function {function} is mandatory", target="PartnerFunction")


def text_exists(text_id: str, language: str) -> Message:
    """The document has this text already."""
    return Message("TD/601", f"Text {text_id} in language {language} already exists", target="LongTextID")
