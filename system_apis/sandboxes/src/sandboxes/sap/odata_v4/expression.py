"""The grammar of `$filter` and `$orderby` in version 4, read to the trees of version 2.

Source: OData 4.0 "URL Conventions", section 5.1.1: bare dates, moments and identifiers, `contains`, `in`, `$count` of
a navigation, and the lambdas `any` and `all`.
"""

import re
from functools import reduce

from sandboxes.sap.odata_v2.errors import refuse
from sandboxes.sap.odata_v2.expression import Expression, Lambda, Literal, Operation, Parser
from sandboxes.sap.odata_v2.tokens import Tokenizer, bad_syntax

_DATE = r"\d{4}-\d\d-\d\d"
_tokenizer = Tokenizer(
    {
        "datetimeoffset": rf"{_DATE}T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)",
        "guid": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        "datetime": rf"{_DATE}(?!\w)",
    },
    "",
    r"\$?[A-Za-z_]\w*",
    "(),:-",
)
_OPERAND_LEVEL = 3  # what stands on either side of a comparison
_LAMBDAS = frozenset({"any", "all"})


def parse_expression(text: str) -> Expression:
    """The tree of an expression.

    Raises:
        ODataError: 400, the text does not follow the grammar.
    """
    parser = _ParserV4(_tokenizer.words(text))
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


def outside_brackets(text: str, mark: str) -> list[str]:
    """The parts of a text between marks that stand neither in brackets nor in quotes."""
    parts, depth, quoted = [""], 0, False
    for char in text:
        quoted ^= char == "'"
        if not quoted:
            depth += (char == "(") - (char == ")")
        if char == mark and not quoted and not depth:
            parts.append("")
        else:
            parts[-1] += char
    if depth or quoted:
        raise refuse(400, "/IWBEP/CM_V4_COS/014", f"Brackets or quotes do not match in '{text[:60]}'")
    return parts


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
        token = self.peek()
        *path, last = token.text.split("/")
        if token.kind == "name" and path and last in _LAMBDAS:
            return self._lambda(last, tuple(path), depth + 1)
        found = super().primary(depth)
        if not isinstance(found, Operation):
            return found
        if found.name == "substringof()":
            raise bad_syntax(found.position)
        if found.name == "contains()":
            return Operation("substringof()", found.operands[::-1], found.position)
        return found

    def _lambda(self, name: str, path: tuple[str, ...], depth: int) -> Lambda:
        """`_Item/any(i:i/Material eq 'X')`; `any` may ask for nothing but that there is one."""
        position = self.next().position
        self.expect("(")
        if name == "any" and self.peek().text == ")":
            self.next()
            return Lambda(name, path, "", None, position)
        variable = self.next()
        if variable.kind != "name" or "/" in variable.text:
            raise bad_syntax(variable.position)
        self.expect(":")
        condition = self.binary(0, depth)
        self.expect(")")
        return Lambda(name, path, variable.text, condition, position)
