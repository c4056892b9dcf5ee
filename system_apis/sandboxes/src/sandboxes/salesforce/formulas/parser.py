"""Compiles a formula into a function of a change."""

import re
from collections.abc import Callable
from typing import Any

from sandboxes.salesforce.formulas.functions import FUNCTIONS, OPERATORS
from sandboxes.salesforce.rules import Change
from sandboxes.salesforce.schema import Field, SObject

Formula = Callable[[Change], Any]
_TOKEN = re.compile(
    r"""\s*(?:/\*.*?\*/\s*)*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_.]*)|(?P<sign>&&|\|\||<>|!=|<=|>=|==|[-+*/&=<>!(),]))""",
    re.DOTALL,
)
_LEVELS = (("||",), ("&&",), ("=", "==", "<>", "!="), ("<", "<=", ">", ">="), ("+", "-", "&"), ("*", "/"))
_CONSTANTS: dict[str, Any] = {"TRUE": True, "FALSE": False, "NULL": None}
_OF_FIELDS = frozenset({"ISCHANGED", "PRIORVALUE", "ISPICKVAL"})
_TAKES_PICKLISTS = frozenset({"TEXT", "ISBLANK", "ISNULL"})


class FormulaError(ValueError):
    """A formula that the org does not save; in its words."""


def compile_formula(text: str, sobject: SObject) -> Formula:
    """The formula as a function of a change to a record of the object; FormulaError says what is wrong with it."""
    return _Parser(text, sobject).whole()


class _Parser:
    def __init__(self, text: str, sobject: SObject) -> None:
        self._sobject, self._tokens, self._at = sobject, _tokens(text), 0

    def whole(self) -> Formula:
        formula = self._binary(0)
        if self._peek() is not None:
            raise FormulaError(f"Error: Syntax error. Extra {self._peek()}")
        return formula

    def _peek(self) -> str | None:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else None

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise FormulaError("Error: Syntax error. Found end of formula")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise FormulaError(f"Error: Syntax error. Missing '{sign}'")
        self._at += 1

    def _binary(self, level: int) -> Formula:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while (sign := self._peek()) in _LEVELS[level]:
            self._at += 1
            left = _applied(OPERATORS[str(sign)], left, self._binary(level + 1))
        return left

    def _unary(self) -> Formula:
        if self._peek() == "!":
            self._at += 1
            inner = self._unary()
            return lambda change: not inner(change)
        if self._peek() == "-":
            self._at += 1
            inner = self._unary()
            return lambda change: None if (value := inner(change)) is None else -value
        return self._operand()

    def _operand(self) -> Formula:
        kind, word = self._next()
        if kind == "number":
            return _constant(float(word))
        if kind == "text":
            return _constant(re.sub(r"\\(.)", r"\1", word[1:-1]))
        if word == "(":
            inner = self._binary(0)
            self._expect(")")
            return inner
        if kind != "name":
            raise FormulaError(f"Error: Syntax error. Found '{word}'")
        if self._peek() == "(":
            self._at += 1
            return self._call(word.upper())
        if word.upper() in _CONSTANTS:
            return _constant(_CONSTANTS[word.upper()])
        return _value(self._field(word, picklist=False))

    def _call(self, name: str) -> Formula:
        if name in _OF_FIELDS:
            return self._of_field(name)
        if name in ("ISNEW", "TODAY"):
            self._expect(")")
            return (lambda change: change.before is None) if name == "ISNEW" else (lambda change: change.now[:10])
        function = FUNCTIONS.get(name)
        if function is None:
            raise FormulaError(f"Error: Unknown function {name}. Check spelling.")
        arguments = self._arguments(name)
        if not function.fewest <= len(arguments) <= function.most:
            message = f"expected {function.fewest}, received {len(arguments)}"
            raise FormulaError(f"Error: Incorrect number of parameters for function '{name}()'. {message}")
        return _applied(function.call, *arguments)

    def _arguments(self, name: str) -> list[Formula]:
        arguments: list[Formula] = []
        while self._peek() != ")":
            kind, word = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
            after = self._tokens[self._at + 1][1] if self._at + 1 < len(self._tokens) else ""
            if name in _TAKES_PICKLISTS and kind == "name" and after == ")" and word.upper() not in _CONSTANTS:
                self._at += 1
                arguments.append(_value(self._field(word, picklist=True)))
            else:
                arguments.append(self._binary(0))
            if self._peek() == ",":
                self._at += 1
            elif self._peek() != ")":
                raise FormulaError("Error: Syntax error. Missing ')'")
        self._expect(")")
        return arguments

    def _of_field(self, name: str) -> Formula:
        """Functions whose first argument is a field itself, or for ISPICKVAL also its prior value."""
        kind, word = self._next()
        prior = name == "ISPICKVAL" and word.upper() == "PRIORVALUE" and self._peek() == "("
        if prior:
            self._at += 1
            kind, word = self._next()
        if kind != "name":
            raise FormulaError(f"Error: Incorrect parameter for function '{name}()'. Expected a field")
        field = self._field(word, picklist=True)
        if prior:
            self._expect(")")
        read = _prior(field) if prior or name == "PRIORVALUE" else _value(field)
        wanted: Formula = _constant(None)
        if name == "ISPICKVAL":
            self._expect(",")
            wanted = self._binary(0)
        self._expect(")")
        if name == "ISCHANGED":
            return lambda change: change.before is not None and change.changed(field.name)
        return read if name == "PRIORVALUE" else _applied(OPERATORS["="], read, wanted)

    def _field(self, name: str, *, picklist: bool) -> Field:
        field = self._sobject.fields.get(name.lower())
        if field is None or not field.stored:
            raise FormulaError(f"Error: Field {name} does not exist. Check spelling.")
        if field.type == "picklist" and not picklist:
            message = f"Error: Field {field.name} is a picklist field."
            raise FormulaError(f"{message} Picklist fields are only supported in certain functions.")
        return field


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise FormulaError(f"Error: Syntax error. Found '{text[at:].strip()[:1]}'")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def _constant(value: Any) -> Formula:
    return lambda _: value


def _applied(call: Callable[..., Any], *arguments: Formula) -> Formula:
    return lambda change: call(*(argument(change) for argument in arguments))


def _value(field: Field) -> Formula:
    return lambda change: _shown(field, change.row.get(field.name))


def _prior(field: Field) -> Formula:
    return lambda change: _shown(field, (change.row if change.before is None else change.before).get(field.name))


def _shown(field: Field, value: Any) -> Any:
    return bool(value) if field.type == "boolean" else value
