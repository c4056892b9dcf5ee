"""One operation of a contract: its route, its scope, and the codecs that every placement shares.

Arguments cross a process boundary as HTTP (path, query, JSON body), in-process as msgpack, and in a
journal as JSON. All three are built here from the method's signature, so they cannot disagree.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from shared.binding.allowed_values import allowed_values
from shared.binding.problems import BackendFault, FieldError, Invalid, Problem
from shared.binding.strict import strict_twin

Location = Literal["path", "query", "body", "message"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Tier = Literal["system", "process", "experience"]

RUNNING_STATES = frozenset({"pending", "running", "waiting", "compensating"})
"""States in which long work has not ended; an answer in one of them is sent as 202."""

_ERROR_PATH = re.compile(r"^(?P<detail>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]+)`")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_PATH_PART = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument: its Python name, its name on the wire and where it travels."""

    name: str
    wire_name: str
    location: Location
    type: Any
    required: bool
    default: Any
    description: str


@dataclass(frozen=True, slots=True)
class Route:
    """What a decorator such as `get(...)` says about a method."""

    method: Method
    path: str
    scope: str
    raises: tuple[type[Problem], ...]
    status: int
    safe: bool
    long_running: str | None
    timeout: float | None
    repeatable: bool = False
    waits: bool = False
    text_types: tuple[str, ...] = ()
    signed: bool = False


def camel(name: str) -> str:
    """`quote_id` → `quoteId`, the spelling of every name on the wire."""
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def pointer_of(path: str) -> str:
    """The JSON Pointer (RFC 6901) for msgspec's error path, `.lines[0].sku` → `/lines/0/sku`."""
    parts = [name or index for name, index in _PATH_PART.findall(path)]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def explain(error: Exception, kind: Any) -> FieldError:
    """What msgspec refused to decode as `kind`, as a sentence and a JSON Pointer."""
    match = _ERROR_PATH.match(str(error))
    detail, path = (match["detail"], match["path"] or "") if match else (str(error), "")
    pointer = pointer_of(path)
    if unknown := _UNKNOWN_FIELD.search(detail):
        pointer += "/" + unknown[1]
        detail = f"There is no field `{unknown[1]}` here; remove it or correct its name"
    elif detail.startswith("Invalid enum value") and (known := allowed_values(kind, pointer)):
        detail += f"; give one of: {', '.join(known)}"
    return FieldError(detail=detail, pointer=pointer)


