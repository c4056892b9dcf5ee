"""Parses SOQL into its syntax tree by recursive descent."""

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.soql import syntax
from sandboxes.salesforce.soql.conditions import ConditionParser
from sandboxes.salesforce.soql.tokens import tokenize

_LONGEST = 100_000
_MOST_OFFSET = 2_000
_LONGEST_COUNT = 9
_CLAUSES = {"WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE", "USING"}
_WITH = {"SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"}


def parse(soql: str) -> syntax.Query:
    """The tree of a query; ApiError MALFORMED_QUERY with the place of the first mistake."""
    if len(soql) > _LONGEST:
        raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters.")
    parser = _QueryParser(soql)
    query = parser.query()
    parser.end()
    return query


class _QueryParser(ConditionParser):
    """Clauses and select lists; conditions come from the class it extends."""

    def __init__(self, soql: str) -> None:
        super().__init__(soql, tokenize(soql))

    def end(self) -> None:
        if self.now.kind != "end":
            self.unexpected()

    def query(self) -> syntax.Query:
        self.expect("SELECT")
        items = [self._item()]
        while self.accept(","):
            items.append(self._item())
        self.expect("FROM")
        sources = [self._source()]
        while self.accept(","):
            sources.append(self._source())
        scope = self._scope()
        where = self.condition() if self.accept("WHERE") else None
        self._with()
        grouping, groups = self._groups()
        having = self.condition() if self.accept("HAVING") else None
        order = self._order()
        limit = self._count("LIMIT")
        offset = self._count("OFFSET")
        self._trailers()
        if offset is not None and offset > _MOST_OFFSET:
            raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        return syntax.Query(
            text=self.soql,
            items=tuple(items),
            sources=tuple(sources),
            scope=scope,
            where=where,
            grouping=grouping,  # pyright: ignore[reportArgumentType]
            groups=groups,
            having=having,
            order=order,
            limit=limit,
            offset=offset,
        )

    def _item(self) -> "syntax.Item | syntax.AllFields | syntax.TypeOf | syntax.Query":
        if self.now.text == "(":
            self.step()
            child = self.query()
            self.expect(")")
            return child
        if self.now.upper == "TYPEOF":
            return self._typeof()
        if self.now.upper == "FIELDS" and self.peek().text == "(":
            return self._all_fields()
        expression = self.expression()
        return syntax.Item(expression, self._alias({"FROM"}))

    def _all_fields(self) -> syntax.AllFields:
        at = self.step().at
        self.expect("(")
        group = self.name().upper
        if group not in ("ALL", "STANDARD", "CUSTOM"):
            self.unexpected(-1)
        self.expect(")")
        return syntax.AllFields(group, at)

    def _typeof(self) -> syntax.TypeOf:
        self.step()
        path = self.path()
        branches: list[tuple[str, tuple[syntax.Path, ...]]] = []
        while self.accept("WHEN"):
            sobject = self.name().text
            self.expect("THEN")
            branches.append((sobject, self._paths()))
        otherwise = self._paths() if self.accept("ELSE") else ()
        self.expect("END")
        return syntax.TypeOf(path, tuple(branches), otherwise)

    def _paths(self) -> tuple[syntax.Path, ...]:
        paths = [self.path()]
        while self.accept(","):
            paths.append(self.path())
        return tuple(paths)

    def _alias(self, reserved: set[str]) -> str:
        self.accept("AS")
        if self.now.kind in ("name", "money") and "." not in self.now.text and self.now.upper not in reserved:
            return self.step().text
        return ""

    def _source(self) -> syntax.Source:
        return syntax.Source(self.path(), self._alias(_CLAUSES))

    def _scope(self) -> str:
        if not self.accept("USING"):
            return ""
        self.expect("SCOPE")
        return self.name().upper

    def _with(self) -> None:
        if self.accept("WITH") and self.name().upper not in _WITH:
            self.unexpected(-1)

    def _groups(self) -> tuple[str, tuple[syntax.Expression, ...]]:
        if not self.accept("GROUP"):
            return "", ()
        self.expect("BY")
        kind = "PLAIN"
        if self.now.upper in ("ROLLUP", "CUBE") and self.peek().text == "(":
            kind = self.step().upper
            self.step()
        groups = [self.expression()]
        while self.accept(","):
            groups.append(self.expression())
        if kind != "PLAIN":
            self.expect(")")
        return kind, tuple(groups)

    def _order(self) -> tuple[syntax.Ordering, ...]:
        if not self.accept("ORDER"):
            return ()
        self.expect("BY")
        terms = [self._ordering()]
        while self.accept(","):
            terms.append(self._ordering())
        return tuple(terms)

    def _ordering(self) -> syntax.Ordering:
        expression = self.expression()
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        nulls_first = not descending
        if self.accept("NULLS"):
            nulls_first = self.accept("FIRST")
            if not nulls_first:
                self.expect("LAST")
        return syntax.Ordering(expression, descending, nulls_first)

    def _count(self, word: str) -> int | None:
        if not self.accept(word):
            return None
        token = self.step()
        if not token.text.isdigit() or len(token.text) > _LONGEST_COUNT:
            self.unexpected(-1)
        return int(token.text)

    def _trailers(self) -> None:
        while self.now.upper in ("FOR", "UPDATE"):
            allowed = {"FOR": ("VIEW", "REFERENCE", "UPDATE"), "UPDATE": ("TRACKING", "VIEWSTAT")}
            opener = self.step().upper
            if self.step().upper not in allowed[opener]:
                self.unexpected(-1)
