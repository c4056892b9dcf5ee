"""Declare a contract once: a class of HTTP-marked async methods over frozen msgspec Structs.

    class Crm(Contract, tier="system", version="v1"):
        '''Customers and their quotes, whichever CRM holds them.'''

        @get("/quotes/{quote_id}", scope="crm:read", raises=[QuoteNotFound])
        async def get_quote(self, quote_id: QuoteId) -> Quote:
            '''Return the quote as last approved.'''
            ...

From this come the routes, the HTTP client, the in-process client and the OpenAPI document. A declaration
that could not be served honestly does not import: TypeError, with a sentence that says what to change.
"""

import dataclasses
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeVar, get_type_hints

import msgspec

from shared.binding.declaration_rules import check_contract, check_operation, is_struct
from shared.binding.operation import Method, Operation, Parameter, Route, Tier, camel
from shared.binding.problems import Problem
from shared.binding.signed_message import SignedMessage
from shared.security.signature import SignatureVerifier
from shared.security.signature_schemes import SignatureScheme

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])

Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9_\-]+$")]
"""An opaque place in a list; only the API that gave it can read it."""

PageSize = Annotated[int, msgspec.Meta(ge=1, le=200)]
"""How many items a page may hold."""


class Page(msgspec.Struct, Generic[_T], frozen=True, rename="camel", omit_defaults=True):
    """One page of a list; `next_cursor` is absent on the last. Over HTTP also a `Link` with `rel="next"`."""

    items: list[_T]
    next_cursor: str | None = None


class Marker(Protocol):
    """A decorator that turns an async method into an operation."""

    def __call__(self, method: _F, /) -> _F:
        """Return the method itself, marked."""
        ...


