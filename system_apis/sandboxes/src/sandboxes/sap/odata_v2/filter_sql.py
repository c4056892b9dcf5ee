"""Filter trees to SQL: every constant becomes a bound parameter, every name comes from the model.

Decimals compare exactly through the collation DECIMAL and the functions that storage registers.
"""

from dataclasses import dataclass
from decimal import Decimal
from itertools import count

from sandboxes.sap.odata_v2.edm import EntitySet, Property, Service
from sandboxes.sap.odata_v2.errors import ODataError, refuse
from sandboxes.sap.odata_v2.expression import Expression, Lambda, Literal, Member, Operation
from sandboxes.sap.odata_v2.filter_functions import FUNCTIONS, MOMENTS, NUMBERS
from sandboxes.sap.odata_v2.primitives import alpha_in, to_column
from sandboxes.sap.odata_v2.tokens import bad_syntax

Parameter = str | int | float | None

_COMPARISONS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%"}


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with its parameters and EDM type; `prop` when it is a plain property."""

    text: str
    type: str
    parameters: tuple[Parameter, ...] = ()
    prop: Property | None = None
    constant: Literal | None = None


def condition(service: Service, entity_set: EntitySet, tree: Expression) -> Sql:
    """The boolean SQL of a filter over rows aliased `t0`.

    Raises:
        ODataError: 400, a property does not exist or operands do not fit their operator.
    """
    compiled = _Compiler(service, entity_set).compile(tree)
    if compiled.type != "Edm.Boolean":
        raise refuse(400, "/IWFND/CM_MGW_RT/022", "The filter expression is not a condition")
    return compiled


def sort_key(service: Service, entity_set: EntitySet, tree: Expression) -> Sql:
    """The SQL to order rows aliased `t0` by."""
    compiled = _Compiler(service, entity_set).compile(tree)
    return Sql(_exact(compiled), compiled.type, compiled.parameters)


class _Compiler:
    def __init__(self, service: Service, entity_set: EntitySet) -> None:
        self._service = service
        self._scopes: dict[str, tuple[EntitySet, str]] = {"$it": (entity_set, "t0")}
        self._aliases = count(1)

    def compile(self, tree: Expression) -> Sql:
        match tree:
            case Literal():
                return Sql("?", tree.type, (_bound(tree),), constant=tree)
            case Member():
                return self._member(tree)
            case Lambda():
                return self._lambda(tree)
            case Operation():
                return self._operation(tree)

    def _member(self, member: Member) -> Sql:
        (entity_set, alias), path = self._scope(member.path)
        if not path:
            raise _unknown(member.path[0], entity_set, member.position)
        way, last, rows = path[:-1], path[-1], ""
        if last == "$count":
            _, rows = self._behind(entity_set, alias, way, member.position)
            return Sql(f"(SELECT count(*) {rows})", "Edm.Int32")
        if way:
            (entity_set, alias), rows = self._behind(entity_set, alias, way, member.position, single=True)
        prop = entity_set.properties.get(last)
        if prop is None:
            raise _unknown(last, entity_set, member.position)
        column = f'{alias}."{prop.name}"'
        return Sql(f"(SELECT {column} {rows} LIMIT 1)" if rows else column, prop.type, prop=prop)

    def _lambda(self, asked: Lambda) -> Sql:
        (entity_set, alias), path = self._scope(asked.path)
        if asked.variable in self._scopes or not path:
            raise bad_syntax(asked.position)
        scope, rows = self._behind(entity_set, alias, path, asked.position)
        if asked.condition is None:
            return Sql(f"(EXISTS (SELECT 1 {rows}))", "Edm.Boolean")
        self._scopes[asked.variable] = scope
        meets = self.compile(asked.condition)
        del self._scopes[asked.variable]
        if meets.type != "Edm.Boolean":
            raise bad_syntax(asked.position)
        text = f"EXISTS (SELECT 1 {rows} AND {meets.text})"
        if asked.name == "all":  # what is unknown does not meet a condition
            text = f"NOT EXISTS (SELECT 1 {rows} AND NOT coalesce({meets.text}, 0))"
        return Sql(f"({text})", "Edm.Boolean", meets.parameters)

    def _scope(self, path: tuple[str, ...]) -> tuple[tuple[EntitySet, str], tuple[str, ...]]:
        """Where a path begins, and what is left of it: a variable's entity, else that of the whole expression."""
        named = self._scopes.get(path[0])
        return (named, path[1:]) if named else (self._scopes["$it"], path)

    def _behind(
        self, entity_set: EntitySet, alias: str, path: tuple[str, ...], position: int, *, single: bool = False
    ) -> tuple[tuple[EntitySet, str], str]:
        """What navigations lead to, and `FROM … WHERE …` over its rows; `single` allows to-one navigations only."""
        tables: list[str] = []
        joins: list[str] = []
        for place, step in enumerate(path, 1):
            navigation = entity_set.navigations.get(step)
            if navigation is None or (navigation.many and (single or place < len(path))):
                raise _unknown(step, entity_set, position)
            there_alias = f"t{next(self._aliases)}"
            tables.append(f'"{self._service.table(navigation.target)}" {there_alias}')
            joins += [f'{there_alias}."{there}" = {alias}."{here}"' for here, there in navigation.join]
            entity_set, alias = self._service.sets[navigation.target], there_alias
        if not tables:
            raise bad_syntax(position)
        return (entity_set, alias), f"FROM {', '.join(tables)} WHERE {' AND '.join(joins)}"

    def _operation(self, operation: Operation) -> Sql:
        operands = tuple(map(self.compile, operation.operands))
        name = operation.name
        if name in {"and", "or", "not"}:
            return _logic(operation, operands)
        if name in _COMPARISONS:
            return _comparison(operation, *operands)
        if name in _ARITHMETIC or name == "-":
            return _arithmetic(operation, operands)
        return _function(operation, operands)