@dataclass(slots=True)
class Operation:
    """A contract method with everything that routes, clients, journals and OpenAPI need of it."""

    contract: Any
    name: str
    route: Route
    parameters: tuple[Parameter, ...]
    result_type: Any
    summary: str
    description: str
    arguments_type: type[msgspec.Struct] = field(init=False)
    body: Parameter | None = field(init=False)
    _line_type: type[msgspec.Struct] = field(init=False)
    _line_strict: Any = field(init=False)
    _line_names: tuple[str, ...] = field(init=False)
    _names: tuple[str, ...] = field(init=False)
    _body_index: int = field(init=False)
    _body_decoder: Any = field(init=False)
    _body_strict: Any = field(init=False)
    _pack_arguments: Any = field(init=False)
    _pack_strict: Any = field(init=False)
    _json_arguments: Any = field(init=False)
    _pack_result: Any = field(init=False)
    _json_result: Any = field(init=False)

    def __post_init__(self) -> None:
        self.body = next((p for p in self.parameters if p.location == "body"), None)
        self.arguments_type = _struct(f"{self.name}_arguments", self.parameters, wire=False)
        line = tuple(p for p in self.parameters if p.location in ("path", "query"))
        self._line_type = _struct(f"{self.name}_line", line, wire=True)
        self._line_strict = strict_twin(self._line_type)
        self._line_names = tuple(p.name for p in line)
        self._names = tuple(p.name for p in self.parameters)
        self._body_index = self._names.index(self.body.name) if self.body else -1
        if self.body:
            self._body_decoder = msgspec.json.Decoder(self.body.type)
            self._body_strict = msgspec.json.Decoder(strict_twin(self.body.type))
        self._pack_arguments = msgspec.msgpack.Decoder(self.arguments_type)
        self._pack_strict = msgspec.msgpack.Decoder(strict_twin(self.arguments_type))
        self._json_arguments = msgspec.json.Decoder(self.arguments_type)
        self._pack_result = msgspec.msgpack.Decoder(self.result_type)
        self._json_result = msgspec.json.Decoder(self.result_type)

    # --- facts -----------------------------------------------------------------------------------

    @property
    def method(self) -> Method:
        """The HTTP method."""
        return self.route.method

    @property
    def scope(self) -> str:
        """The scope a caller needs."""
        return self.route.scope

    @property
    def safe(self) -> bool:
        """True when the call changes nothing (RFC 9110 §9.2.1)."""
        return self.route.safe

    @property
    def signed(self) -> bool:
        """True when its caller is told by a signature over the body, and no token opens it."""
        return self.route.signed

    @property
    def takes_idempotency_key(self) -> bool:
        """True when a stored answer, not the operation itself, makes a repeat harmless."""
        return not (self.route.safe or self.route.repeatable or self.route.method in ("PUT", "DELETE"))

    @property
    def qualified_name(self) -> str:
        """`crm.get_quote`: unique in a topology; span name, journal key and operationId."""
        return f"{self.contract.slug}.{self.name}"

    @property
    def path(self) -> str:
        """The full path template with wire names, e.g. `/system/crm/v1/quotes/{quoteId}`."""
        path = self.contract.prefix + self.route.path
        for parameter in self.parameters:
            path = path.replace("{" + parameter.name + "}", "{" + parameter.wire_name + "}")
        return path

    # --- arguments --------------------------------------------------------------------------------

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Call arguments by name, defaults filled in; TypeError as for any Python call."""
        return msgspec.structs.asdict(self.arguments_type(*args, **kwargs))

    def encode_arguments(self, arguments: Mapping[str, Any]) -> bytes:
        """Arguments by name as JSON, for a journal."""
        return msgspec.json.encode(self.arguments_type(**arguments))

    def decode_arguments(self, encoded: bytes) -> dict[str, Any]:
        """The inverse of `encode_arguments`; raises Invalid when the contract has changed since."""
        try:
            return msgspec.structs.asdict(self._json_arguments.decode(encoded))
        except msgspec.MsgspecError as error:
            raise self._refuse(error) from None

    def cross(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Arguments as the other side of a process boundary would see them: copied and validated.

        Raises Invalid with the same pointers as an HTTP request with these values would.
        """
        try:
            packed = msgspec.msgpack.encode(self.arguments_type(*args, **kwargs))
            self._pack_strict.decode(packed)
            return msgspec.structs.astuple(self._pack_arguments.decode(packed))
        except (msgspec.MsgspecError, OverflowError, RecursionError, UnicodeEncodeError) as error:
            raise self._refuse(error) from None

    def from_http(
        self, path_params: Mapping[str, str], query: Sequence[tuple[str, str]], body: bytes | None
    ) -> tuple[Any, ...]:
        """Arguments in declared order from the parts of a request; raises Invalid, saying where."""
        line: dict[str, Any] = dict(path_params)
        for name, value in query:
            self._add_query(line, name, value)
        try:
            msgspec.convert(line, self._line_strict, strict=False)
            values = msgspec.structs.astuple(msgspec.convert(line, self._line_type, strict=False))
        except msgspec.ValidationError as error:
            raise self._refuse_line(explain(error, self._line_type)) from None
        if self.body is None:
            return values
        position = self._body_index
        return (*values[:position], self._decode_body(body or b""), *values[position:])

    def to_http(self, values: Sequence[Any]) -> tuple[str, bytes | None]:
        """The request target and JSON body for arguments in declared order."""
        by_name = dict(zip(self._names, values, strict=True))
        path, query = self.path, list[str]()
        for parameter in self.parameters:
            value = by_name[parameter.name]
            if parameter.location == "path":
                path = path.replace("{" + parameter.wire_name + "}", quote(_text(value), safe=""))
            elif parameter.location == "query" and value != parameter.default:
                many: list[Any] = list(value) if _is_list(parameter.type) else [value]
                query += [f"{parameter.wire_name}={quote(_text(one), safe='')}" for one in many]
        body = msgspec.json.encode(by_name[self.body.name]) if self.body else None
        return path + ("?" + "&".join(query) if query else ""), body

    # --- results ------------------------------------------------------------------------------------

    def encode_result(self, result: Any) -> bytes:
        """A result as JSON, for HTTP and journals."""
        return msgspec.json.encode(result)

    def decode_result(self, encoded: bytes) -> Any:
        """A result from JSON; raises BackendFault when it is outside the contract."""
        try:
            return self._json_result.decode(encoded)
        except (msgspec.MsgspecError, RecursionError):
            raise self._outside() from None

    def cross_result(self, result: Any) -> Any:
        """A result as the other side of a process boundary would see it: copied and validated."""
        try:
            return self._pack_result.decode(msgspec.msgpack.encode(result))
        except (msgspec.MsgspecError, TypeError, OverflowError, RecursionError):
            raise self._outside() from None

    # --- refusals -----------------------------------------------------------------------------------

    def _add_query(self, line: dict[str, Any], name: str, value: str) -> None:
        parameter = next((p for p in self.parameters if p.wire_name == name and p.location == "query"), None)
        if parameter is None:
            known = ", ".join(p.wire_name for p in self.parameters if p.location == "query") or "none"
            raise self._refuse_line(
                FieldError(detail=f"There is no such query parameter here (known: {known})", parameter=name)
            )
        if _is_list(parameter.type):
            line.setdefault(name, []).append(value)
        elif name in line:
            raise self._refuse_line(FieldError(detail="Given more than once; send it once", parameter=name))
        else:
            line[name] = value

    def _decode_body(self, body: bytes) -> Any:
        try:
            self._body_strict.decode(body)
            return self._body_decoder.decode(body)
        except msgspec.ValidationError as error:
            raise _invalid(explain(error, self._body_decoder.type)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"The body is not JSON: {error}. Send one JSON document in UTF-8.") from None
        except RecursionError:
            raise Invalid("The body is nested too deeply; send a flatter document.") from None

    def _refuse(self, error: Exception) -> Invalid:
        """An argument that failed validation, named as an HTTP caller would know it."""
        found = explain(error, self.arguments_type)
        head, _, rest = (found.pointer or "").lstrip("/").partition("/")
        if self.body and head == self.body.name:
            return _invalid(FieldError(detail=found.detail, pointer="/" + rest if rest else ""))
        wire = next((p.wire_name for p in self.parameters if p.name == head), head)
        return self._refuse_line(FieldError(detail=found.detail, pointer="/" + wire))

    def _refuse_line(self, found: FieldError) -> Invalid:
        name, detail = found.parameter or (found.pointer or "").lstrip("/").partition("/")[0], found.detail
        if not name and (missing := _MISSING.search(detail)):
            name, detail = missing[1], "It is required; send it"
        in_query = any(p.wire_name == name and p.location == "query" for p in self.parameters)
        return _invalid(FieldError(detail=detail, parameter=name), "query parameter" if in_query else "parameter")

    def _outside(self) -> BackendFault:
        return BackendFault(f"{self.qualified_name} answered something outside its contract.")


def _invalid(found: FieldError, line: str = "parameter") -> Invalid:
    where = (
        f"{line} {found.parameter}" if found.parameter else f"body field {found.pointer}" if found.pointer else "body"
    )
    return Invalid(f"{found.detail} ({where}).", errors=[found])


def _text(value: Any) -> str:
    encoded = msgspec.json.encode(value).decode()
    return str(msgspec.json.decode(encoded)) if encoded.startswith('"') else encoded


def _is_list(kind: Any) -> bool:
    return "list" in str(kind).partition("[")[0] or "list[" in str(kind)


def _struct(name: str, parameters: Sequence[Parameter], *, wire: bool) -> type[msgspec.Struct]:
    fields: list[Any] = [(p.name, p.type) if p.required else (p.name, p.type, p.default) for p in parameters]
    rename = {p.name: p.wire_name for p in parameters} if wire else None
    return msgspec.defstruct(name, fields, frozen=True, forbid_unknown_fields=True, rename=rename)
