"""The parameter `q` as SQL: version 1 (`A=1;B>2`) and, from framework version 2 on, expressions.

Version 1 joins conditions by `;`, and one attribute may have several (`Deptno>=10 and <=30`). Version 2 has `and`,
`or`, `not`, parentheses, `UPPER`, `LOWER`, and attributes of children (`lines.ProductNumber = 'X'`).
"""

import re
from dataclasses import dataclass

from sandboxes.oracle.framework.declare import Field, Resource
from sandboxes.oracle.framework.problems import RestError, refuse
from sandboxes.oracle.framework.values import Stored, from_text, to_column

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?P<operator><>|!=|<=|>=|[=<>();,])"
    r"|(?P<word>[^\s'\"=<>!();,]+))"
)
_COMPARISONS = {"=": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "LIKE": "LIKE"}
_FUNCTIONS = frozenset({"UPPER", "LOWER"})


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on rows aliased `t`, with its bound values."""

    sql: str
    parameters: list[Stored]


def parse_filter(text: str, resource: Resource, version: int) -> Condition:
    """What `q` asks for.

    Raises:
        RestError: 400, it cannot be read.
    """
    parser = _Parser(_tokens(text), resource)
    condition = parser.expression() if version > 1 else parser.conditions()
    if parser.here:
        raise _unreadable(parser.here.text)
    return condition


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind != "string" else ""


@dataclass(frozen=True, slots=True)
class _Operand:
    field: Field
    sql: str
    around: str  # what the comparison goes into, with one {}

    def comparison(self, operator: str, value: Stored) -> Condition:
        left, right = self.sql, "?"
        if self.field.kind == "number" and operator != "LIKE":
            left, right = f"CAST({left} AS REAL)", "CAST(? AS REAL)"
        return Condition(self.around.format(f"{left} {operator} {right}"), [value])


class _Parser:
    def __init__(self, tokens: list[_Token], resource: Resource) -> None:
        self._tokens, self._resource, self._at = tokens, resource, 0

    @property
    def here(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def conditions(self) -> Condition:
        """Version 1: groups of conditions on one attribute, joined by semicolons."""
        found = [self._group()]
        while self._accept(";"):
            if self.here:  # a last semicolon ends nothing
                found.append(self._group())
        return _joined(found, "AND")

    def expression(self) -> Condition:
        """Version 2: alternatives of conjunctions; a semicolon still means `and`."""
        found = [self._conjunction()]
        while self._accept("OR"):
            found.append(self._conjunction())
        return _joined(found, "OR")

    def _conjunction(self) -> Condition:
        found = [self._term()]
        while self._accept("AND") or self._accept(";"):
            found.append(self._term())
        return _joined(found, "AND")

    def _term(self) -> Condition:
        if self._accept("NOT"):
            inner = self._term()
            return Condition(f"NOT ({inner.sql})", inner.parameters)
        if self._accept("("):
            inner = self.expression()
            self._expect(")")
            return inner
        return self._comparison(self._operand())

    def _group(self) -> Condition:
        operand = self._operand()
        condition = self._comparison(operand)
        while (joint := self._accept("AND") or self._accept("OR")) is not None:
            condition = _joined([condition, self._comparison(operand)], joint.upper)
        return condition

    def _operand(self) -> _Operand:
        word = self._take("word")
        if word.upper in _FUNCTIONS and self._accept("("):
            inner = self._operand()
            self._expect(")")
            return _Operand(inner.field, f"{word.upper}({inner.sql})", inner.around)
        return _attribute(self._resource, word.text.split("."), "t")

    def _comparison(self, operand: _Operand) -> Condition:
        operator = self._take("operator", "word")
        negated = operator.upper == "NOT"
        if negated:
            operator = self._take("word")
        made = self._compared(operand, operator)
        return Condition(f"NOT ({made.sql})", made.parameters) if negated else made

    def _compared(self, operand: _Operand, operator: _Token) -> Condition:
        match operator.upper:
            case "IS":
                absent = "NOT NULL" if self._accept("NOT") else "NULL"
                self._expect("NULL")
                return Condition(operand.around.format(f"{operand.sql} IS {absent}"), [])
            case "BETWEEN":
                low = operand.comparison(">=", self._literal(operand))
                self._expect("AND")
                return _joined([low, operand.comparison("<=", self._literal(operand))], "AND")
            case "IN":
                self._expect("(")
                found = [operand.comparison("=", self._literal(operand))]
                while self._accept(","):
                    found.append(operand.comparison("=", self._literal(operand)))
                self._expect(")")
                return _joined(found, "OR")
            case comparison if comparison in _COMPARISONS:
                pattern = comparison == "LIKE"
                return operand.comparison(_COMPARISONS[comparison], self._literal(operand, pattern=pattern))
            case _:
                raise _unreadable(operator.text)

    def _literal(self, operand: _Operand, *, pattern: bool = False) -> Stored:
        token = self._take("string", "word")
        text = token.text
        if token.kind == "string":
            text = text[1:-1].replace(text[0] * 2, text[0])
        if pattern:
            return text.replace("*", "%")
        try:
            return to_column(from_text(operand.field, text))
        except ValueError:
            raise _unreadable(text) from None

    def _accept(self, wanted: str) -> _Token | None:
        here = self.here
        if here is None or here.upper != wanted:
            return None
        self._at += 1
        return here

    def _expect(self, wanted: str) -> None:
        if self._accept(wanted) is None:
            raise _unreadable(self.here.text if self.here else "its end")

    def _take(self, *kinds: str) -> _Token:
        here = self.here
        if here is None or here.kind not in kinds:
            raise _unreadable(here.text if here else "its end")
        self._at += 1
        return here


def _attribute(resource: Resource, path: list[str], alias: str) -> _Operand:
    """An attribute of the resource, or of a child: then any row of the child will do."""
    name, *rest = path
    if not rest:
        if name not in resource.by_name:
            raise refuse(400, f"URL request parameter q contains the unknown attribute {name}.", "ADF-27046")
        return _Operand(resource.by_name[name], f'{alias}."{name}"', "{}")
    child = resource.below.get(name)
    if child is None:
        raise refuse(400, f"URL request parameter q contains the unknown accessor {name}.", "ADF-27046")
    inner = _attribute(child, rest, f"{alias}x")
    rows = f'"{child.table}" {alias}x WHERE {alias}x."@parent" = {alias}."@id"'
    exists = f"EXISTS (SELECT 1 FROM {rows} AND {{}})"  # noqa: S608 - declared names
    return _Operand(inner.field, inner.sql, exists.format(inner.around))


def _joined(found: list[Condition], by: str) -> Condition:
    if len(found) == 1:
        return found[0]
    sql = f" {by} ".join(f"({one.sql})" for one in found)
    return Condition(sql, [value for one in found for value in one.parameters])


def _tokens(text: str) -> list[_Token]:
    tokens, at, end = list[_Token](), 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise _unreadable(text[at:])
        kind = found.lastgroup or ""
        tokens.append(_Token(kind, found[kind]))
        at = found.end()
    return tokens


def _unreadable(text: str) -> RestError:
    return refuse(400, f"URL request parameter q cannot be read at {text!r}.", "ADF-27047")