def _logic(operation: Operation, operands: tuple[Sql, ...]) -> Sql:
    _typed(operation, operands, "Edm.Boolean")
    texts = [operand.text for operand in operands]
    text = f"(NOT {texts[0]})" if operation.name == "not" else f"({texts[0]} {operation.name.upper()} {texts[1]})"
    return Sql(text, "Edm.Boolean", _parameters(operands))


def _comparison(operation: Operation, left: Sql, right: Sql) -> Sql:
    operator = _COMPARISONS[operation.name]
    if "Null" in {left.type, right.type}:
        if operation.name not in {"eq", "ne"}:
            raise _misfit(operation)
        side = left if right.type == "Null" else right
        return Sql(f"({side.text} IS {'' if operator == '=' else 'NOT '}NULL)", "Edm.Boolean", side.parameters)
    if not _comparable(left.type, right.type):
        raise _misfit(operation)
    left, right = _numbered(left, right), _numbered(right, left)
    relation = "IS NOT" if operator == "<>" else operator
    return Sql(f"({_exact(left)} {relation} {_exact(right)})", "Edm.Boolean", _parameters((left, right)))


def _exact(side: Sql) -> str:
    """Numbers compare as decimals whatever column type they come from."""
    return f"CAST({side.text} AS TEXT) COLLATE DECIMAL" if side.type in NUMBERS else side.text


def _numbered(one: Sql, other: Sql) -> Sql:
    """A constant compared with a document number takes the form that number is kept in."""
    if one.constant is None or other.prop is None or not other.prop.alpha:
        return one
    return Sql("?", one.type, (alpha_in(str(one.constant.value), other.prop.max_length),), constant=one.constant)


def _arithmetic(operation: Operation, operands: tuple[Sql, ...]) -> Sql:
    if any(operand.type not in NUMBERS for operand in operands):
        raise _misfit(operation)
    if operation.name == "-":
        return Sql(f"calculate('-', '0', {operands[0].text})", "Edm.Decimal", operands[0].parameters)
    left, right = operands
    text = f"calculate('{_ARITHMETIC[operation.name]}', {left.text}, {right.text})"
    return Sql(text, "Edm.Decimal", _parameters(operands))


def _function(operation: Operation, operands: tuple[Sql, ...]) -> Sql:
    known = FUNCTIONS.get((operation.name, len(operands)))
    if known is None:
        raise refuse(
            400, "/IWFND/CM_MGW_RT/022", f"Function {operation.name} is not known (position {operation.position + 1})"
        )
    for operand, kind in zip(operands, known.operands, strict=True):
        allowed = {"text": {"Edm.String"}, "number": NUMBERS, "moment": MOMENTS}[kind]
        if operand.type not in allowed:
            raise _misfit(operation)
    texts = [f"trim_zeros({one.text})" if one.prop and one.prop.alpha else one.text for one in operands]
    return Sql(known.sql.format(*texts), known.result, _parameters(operands))


def _comparable(left: str, right: str) -> bool:
    return left == right or {left, right} <= NUMBERS or {left, right} <= MOMENTS


def _bound(literal: Literal) -> Parameter:
    if isinstance(literal.value, bool):
        return int(literal.value)
    if isinstance(literal.value, Decimal):
        return format(literal.value, "f")
    return to_column(Property("", literal.type), literal.value)


def _typed(operation: Operation, operands: tuple[Sql, ...], expected: str) -> None:
    if any(operand.type != expected for operand in operands):
        raise _misfit(operation)


def _parameters(operands: tuple[Sql, ...]) -> tuple[Parameter, ...]:
    return tuple(parameter for operand in operands for parameter in operand.parameters)


def _misfit(operation: Operation) -> ODataError:
    name = operation.name.removesuffix("()")
    return refuse(
        400,
        "/IWFND/CM_MGW_RT/021",
        f"Invalid parametertype used at function '{name}' (Position: {operation.position + 1})",
    )


def _unknown(name: str, entity_set: EntitySet, position: int) -> ODataError:
    text = f"Property {name} not found in type {entity_set.type_name} (position {position + 1})"
    return refuse(400, "/IWBEP/CM_MGW_RT/125", text)
