"""The grammar of `$filter` and `$orderby`: text to a tree of operations.

Source: OData 2.0 "URI Conventions", section 4.5, with SAP's literal forms. Deep nesting is refused, not recursed.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sandboxes.sap.odata_v2.edm import Value
from sandboxes.sap.odata_v2.errors import refuse
from sandboxes.sap.odata_v2.primitives import moment, parse_duration
from sandboxes.sap.odata_v2.tokens import TYPED, Token, Tokenizer, bad_syntax

_DEEPEST = 60
_tokenizer = Tokenizer({TYPED: "(?:datetimeoffset|datetime|time|guid)'[^']*'"}, "[mMdDfFlL]?", r"[A-Za-z_]\w*", "(),-")
_LEVELS = (("or",), ("and",), ("eq", "ne", "lt", "le", "gt", "ge"), ("add", "sub"), ("mul", "div", "mod"))


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of an EDM type."""

    type: str
    value: Value


@dataclass(frozen=True, slots=True)
class Member:
    """A property, perhaps through to-one navigations."""

    path: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or function applied to operands."""

    name: str
    operands: tuple["Expression", ...]
    position: int


@dataclass(frozen=True, slots=True)
class Lambda:
    """Whether `any` or `all` entities behind a navigation meet a condition about `variable`; of version 4 only."""

    name: str
    path: tuple[str, ...]
    variable: str
    condition: "Expression | None"
    position: int


Expression = Literal | Member | Operation | Lambda


def parse_expression(text: str) -> Expression:
    """The tree of a filter expression.

    Raises:
        ODataError: 400, the text does not follow the grammar.
    """
    parser = Parser(_tokenizer.words(text))
    tree = parser.binary(0, 0)
    parser.expect_end()
    return tree


def parse_literal(text: str) -> Literal:
    """A single constant as keys and function parameters carry it.

    Raises:
        ODataError: 400, the text is not exactly one literal.
    """
    tree = parse_expression(text)
    if not isinstance(tree, Literal):
        raise refuse(400, "/IWFND/CM_MGW/002", f"Malformed URI literal syntax at '{text[:40]}'")
    return tree


class Parser:
    """Reads tokens by precedence; version 4 adds to it what is its own."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> Token:
        """The token to come."""
        return self._tokens[self._at]

    def next(self) -> Token:
        """Takes the token to come."""
        token = self._tokens[self._at]
        self._at += 1
        return token

    def expect_end(self) -> None:
        """Refuses what is left over."""
        if self.peek().kind != "end":
            raise bad_syntax(self.peek().position)

    def expect(self, mark: str) -> None:
        """Takes this mark, and refuses anything else."""
        token = self.next()
        if token.text != mark:
            raise bad_syntax(token.position)

    def binary(self, level: int, depth: int) -> Expression:
        """Operations that bind at least as tightly as `level`."""
        if depth > _DEEPEST:
            raise bad_syntax(self.peek().position)
        if level == len(_LEVELS):
            return self._unary(depth)
        left = self.binary(level + 1, depth)
        while self.peek().kind == "name" and self.peek().text in _LEVELS[level]:
            operator = self.next()
            left = Operation(operator.text, (left, self.binary(level + 1, depth)), operator.position)
        return left

    def _unary(self, depth: int) -> Expression:
        token = self.peek()
        if token.text == "not" and token.kind == "name":
            self.next()
            return Operation("not", (self.binary(2, depth + 1),), token.position)
        if token.text == "-" and token.kind == "mark":
            self.next()
            return Operation("-", (self._unary(depth + 1),), token.position)
        return self.primary(depth)

    def primary(self, depth: int) -> Expression:
        """A constant, a property, a call, or what stands in brackets."""
        token = self.next()
        match token.kind:
            case "mark" if token.text == "(":
                inner = self.binary(0, depth + 1)
                self.expect(")")
                return inner
            case "string":
                return Literal("Edm.String", token.text[1:-1].replace("''", "'"))
            case "number":
                return _number(token.text)
            case "typed":
                return _typed(token)
            case "name" if token.text in {"true", "false"}:
                return Literal("Edm.Boolean", token.text == "true")
            case "name" if token.text == "null":
                return Literal("Null", None)
            case "name" if self.peek().text == "(" and self.peek().kind == "mark":
                return Operation(f"{token.text}()", self.arguments(depth + 1), token.position)
            case "name":
                return Member(tuple(token.text.split("/")), token.position)
            case _:
                raise bad_syntax(token.position)

    def arguments(self, depth: int) -> tuple[Expression, ...]:
        """What stands in brackets, between commas."""
        self.expect("(")
        if self.peek().text == ")":
            self.next()
            return ()
        arguments = [self.binary(0, depth)]
        while self.peek().text == ",":
            self.next()
            arguments.append(self.binary(0, depth))
        self.expect(")")
        return tuple(arguments)


def _number(text: str) -> Literal:
    suffix = text[-1].upper()
    if suffix == "L":
        return Literal("Edm.Int64", int(Decimal(text[:-1])))
    if suffix in "MDF":
        return Literal("Edm.Decimal" if suffix == "M" else "Edm.Double", Decimal(text[:-1]))
    return Literal("Edm.Decimal", Decimal(text))


def _typed(token: Token) -> Literal:
    prefix, _, rest = token.text.partition("'")
    content = rest[:-1]
    try:
        match prefix:
            case "datetime":
                return Literal("Edm.DateTime", moment(content))
            case "datetimeoffset":
                return Literal("Edm.DateTimeOffset", moment(content))
            case "time":
                return Literal("Edm.Time", parse_duration(content))
            case _:
                return Literal("Edm.Guid", str(UUID(content)))
    except ValueError:
        raise bad_syntax(token.position) from None
