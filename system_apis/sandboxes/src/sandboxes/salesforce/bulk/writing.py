"""One record of a bulk job, of either API: what its operation does with it."""

from sandboxes.salesforce.bulk.columns import Body
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.saving import Saving
from sandboxes.salesforce.schema import SObject
from sandboxes.salesforce.storage import Store

OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
AMBIGUOUS = ApiError(400, "DUPLICATE_EXTERNAL_ID", "more than one record has this external id")


class Writing:
    """Writes the records of one job.

    Args:
        store: Erases what is deleted for good.
        saving: Saves records as every door does.
        sobject: What they are.
        operation: One of OPERATIONS.
        external_id: The field that an upsert looks records up by.
        user_id: Who writes.
    """

    def __init__(
        self, store: Store, saving: Saving, sobject: SObject, operation: str, external_id: str, user_id: str
    ) -> None:
        self._store, self._saving, self._sobject = store, saving, sobject
        self._operation, self._external_id, self._user_id = operation, external_id, user_id

    def write(self, body: Body) -> tuple[str, bool]:
        """Write a record; its id and whether it is new. ApiError, or MultipleChoices, if it is refused."""
        saving, sobject, user_id = self._saving, self._sobject, self._user_id
        if self._operation == "insert":
            return saving.create(sobject, body, user_id), True
        if self._operation == "upsert":
            field = sobject.fields[self._external_id.lower()]
            key = body.pop(field.name, None)
            if key is None:
                raise ApiError(400, "MISSING_ARGUMENT", f"{field.name} not specified", [field.name])
            return saving.upsert(sobject, field, str(key), body, user_id)
        return self._existing(body), False

    def _existing(self, body: Body) -> str:
        record_id = body.pop("Id", None)
        if record_id is None:
            raise ApiError(400, "MISSING_ARGUMENT", f"Id not specified in an {self._operation} call", [])
        found = str(self._saving.existing(self._sobject, str(record_id))["Id"])
        if self._operation == "update":
            self._saving.update(self._sobject, found, body, self._user_id)
            return found
        self._saving.delete(self._sobject, found, self._user_id)
        if self._operation == "hardDelete":
            self._store.remove(self._sobject, found)
        return found


def told(fault: ApiError) -> str:
    """A refusal as results in CSV tell it."""
    fields = ", ".join(fault.fields or ())
    return f"{fault.code}:{fault.message}:{fields + ' ' if fields else ''}--"
