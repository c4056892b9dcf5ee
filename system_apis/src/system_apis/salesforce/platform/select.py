"""SELECT statements from questions: names come from the org's description, values through `soql.literal`.

SOQL and SOSL Reference, "SOQL SELECT Syntax".
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from shared.binding.problems import FieldError, Invalid
from shared.contracts.system.salesforce_platform import (
    ChildQuery,
    Condition,
    ObjectDescription,
    Ordering,
    QueryRequest,
)
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.fields import Fields, typed_literal
from system_apis.salesforce.soql import containing, literal, starting

_LISTS: Final = {"in": "IN", "not-in": "NOT IN", "includes": "INCLUDES", "excludes": "EXCLUDES"}
_PATTERNS: Final = {"like": str, "contains": containing, "starts-with": starting}


class Selection(msgspec.Struct, frozen=True):
    """A statement, and where in its answers the wanted values are.

    Attributes:
        sobject: API name of the object.
        soql: The statement.
        fields: Paths of the fields, as the org spells them; none for a count.
        children: Paths of the fields of each child relationship.
    """

    sobject: str
    soql: str
    fields: list[str]
    children: dict[str, list[str]]

    @property
    def digest(self) -> str:
        """Tells a question from others, so that nobody goes on with the pages of another one."""
        return blake2b(self.soql.encode(), digest_size=8).hexdigest()


class Select:
    """Writes statements for one org.

    Args:
        describe: What the org says of its objects.
    """

    def __init__(self, describe: Describe) -> None:
        self._describe = describe
        self._fields = Fields(describe)

    async def statement(self, question: QueryRequest) -> Selection:
        """The statement that answers a question.

        Raises:
            ObjectNotFound: There is no such object.
            FieldNotKnown: It has no such field or relationship.
            Invalid: A field cannot be compared so.
        """
        described = await self._describe.object(question.sobject)
        fields = await self._fields.spelt(described, question.fields)
        if not fields and (question.children or question.order_by):
            raise Invalid("Name at least one field; without fields rows are only counted.")
        columns, children = list(fields), dict[str, list[str]]()
        for child in question.children:
            name, inner, soql = await self._child(described, child)
            if name in children:
                raise _misused(name, "is asked for twice; name all fields of these children in one query")
            children[name] = inner
            columns.append(f"({soql})")
        tail = await self.clauses(described, question.where, question.any_of, question.order_by, question.limit)
        soql = f"SELECT {','.join(columns) or 'COUNT()'} FROM {described.name}{tail}"  # noqa: S608 - described names
        return Selection(described.name, soql, fields, children)

    async def _child(self, described: ObjectDescription, child: ChildQuery) -> tuple[str, list[str], str]:
        name, inner = await self._fields.child(described, child.relationship)
        fields = await self._fields.spelt(inner, child.fields)
        tail = await self.clauses(inner, child.where, (), child.order_by, child.limit)
        return name, fields, f"SELECT {','.join(fields)} FROM {name}{tail}"  # noqa: S608 - described names

    async def clauses(
        self,
        described: ObjectDescription,
        where: Sequence[Condition],
        any_of: Sequence[Sequence[Condition]],
        order_by: Sequence[Ordering],
        limit: int | None,
    ) -> str:
        """What follows the name of the object; raises as `statement`."""
        every = [await self._condition(described, each) for each in where]
        for some in any_of:
            choices = [await self._condition(described, each) for each in some]
            every += [f"({' OR '.join(choices)})"]
        terms = [await self._ordering(described, each) for each in order_by]
        text = f" WHERE {' AND '.join(every)}" if every else ""
        text += f" ORDER BY {','.join(terms)}" if terms else ""
        return text + (f" LIMIT {limit:d}" if limit is not None else "")

    async def _condition(self, described: ObjectDescription, condition: Condition) -> str:
        path, field = await self._fields.find(described, condition.field)
        operator = condition.operator
        if not field.filterable:
            raise _misused(path, "cannot be filtered by")
        if operator in _LISTS:
            if not condition.values or condition.value is not None:
                raise _misused(path, f"needs `values`, and no `value`, for {operator}")
            literals = [typed_literal(field, path, each) for each in condition.values]
            return f"{path} {_LISTS[operator]} ({','.join(literals)})"
        if condition.values:
            raise _misused(path, f"needs a `value`, and no `values`, for {operator}")
        if operator in _PATTERNS:
            return f"{path} LIKE {_pattern(condition, path)}"
        if condition.value is None and operator not in ("=", "!="):
            raise _misused(path, f"needs a `value` for {operator}")
        return f"{path}{operator}{typed_literal(field, path, condition.value)}"

    async def _ordering(self, described: ObjectDescription, ordering: Ordering) -> str:
        path, field = await self._fields.find(described, ordering.field)
        if not field.sortable:
            raise _misused(path, "cannot be ordered by")
        way = " DESC" if ordering.descending else ""
        return f"{path}{way} NULLS {'LAST' if ordering.nulls_last else 'FIRST'}"


def _pattern(condition: Condition, path: str) -> str:
    if not isinstance(condition.value, str) or "\0" in condition.value:
        raise _misused(path, f"needs text, without the sign NUL, for {condition.operator}")
    try:
        return literal(_PATTERNS[condition.operator](condition.value))
    except ValueError as error:
        raise _misused(path, f"cannot be compared: {error}") from None


def _misused(path: str, why: str) -> Invalid:
    error = FieldError(detail=f"{path} {why}", pointer=f"/fields/{path}")
    return Invalid(f"{path} {why}.", errors=[error])
