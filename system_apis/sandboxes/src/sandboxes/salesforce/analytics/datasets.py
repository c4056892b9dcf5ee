"""The datasets of an org: made from uploads beside the requests, read by SAQL."""

import base64
import logging
from collections.abc import Coroutine
from typing import Any

import msgspec
from msgspec import Struct

from sandboxes.kit import Clock
from sandboxes.salesforce.analytics.tables import Column, Row, UploadError, read
from sandboxes.salesforce.errands import Errands
from sandboxes.salesforce.ids import new_id, to_18
from sandboxes.salesforce.schema import Catalogue
from sandboxes.salesforce.schema.values import stored_moment
from sandboxes.salesforce.storage import Row as Record
from sandboxes.salesforce.storage import Store

_WAITING = (
    'SELECT "Id" FROM "InsightsExternalData" WHERE "Status" IN (\'Queued\', \'InProgress\') AND "IsDeleted" = 0 '
    'ORDER BY "SubmittedDate" LIMIT 1'
)
_PARTS = (
    'SELECT "DataFile" FROM "InsightsExternalDataPart" WHERE "InsightsExternalDataId" = ? AND "IsDeleted" = 0 '
    'ORDER BY "PartNumber"'
)
_log = logging.getLogger(__name__)


class Dataset(Struct):
    """A dataset as it is now; `version` changes with each upload."""

    id: str
    version: str
    alias: str
    label: str
    created: str
    modified: str
    columns: list[Column]
    rows: list[Row] = []


class Datasets:
    """The datasets of one org.

    Args:
        store: Keeps them, and the uploads.
        catalogue: The objects that uploads are.
        clock: Dates them.
    """

    def __init__(self, store: Store, catalogue: Catalogue, clock: Clock) -> None:
        self._store, self._catalogue, self._clock = store, catalogue, clock
        self.seconds = 0.02
        """How long each upload waits before it is done."""
        self._errands = Errands("dataset uploads", self._next)

    def wake(self) -> None:
        """Go to work on what was uploaded."""
        self._errands.wake()

    def every(self) -> list[Dataset]:
        """All datasets by name, without their rows."""
        return [_decoded(row[0]) for row in self._store.select("SELECT dataset FROM _dataset ORDER BY alias")]

    def find(self, name: str, version: str = "") -> Dataset | None:
        """The dataset of this id or alias with its rows; None if there is none, or not in this version."""
        sql = "SELECT dataset, content FROM _dataset WHERE id = ? OR alias = ?"
        rows = self._store.select(sql, (to_18(name) or "", name))
        if not rows:
            return None
        found = _decoded(rows[0][0])
        found.rows = msgspec.json.decode(rows[0][1])
        return found if not version or to_18(version) == found.version else None

    def delete(self, dataset: Dataset) -> None:
        """Take a dataset away."""
        self._store.execute("DELETE FROM _dataset WHERE id = ?", (dataset.id,))

    def _next(self) -> Coroutine[None, None, None] | None:
        rows = self._store.select(_WAITING)
        return self._through(rows[0][0]) if rows else None

    async def _through(self, upload_id: str) -> None:
        for status in ("InProgress", ""):
            await self._errands.wait(lambda: self.seconds / 2, lambda: self._open(upload_id) is not None)
            upload = self._open(upload_id)
            if upload is None:
                return
            self._note(upload_id, status) if status else self._finish(upload)

    def _open(self, upload_id: str) -> Record | None:
        """The upload, if it still waits and nobody reset the org meanwhile."""
        upload = self._store.fetch(self._catalogue.sobjects["insightsexternaldata"], upload_id)
        return upload if upload is not None and upload["Status"] in ("Queued", "InProgress") else None

    def _finish(self, upload: Record) -> None:
        try:
            with self._store.savepoint():
                left_out = self._processed(upload)
            status = "CompletedWithWarnings" if left_out else "Completed"
            self._note(upload["Id"], status, f"{left_out} rows were left out" if left_out else None)
        except UploadError as error:
            self._note(upload["Id"], "Failed", str(error))
        except Exception:  # noqa: BLE001 - one that breaks must not stop the others
            _log.exception("sandbox.salesforce.dataset %s", upload["Id"])
            self._note(upload["Id"], "Failed", "An unexpected error occurred")

    def _processed(self, upload: Record) -> int:
        parts = [base64.b64decode(row[0]) for row in self._store.select(_PARTS, (upload["Id"],))]
        columns, rows, left_out = read(parts, base64.b64decode(upload["MetadataJson"] or ""))
        known = self.find(upload["EdgemartAlias"])
        keys = [each.name for each in columns if each.is_unique_id]
        operation = upload["Operation"]
        if operation in ("Upsert", "Delete") and len(keys) != 1:
            raise UploadError(f"{operation} needs exactly one field with isUniqueId")
        if operation != "Overwrite" and known and [each.name for each in known.columns] != [c.name for c in columns]:
            raise UploadError(f"{operation} needs the fields that the dataset has")
        self._keep(upload, columns, _joined(operation, known.rows if known else [], rows, keys), known)
        return left_out

    def _keep(self, upload: Record, columns: list[Column], rows: list[Row], known: Dataset | None) -> None:
        now = stored_moment(self._clock.now())
        label = upload["EdgemartLabel"] or upload["EdgemartAlias"]
        version = new_id("0Fc", self._store.next_number("0Fc"))
        made = Dataset(
            known.id if known else new_id("0Fb", self._store.next_number("0Fb")),
            version, upload["EdgemartAlias"], label, known.created if known else now, now, columns,
        )  # fmt: skip
        row = (made.id, made.alias, msgspec.json.encode(made), msgspec.json.encode(rows))
        self._store.execute("INSERT OR REPLACE INTO _dataset VALUES (?, ?, ?, ?)", row)

    def _note(self, upload_id: str, status: str, message: str | None = None) -> None:
        sobject = self._catalogue.sobjects["insightsexternaldata"]
        stamp = stored_moment(self._clock.now())
        self._store.update(sobject, upload_id, {"Status": status, "StatusMessage": message, "SystemModstamp": stamp})


def _joined(operation: str, known: list[Row], rows: list[Row], keys: list[str]) -> list[Row]:
    if operation == "Overwrite":
        return rows
    if operation == "Append":
        return known + rows
    key = keys[0]
    told = {row[key] for row in rows}
    kept = [row for row in known if row[key] not in told]
    return kept + list({row[key]: row for row in rows}.values()) if operation == "Upsert" else kept


def _decoded(content: bytes) -> Dataset:
    return msgspec.json.decode(content, type=Dataset)


def described(dataset: Dataset, path: str) -> dict[str, Any]:
    """A dataset as the API lists it; `path` is the path of the API version."""
    url = f"{path}/wave/datasets/{dataset.id}"
    return {
        "id": dataset.id, "name": dataset.alias, "label": dataset.label, "type": "dataset", "datasetType": "default",
        "currentVersionId": dataset.version, "currentVersionUrl": f"{url}/versions/{dataset.version}", "url": url,
        "versionsUrl": f"{url}/versions", "createdDate": dataset.created, "lastModifiedDate": dataset.modified,
    }  # fmt: skip
