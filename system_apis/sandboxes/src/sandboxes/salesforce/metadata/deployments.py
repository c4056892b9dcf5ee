"""Deployments and retrievals: begun by one call, worked on beside the others, looked at until they are done."""

import base64
import binascii
import logging
from collections.abc import Coroutine
from typing import Any

import msgspec
from msgspec import Struct

from sandboxes.kit import Clock
from sandboxes.salesforce.errands import Errands
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.ids import new_id, to_18
from sandboxes.salesforce.metadata.definitions import Definitions
from sandboxes.salesforce.metadata.markup import Tree
from sandboxes.salesforce.metadata.packages import PACKAGE, PackageError, Part, deploy_part, parts_of, written
from sandboxes.salesforce.metadata.refusals import ComponentError
from sandboxes.salesforce.schema.values import stored_moment
from sandboxes.salesforce.storage import Store

DEPLOY, RETRIEVE = "0Af", "09S"
_MOST_PACKED = 39 * 1024 * 1024
_VERSION = "66.0"
_log = logging.getLogger(__name__)


class Deployment(Struct):
    """A deployment (0Af…) or a retrieval (09S…), as far as it is.

    Attributes:
        options: DeployOptions as text: checkOnly, rollbackOnError, …
        status: Pending, InProgress, Succeeded, SucceededPartial, Failed, Canceling or Canceled.
        wanted: What a retrieval asks for.
        parts: One message for each component, as `details` shows it.
    """

    id: str
    user_id: str
    created: str
    options: dict[str, str] = {}
    status: str = "Pending"
    wanted: Tree = {}
    parts: list[dict[str, Any]] = []
    error: str = ""
    started: str | None = None
    completed: str | None = None
    canceled_by: str | None = None

    @property
    def done(self) -> bool:
        """Whether nothing more will happen."""
        return self.status not in ("Pending", "InProgress", "Canceling")

    def wants(self, option: str, *, default: bool = False) -> bool:
        """Whether an option of the deployment is set."""
        return self.options.get(option, str(default).lower()) == "true"

    def result(self, *, details: bool) -> dict[str, Any]:
        """The DeployResult of the API."""
        failures = [each for each in self.parts if not each["success"]]
        shown: dict[str, Any] = {
            "id": self.id, "done": self.done, "success": self.status == "Succeeded", "status": self.status,
            "checkOnly": self.wants("checkOnly"), "rollbackOnError": self.wants("rollbackOnError", default=True),
            "ignoreWarnings": self.wants("ignoreWarnings"), "runTestsEnabled": False,
            "createdBy": self.user_id, "createdDate": _shown(self.created), "startDate": _shown(self.started),
            "lastModifiedDate": _shown(self.completed or self.started or self.created),
            "completedDate": _shown(self.completed), "canceledBy": self.canceled_by,
            "numberComponentsTotal": len(self.parts), "numberComponentErrors": len(failures),
            "numberComponentsDeployed": len(self.parts) - len(failures),
            "numberTestsTotal": 0, "numberTestErrors": 0, "numberTestsCompleted": 0,
            "errorMessage": self.error or None,
        }  # fmt: skip
        if details:
            successes = [each for each in self.parts if each["success"]]
            tests = {"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0}
            shown["details"] = {
                "componentFailures": failures, "componentSuccesses": successes, "runTestResult": tests,
            }  # fmt: skip
        return shown


class _RollBack(Exception):  # noqa: N818 - not an error: it undoes what was tried
    """Undo all of it."""


class Deployments:
    """The deployments and retrievals of one org.

    Args:
        store: Keeps them.
        definitions: What they change and read.
        clock: Dates them.
    """

    def __init__(self, store: Store, definitions: Definitions, clock: Clock) -> None:
        self._store, self._definitions, self._clock = store, definitions, clock
        self.seconds = 0.02
        """How long each waits before it is done."""
        self._errands = Errands("deployments", self._next)

    def begin_base64(self, package: str, options: dict[str, str], user_id: str) -> Deployment:
        """Begin to deploy a zip that came as base64; ApiError if it is none."""
        try:
            return self.begin(base64.b64decode(package, validate=False), options, user_id)
        except binascii.Error:
            raise ApiError(400, "INVALID_ZIP", "The zip file is not base64") from None

    def begin(self, package: bytes, options: dict[str, str], user_id: str) -> Deployment:
        """Begin to deploy a zip; ApiError if it is too large."""
        if len(package) > _MOST_PACKED:
            raise ApiError(400, "LIMIT_EXCEEDED", f"The zip file may have at most {_MOST_PACKED} bytes")
        return self._begun(Deployment(self._id(DEPLOY), user_id, self._now(), options), package)

    def begin_retrieve(self, wanted: Tree, user_id: str) -> Deployment:
        """Begin to write a zip with what a manifest names."""
        return self._begun(Deployment(self._id(RETRIEVE), user_id, self._now(), wanted=wanted), b"")

    def find(self, deployment_id: str, prefix: str = DEPLOY) -> Deployment:
        """The deployment of this id; ApiError if there is none."""
        self._errands.wake()
        full = to_18(deployment_id) or ""
        rows = self._store.select("SELECT deployment FROM _deployment WHERE id = ?", (full,))
        if not rows or not full.startswith(prefix):
            message = f"invalid cross reference id: {deployment_id}"
            raise ApiError(404, "INVALID_CROSS_REFERENCE_KEY", message)
        return msgspec.json.decode(rows[0][0], type=Deployment)

    def cancel(self, deployment_id: str, user_id: str) -> Deployment:
        """Stop a deployment that has not begun to save; ApiError if it is done."""
        found = self.find(deployment_id)
        if found.done:
            raise ApiError(400, "INVALID_ID_FIELD", "The deployment is completed and cannot be canceled")
        found.status, found.canceled_by, found.completed = "Canceled", user_id, self._now()
        self._keep(found)
        return found

    def retrieved(self, found: Deployment, *, with_zip: bool) -> dict[str, Any]:
        """The RetrieveResult of the API."""
        shown: dict[str, Any] = {
            "id": found.id, "done": found.done, "success": found.status == "Succeeded", "status": found.status,
            "messages": found.parts, "errorMessage": found.error or None,
        }  # fmt: skip
        if with_zip and found.done:
            rows = self._store.select("SELECT package FROM _deployment WHERE id = ?", (found.id,))
            shown["zipFile"] = base64.b64encode(rows[0][0]).decode()
        return shown

    def _begun(self, made: Deployment, package: bytes) -> Deployment:
        sql = "INSERT INTO _deployment VALUES (?, ?, ?, 1)"
        self._store.execute(sql, (made.id, msgspec.json.encode(made), package))
        self._errands.wake()
        return made

    def _next(self) -> Coroutine[None, None, None] | None:
        rows = self._store.select("SELECT id FROM _deployment WHERE open = 1 ORDER BY id LIMIT 1")
        return self._through(rows[0][0]) if rows else None

    async def _through(self, deployment_id: str) -> None:
        await self._errands.wait(lambda: self.seconds / 2, lambda: self._open(deployment_id) is not None)
        if (found := self._open(deployment_id)) is None:
            return
        found.status, found.started = "InProgress", self._now()
        self._keep(found)
        await self._errands.wait(lambda: self.seconds / 2, lambda: self._open(deployment_id) is not None)
        if (found := self._open(deployment_id)) is None:
            return
        try:
            self._retrieve(found) if found.id.startswith(RETRIEVE) else self._deploy(found)
        except Exception:  # noqa: BLE001 - one that breaks must not stop the others
            _log.exception("sandbox.salesforce.deployment %s", found.id)
            found.status, found.error = "Failed", "UNKNOWN_EXCEPTION: An unexpected error occurred"
        found.completed = self._now()
        self._keep(found)

    def _open(self, deployment_id: str) -> Deployment | None:
        """The deployment, if nobody canceled it and nobody reset the org meanwhile."""
        rows = self._store.select("SELECT deployment FROM _deployment WHERE id = ? AND open = 1", (deployment_id,))
        return msgspec.json.decode(rows[0][0], type=Deployment) if rows else None

    def _retrieve(self, found: Deployment) -> None:
        package, found.parts = written(self._definitions, found.wanted, _VERSION)
        self._store.execute("UPDATE _deployment SET package = ? WHERE id = ?", (package, found.id))
        found.status = "Succeeded"

    def _deploy(self, found: Deployment) -> None:
        package = self._store.select("SELECT package FROM _deployment WHERE id = ?", (found.id,))[0][0]
        try:
            parts = parts_of(package)
        except PackageError as error:
            parts = [Part("", PACKAGE, PACKAGE, {}, str(error))]
        undone = False
        try:
            with self._store.savepoint():
                with self._definitions.together():
                    found.parts = [self._deployed(part, found.user_id) for part in parts]
                failed = not all(each["success"] for each in found.parts)
                if found.wants("checkOnly") or (failed and found.wants("rollbackOnError", default=True)):
                    raise _RollBack
        except _RollBack:
            undone = not found.wants("checkOnly")
            self._definitions.follow()
        succeeded = [each for each in found.parts if each["success"]]
        whole = len(succeeded) == len(found.parts)
        found.status = "Succeeded" if whole else "SucceededPartial" if succeeded and not undone else "Failed"

    def _deployed(self, part: Part, user_id: str) -> dict[str, Any]:
        told: dict[str, Any] = {
            "fullName": part.name, "fileName": part.file, "componentType": part.kind, "created": False,
            "deleted": part.body is None, "success": True, "createdDate": _shown(self._now()),
        }  # fmt: skip
        try:
            told["id"], told["created"] = deploy_part(self._definitions, part, user_id)
        except ComponentError as refused:
            return told | {"success": False, "problem": refused.message, "problemType": "Error", "changed": False}
        return told | {"changed": not told["created"]}

    def _keep(self, deployment: Deployment) -> None:
        row = (msgspec.json.encode(deployment), not deployment.done, deployment.id)
        self._store.execute("UPDATE _deployment SET deployment = ?, open = ? WHERE id = ?", row)

    def _id(self, prefix: str) -> str:
        return new_id(prefix, self._store.next_number(prefix))

    def _now(self) -> str:
        return stored_moment(self._clock.now())


def _shown(moment: str | None) -> str | None:
    return moment and moment.replace("+0000", "Z")
