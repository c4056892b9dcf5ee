"""The grammar of `$filter` and `$orderby` in version 4, read to the trees of version 2.

Source: OData 4.0 "URL Conventions", section 5.1.1: bare dates, moments and identifiers, `contains` and `in`; without
the lambdas `any` and `all`.
"""

import re
from functools import reduce

from sandboxes.sap.odata_v2.errors import refuse
from sandboxes.sap.odata_v2.expression import Expression, Literal, Operation, Parser, Token, bad_syntax

_DATE = r"\d{4}-\d\d-\d\d"
_TOKEN = re.compile(
    rf"""(?P<space>\s+)|(?P<datetimeoffset>{_DATE}T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))"""
    rf"""|(?P<guid>[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}})|(?P<datetime>{_DATE})(?!\w)"""
    r"""|(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w))"""
    r"""|(?P<name>[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*)|(?P<mark>[(),-])"""
)
_TYPED = frozenset({"datetimeoffset", "datetime", "guid"})
_OPERAND_LEVEL = 3  # what stands on either side of a comparison


def parse_expression(text: str) -> Expression:
    """The tree of an expression.

    Raises:
        ODataError: 400, the text does not follow the grammar.
    """
    parser = _ParserV4(_tokens(text))
    tree = parser.binary(0, 0)
    parser.expect_end()
    return tree


def parse_literal(text: str) -> Literal:
    """A single constant, as parameters of functions carry it.

    Raises:
        ODataError: 400, the text is not exactly one literal.
    """
    tree = parse_expression(text)
    if not isinstance(tree, Literal):
        raise refuse(400, "/IWBEP/CM_V4_COS/021", f"Invalid literal at '{text[:40]}'")
    return tree


def older_key(path: str) -> str:
    """A path whose keys spell identifiers as version 2 does, which resolves them."""
    return _KEYS.sub(lambda found: f"guid'{found[1]}'" if found[1] else found[0], path)


_KEYS = re.compile(r"'(?:[^']|'')*'|(?<=[(=])([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})(?=[,)])")


class _ParserV4(Parser):
    def binary(self, level: int, depth: int) -> Expression:
        left = super().binary(level, depth)
        if level != _OPERAND_LEVEL or self.peek().text != "in" or self.peek().kind != "name":
            return left
        position = self.next().position
        equal = [Operation("eq", (left, one), position) for one in self.arguments(depth + 1)]
        if not equal:
            raise bad_syntax(position)
        return reduce(lambda one, other: Operation("or", (one, other), position), equal)

    def primary(self, depth: int) -> Expression:
        found = super().primary(depth)
        if not isinstance(found, Operation):
            return found
        if found.name == "substringof()":
            raise bad_syntax(found.position)
        if found.name == "contains()":
            return Operation("substringof()", found.operands[::-1], found.position)
        return found


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise bad_syntax(at)
        kind = match.lastgroup or ""
        if kind in _TYPED:
            found.append(Token("typed", f"{kind}'{match[0]}'", at))
        elif kind != "space":
            found.append(Token(kind, match[0], at))
        at = match.end()
    return [*found, Token("end", "", len(text))]
