"""Batches as columns of DuckDB, and questions as its SQL; names are known columns, values are bound."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from shared.binding.problems import FieldError, Invalid
from shared.contracts.system.data_warehouse import (
    Aggregate,
    Cell,
    Column,
    ColumnNotKnown,
    ColumnType,
    ColumnTypeChanged,
    Condition,
    FactBatch,
    FactQuery,
)
from system_apis.lake.records import DAY, DUCKDB_TYPES, RESERVED, SchemaRecord

_SCALE, _WHOLE_DIGITS = 9, 29
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WANTED = {
    "text": "a text", "integer": "a whole number", "float": "a number", "boolean": "true or false",
    "decimal": 'a decimal as text, such as "12.50", of up to 29 digits before the point and 9 after it',
    "date": "a date such as 2026-01-31", "moment": "a moment with its offset, such as 2026-01-31T12:00:00Z",
}  # fmt: skip


class Statement(NamedTuple):
    """SQL with the values to bind, and the columns of its answer."""

    sql: str
    values: list[Any]
    columns: list[Column]


def grown(schema: SchemaRecord, columns: Sequence[Column]) -> SchemaRecord:
    """The schema with the columns of a batch; raises ColumnTypeChanged, and Invalid for names that cannot be."""
    names = [column.name for column in columns]
    doubled = next((name for name in names if names.count(name) > 1 or name in RESERVED), None)
    if doubled is not None:
        raise Invalid(f"The column {doubled} is named twice, or is the name of a folder; give it another name.")
    kept = {column.name: column.type for column in schema.columns}
    for column in columns:
        if kept.get(column.name, column.type) != column.type:
            raise ColumnTypeChanged(
                f"The column {column.name} is {kept[column.name]} in the facts that are kept, not {column.type}; "
                "keep the new values in a column of another name.",
                extensions={"column": column.name, "type": kept[column.name]},
            )
    return SchemaRecord([*schema.columns, *(column for column in columns if column.name not in kept)])


def to_columns(batch: FactBatch) -> dict[str, tuple[str, list[Any]]]:
    """The batch by column; raises Invalid that names every value which is not of its column's type."""
    errors: list[FieldError] = []
    for number, row in enumerate(batch.rows):
        if len(row) != len(batch.columns):
            detail = f"The row has {len(row)} values for {len(batch.columns)} columns"
            errors.append(FieldError(detail=detail, pointer=f"/rows/{number}"))
    if errors:
        raise Invalid("Rows do not have one value for each column.", errors=errors[:20])
    columns: dict[str, tuple[str, list[Any]]] = {}
    for place, column in enumerate(batch.columns):
        values = [_value(row[place], column.type) for row in batch.rows]
        errors += [
            FieldError(detail=f"{column.name} takes {_WANTED[column.type]}", pointer=f"/rows/{number}/{place}")
            for number, value in enumerate(values)
            if value is _REFUSED
        ]
        columns[column.name] = (DUCKDB_TYPES[column.type], values)
    if errors:
        raise Invalid("Values are not of the types of their columns.", errors=errors[:20])
    return columns


_REFUSED = object()


def _value(cell: Cell, kind: ColumnType) -> Any:
    """What DuckDB is given for a cell; `_REFUSED` for one that is not of this type."""
    if cell is None:
        return None
    if kind == "boolean" or isinstance(cell, bool):
        return cell if kind == "boolean" and isinstance(cell, bool) else _REFUSED
    if kind == "float":
        return float(cell) if isinstance(cell, int | float) else _REFUSED
    if kind == "integer":
        return cell if isinstance(cell, int) else _REFUSED
    if kind == "decimal" and isinstance(cell, int):
        return str(cell)
    if not isinstance(cell, str):
        return _REFUSED
    if kind == "text":
        return cell
    return _decimal(cell) if kind == "decimal" else _time(cell, kind)


def _decimal(text: str) -> Any:
    try:
        value = Decimal(text) if text.isascii() and len(text) <= 64 else None  # noqa: PLR2004 - more than it may have
    except InvalidOperation:
        return _REFUSED
    if value is None or not value.is_finite():
        return _REFUSED
    _, digits, exponent = value.as_tuple()
    fits = int(exponent) >= -_SCALE and value.adjusted() < _WHOLE_DIGITS and len(digits) <= _SCALE + _WHOLE_DIGITS
    return f"{value:f}" if fits else _REFUSED


def _time(text: str, kind: ColumnType) -> Any:
    try:
        if kind == "date":
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).isoformat() if moment.tzinfo is not None else _REFUSED
    except (ValueError, OverflowError):
        return _REFUSED


