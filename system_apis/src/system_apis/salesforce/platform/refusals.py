"""What the org's refusals mean to those who name objects, fields and rows themselves."""

from collections.abc import Sequence
from typing import Final

from shared.binding.problems import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    Problem,
    Refused,
)
from shared.contracts.system.salesforce_platform import (
    DuplicateValue,
    FieldNotKnown,
    ObjectNotFound,
    QueryExpired,
    RolledBack,
    RowNotFound,
    SeveralRows,
)
from system_apis.salesforce.faults import code_of, problem_of_errors
from system_apis.salesforce.records import SaveError

_SEARCH: Final = (
    "The org does not accept the search; give a word of two characters or more, not beginning with a wildcard."
)
_KINDS: Final[dict[str, tuple[type[Problem], str]]] = {
    "NOT_FOUND": (RowNotFound, "There is no such row; look at its id, and whether it is one of this object."),
    "ENTITY_IS_DELETED": (RowNotFound, "The row is deleted."),
    "INVALID_CROSS_REFERENCE_KEY": (RowNotFound, "There is no such row, or no row that a field refers to."),
    "INVALID_TYPE": (ObjectNotFound, "The org has no such object."),
    "INVALID_FIELD": (FieldNotKnown, "The object has no such field, or the field refers to nothing."),
    "INVALID_FIELD_FOR_INSERT_UPDATE": (Invalid, "A field cannot be written."),
    "INVALID_QUERY_LOCATOR": (QueryExpired, "The cursor has expired; begin without it."),
    "PRECONDITION_FAILED": (PreconditionFailed, "The row has changed; read it again."),
    "DUPLICATE_VALUE": (DuplicateValue, "Another row has this value in a unique field."),
    "DUPLICATES_DETECTED": (Conflict, "A duplicate rule of the org found a row like it."),
    "DUPLICATE_EXTERNAL_ID": (SeveralRows, "Several rows have this external id."),
    "INSUFFICIENT_ACCESS": (Forbidden, "The integration user may not do this; extend its permissions."),
    "INSUFFICIENT_ACCESS_OR_READONLY": (Forbidden, "The integration user may not do this; extend its permissions."),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": (Forbidden, "The integration user may not see what it refers to."),
    "MALFORMED_QUERY": (Invalid, "The org does not accept the query; ask for less at once."),
    "INVALID_QUERY_FILTER_OPERATOR": (Invalid, "A field does not take this operator, or a value is not an id."),
    "INVALID_SEARCH": (Invalid, _SEARCH),
    "MALFORMED_SEARCH": (Invalid, _SEARCH),
    "INVALID_REPLICATION_DATE": (Invalid, "The window must lie within the last 30 days (since, until)."),
    "QUERY_TOO_COMPLICATED": (Invalid, "The query is too complicated."),
    "JSON_PARSER_ERROR": (Invalid, "A value is not of the field's type."),
    "PROCESSING_HALTED": (RolledBack, "Another change was refused, so this one was not made."),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": (RolledBack, "Another change was refused, so this one was not made."),
    "LIMIT_EXCEEDED": (Refused, "An allowance of the org is used up, or too much was sent at once."),
}
STALE: Final = frozenset({"INVALID_FIELD", "INVALID_TYPE", "INVALID_FIELD_FOR_INSERT_UPDATE"})
"""Codes that say that our description of an object may be out of date."""


class OrgRefused(Exception):  # noqa: N818 - carries a refusal to the operation that knows its meaning
    """The org refused what was asked.

    Attributes:
        status: HTTP status.
        errors: What it said, at least one.
        code: Salesforce's code of the first.
    """

    def __init__(self, status: int, errors: Sequence[SaveError]) -> None:
        super().__init__(status)
        self.status = status
        self.errors = list(errors) or [SaveError(error_code="UNKNOWN")]
        self.code = code_of(self.errors[0])

    @property
    def problem(self) -> Problem:
        """What it means if the operation knows nothing better."""
        return problem_of(self.status, self.errors)


def problem_of(status: int, errors: Sequence[SaveError]) -> Problem:
    """The problem that errors stand for; the fields at fault are named, the org's sentences are not passed on.

    Args:
        status: HTTP status they came with.
        errors: At least one; the first decides.
    """
    code = code_of(errors[0])
    fields = [name for error in errors for name in error.fields or []]
    named = [
        FieldError(detail=f"Refused with {code}", pointer=f"/fields/{name}") for name in fields if name.isidentifier()
    ]
    kind, sentence = _KINDS.get(code, (None, ""))
    if kind is None:
        known = problem_of_errors(status, errors)
        if known.transient or not named:
            return known
        return type(known)(known.detail, errors=named)
    return kind(f"{sentence} ({code})", errors=named)


def no_object(sobject: str) -> NotFound:
    """There is no object of this name."""
    return ObjectNotFound(f"The org has no object {sobject!r}; GET /objects lists what there is.")
