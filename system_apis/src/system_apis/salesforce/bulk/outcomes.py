"""What became of each record of a load, matched with the input by its key or by all its values."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, Literal

import msgspec

from shared.binding.problems import BackendFault
from system_apis.salesforce.bulk.dialect import NULL
from system_apis.salesforce.faults import is_transient

Became = Literal["successful", "failed", "unprocessed"]
_LOCKED_OUT: Final = frozenset({"TooManyLockFailure"})
_SHORT_ID: Final = 15


class Outcome(msgspec.Struct, frozen=True):
    """What became of one record.

    Attributes:
        position: Place in the input, from 0.
        became: `unprocessed` if its job ended before it; it was not written.
        key: Its external id in an upsert, its id in an update or delete, else empty.
        record_id: Its id in Salesforce, empty if it has none.
        created: Whether it is new.
        code: Salesforce's status code, empty for success; its sentences quote records and stay out.
        fields: What the code speaks of.
        repeatable: Whether the same record may be accepted if it is sent again.
    """

    position: int
    became: Became
    key: str = ""
    record_id: str = ""
    created: bool = False
    code: str = ""
    fields: tuple[str, ...] = ()
    repeatable: bool = False


class Places:
    """Which line of one part stands at which place of the input.

    Results come in any order. An update, upsert or delete is told by its key, an insert by all its values; lines
    that are alike are told in the order they came.

    Args:
        start: Place of the part's first record.
        key: Index of the column that tells records apart; None for inserts.
        is_id: Whether that column holds Salesforce ids.
    """

    def __init__(self, start: int, key: int | None, *, is_id: bool) -> None:
        self.start = start
        self.count = 0
        self._key, self._is_id = key, is_id
        self._of: dict[str | bytes, int | list[int]] = {}
        self._taken: dict[str | bytes, int] = {}
        self._told = bytearray()
        self._before = b""

    def add(self, row: Sequence[str]) -> None:
        """The next line of the part."""
        sign, place = self._sign(row), self.count
        known = self._of.setdefault(sign, place)
        if known != place:
            self._of[sign] = [*known, place] if isinstance(known, list) else [known, place]
        self.count += 1
        self._told.append(0)

    def key_of(self, row: Sequence[str]) -> str:
        """What tells this record apart, for its reader."""
        return "" if self._key is None else row[self._key]

    def next_job(self) -> None:
        """From now on results are those of another job, which has the records that are not told yet."""
        self._taken.clear()
        self._before = bytes(self._told)

    def began(self) -> dict[str | bytes, int]:
        """How far alike lines are told, to go back to if a reading breaks off."""
        return dict(self._taken)

    def back_to(self, mark: dict[str | bytes, int]) -> None:
        """Read again from there; what was told stays told."""
        self._taken = dict(mark)

    def find(self, row: Sequence[str]) -> int:
        """The place of a result's line within the part.

        Raises:
            BackendFault: It was never sent.
        """
        sign = self._sign(row)
        found = self._of.get(sign)
        if isinstance(found, list):
            number = self._taken.get(sign, 0)
            self._taken[sign] = number + 1
            left = [place for place in found if not self._before[place]]
            found = left[number] if number < len(left) else None
        if found is None:
            raise BackendFault("Salesforce tells of a record that was not sent to this job; nothing of it was used.")
        return found

    def tell(self, place: int) -> bool:
        """Note that a record is settled; False if it was before."""
        first = not self._told[place]
        self._told[place] = 1
        return first

    @property
    def untold(self) -> int:
        """Records that are not settled."""
        return self._told.count(0)

    def untold_places(self) -> list[tuple[int, str]]:
        """Places that are not settled, each with its key as far as there is one."""
        found: list[tuple[int, str]] = []
        for sign, places in self._of.items():
            key = sign if isinstance(sign, str) else ""
            found += [(place, key) for place in (places if isinstance(places, list) else [places])]
        return [each for each in found if not self._told[each[0]]]

    def _sign(self, row: Sequence[str]) -> str | bytes:
        if self._key is None:
            values = ["" if value == NULL else value.replace("\r\n", "\n") for value in row]
            return blake2b("\0".join(values).encode(), digest_size=16).digest()
        key = row[self._key]
        return key[:_SHORT_ID] if self._is_id else key


class Header:
    """Reads lines of a result through its header: what Salesforce says, and the columns in our order.

    Args:
        told: The header as it came.
        columns: Our columns.

    Raises:
        BackendFault: Columns of ours are missing.
    """

    def __init__(self, told: Sequence[str], columns: Iterable[str]) -> None:
        at = {name.lower(): index for index, name in enumerate(told)}
        try:
            self._ours = [at[name.lower()] for name in columns]
        except KeyError:
            raise BackendFault("Salesforce left columns out of a result; nothing of it was used.") from None
        self._width = len(told)
        self._id, self._created, self._error = (at.get(name, -1) for name in ("sf__id", "sf__created", "sf__error"))
        self._plain = self._ours == list(range(self._width - len(self._ours), self._width))

    def ours(self, line: Sequence[str]) -> Sequence[str]:
        """The values of our columns; BackendFault for a line of another length."""
        if len(line) != self._width:
            raise BackendFault("A line of Salesforce's result does not fit its header; nothing after it was used.")
        return line[self._width - len(self._ours) :] if self._plain else [line[index] for index in self._ours]

    def successful(self, line: Sequence[str], position: int, key: str) -> Outcome:
        """The outcome that a line of successfulResults tells."""
        return Outcome(position, "successful", key, line[self._id], line[self._created] == "true")

    def failed(self, line: Sequence[str], position: int, key: str) -> Outcome:
        """The outcome that a line of failedResults tells (`CODE:message:Field, Field --`)."""
        code, _, rest = line[self._error].partition(":")
        fields = rest.removesuffix("--").rpartition(":")[2].split(",")
        named = tuple(name.strip() for name in fields if name.strip())
        code = code if code.replace("_", "").isalnum() else "UNKNOWN"
        return Outcome(position, "failed", key, line[self._id], code=code, fields=named, repeatable=is_transient(code))


def code_of_job(message: str) -> str:
    """The code in a job's error message (`InvalidBatch : Field name not found : X`)."""
    code = message.partition(":")[0].strip()
    return code if code.isalnum() else "UNKNOWN"


def worth_another_job(code: str) -> bool:
    """Whether what a failed job left undone may go through in another."""
    return code in _LOCKED_OUT or is_transient(code)
