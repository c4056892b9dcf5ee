"""The messages of sales: class, number and wording.

V1/320, V1/311, V1/042, SLS_LORD/098 and the status codes are as SAP has them. The other numbers are in the
right message class but not checked against a live system: clients should act on status and severity.
"""

from sandboxes.sap.odata_v2.errors import BUSINESS, Message, ODataError


def refused(*messages: Message) -> ODataError:
    """A business error: 400, the first message leads."""
    return ODataError(400, messages[0], messages)


def order_type(kind: str, target: str = "SalesOrderType") -> Message:
    """The document type does not exist."""
    return Message("V1/310", f"Sales document type {kind or '(none)'} is not defined", target=target)


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


def no_credit_block(order: str) -> Message:
    """There is nothing to release or reject."""
    return Message("UKM_SD/110", f"Sales order {order} is not blocked by the credit check")


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


def no_reference(item: str) -> Message:
    """The item does not say, or wrongly, which item of which document it follows."""
    return Message("V1/303", f"Item {item}: enter an item of the reference document", target="ReferenceSDDocumentItem")


def above_reference(item: str) -> Message:
    """More than the document that is referred to has left."""
    return Message(
        "V1/488", f"Item {item}: the quantity exceeds that of the reference item", target="RequestedQuantity"
    )


def other_material(item: str, material: str) -> Message:
    """Another material than the item that is referred to."""
    return Message("V1/487", f"Item {item}: the reference item is for material {material}", target="Material")


def other_than_reference(name: str) -> Message:
    """Another customer or currency than the document that is referred to."""
    return Message("V1/486", f"{name} differs from the reference document", target=name)


def return_reason(code: str) -> Message:
    """The return reason does not exist."""
    return Message("MSR/105", f"Return reason {code} is not defined", target="ReturnReason")


def item_credited(item: str) -> Message:
    """A credit memo (request) follows the item."""
    return Message("V1/782", f"Item {item} has already been credited and cannot be changed")


def quantity_fixed(item: str) -> Message:
    """What comes back is not changed afterwards; a new return is made."""
    return Message("V1/783", f"Item {item}: the quantity cannot be changed", target="RequestedQuantity")


def goods_issued(delivery: str) -> Message:
    """The goods have left."""
    return Message("VL/602", f"Delivery {delivery}: goods issue has already been posted", target="DeliveryDocument")


def no_goods_issue(delivery: str) -> Message:
    """There is nothing to reverse."""
    return Message("VL/609", f"Delivery {delivery}: goods issue has not been posted", target="DeliveryDocument")


def not_picked(delivery: str) -> Message:
    """Goods that nobody picked cannot leave."""
    return Message("VL/608", f"Delivery {delivery} has not yet been completely picked", target="DeliveryDocument")


def delivery_billed(delivery: str) -> Message:
    """An invoice would be left without goods."""
    return Message(
        "VL/611", f"Delivery {delivery} has been billed; cancel the invoice first", target="DeliveryDocument"
    )


def not_cancellable(document: str) -> Message:
    """The billing document is cancelled already, or no invoice."""
    return Message("VF/039", f"Billing document {document} cannot be cancelled", target="BillingDocument")
