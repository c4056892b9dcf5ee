"""How much of the org's bulk doors one load or extract uses, and how patient it is."""

from typing import Annotated

import msgspec

from system_apis.salesforce.bulk.dialect import Dialect

MOST_CONTENT_BYTES = 100_000_000
"""An upload may have 150 MB after base64, which is about this much before; also fewer than 150 million characters."""


class BulkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes, bounds and pauses.

    A load keeps up to `jobs_at_once` parts of `content_bytes` in memory, and the wire up to two copies of those that
    are being sent. Smaller `records_per_job` means less memory; whole multiples of 10,000 waste no batches.

    Attributes:
        content_bytes: Largest upload of one job.
        records_per_job: Most records of one job.
        jobs_at_once: Jobs under way side by side.
        dialect: How the CSV looks.
        upload_seconds: Longest upload of one part.
        reply_seconds: Longest wait for an answer, or for the next piece of a stream.
        first_poll: Seconds before the first look at a job; each further pause is half as long again, jittered.
        longest_poll: Longest pause between two looks, in seconds.
        follow_ups: Seconds before each follow-up job with the records that were refused for now.
        page_records: Rows of a page of query results.
        attempts: How often an upload or a reading that broke off is tried in all.
    """

    content_bytes: Annotated[int, msgspec.Meta(ge=1_000, le=MOST_CONTENT_BYTES)] = 95_000_000
    records_per_job: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    jobs_at_once: Annotated[int, msgspec.Meta(ge=1, le=25)] = 3
    dialect: Dialect = Dialect()
    upload_seconds: float = 300.0
    reply_seconds: float = 60.0
    first_poll: float = 1.0
    longest_poll: float = 30.0
    follow_ups: tuple[float, ...] = (1.0, 4.0, 16.0)
    page_records: Annotated[int, msgspec.Meta(ge=1)] = 50_000
    attempts: Annotated[int, msgspec.Meta(ge=1)] = 3