class Contract:
    """What an API promises. Subclass it in `shared.contracts`; subclass that to implement it.

    Class keywords:
        tier: `system`, `process` or `experience`: where it stands in API-led connectivity.
        version: `v1`, …; part of the path. A breaking change is a new version.

    Attributes:
        operations: Every operation by method name.
        slug: Name for scopes, spans and settings, e.g. `quote_to_order`.
        prefix: Path of the API, e.g. `/process/quote-to-order/v1`.
        audience: What a token for this API names in `aud`.
        signature: Of an implementation with webhooks: how its backend signs them.
    """

    operations: ClassVar[dict[str, Operation]] = {}
    tier: ClassVar[Tier]
    version: ClassVar[str]
    slug: ClassVar[str]
    prefix: ClassVar[str]
    audience: ClassVar[str]
    declared_by: ClassVar[type["Contract"]]
    signature: ClassVar[SignatureScheme | None] = None

    def __init_subclass__(cls, *, tier: Tier | None = None, version: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if tier is None or version is None:
            check_contract(cls, tier, version, is_implementation=Contract not in cls.__bases__)
            return
        check_contract(cls, tier, version, is_implementation=False)
        kebab = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        cls.tier, cls.version, cls.declared_by = tier, version, cls
        cls.slug = kebab.replace("-", "_")
        cls.prefix = f"/{tier}/{kebab}/{version}"
        cls.audience = f"urn:triptych:{tier}:{kebab}"
        cls.operations = {
            name: _operation(cls, name, method)
            for name, method in vars(cls).items()
            if inspect.isfunction(method) and not name.startswith("_")
        }
        check_contract(cls, tier, version, is_implementation=False, complete=True)

    @classmethod
    def scopes(cls) -> frozenset[str]:
        """Every scope that some operation of this API asks of a token."""
        return frozenset(operation.scope for operation in cls.operations.values() if not operation.signed)

    def signatures(self) -> SignatureVerifier | None:
        """Of an implementation with webhooks: what verifies them, with the secrets of its settings."""
        return None


def get(
    path: str,
    *,
    scope: str,
    raises: Sequence[type[Problem]] = (),
    timeout: float | None = None,
    waits: bool = False,
) -> Marker:
    """A read. Answers 200, 304 to a matching `If-None-Match`; `HEAD` comes with it.

    One that `waits` for news does so as long as `Prefer: wait=n` says; its `timeout` must leave room for that.
    """
    return _mark("GET", path, scope, raises, 200, safe=True, timeout=timeout, waits=waits)


def post(
    path: str,
    *,
    scope: str,
    raises: Sequence[type[Problem]] = (),
    status: int = 201,
    safe: bool = False,
    repeatable: bool = False,
    long_running: str | None = None,
    timeout: float | None = None,
    text_types: Sequence[str] = (),
) -> Marker:
    """A creation, an action, or (`safe=True`) a read whose question needs a body.

    Args:
        path: Template below the contract's prefix, `{name}` for each path parameter.
        scope: What a caller's token must hold.
        raises: The business refusals a caller should be ready for.
        status: Of a success.
        safe: True when nothing changes: no `Idempotency-Key`, free to repeat.
        repeatable: True when the operation itself recognises a repeat, by a `reference` or by the record it
            changes; otherwise the answer to an `Idempotency-Key` is stored and given again.
        long_running: Path template of the status resource (fields of the result in braces). An answer
            whose `state` is not final is then sent as 202 with `Location`, and `Prefer: wait=n` or
            `respond-async` (RFC 7240) choose how long to wait.
        timeout: Seconds of this operation's deadline, if the default of its kind does not fit.
        text_types: Media types, `text/xml`, in which senders that cannot wrap their document in JSON send it bare:
            it becomes the one field that the body's Struct has then.
    """
    return _mark(
        "POST", path, scope, raises, 200 if safe else status,
        safe=safe, repeatable=repeatable, long_running=long_running, timeout=timeout, text_types=tuple(text_types),
    )  # fmt: skip


def put(path: str, *, scope: str, raises: Sequence[type[Problem]] = (), timeout: float | None = None) -> Marker:
    """A full replacement; repeatable by nature."""
    return _mark("PUT", path, scope, raises, 200, timeout=timeout)


def patch(path: str, *, scope: str, raises: Sequence[type[Problem]] = (), timeout: float | None = None) -> Marker:
    """A change of some fields."""
    return _mark("PATCH", path, scope, raises, 200, timeout=timeout)


def delete(path: str, *, scope: str, raises: Sequence[type[Problem]] = (), timeout: float | None = None) -> Marker:
    """A removal; answers 204 when the method returns None."""
    return _mark("DELETE", path, scope, raises, 200, timeout=timeout)


def webhook(path: str, *, scope: str, raises: Sequence[type[Problem]] = (), timeout: float = 2.4) -> Marker:
    """A message that a system outside sends by itself, told by a signature over its raw body instead of a token.

    The method takes one `SignedMessage`, whose content it decodes itself: it is the sender's document, not ours. Each
    implementation says how its backend signs (`signature`, `signatures()`). No token opens the operation, and none of
    our APIs calls it. Senders repeat what was not answered with 2xx, so it recognises a repeat and answers only once
    what it took in is durable.

    Args:
        path: Below the contract's prefix, without parameters.
        scope: What a fitting signature allows, and that alone; no token holds it.
        raises: The refusals of messages that are signed well.
        timeout: Seconds for reading it, and as many for answering; Shopify waits for five in all.
    """
    return _mark("POST", path, scope, raises, 200, repeatable=True, timeout=timeout, signed=True)


def _mark(
    method: Method, path: str, scope: str, raises: Sequence[type[Problem]], status: int, *,
    safe: bool = False, repeatable: bool = False, long_running: str | None = None, timeout: float | None = None,
    waits: bool = False, text_types: tuple[str, ...] = (), signed: bool = False,
) -> Marker:  # fmt: skip
    route = Route(
        method, path, scope, tuple(raises), status, safe, long_running, timeout, repeatable, waits, text_types, signed
    )

    def mark(function: _F, /) -> _F:
        function.__triptych_route__ = route  # pyright: ignore[reportFunctionMemberAccess, reportAttributeAccessIssue]
        return function

    return mark


def _operation(contract: type[Contract], name: str, function: Any) -> Operation:
    route: Route | None = getattr(function, "__triptych_route__", None)
    where = f"{contract.__name__}.{name}"
    if route is None:
        raise TypeError(f"{where} has no route; mark it with @get(...), @post(...), … or start its name with _.")
    hints = get_type_hints(function, include_extras=True)
    doc = inspect.getdoc(function) or ""
    signature = inspect.signature(function)
    check_operation(where, route, function, signature, hints, doc)
    described = _described(doc)
    parameters = tuple(
        _parameter(parameter, hints[parameter.name], route, described.get(parameter.name, ""))
        for parameter in list(signature.parameters.values())[1:]
    )
    result: Any = hints["return"]
    if result is type(None) and route.status in (200, 201):
        route = _with_status(route, 204)
    summary, _, rest = doc.partition("\n")
    return Operation(contract, name, route, parameters, result, summary.strip(), rest.partition("Args:")[0].strip())


def _with_status(route: Route, status: int) -> Route:
    return dataclasses.replace(route, status=status)


def _parameter(parameter: inspect.Parameter, kind: Any, route: Route, description: str) -> Parameter:
    required = parameter.default is inspect.Parameter.empty
    in_path = "{" + parameter.name + "}" in route.path
    location = "path" if in_path else "message" if kind is SignedMessage else "body" if is_struct(kind) else "query"
    return Parameter(
        name=parameter.name,
        wire_name=camel(parameter.name),
        location=location,
        type=kind,
        required=required,
        default=None if required else parameter.default,
        description=description,
    )


def _described(doc: str) -> dict[str, str]:
    """The `Args:` section of a Google-style docstring, by parameter name."""
    section = doc.partition("Args:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^\s{4}(\w+): (.+(?:\n\s{6,}.+)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}
