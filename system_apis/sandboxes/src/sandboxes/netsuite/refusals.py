"""What the account refuses, in words that every channel then puts in its own form."""


class Refusal(Exception):  # noqa: N818 - reads as what it is
    """A request that the account does not do.

    Args:
        code: The code that clients act on, e.g. `USER_ERROR`.
        detail: What is wrong, for people.
        status: HTTP status over REST; over SOAP most refusals are 200 with isSuccess=false.
        path: The field that is wrong, e.g. `item.items[0].item`.
        where: What `path` is: o:errorPath, o:urlPath, o:errorQueryParam or o:errorHeader.
        headers: More headers of the answer.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        status: int = 400,
        *,
        path: str = "",
        where: str = "o:errorPath",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.status, self.path, self.where = code, detail, status, path, where
        self.headers = headers or {}


def user_error(detail: str, path: str = "") -> Refusal:
    """A rule of the account."""
    return Refusal("USER_ERROR", detail, path=path)


def required(label: str, path: str) -> Refusal:
    """A mandatory field was left empty."""
    return user_error(f"Please enter value(s) for: {label}", path)


def invalid(field: str, path: str) -> Refusal:
    """A value of the wrong kind, or a reference to nothing."""
    return Refusal(
        "INVALID_CONTENT",
        f"Invalid value for the resource or sub-resource field '{field}'. Provide a valid value.",
        path=path,
    )


def unknown_field(field: str, path: str) -> Refusal:
    """A name that the record type does not have."""
    return Refusal("NONEXISTENT_FIELD", f"Unknown reference or field name '{field}'.", path=path)


def no_record(path: str) -> Refusal:
    """There is no such instance."""
    return Refusal(
        "NONEXISTENT_ID",
        "The record instance does not exist. Provide a valid record instance ID.",
        404,
        path=path,
        where="o:urlPath",
    )


def invalid_parameter(name: str, detail: str) -> Refusal:
    """A query parameter that cannot be used."""
    return Refusal("INVALID_PARAMETER", detail, path=name, where="o:errorQueryParam")


def invalid_header(name: str, detail: str) -> Refusal:
    """A header that is missing or cannot be used."""
    return Refusal("INVALID_HEADER", detail, path=name, where="o:errorHeader")


def invalid_login(detail: str = "Invalid login attempt.") -> Refusal:
    """Whoever asks is not believed; the reason stays in the account's login audit trail."""
    return Refusal("INVALID_LOGIN", detail, 401)
