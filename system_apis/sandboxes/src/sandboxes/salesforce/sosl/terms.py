"""Search queries: words, "phrases", the wildcards * and ?, AND, OR, AND NOT, parentheses, escapes by backslash."""

import re
from collections.abc import Callable

from msgspec import Struct

from sandboxes.salesforce.faults import ApiError

RESERVED = frozenset("?&|!{}[]()^~*:\\\"'+-")
"""Signs that stand for themselves only after a backslash."""
_PIECE = re.compile(r"""\s*(?:(?P<phrase>"(?:[^"\\]|\\.)*")|(?P<sign>[()])|(?P<word>(?:[^\s"()\\]|\\.)+))""", re.DOTALL)
_BARE = re.compile(r"[&|!{}\[\]^~:'+\-]")
_WORDS = re.compile(r"\w+")
_SHORTEST = 2


class Term(Struct, frozen=True):
    """A word or phrase; `pattern` finds it in text, `text` is what was asked for, unescaped."""

    text: str
    pattern: str


class Both(Struct, frozen=True):
    """AND, also of words side by side."""

    left: "Terms"
    right: "Terms"


class Either(Struct, frozen=True):
    """OR."""

    left: "Terms"
    right: "Terms"


class Except(Struct, frozen=True):
    """AND NOT."""

    left: "Terms"
    right: "Terms"


Terms = Term | Both | Either | Except


def parse_terms(query: str) -> Terms:
    """What a search query asks for; ApiError INVALID_SEARCH or MALFORMED_SEARCH if it is none."""
    if sum(map(len, _WORDS.findall(query))) < _SHORTEST:
        raise ApiError(400, "INVALID_SEARCH", f"search term must be longer than one character: {query}")
    reader = _Reader(query)
    terms = reader.alternatives()
    reader.end()
    return terms


def matcher(terms: Terms) -> Callable[[str], bool]:
    """Whether a record's text has what was asked for."""
    if isinstance(terms, Term):
        compiled = re.compile(terms.pattern, re.IGNORECASE)
        return lambda text: compiled.search(text) is not None
    left, right = matcher(terms.left), matcher(terms.right)
    if isinstance(terms, Both):
        return lambda text: left(text) and right(text)
    if isinstance(terms, Either):
        return lambda text: left(text) or right(text)
    return lambda text: left(text) and not right(text)


class _Reader:
    def __init__(self, query: str) -> None:
        self._pieces: list[tuple[str, str]] = []
        at = 0
        while match := _PIECE.match(query, at):
            self._pieces.append((match.lastgroup or "", match[match.lastgroup or 0]))
            at = match.end()
        if query[at:].strip():
            raise malformed(f"unexpected token: {query[at:].strip()[:1]}")
        self._at = 0

    def _now(self) -> tuple[str, str]:
        return self._pieces[self._at] if self._at < len(self._pieces) else ("end", "")

    def _accept(self, text: str, kind: str = "word") -> bool:
        found = self._now() == (kind, text)
        self._at += found
        return found

    def end(self) -> None:
        if self._now()[0] != "end":
            raise malformed(f"unexpected token: {self._now()[1]}")

    def alternatives(self) -> Terms:
        terms = self._all()
        while self._accept("OR"):
            terms = Either(terms, self._all())
        return terms

    def _all(self) -> Terms:
        terms = self._one()
        while (kind := self._now()[0]) != "end" and self._now() not in (("sign", ")"), ("word", "OR")):
            if kind == "word" and self._accept("AND"):
                terms = Except(terms, self._one()) if self._accept("NOT") else Both(terms, self._one())
            else:
                terms = Both(terms, self._one())
        return terms

    def _one(self) -> Terms:
        kind, text = self._now()
        self._at += 1
        if (kind, text) == ("sign", "("):
            terms = self.alternatives()
            if not self._accept(")", "sign"):
                raise malformed("expecting a right parenthesis")
            return terms
        if kind == "phrase":
            return _phrase(text[1:-1])
        if kind != "word" or text in ("AND", "OR", "NOT"):
            raise malformed(f"unexpected token: {text or '<EOF>'}")
        return _word(text)


def _word(text: str) -> Term:
    pattern, plain, at = "", "", 0
    while at < len(text):
        sign = text[at]
        if sign == "\\" and at + 1 < len(text):
            at += 1
            pattern, plain = pattern + _literal(text[at]), plain + text[at]
        elif sign in "*?":
            pattern, plain = pattern + (r"\w*" if sign == "*" else r"\w"), plain + sign
        elif _BARE.match(sign) or sign == "\\":
            raise malformed(f"unexpected token: {sign}")
        else:
            pattern, plain = pattern + _literal(sign), plain + sign
        at += 1
    return _term(plain, pattern)


def _phrase(text: str) -> Term:
    plain = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
    return _term(plain, "".join(_literal(sign) for sign in plain))


def _literal(sign: str) -> str:
    return re.escape(sign) if sign.isalnum() or sign == "_" else r"\W+"


def _term(plain: str, pattern: str) -> Term:
    pattern = re.sub(r"(?:\\W\+)+", r"\\W+", pattern).removeprefix(r"\W+").removesuffix(r"\W+")
    return Term(plain, rf"(?<!\w){pattern}(?!\w)" if pattern else "(?!)")


def malformed(message: str) -> ApiError:
    """400: the search cannot be read."""
    return ApiError(400, "MALFORMED_SEARCH", message)
