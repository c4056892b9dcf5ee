"""`$search`: free text to the tree of a filter over the properties that a set lets be searched.

Source: OData 4.0 "URL Conventions", section 5.1.7: words and "phrases", AND (or nothing between them), OR, NOT.
"""

import re
from functools import reduce

from sandboxes.sap.odata_v2.errors import ODataError, refuse
from sandboxes.sap.odata_v2.expression import Expression, Literal, Member, Operation

_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([()])|([^\s"()]+))')
_MOST_WORDS = 50


def search_condition(text: str, names: tuple[str, ...]) -> Expression:
    """The condition that a row meets which the text finds, whatever the case of its letters.

    Args:
        text: What is searched for.
        names: The properties searched.

    Raises:
        ODataError: 400, the text cannot be read.
    """
    words = _words(text)
    found = _Search(words, names)
    tree = found.either()
    if found.words:
        raise _unreadable(text)
    return tree


class _Search:
    def __init__(self, words: list[tuple[str, str]], names: tuple[str, ...]) -> None:
        self.words, self._names = words, names

    def either(self) -> Expression:
        found = self._every()
        while self._next_is("OR"):
            self.words.pop(0)
            found = Operation("or", (found, self._every()), 0)
        return found

    def _every(self) -> Expression:
        found = self._one()
        while self.words and not self._next_is("OR") and self.words[0] != ("mark", ")"):
            if self._next_is("AND"):
                self.words.pop(0)
            found = Operation("and", (found, self._one()), 0)
        return found

    def _one(self) -> Expression:
        kind, text = self.words.pop(0) if self.words else ("end", "")
        if (kind, text) == ("word", "NOT"):
            return Operation("not", (self._one(),), 0)
        if (kind, text) == ("mark", "("):
            inner = self.either()
            if not self.words or self.words.pop(0) != ("mark", ")"):
                raise _unreadable(text)
            return inner
        if kind in {"end", "mark"} or (kind == "word" and text in {"AND", "OR"}):
            raise _unreadable(text)
        return self._holds(text)

    def _holds(self, text: str) -> Expression:
        wanted = Literal("Edm.String", text.lower())
        held = [Operation("tolower()", (Member((name,), 0),), 0) for name in self._names]
        tests: list[Expression] = [Operation("substringof()", (wanted, one), 0) for one in held]
        return reduce(lambda one, other: Operation("or", (one, other), 0), tests)

    def _next_is(self, word: str) -> bool:
        return bool(self.words) and self.words[0] == ("word", word)


def _words(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text.rstrip()):
        match = _WORD.match(text, at)
        if match is None or len(found) == _MOST_WORDS:
            raise _unreadable(text)
        phrase, mark, word = match.groups()
        found.append(("mark", mark) if mark else ("word", word) if word else ("phrase", phrase.replace("\\", "")))
        at = match.end()
    return found


def _unreadable(text: str) -> ODataError:
    return refuse(400, "/IWBEP/CM_V4_COS/014", f"The value of $search cannot be read at '{text[:40]}'")
