"""Batches of objects: at most 100 inputs, each with an outcome of its own."""

from collections import Counter
from typing import Any

from sandboxes.hubspot.portal import Portal, iso
from sandboxes.hubspot.refusals import Refusal, invalid
from sandboxes.kit import Clock, Response

_MOST = 100
_TRACE = "objectWriteTraceId"


class Batches:
    """What is done to many objects of one type at once."""

    def __init__(self, portal: Portal, clock: Clock, type_: str) -> None:
        self._portal, self._clock, self._type = portal, clock, type_

    def read(self, body: dict[str, Any]) -> Response:
        """Those that exist; the rest is one error that names them."""
        id_property = body.get("idProperty") or "hs_object_id"
        results: list[dict[str, Any]] = []
        missing: list[str] = []
        for given in _inputs(body):
            key = str(given["id"])
            try:
                results.append(self._portal.get(self._type, key, id_property, body.get("properties", [])))
            except Refusal as refused:
                if refused.status != 404:  # noqa: PLR2004 - HTTP
                    raise
                missing.append(key)
        singular = self._type.upper().removesuffix("S")
        message = f"Could not get some {singular} objects, they may be deleted or not exist. Check that ids are valid."
        absent = Refusal(404, "OBJECT_NOT_FOUND", message)
        return self._answer(results, [absent.part({"ids": missing})] if missing else [])

    def upsert(self, body: dict[str, Any]) -> Response:
        """Each input changes the contact of its address, or makes it.

        With an `objectWriteTraceId` on every input a refused one is told beside the others; without, it refuses all.
        """
        inputs = _inputs(body)
        if any(given.get("idProperty") != "email" for given in inputs):
            raise invalid("idProperty must be a unique property of contacts: email")
        repeated = [key for key, times in Counter(str(given["id"]).lower() for given in inputs).items() if times > 1]
        if repeated:
            raise invalid(f"Duplicate IDs found in batch input: {repeated}")
        if all(given.get(_TRACE) for given in inputs):
            return self._answer(*self._each(inputs))
        with self._portal.state.transaction():
            return self._answer([self._upserted(given) for given in inputs], [])

    def _each(self, inputs: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for given in inputs:
            try:
                results.append(self._upserted(given) | {_TRACE: given[_TRACE]})
            except Refusal as refused:
                errors.append(refused.part({_TRACE: [str(given[_TRACE])]}))
        return results, errors

    def _upserted(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._portal.upsert(str(given["id"]), given.get("properties") or {})

    def _answer(self, results: list[dict[str, Any]], errors: list[dict[str, Any]]) -> Response:
        now = iso(self._clock.now())
        answer = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
        if errors:
            return Response({**answer, "numErrors": len(errors), "errors": errors}, 207)
        return Response(answer)


def _inputs(body: dict[str, Any]) -> list[dict[str, Any]]:
    inputs: Any = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(given, dict) and "id" in given for given in inputs):  # pyright: ignore[reportUnknownVariableType]
        raise invalid("inputs is required, each with an id")
    if len(inputs) > _MOST:  # pyright: ignore[reportUnknownArgumentType]
        raise invalid(f"Maximum batch size is {_MOST}")
    return inputs  # pyright: ignore[reportUnknownVariableType]
