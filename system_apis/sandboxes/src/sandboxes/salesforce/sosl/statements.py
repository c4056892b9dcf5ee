"""Whole SOSL statements: FIND {…} IN … FIELDS RETURNING Object(fields WHERE … ORDER BY … LIMIT n) LIMIT n."""

import re

from msgspec import Struct

from sandboxes.salesforce.sosl.terms import Terms, malformed, parse_terms

SCOPES = ("ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR")
_FIND = re.compile(r"\s*FIND\s*\{((?:[^{}\\]|\\.)*)\}", re.IGNORECASE | re.DOTALL)
_IN = re.compile(r"\s*IN\s+(\w+)\s+FIELDS\b", re.IGNORECASE)
_RETURNING = re.compile(r"\s*RETURNING\s+", re.IGNORECASE)
_OBJECT = re.compile(r"\s*([A-Za-z]\w*)\s*")
_LIMIT = re.compile(r"\s*LIMIT\s+([0-9]{1,9})\s*", re.IGNORECASE)
_CLAUSES = re.compile(r"\s*\b(?:WHERE|ORDER|LIMIT|OFFSET)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)


class Returned(Struct, frozen=True):
    """An object to search in: its fields, and what follows them in a query on it."""

    sobject: str
    fields: str = "Id"
    clauses: str = ""


class Search(Struct, frozen=True):
    """A whole search."""

    terms: Terms
    scope: str = "ALL"
    returning: tuple[Returned, ...] = ()
    limit: int | None = None


def parse_search(sosl: str) -> Search:
    """What a statement asks for; ApiError MALFORMED_SEARCH if it cannot be read."""
    found = _FIND.match(sosl)
    if found is None:
        raise malformed("expecting FIND and a search query in braces")
    at, scope, returning = found.end(), "ALL", list[Returned]()
    if named := _IN.match(sosl, at):
        at, scope = named.end(), named[1].upper()
        if scope not in SCOPES:
            raise malformed(f"unexpected token: {scope}")
    if opened := _RETURNING.match(sosl, at):
        at = opened.end()
        while True:
            entry, at = _returned(sosl, at)
            returning.append(entry)
            if sosl[at : at + 1] != ",":
                break
            at += 1
    limit = _LIMIT.match(sosl, at)
    at = limit.end() if limit else at
    if sosl[at:].strip():
        raise malformed(f"unexpected token: {sosl[at:].split(maxsplit=1)[0]}")
    return Search(parse_terms(found[1]), scope, tuple(returning), int(limit[1]) if limit else None)


def _returned(sosl: str, at: int) -> tuple[Returned, int]:
    named = _OBJECT.match(sosl, at)
    if named is None:
        raise malformed("expecting the name of an object")
    at = named.end()
    if sosl[at : at + 1] != "(":
        return Returned(named[1]), at
    end = _closing(sosl, at)
    inside = sosl[at + 1 : end]
    clauses = _CLAUSES.search(_QUOTED.sub(lambda text: "'" + "x" * (len(text[0]) - 2) + "'", inside))
    cut = clauses.start() if clauses else len(inside)
    rest = re.match(r"\s*", sosl[end + 1 :])
    return Returned(named[1], inside[:cut].strip() or "Id", inside[cut:].strip()), end + 1 + (rest.end() if rest else 0)


def _closing(sosl: str, at: int) -> int:
    """The place of the parenthesis that closes the one at `at`."""
    depth, place = 0, at
    while place < len(sosl):
        if sosl[place] == "'" and (text := _QUOTED.match(sosl, place)):
            place = text.end()
            continue
        depth += {"(": 1, ")": -1}.get(sosl[place], 0)
        if depth == 0:
            return place
        place += 1
    raise malformed("expecting a right parenthesis")
