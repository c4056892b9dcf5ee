"""CRM Analytics: uploads that wake the org, datasets, SAQL (CRM Analytics REST API Developer Guide)."""

import time
from typing import Any

from sandboxes.salesforce.analytics.datasets import Dataset, described
from sandboxes.salesforce.analytics.running import run
from sandboxes.salesforce.analytics.saql import SaqlError
from sandboxes.salesforce.analytics.tables import Row
from sandboxes.salesforce.faults import ApiError, not_found
from sandboxes.salesforce.http import Response
from sandboxes.salesforce.ids import new_id
from sandboxes.salesforce.resources import rows
from sandboxes.salesforce.rest import Call, Endpoint, Route

_REFUSED = "119"
_PAGE = 200


def _waking(endpoint: Endpoint) -> Endpoint:
    """The same for an upload, and the org goes to work on what is queued."""

    def waking(call: Call) -> Response:
        call.params["type"] = "InsightsExternalData"
        response = endpoint(call)
        call.org.datasets.wake()
        return response

    return waking


def _resources(call: Call) -> Response:
    return Response(200, {name: f"{call.path}/wave/{name}" for name in ("datasets", "query")})


def _datasets(call: Call) -> Response:
    call.org.datasets.wake()
    wanted = call.request.query.get("q", "").lower()
    found = [each for each in call.org.datasets.every() if wanted in f"{each.alias}\n{each.label}".lower()]
    size = call.request.query.get("pageSize", "")
    shown = found[: int(size) if size.isdecimal() and 0 < int(size[:4]) <= _PAGE else _PAGE]
    listed = [described(each, call.path) for each in shown]
    url = f"{call.path}/wave/datasets"
    return Response(200, {"datasets": listed, "nextPageUrl": None, "totalSize": len(found), "url": url})


def _dataset(call: Call) -> Response:
    return Response(200, described(_found(call), call.path))


def _delete(call: Call) -> Response:
    call.org.datasets.delete(_found(call))
    return Response(204)


def _versions(call: Call) -> Response:
    found = _found(call)
    return Response(200, {"versions": [_version(found, call.path)], "totalSize": 1})


def _one_version(call: Call) -> Response:
    return Response(200, _version(_found(call, call.params["version"]), call.path))


def _version(dataset: Dataset, path: str) -> dict[str, Any]:
    names: dict[str, list[dict[str, str]]] = {"Numeric": [], "Text": [], "Date": []}
    for each in dataset.columns:
        names[each.type].append({"field": each.name, "label": each.label or each.name})
    main = {"dimensions": names["Text"], "measures": names["Numeric"], "dates": names["Date"]}
    return {
        "id": dataset.version, "dataset": described(dataset, path), "totalRowCount": len(dataset.rows),
        "createdDate": dataset.modified, "xmdMain": main,
    }  # fmt: skip


def _found(call: Call, version: str = "") -> Dataset:
    found = call.org.datasets.find(call.params["id"], version)
    if found is None:
        raise not_found()
    return found


def _query(call: Call) -> Response:
    saql = call.request.json_object().get("query")
    if not isinstance(saql, str):
        raise ApiError(400, "JSON_PARSER_ERROR", "Missing or malformed property 'query': expected text")

    def load(name: str) -> tuple[list[str], list[Row]]:
        dataset, _, version = name.partition("/")
        found = call.org.datasets.find(dataset, version)
        if found is None:
            raise SaqlError(f"The dataset {name} cannot be found")
        return [each.name for each in found.columns], found.rows

    began = time.perf_counter()
    try:
        records = run(saql, load)
    except SaqlError as error:
        raise ApiError(400, _REFUSED, str(error)) from None
    shown = [{name: value for name, value in record.items() if value is not None} for record in records]
    answer = {"action": "query", "responseId": new_id("4rs", call.org.store.next_number("saql")), "query": saql}
    results: dict[str, Any] = {"metadata": [], "records": shown}
    return Response(200, answer | {"results": results, "responseTime": round((time.perf_counter() - began) * 1000)})


_UPLOAD = "sobjects/insightsexternaldata/{id}"
_ROW = "sobjects/{type}/{id}"
ROUTES = (
    *(Route(each.method, _UPLOAD, _waking(each.endpoint)) for each in rows.ROUTES if each.template == _ROW),
    Route("GET", "wave", _resources),
    Route("GET", "wave/datasets", _datasets),
    Route("GET", "wave/datasets/{id}", _dataset),
    Route("DELETE", "wave/datasets/{id}", _delete),
    Route("GET", "wave/datasets/{id}/versions", _versions),
    Route("GET", "wave/datasets/{id}/versions/{version}", _one_version),
    Route("POST", "wave/query", _query),
)
