"""Turns SuiteQL into SQLite's SQL: only what is said differently changes, the rest is SQLite's to judge."""

import re

from sandboxes.netsuite.suiteql.views import DISPLAYED

_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<quoted>\"[^\"]*\")"
    r"|(?P<word>[A-Za-z_][\w$#]*)|(?P<number>\d+(?:\.\d+)?)|(?P<sign><=|>=|<>|!=|\|\||.)",
    re.DOTALL,
)
_UNSUPPORTED = frozenset({"LIMIT", "PRAGMA", "ATTACH", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER"})


class NotSuiteql(Exception):  # noqa: N818 - reads as what it is
    """The query uses what SuiteQL does not have; the text says what."""


def translate(query: str) -> str:
    """The query for SQLite.

    Raises:
        NotSuiteql: it is not one SELECT statement, or it uses what SuiteQL does not have.
    """
    tokens = [(match.lastgroup or "", match[0]) for match in _TOKEN.finditer(query.strip().removesuffix(";"))]
    words = [(kind, text) for kind, text in tokens if kind != "space"]
    if not words or words[0][1].upper() not in ("SELECT", "WITH", "("):
        raise NotSuiteql("Only SELECT statements are supported")
    return _Translator(words).translated()


class _Translator:
    """One pass over the tokens; limits wait on a stack until their SELECT ends."""

    def __init__(self, words: list[tuple[str, str]]) -> None:
        self._words, self._at = words, 0
        self._limits: list[str] = [""]
        self._in_where: list[bool] = [False]
        self._out = list[str]()

    def translated(self) -> str:
        """The whole query."""
        while self._at < len(self._words):
            self._one()
        self._close()
        return " ".join(self._out)

    def _one(self) -> None:
        kind, text = self._words[self._at]
        upper = text.upper()
        if kind == "sign":
            self._sign(text)
        elif kind != "word":
            self._keep(text)
        elif upper in _UNSUPPORTED:
            raise NotSuiteql(f"{upper} is not supported")
        elif upper in _SPECIAL:
            _SPECIAL[upper](self)
        elif upper == "TRANSACTION":
            self._keep('"transaction"')
        else:
            if upper in ("WHERE", "FROM", "GROUP", "ORDER"):
                self._in_where[-1] = upper == "WHERE"
            self._keep(text)

    def _sign(self, text: str) -> None:
        if text in (";", "?", "@", ":", "`"):
            raise NotSuiteql(f"Unexpected {text}")
        if text == "(":
            self._limits.append("")
            self._in_where.append(False)
        elif text == ")":
            self._close()
            if not self._limits:
                raise NotSuiteql("A parenthesis is not opened")
        self._keep(text)

    def _close(self) -> None:
        """A SELECT ends here: its limit, if it has one, comes last."""
        limit = self._limits.pop()
        self._in_where.pop()
        if limit:
            self._out.append(limit)

    def _keep(self, text: str, words: int = 1) -> None:
        self._out.append(text)
        self._at += words

    def _peek(self, ahead: int) -> str:
        at = self._at + ahead
        return self._words[at][1].upper() if at < len(self._words) else ""

    def select(self) -> None:
        """`SELECT TOP n`."""
        if self._peek(1) == "TOP" and self._peek(2).isdecimal():
            self._limits[-1] = f"LIMIT {self._peek(2)}"
            self._keep("SELECT", 3)
        else:
            self._keep("SELECT")

    def fetch(self) -> None:
        """`FETCH FIRST n ROWS ONLY`."""
        if self._peek(1) not in ("FIRST", "NEXT") or not self._peek(2).isdecimal() or self._peek(4) != "ONLY":
            raise NotSuiteql("FETCH is spelled FETCH FIRST n ROWS ONLY")
        offset = self._limits[-1].partition("OFFSET")[2]
        self._limits[-1] = f"LIMIT {self._peek(2)}" + (f" OFFSET{offset}" if offset else "")
        self._at += 5

    def offset(self) -> None:
        """`OFFSET n ROWS`."""
        if not self._peek(1).isdecimal() or self._peek(2) not in ("ROW", "ROWS"):
            raise NotSuiteql("OFFSET is spelled OFFSET n ROWS")
        self._limits[-1] = f"LIMIT -1 OFFSET {self._peek(1)}"
        self._at += 3

    def row_number(self) -> None:
        """ROWNUM: in WHERE a limit, elsewhere the row's number."""
        if not self._in_where[-1]:
            self._keep("row_number() OVER ()")
            return
        if self._peek(1) not in ("<", "<=", "=") or not self._peek(2).isdecimal():
            raise NotSuiteql("ROWNUM is compared as ROWNUM <= n")
        most = int(self._peek(2)) - (self._peek(1) == "<")
        self._limits[-1] = f"LIMIT {max(most, 0)}"
        self._keep("1 = 1", 3)

    def builtin(self) -> None:
        """BUILTIN.DF(column): the column that shows it."""
        if self._peek(1) != "." or self._peek(2) != "DF" or self._peek(3) != "(":
            raise NotSuiteql(f"BUILTIN.{self._peek(2)} is not supported")
        end = next((at for at in range(4, 9) if self._peek(at) == ")"), 0)
        inside = [self._words[self._at + at][1] for at in range(4, end)]
        if not inside or self._words[self._at + end - 1][0] != "word":
            raise NotSuiteql("BUILTIN.DF takes a column")
        if inside[-1].lower() in DISPLAYED:
            inside[-1] = f"{inside[-1]}__df"
        inside = ['"transaction"' if one.upper() == "TRANSACTION" else one for one in inside]
        self._keep("".join(inside), end + 1)

    def now(self) -> None:
        """SYSDATE."""
        self._keep("ns_now()")

    def minus(self) -> None:
        """MINUS."""
        self._keep("EXCEPT")


_SPECIAL = {
    "SELECT": _Translator.select,
    "FETCH": _Translator.fetch,
    "OFFSET": _Translator.offset,
    "ROWNUM": _Translator.row_number,
    "BUILTIN": _Translator.builtin,
    "SYSDATE": _Translator.now,
    "CURRENT_DATE": _Translator.now,
    "MINUS": _Translator.minus,
}
