"""How far a load or an extract is: small, immutable, and the caller's to keep."""

import msgspec


class PartMark(msgspec.Struct, frozen=True):
    """One part of a load.

    Attributes:
        start: Place of its first record in the input.
        count: Its records.
        digest: Of its lines, in hexadecimal; tells whether the input is still the same.
        jobs: Its jobs, oldest first: the one with all its records, then follow-ups with what was refused for now.
        settled: Whether the caller knows what became of every record of it.
    """

    start: int
    count: int
    digest: str
    jobs: tuple[str, ...] = ()
    settled: bool = False


class LoadCheckpoint(msgspec.Struct, frozen=True):
    """From here a load goes on without writing anything twice.

    Attributes:
        columns: The load's columns.
        settled: Every record before this place is settled.
        parts: The parts after it that were begun, in order.
    """

    columns: tuple[str, ...] = ()
    settled: int = 0
    parts: tuple[PartMark, ...] = ()

    def with_part(self, mark: PartMark) -> "LoadCheckpoint":
        """This checkpoint with a part as it stands now; what is settled from the start on becomes one number."""
        parts = sorted([*(each for each in self.parts if each.start != mark.start), mark], key=_start)
        settled = self.settled
        while parts and parts[0].settled and parts[0].start == settled:
            settled += parts.pop(0).count
        return LoadCheckpoint(self.columns, settled, tuple(parts))


class ExtractMark(msgspec.Struct, frozen=True):
    """From here an extract goes on.

    Attributes:
        job: The query job.
        locator: Of the next page, empty for the first.
        rows: Rows before that page.
    """

    job: str
    locator: str = ""
    rows: int = 0


def _start(mark: PartMark) -> int:
    return mark.start
