"""The refusals of the API, in the words clients key on."""

from collections.abc import Sequence

NOT_FOUND = "The requested resource does not exist"
_FIELD_HINT = (
    ". If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)


class ApiError(Exception):
    """A refusal: HTTP status, errorCode, message, the fields at fault, and what some codes tell besides."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Sequence[str] | None = None,
        more: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = None if fields is None else list(fields)
        self.more = more or {}

    def as_error(self) -> dict[str, object]:
        """The element of a REST error array."""
        error: dict[str, object] = {"message": self.message, "errorCode": self.code, **self.more}
        return error if self.fields is None else {**error, "fields": self.fields}

    def as_save_error(self) -> dict[str, object]:
        """The element of `errors` in a save result, which says statusCode."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or [], **self.more}


class MultipleChoices(Exception):  # noqa: N818 - HTTP 300 is not an error by name
    """Several records carry one external id; answered as 300 with their URLs."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__("external id not unique")
        self.urls = urls


def not_found(message: str = NOT_FOUND) -> ApiError:
    """404: no such resource or record."""
    return ApiError(404, "NOT_FOUND", message)


def no_column(name: str, sobject: str) -> ApiError:
    """400: a record names a field its object lacks."""
    return ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")


def bad_field(code: str, message: str, *fields: str) -> ApiError:
    """400 of a save, pointing at fields."""
    return ApiError(400, code, message, fields)


def json_error(message: str) -> ApiError:
    """400: the body is not the JSON this call expects."""
    return ApiError(400, "JSON_PARSER_ERROR", message)


def soql_error(code: str, message: str, soql: str, at: int) -> ApiError:
    """400 of a query with the line, a caret and the place, as the org prints it."""
    before = soql[:at]
    row = before.count("\n") + 1
    column = at - (before.rfind("\n") + 1) + 1
    line = soql.split("\n")[row - 1] if soql else ""
    excerpt = line[max(0, column - 41) : column + 40]
    caret = " " * min(column - 1, 40) + "^"
    text = f"\n{excerpt}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}"
    return ApiError(400, code, text)


def unknown_column(name: str, sobject: str) -> str:
    """Message of a query that names a field its object lacks."""
    return f"No such column '{name}' on entity '{sobject}'{_FIELD_HINT}"


def unknown_relationship(name: str, place: str) -> str:
    """Message of a query that walks a relationship nobody knows."""
    return (
        f"Didn't understand relationship '{name}' in {place}. If you are attempting to use a custom "
        "relationship, be sure to append the '__r' after the custom relationship name. Please reference your "
        "WSDL or the describe call for the appropriate names."
    )


def unknown_entity(name: str) -> str:
    """Message of a query on an object nobody knows."""
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to "
        "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
        "appropriate names."
    )