def to_statement(query: FactQuery, schema: SchemaRecord, files: list[str]) -> Statement:
    """The question as SQL over these files; raises ColumnNotKnown, and Invalid for what makes no sense."""
    known: dict[str, ColumnType] = {**{column.name: column.type for column in schema.columns}, DAY: "date"}
    values: list[Any] = []
    source = _source(schema, files, values)
    chosen: dict[str, tuple[str, ColumnType]] = {
        name: (f'f."{name}"', _type(known, name, f"/columns/{at}")) for at, name in enumerate(query.columns)
    }
    for at, each in enumerate(query.aggregates):
        if each.name in chosen:
            raise Invalid(f"Two columns of the answer are named {each.name}; give the figure another name.")
        chosen[each.name] = _figure(each, known, f"/aggregates/{at}")
    if not chosen:
        raise Invalid("The question asks for nothing; name columns or aggregates.")
    met = [_met(each, known, values, f"/conditions/{at}") for at, each in enumerate(query.conditions)]
    shown = ", ".join(_shown(expression, kind) for expression, kind in chosen.values())
    sql = f"SELECT {shown} FROM ({source}) AS f WHERE {' AND '.join(met) or 'true'}"  # noqa: S608 - known names
    if query.aggregates and query.columns:
        sql += " GROUP BY " + ", ".join(f'f."{name}"' for name in dict.fromkeys(query.columns))
    values.append(query.limit + 1)
    sql += f" ORDER BY {_order(query, chosen)} LIMIT ?"
    return Statement(sql, values, [Column(name, kind) for name, (_, kind) in chosen.items()])


def _source(schema: SchemaRecord, files: list[str], values: list[Any]) -> str:
    """The rows of the files with all columns of the dataset, whichever a file has."""
    typed = ", ".join(f'NULL::{DUCKDB_TYPES[column.type]} AS "{column.name}"' for column in schema.columns)
    empty = f'SELECT {typed}, NULL::DATE AS "{DAY}" WHERE false'
    if not files:
        return empty
    values.append(files)
    read = "read_parquet(?, union_by_name = true, hive_partitioning = true, hive_types = {'day': DATE})"
    return f"{empty} UNION ALL BY NAME SELECT * FROM {read}"  # noqa: S608 - known names


def _type(known: dict[str, ColumnType], name: str, pointer: str) -> ColumnType:
    if name not in known:
        error = FieldError(detail="No column of this dataset", pointer=pointer)
        raise ColumnNotKnown(f"The dataset has no column {name}; list_datasets tells its columns.", errors=[error])
    return known[name]


def _figure(each: Aggregate, known: dict[str, ColumnType], pointer: str) -> tuple[str, ColumnType]:
    if each.column is None:
        if each.function != "count":
            raise Invalid(f"{each.name}: say the column to take the {each.function} of.")
        return "count(*)", "integer"
    kind = _type(known, each.column, f"{pointer}/column")
    if each.function == "count":
        return f'count(f."{each.column}")', "integer"
    if each.function == "sum" and kind not in ("integer", "decimal", "float"):
        raise Invalid(f"{each.name}: {each.column} is {kind}, which has no sum; take a column of numbers.")
    return f'CAST({each.function}(f."{each.column}") AS {DUCKDB_TYPES[kind]})', kind


def _met(condition: Condition, known: dict[str, ColumnType], values: list[Any], pointer: str) -> str:
    kind = _type(known, condition.column, f"{pointer}/column")
    column = f'f."{condition.column}"'
    wanted = {"is-null": 0, "not-null": 0, "in": max(1, len(condition.values))}.get(condition.operator, 1)
    given = [_value(cell, kind) for cell in condition.values]
    if len(given) != wanted or _REFUSED in given or None in given:
        error = FieldError(detail=f"{condition.operator} takes {wanted} of: {_WANTED[kind]}", pointer=pointer)
        raise Invalid(f"The condition on {condition.column} has values that do not fit.", errors=[error])
    if not wanted:
        return f"{column} IS {'NOT ' if condition.operator == 'not-null' else ''}NULL"
    values += given
    places = ", ".join(f"CAST(? AS {DUCKDB_TYPES[kind]})" for _ in given)
    if condition.operator == "in":
        return f"{column} IN ({places})"
    return f"{column} {'IS DISTINCT FROM' if condition.operator == '!=' else condition.operator} {places}"


def _order(query: FactQuery, chosen: dict[str, tuple[str, ColumnType]]) -> str:
    ways = {each.column: " DESC" if each.descending else "" for each in query.order_by}
    missing = next((name for name in ways if name not in chosen), None)
    if missing is not None:
        raise ColumnNotKnown(f"The answer has no column {missing} to sort by; name it in columns or aggregates.")
    return ", ".join(f"{chosen[name][0]}{ways.get(name, '')} NULLS LAST" for name in dict.fromkeys([*ways, *chosen]))


def _shown(expression: str, kind: ColumnType) -> str:
    """As it is fetched: decimals and dates as text, moments as microseconds since 1970."""
    if kind == "moment":
        return f"epoch_us({expression})"
    return f"CAST({expression} AS VARCHAR)" if kind in ("decimal", "date") else expression


def to_cell(value: Any, kind: ColumnType) -> Cell:
    """A fetched value as it goes out: decimals without zeros at their end, moments in UTC."""
    if value is not None and kind == "decimal":
        return value.rstrip("0").rstrip(".")
    if value is not None and kind == "moment":
        return (_EPOCH + timedelta(microseconds=value)).isoformat().replace("+00:00", "Z")
    return value
