"""A question of a caller as the path that asks it; no value can become more than a value."""

from collections.abc import Iterable, Mapping

from shared.binding.problems import FieldError
from shared.contracts.system.oracle_fusion import Area, OracleCondition, OracleFinder, OracleQuery, OracleRefused
from shared.contracts.system.salesforce_platform import FieldValue
from system_apis.oracle.rest import address, literal, segment
from system_apis.oracle.settings import OracleSettings


def root_of(area: Area, settings: OracleSettings) -> str:
    """The version root of an area's resources."""
    return settings.fscm_path if area == "fscm" else settings.crm_path


def record_path(resource: str, key: str = "", child: str = "", child_key: str = "") -> str:
    """A collection or a record, below the version root."""
    parts = [resource, *([segment(key)] if key else []), *(["child", child] if child else [])]
    return "/" + "/".join([*parts, *([segment(child_key)] if child_key else [])])


def query_path(question: OracleQuery, offset: int, settings: OracleSettings) -> str:
    """The path with its query.

    Raises:
        OracleRefused: The question contradicts itself.
    """
    if (question.child or question.values) and not question.key:
        raise _wrong("A child or a list of values is one record's: give its `key`.", "/key")
    if question.child and question.values:
        raise _wrong("Ask either for a child or for a list of values.", "/values")
    if is_one(question) and (question.where or question.finder is not None):
        pointer = "/where" if question.where else "/finder"
        raise _wrong("One record is asked for by its key alone: drop the conditions, or the `key`.", pointer)
    path = record_path(question.resource, question.key, question.child)
    if question.values:
        path += f"/lov/{question.values}"
    parameters: dict[str, str | int] = {}
    if not is_one(question):
        parameters |= {"limit": question.limit, "offset": offset} | _asked(question)
    if question.fields:
        parameters["fields"] = _fields(question.fields)
    elif question.expand:
        parameters["expand"] = ",".join(question.expand)
    if question.effective is not None:
        parameters["effectiveDate"] = question.effective.isoformat()
    return address(f"{root_of(question.area, settings)}{path}", **parameters)


def is_one(question: OracleQuery) -> bool:
    """Whether one record is asked for by its key."""
    return bool(question.key) and not (question.child or question.values)


def _asked(question: OracleQuery) -> dict[str, str | int]:
    asked: dict[str, str | int] = {}
    if question.where:
        asked["q"] = " and ".join(_condition(one, f"/where/{place}") for place, one in enumerate(question.where))
    if question.finder is not None:
        asked["finder"] = _finder(question.finder)
    if question.order_by:
        asked["orderBy"] = ",".join(
            f"{one.attribute}:{'desc' if one.descending else 'asc'}" for one in question.order_by
        )
    return asked


def _condition(one: OracleCondition, pointer: str) -> str:
    if one.operator == "in":
        if not one.values:
            raise _wrong("`in` needs `values`.", f"{pointer}/values")
        return f"{one.attribute} in ({','.join(_literal(value) for value in one.values)})"
    if one.value is None:
        if one.operator not in ("=", "!="):
            raise _wrong("Only = and != can ask for no value.", f"{pointer}/value")
        return f"{one.attribute} is {'not ' if one.operator == '!=' else ''}null"
    return f"{one.attribute} {one.operator} {_literal(one.value)}"


def _literal(value: FieldValue) -> str:
    if isinstance(value, bool):
        return literal(str(value).lower())
    return literal(value) if isinstance(value, str) else str(value)


def _finder(finder: OracleFinder) -> str:
    """`Name;Variable=value,…`; a comma or semicolon would end a value, and the framework has no way to quote it."""
    values: Mapping[str, FieldValue] = finder.values
    for name, value in values.items():
        if isinstance(value, str) and any(sign in value for sign in ",;"):
            raise _wrong("A finder's value can have no comma or semicolon; ask by `where`.", f"/finder/values/{name}")
    pairs = ",".join(f"{name}={_plain(value)}" for name, value in values.items())
    return f"{finder.name};{pairs}" if pairs else finder.name


def _plain(value: FieldValue) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _fields(paths: Iterable[str]) -> str:
    """Attributes grouped by the child that has them: `A,B;lines:C,D;lines.charges:E`."""
    groups: dict[str, list[str]] = {}
    for one in paths:
        child, _, attribute = one.rpartition(".")
        groups.setdefault(child, []).append(attribute)
    own = groups.pop("", [])
    below = [f"{child}:{','.join(attributes)}" for child, attributes in groups.items()]
    return ";".join([",".join(own), *below] if own else below)


def _wrong(detail: str, pointer: str) -> OracleRefused:
    return OracleRefused(detail, errors=[FieldError(detail, pointer)])
