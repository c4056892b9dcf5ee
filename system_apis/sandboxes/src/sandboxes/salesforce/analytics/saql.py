"""Reads SAQL into steps (CRM Analytics SAQL Developer Guide): load, filter, group, foreach, order, limit, offset."""

import re
from typing import Any

from msgspec import Struct

_TOKEN = re.compile(
    r"\s+|(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<field>'(?:[^'\\]|\\.)*')|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/<>=;,()\[\]!])"
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
AGGREGATES = frozenset({"count", "sum", "avg", "min", "max", "unique", "first", "last"})
_COMPARED = frozenset({"==", "!=", "<", "<=", ">", ">=", "like", "matches"})
_LONGEST = 100_000
_DEEPEST = 50
Expression = tuple[Any, ...]
"""(operator, operands…): ("field", name), ("value", x), ("sum", name), ("+", left, right), ("and", left, right)…"""


class SaqlError(Exception):
    """The query cannot be read or run."""


class Step(Struct):
    """One statement: what it does to which stream, under which name the result goes on."""

    target: str
    verb: str
    source: str = ""
    what: Any = None


class Parser:
    """Reads one query.

    Args:
        saql: The text.
    """

    def __init__(self, saql: str) -> None:
        if len(saql) > _LONGEST:
            raise SaqlError("The query is too long")
        self._tokens = _tokens(saql)
        self._at = 0
        self._depth = 0

    def steps(self) -> list[Step]:
        """The statements in their order; SaqlError if one cannot be read."""
        found: list[Step] = []
        while self._peek()[0] != "end":
            found.append(self._statement())
        if not found:
            raise SaqlError("The query is empty")
        return found

    def _statement(self) -> Step:
        target = self._take("word")
        self._sign("=")
        verb = self._take("word").lower()
        if verb == "load":
            step = Step(target, verb, what=self._take("string"))
        elif verb in _READERS:
            step = Step(target, verb, self._take("word"))
            step.what = _READERS[verb](self)
        else:
            raise SaqlError(f"Unknown statement {verb}")
        if self._peek()[0] != "end":
            self._sign(";")
        return step

    def filter(self) -> Expression:
        """`by <condition>`."""
        self._word("by")
        return self._condition()

    def group(self) -> list[str]:
        """`by all`, `by 'f'` or `by ('f', 'g')`."""
        self._word("by")
        if self._is_word("all"):
            self._at += 1
            return []
        return [self._take("field")] if self._peek()[0] == "field" else self._listed(lambda: self._take("field"))

    def foreach(self) -> list[tuple[str, Expression]]:
        """`generate <expression> as 'name', …`."""
        self._word("generate")
        items = [self._projection()]
        while self._peek() == ("sign", ","):
            self._at += 1
            items.append(self._projection())
        return items

    def order(self) -> list[tuple[str, bool]]:
        """`by 'f' desc` or `by ('f' desc, 'g')`; the flag says descending."""
        self._word("by")
        return [self._ordering()] if self._peek()[0] == "field" else self._listed(self._ordering)

    def count(self) -> int:
        """A whole number."""
        number = self._take("number")
        if "." in number:
            raise SaqlError(f"Expected a whole number, not {number}")
        return int(number)

    def _projection(self) -> tuple[str, Expression]:
        expression = self._sum()
        self._word("as")
        return self._take("field"), expression

    def _ordering(self) -> tuple[str, bool]:
        name = self._take("field")
        if self._is_word("asc", "desc"):
            self._at += 1
            return name, self._tokens[self._at - 1][1].lower() == "desc"
        return name, False

    def _listed(self, read: Any) -> list[Any]:
        self._sign("(")
        found = [read()]
        while self._peek() == ("sign", ","):
            self._at += 1
            found.append(read())
        self._sign(")")
        return found

    def _condition(self) -> Expression:
        left = self._conjunction()
        while self._is_word("or") or self._peek() == ("sign", "||"):
            self._at += 1
            left = ("or", left, self._conjunction())
        return left

    def _conjunction(self) -> Expression:
        left = self._negation()
        while self._is_word("and") or self._peek() == ("sign", "&&"):
            self._at += 1
            left = ("and", left, self._negation())
        return left

    def _negation(self) -> Expression:
        self._deeper()
        try:
            if self._is_word("not") or self._peek() == ("sign", "!"):
                self._at += 1
                return ("not", self._negation())
            if self._peek() == ("sign", "("):
                self._at += 1
                inside = self._condition()
                self._sign(")")
                return inside
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Expression:
        left: Expression = ("field", self._take("field"))
        operator = self._peek()[1].lower()
        self._at += 1
        if operator in _COMPARED:
            return (operator, left, self._literal())
        if operator == "in":
            self._sign("[")
            values = [self._literal()]
            while self._peek() == ("sign", ","):
                self._at += 1
                values.append(self._literal())
            self._sign("]")
            return ("in", left, *values)
        if operator == "is":
            negated = self._is_word("not")
            self._at += negated
            self._word("null")
            return ("not", ("null", left)) if negated else ("null", left)
        raise SaqlError(f"Unknown operator {operator}")

    def _literal(self) -> Expression:
        kind, text = self._peek()
        negative = (kind, text) == ("sign", "-")
        self._at += negative
        kind, text = self._peek()
        self._at += 1
        if kind == "number":
            return ("value", -float(text) if negative else float(text))
        if kind == "string" and not negative:
            return ("value", text)
        raise SaqlError(f"Expected a value, not {text or 'the end'}")

    def _sum(self) -> Expression:
        left = self._product()
        while self._peek() in (("sign", "+"), ("sign", "-")):
            sign = self._take("sign")
            left = (sign, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._operand()
        while self._peek() in (("sign", "*"), ("sign", "/")):
            sign = self._take("sign")
            left = (sign, left, self._operand())
        return left

    def _operand(self) -> Expression:
        kind, text = self._peek()
        if kind == "field":
            return ("field", self._take("field"))
        if kind == "word":
            return self._aggregate()
        if (kind, text) != ("sign", "("):
            return self._literal()
        self._deeper()
        self._at += 1
        inside = self._sum()
        self._sign(")")
        self._depth -= 1
        return inside

    def _aggregate(self) -> Expression:
        name = self._take("word").lower()
        if name not in AGGREGATES:
            raise SaqlError(f"Unknown function {name}")
        self._sign("(")
        argument = self._take("field") if self._peek()[0] == "field" else ""
        self._sign(")")
        if not argument and name != "count":
            raise SaqlError(f"{name} needs a field")
        return (name, argument)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise SaqlError("The query is nested too deeply")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, kind: str) -> str:
        found, text = self._peek()
        if found != kind:
            raise SaqlError(f"Expected a {kind}, not {text or 'the end'}")
        self._at += 1
        return text

    def _sign(self, sign: str) -> None:
        if self._peek() != ("sign", sign):
            raise SaqlError(f"Expected {sign}, not {self._peek()[1] or 'the end'}")
        self._at += 1

    def _is_word(self, *words: str) -> bool:
        kind, text = self._peek()
        return kind == "word" and text.lower() in words

    def _word(self, word: str) -> None:
        if not self._is_word(word):
            raise SaqlError(f"Expected {word}, not {self._peek()[1] or 'the end'}")
        self._at += 1


_READERS = {
    "filter": Parser.filter, "group": Parser.group, "foreach": Parser.foreach, "order": Parser.order,
    "limit": Parser.count, "offset": Parser.count,
}  # fmt: skip


def _tokens(saql: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(saql):
        token = _TOKEN.match(saql, at)
        if token is None:
            raise SaqlError(f"Unexpected character {saql[at]!r} at {at}")
        at = token.end()
        if token.lastgroup is None:
            continue
        text = token[token.lastgroup]
        if token.lastgroup in ("string", "field"):
            text = _ESCAPED.sub(lambda found: _LETTERS.get(found[1], found[1]), text[1:-1])
        found.append((token.lastgroup, text))
    return found
