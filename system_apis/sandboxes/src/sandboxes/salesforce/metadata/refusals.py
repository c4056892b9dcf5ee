"""Why a component is refused: Salesforce's status codes and sentences."""


class ComponentError(Exception):
    """A refusal of one component: `statusCode` and message of the save error, and the members at fault."""

    def __init__(self, code: str, message: str, *fields: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = list(fields)


def missing(name: str) -> ComponentError:
    """A member that every component of this kind has."""
    return ComponentError("REQUIRED_FIELD_MISSING", f"Required field is missing: {name}", name)


def unspecified(name: str, kind: str) -> ComponentError:
    """A member that fields of this type have."""
    return ComponentError("FIELD_INTEGRITY_EXCEPTION", f"Must specify '{name}' for a CustomField of type {kind}", name)


def unknown(kind: str, name: str, where: str) -> ComponentError:
    """A member names something that is not there."""
    return ComponentError("INVALID_CROSS_REFERENCE_KEY", f"In field: {where} - no {kind} named {name} found", where)


def bad_value(name: str, value: str) -> ComponentError:
    """A member whose value is none of those it may have."""
    return ComponentError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"'{value}' is not a valid value for {name}", name)
