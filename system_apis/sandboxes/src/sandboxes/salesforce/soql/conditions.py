"""Parses expressions and conditions: what WHERE and HAVING hold."""

from typing import NoReturn

from sandboxes.salesforce.faults import soql_error
from sandboxes.salesforce.soql import syntax
from sandboxes.salesforce.soql.literals import read_literal
from sandboxes.salesforce.soql.tokens import Token

_COMPARISONS = {"=", "!=", "<>", "<", "<=", ">", ">=", "LIKE"}
_SETS = {"IN", "INCLUDES", "EXCLUDES"}
_LONGEST_TEXT = 4_000
_DEEPEST = 100


class ConditionParser:
    """A cursor over tokens that reads expressions and conditions."""

    def __init__(self, soql: str, tokens: list[Token]) -> None:
        self.soql = soql
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def now(self) -> Token:
        """The token under the cursor."""
        return self._tokens[self._at]

    def peek(self) -> Token:
        """The token after it."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def step(self) -> Token:
        """Take the token under the cursor; the end token stays."""
        token = self.now
        if token.kind != "end":
            self._at += 1
        return token

    def accept(self, word: str) -> bool:
        """Take the token if it is this keyword or symbol."""
        if self.now.upper == word and self.now.kind in ("name", "symbol"):
            self._at += 1
            return True
        return False

    def expect(self, word: str) -> None:
        """Take this keyword or symbol, or refuse the query."""
        if not self.accept(word):
            self.unexpected()

    def unexpected(self, back: int = 0) -> NoReturn:
        """Refuse the token under the cursor, or the one before it."""
        token = self._tokens[max(0, self._at + back)]
        raise soql_error("MALFORMED_QUERY", f"unexpected token: '{token.text}'", self.soql, token.at)

    def name(self) -> Token:
        """Take a single name."""
        if self.now.kind not in ("name", "money") or "." in self.now.text:
            self.unexpected()
        return self.step()

    def path(self) -> syntax.Path:
        """Take a dotted name."""
        if self.now.kind not in ("name", "money"):
            self.unexpected()
        token = self.step()
        return syntax.Path(token.text, token.at)

    def expression(self) -> syntax.Expression:
        """Take a path or a function call."""
        path = self.path()
        if not self.accept("("):
            return path
        if "." in path.text:
            self.unexpected(-1)
        argument = None if self.now.text == ")" else self.expression()
        self.expect(")")
        return syntax.Call(path.text.upper(), argument, path.at)

    def condition(self) -> syntax.Condition:
        """Take conditions joined by AND or by OR; a mix needs parentheses."""
        first = self._single()
        joiner = self.now.upper
        if joiner not in ("AND", "OR"):
            return first
        parts = [first]
        while self.accept(joiner):
            parts.append(self._single())
        if self.now.upper in ("AND", "OR"):
            self.unexpected()
        return syntax.Every(tuple(parts)) if joiner == "AND" else syntax.Either(tuple(parts))

    def _single(self) -> syntax.Condition:
        if self.accept("NOT"):
            return syntax.Not(self._single())
        if self.accept("("):
            self._depth += 1
            if self._depth > _DEEPEST:
                self.unexpected(-1)
            inner = self.condition()
            self._depth -= 1
            self.expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> syntax.Condition:
        at = self.now.at
        left = self.expression()
        operator = self.step().upper
        if operator == "NOT":
            self.expect("IN")
            return self._set(left, "NOT IN", at)
        if operator in _SETS:
            return self._set(left, operator, at)
        if operator not in _COMPARISONS:
            self.unexpected(-1)
        if operator == "<>":
            operator = "!="
        return syntax.Comparison(left, operator, self._literal(), at)

    def _set(self, left: syntax.Expression, operator: str, at: int) -> syntax.Condition:
        self.expect("(")
        if self.now.upper == "SELECT" and operator in ("IN", "NOT IN"):
            query = self.query()
            self.expect(")")
            return syntax.Join(left, operator, query, at)
        values = [self._literal()]
        while self.accept(","):
            values.append(self._literal())
        self.expect(")")
        return syntax.Membership(left, operator, tuple(values), at)

    def query(self) -> syntax.Query:
        """A nested query; the parser of whole queries reads it."""
        return self.unexpected()

    def _literal(self) -> syntax.Literal_:
        token = self.now
        literal = read_literal(token)
        if literal is None:
            self.unexpected()
        if isinstance(literal, syntax.Text) and len(literal.value) > _LONGEST_TEXT:
            message = "A string literal in a WHERE clause cannot be longer than 4000 characters"
            raise soql_error("MALFORMED_QUERY", message, self.soql, token.at)
        self.step()
        return literal
