"""What order management says when it refuses; codes are its message names."""

from decimal import Decimal

from sandboxes.oracle.framework.problems import Detail


def unknown_customer(path: str) -> Detail:
    """The customer is not there."""
    return Detail("The customer isn't valid. Provide a customer that has an active account.", "FOM-4515519", path)


def account_on_hold(number: str) -> Detail:
    """The account takes no orders."""
    text = f"You can't submit the sales order because account {number} is on hold."
    return Detail(text, "FOM-4515613", "/BuyingPartyId")


def unknown_site(path: str) -> Detail:
    """The address is not one of the customer's."""
    return Detail("The address isn't an active site of the customer for this purpose.", "FOM-4515521", path)


def currency(code: str) -> Detail:
    """There is no such currency."""
    return Detail(f"The currency {code} isn't valid.", "FOM-4515530", "/TransactionalCurrencyCode")


def duplicate(system: str, identifier: str) -> Detail:
    """The source system has sent this transaction before."""
    text = f"The sales order wasn't created because source transaction {identifier} of {system} already exists."
    return Detail(text, "FOM-4515507", "/SourceTransactionId")


def no_lines() -> Detail:
    """An order needs lines."""
    return Detail("The sales order must have at least one order line.", "FOM-4515560", "/lines")


def unknown_item(item: str, path: str) -> Detail:
    """The item is not there, or is not sold."""
    return Detail(f"The item {item} isn't valid, or customers can't order it.", "FOM-4515540", f"{path}/ProductNumber")


def quantity(path: str) -> Detail:
    """A line needs more than nothing."""
    return Detail("The ordered quantity must be greater than zero.", "FOM-4515544", f"{path}/OrderedQuantity")


def unit(code: str, path: str) -> Detail:
    """The unit is not one of the item's."""
    return Detail(f"The unit of measure {code} isn't valid for the item.", "FOM-4515545", f"{path}/OrderedUOMCode")


def same_line(identifier: str, path: str) -> Detail:
    """A line of the source comes twice."""
    text = f"The source line {identifier} isn't unique in the sales order."
    return Detail(text, "FOM-4515550", f"{path}/SourceTransactionLineId")


def price(path: str) -> Detail:
    """Prices are frozen and none was sent."""
    text = "The charges of the line must be provided when the price is frozen."
    return Detail(text, "FOM-4515570", f"{path}/charges")


def reason(code: str, path: str) -> Detail:
    """The reason is not one of the lookup."""
    return Detail(f"The reason code {code} isn't valid.", "FOM-4515580", path)


def no_original(path: str) -> Detail:
    """A return refers to no line that was sold."""
    text = "A return line must reference the fulfillment line of the original sales order of the same customer."
    return Detail(text, "FOM-4515590", f"{path}/originalOrderReference")


def other_item(path: str) -> Detail:
    """A return is of another item than was sold."""
    text = "The item of the return line isn't the item of the original line."
    return Detail(text, "FOM-4515591", f"{path}/ProductNumber")


def above_original(left: Decimal, path: str) -> Detail:
    """More comes back than is left to come back."""
    text = f"The return quantity is greater than the quantity {left:f} that can still be returned."
    return Detail(text, "FOM-4515592", f"{path}/OrderedQuantity")


def shipped(line: str) -> Detail:
    """The line has gone too far."""
    text = f"You can't cancel or change line {line} because it's already shipped, billed or closed."
    return Detail(text, "FOM-4515600", "/CanceledFlag")
