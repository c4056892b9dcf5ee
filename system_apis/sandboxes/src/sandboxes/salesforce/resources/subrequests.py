"""Runs the subrequests of composite calls, and fills in what they refer to of one another."""

import re
from typing import Any

from sandboxes.salesforce.faults import ApiError, MultipleChoices, json_error
from sandboxes.salesforce.http import Response
from sandboxes.salesforce.rest import Call, refusal

_REFERENCE = re.compile(r"@\{([^}]*)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_MISSING = object()


def run(call: Call, method: str, url: str, body: Any, headers: dict[str, str]) -> Response:
    """One subrequest; a refusal is its response, not an exception."""
    try:
        with call.org.store.savepoint():
            return call.rest.sub(call, method, url, body, headers)
    except (ApiError, MultipleChoices) as fault:
        return refusal(fault, "", url.partition("?")[0])


def halted(message: str) -> Response:
    """What a subrequest answers that another one took down."""
    return Response(400, [{"errorCode": "PROCESSING_HALTED", "message": message}])


def text_of(entry: Any, name: str) -> str:
    """A required string of an envelope; ApiError JSON_PARSER_ERROR if it is missing."""
    value = entry.get(name) if isinstance(entry, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if not isinstance(value, str) or not value:
        raise json_error(f"Missing or malformed property '{name}' in a subrequest")
    return value


class References:
    """The results of finished subrequests, by referenceId."""

    def __init__(self) -> None:
        self._bodies: dict[str, object] = {}
        self.failed: set[str] = set()

    def keep(self, reference_id: str, response: Response) -> None:
        """Remember a finished subrequest."""
        self._bodies[reference_id] = response.body
        if response.status >= 300:  # noqa: PLR2004 - anything but success
            self.failed.add(reference_id)

    def fill(self, value: Any) -> Any:
        """The value with every @{…} replaced; LookupError says which reference has no value."""
        if isinstance(value, str):
            return self._in_text(value)
        if isinstance(value, dict):
            return {key: self.fill(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, list):
            return [self.fill(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        return value

    def _in_text(self, text: str) -> Any:
        whole = _REFERENCE.fullmatch(text)
        if whole:
            return self._value(whole[1])
        return _REFERENCE.sub(lambda match: str(self._value(match[1])), text)

    def _value(self, path: str) -> object:
        name, _, rest = path.partition(".")
        name, bracket, tail = name.partition("[")
        found = self._bodies.get(name, _MISSING) if name not in self.failed else _MISSING
        for key, index in _STEP.findall(f"{bracket}{tail}.{rest}"):
            found = _step(found, key, index)
        if found is _MISSING:
            raise LookupError(f"Invalid reference specified. No value for {path} found in {name}")
        return found


def _step(found: object, key: str, index: str) -> object:
    if index and isinstance(found, list) and int(index) < len(found):  # pyright: ignore[reportUnknownArgumentType]
        return found[int(index)]  # pyright: ignore[reportUnknownVariableType]
    if key and isinstance(found, dict):
        return found.get(key, _MISSING)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return _MISSING
