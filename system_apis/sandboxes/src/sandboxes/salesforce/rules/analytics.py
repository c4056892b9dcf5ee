"""Uploads to CRM Analytics: parts in a row, then the word to process them."""

import base64
import binascii
import re

from sandboxes.salesforce.faults import bad_field
from sandboxes.salesforce.rules.ruling import Change, Rules

MOST_PART_BYTES = 10 * 1024 * 1024
_ALIAS = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
_PARTS = (
    'SELECT "PartNumber" FROM "InsightsExternalDataPart" WHERE "InsightsExternalDataId" = ? AND "IsDeleted" = 0 '
    'ORDER BY "PartNumber"'
)


def _upload(change: Change) -> None:
    row, before = change.row, change.before
    if before is None:
        if not _ALIAS.fullmatch(row["EdgemartAlias"]):
            message = "EdgemartAlias may hold letters, digits and single underscores, and begins with a letter"
            raise bad_field("INVALID_FIELD", message, "EdgemartAlias")
        if row["Action"] != "None":
            raise bad_field("INVALID_FIELD", "Action must be None for a new upload", "Action")
        row["Status"] = "New"
        return
    if before["Status"] != "New":
        message = f"The upload is {before['Status']} and cannot be changed"
        raise bad_field("FIELD_INTEGRITY_EXCEPTION", message, "Action")
    if row["Action"] == "Process":
        numbers = [each[0] for each in change.store.select(_PARTS, (row["Id"],))]
        if not numbers or numbers != list(range(1, len(numbers) + 1)):
            raise bad_field("INVALID_FIELD", "PartNumber must be contiguous and begin with 1", "Action")
        row |= {"Status": "Queued", "SubmittedDate": change.now}
    elif row["Action"] in ("Abort", "Delete"):
        row["Status"] = "NotProcessed"


def _part(change: Change) -> None:
    row = change.row
    upload = change.related("InsightsExternalData", "InsightsExternalDataId")
    if upload.get("Status") != "New":
        raise bad_field("FIELD_INTEGRITY_EXCEPTION", "The upload takes no more parts", "InsightsExternalDataId")
    if row["PartNumber"] < 1:
        raise bad_field("INVALID_FIELD", "PartNumber begins with 1", "PartNumber")
    taken = {each[0] for each in change.store.select(_PARTS, (upload["Id"],))}
    if change.changed("PartNumber") and row["PartNumber"] in taken:
        raise bad_field("DUPLICATE_VALUE", f"There is a part {row['PartNumber']} already", "PartNumber")
    try:
        content = base64.b64decode(row["DataFile"], validate=True)
    except binascii.Error:
        raise bad_field("INVALID_FIELD", "DataFile is not base64", "DataFile") from None
    if len(content) > MOST_PART_BYTES:
        message = f"DataFile may hold at most {MOST_PART_BYTES} bytes before it is base64"
        raise bad_field("STRING_TOO_LONG", message, "DataFile")
    row["CompressedDataLength"] = row["DataLength"] = len(content)


UPLOAD, UPLOAD_PART = Rules(before=_upload), Rules(before=_part)
