"""What queries may do with a field."""

from sandboxes.salesforce.schema.model import Field

_LONG_TEXT = 255
_UNGROUPABLE = frozenset({"double", "currency", "percent", "datetime"})


def filterable(field: Field) -> bool:
    """Whether WHERE and ORDER BY may name it: not compound, not long text."""
    return field.stored and field.type != "base64" and not (field.type == "textarea" and field.length > _LONG_TEXT)


def groupable(field: Field) -> bool:
    """Whether GROUP BY may name it."""
    return filterable(field) and field.type not in _UNGROUPABLE
