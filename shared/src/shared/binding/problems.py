"""Every way a call can fail, as one closed tree (RFC 9457 Problem Details).

Problem
├── Invalid                      400  what the caller sent cannot be accepted; never retried
│   ├── Unauthenticated          401
│   │   └── SignatureRefused     401
│   ├── Forbidden                403
│   │   └── MissingScope         403
│   ├── NotFound                 404
│   ├── MethodNotAllowed         405
│   ├── NotAcceptable            406
│   ├── Conflict                 409
│   ├── Gone                     410
│   ├── PreconditionFailed       412
│   ├── ContentTooLarge          413
│   ├── UnsupportedMediaType     415
│   ├── Refused                  422  a business rule said no; flows compensate
│   └── PreconditionRequired     428
├── Transient                    503  may succeed later; retried where the caller may repeat
│   ├── QuotaExceeded            429
│   ├── BackendUnavailable       503
│   ├── CircuitOpen              503
│   ├── Overloaded               503
│   └── DeadlineExceeded         504
├── BackendFault                 502  a backend answered nonsense; not retried blindly
└── InternalFault                500  our own defect

A contract declares further business refusals by subclassing one of these next to the operation that
raises them (`class QuoteNotApproved(Refused)`). Retryability follows from the kind: `Transient` is
retried, everything else is not. Act on the kind, never on the text.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

PROBLEM_MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/problems/"
"""Problem types are relative URIs: every host serves the explanation of each at this path (RFC 9457 §3.1.1)."""


CIRCUIT, OPEN = "circuit", "open"
"""Extension of a transient problem whose backend's circuit was open when it arose: repeating it soon is in vain."""


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """One refused field: `pointer` is its JSON Pointer (RFC 6901), `detail` says what to change."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A problem inside another document; `problem_document` makes the document of its own (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str | None = None
    errors: list[FieldError] = []
    trace_id: str | None = None
    retry_after: float | None = None
    extensions: dict[str, Any] = {}


class Problem(Exception):  # noqa: N818 - the field's word for it is "problem"
    """A refusal or failure that a caller may see.

    Args:
        detail: One sentence for the person reading it: what was wrong, where, what to do.
        errors: The refused fields, if any.
        retry_after: Seconds after which a repeat may succeed, if known.
        extensions: Further members for the wire (RFC 9457 §3.2), JSON values only, nothing secret.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Problem"
    slug: ClassVar[str] = "problem"
    transient: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "slug" not in cls.__dict__:
            cls.slug = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        if "title" not in cls.__dict__:
            cls.title = cls.slug.replace("-", " ").capitalize()
        known = _by_slug.setdefault(cls.slug, cls)
        if known is not cls and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(
                f"{cls.__qualname__} and {known.__qualname__} ({known.__module__}) share the problem type "
                f"{cls.slug!r}; give one of them another name, callers tell problems apart by it."
            )
        _by_slug[cls.slug] = cls

    def __init__(
        self,
        detail: str = "",
        *,
        errors: list[FieldError] | None = None,
        retry_after: float | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors or []
        self.retry_after = retry_after
        self.extensions = dict(extensions or {})

    @classmethod
    def type_uri(cls) -> str:
        """The stable `type` of this kind of problem."""
        return TYPE_PREFIX + cls.slug

    def details(self, *, instance: str | None = None, trace_id: str | None = None) -> ProblemDetails:
        """This problem as it goes on the wire."""
        return ProblemDetails(
            type=self.type_uri(),
            title=self.title,
            status=self.status,
            detail=self.detail,
            instance=instance,
            errors=self.errors,
            trace_id=trace_id,
            retry_after=self.retry_after,
            extensions=self.extensions,
        )

    @classmethod
    def from_details(cls, details: ProblemDetails) -> "Problem":
        """Rebuild the problem a peer sent; an unknown type becomes the nearest kind by its status."""
        kind = _by_slug.get(details.type.removeprefix(TYPE_PREFIX)) or kind_of_status(details.status)
        problem = kind.__new__(kind)
        Problem.__init__(
            problem,
            details.detail,
            errors=details.errors,
            retry_after=details.retry_after,
            extensions=details.extensions,
        )
        return problem

    def __reduce__(self) -> tuple[Any, ...]:
        return (Problem.from_details, (self.details(),))


_by_slug: dict[str, type[Problem]] = {}


class Invalid(Problem):
    """The request cannot be accepted as it stands."""

    status = 400
    title = "Invalid request"


class Unauthenticated(Invalid):
    """No token, or one that cannot be trusted."""

    status = 401
    title = "Authentication required"


class SignatureRefused(Unauthenticated):
    """The message carries no signature of its sender that fits it and is of now. It was not read."""


class Forbidden(Invalid):
    """The caller is known and may not do this."""

    status = 403


class MissingScope(Forbidden):
    """The token lacks the operation's scope (RFC 6750 `insufficient_scope`)."""


class NotFound(Invalid):
    """There is nothing under this name."""

    status = 404


class MethodNotAllowed(Invalid):
    """The resource exists and does not take this method."""

    status = 405


class NotAcceptable(Invalid):
    """No representation matches `Accept`."""

    status = 406


class Conflict(Invalid):
    """The state of the resource forbids it now."""

    status = 409


class Gone(Invalid):
    """It was here and will not come back."""

    status = 410


class PreconditionFailed(Invalid):
    """`If-Match` named another version."""

    status = 412


class ContentTooLarge(Invalid):
    """The body is larger than the operation takes."""

    status = 413


class UnsupportedMediaType(Invalid):
    """The body is in a format the operation does not read."""

    status = 415


class Refused(Invalid):
    """A business rule said no. Repeating changes nothing; a flow undoes what it did."""

    status = 422


class PreconditionRequired(Invalid):
    """The request must name the version it changes."""

    status = 428


class Transient(Problem):
    """It may succeed later."""

    status = 503
    title = "Temporarily unavailable"
    transient = True


class QuotaExceeded(Transient):
    """The caller, or we at a backend, used up an allowance."""

    status = 429


class BackendUnavailable(Transient):
    """A backend cannot be reached, or says that it cannot serve now."""


class CircuitOpen(Transient):
    """A backend failed so often that we stopped asking; parked work waits without spending attempts."""


class Overloaded(Transient):
    """We shed load to stay up."""


class DeadlineExceeded(Transient):
    """The time the caller gave is over."""

    status = 504


class BackendFault(Problem):
    """A backend answered something it must not answer."""

    status = 502
    title = "Backend fault"


class InternalFault(Problem):
    """Our own defect; the trace id leads to it."""

    status = 500
    title = "Internal fault"


_KINDS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        Invalid, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, Conflict, Gone,
        PreconditionFailed, ContentTooLarge, UnsupportedMediaType, Refused, PreconditionRequired,
        QuotaExceeded, InternalFault, BackendFault, BackendUnavailable, DeadlineExceeded,
    )
}  # fmt: skip


def kind_of_status(status: int) -> type[Problem]:
    """The kind of problem a bare HTTP status stands for."""
    if status in _KINDS:
        return _KINDS[status]
    if 400 <= status < 500:  # noqa: PLR2004 - the HTTP status classes (RFC 9110 §15)
        return Invalid
    return BackendFault


def every_problem() -> dict[str, type[Problem]]:
    """All kinds known to this process by slug; the host serves a page for each."""
    return {slug: kind for slug, kind in sorted(_by_slug.items()) if kind is not Problem}
