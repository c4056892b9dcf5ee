"""What queries may do with a field."""

from sandboxes.salesforce.schema.model import Field, SObject

_LONG_TEXT = 255
_WITH_ANY = frozenset({"CurrencyIsoCode", "Name", "OwnerId"})
_WITH_THE_OBJECT = {
    "Contact": ("FirstName", "LastName"),
    "Order": ("AccountId",),
    "Quote": ("AccountId", "OpportunityId"),
    "QuoteLineItem": ("Product2Id",),
}
_UNGROUPABLE = frozenset({"double", "currency", "percent", "datetime"})


def filterable(field: Field) -> bool:
    """Whether WHERE and ORDER BY may name it: not compound, not long text."""
    return field.stored and field.type != "base64" and not (field.type == "textarea" and field.length > _LONG_TEXT)


def groupable(field: Field) -> bool:
    """Whether GROUP BY may name it."""
    return filterable(field) and field.type not in _UNGROUPABLE


def needs_grant(sobject: SObject, field: Field) -> bool:
    """Whether a permission set must name it, or the compound field it is part of; the rest comes with the object."""
    if field.required or not field.createable or field.name_field or field.cascade:
        return False
    return field.name not in _WITH_ANY and field.name not in _WITH_THE_OBJECT.get(sobject.name, ())
