"""A stand-in that was started again is the one that clients know."""

from pathlib import Path

import pytest

from sandboxes.salesforce.pubsub.listening import kept_beside


def test_a_certificate_outlives_its_process_and_nobody_else_reads_its_key(tmp_path: Path) -> None:
    first = kept_beside(tmp_path / "salesforce.sqlite3")
    assert kept_beside(tmp_path / "salesforce.sqlite3") == first
    assert (tmp_path / "salesforce-pubsub.pem").read_bytes() == first.certificate
    assert (tmp_path / "salesforce-pubsub.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damaged", ["salesforce-pubsub.pem", "salesforce-pubsub.key"])
def test_one_that_is_damaged_or_not_its_keys_is_made_anew(tmp_path: Path, damaged: str) -> None:
    first = kept_beside(tmp_path / "salesforce.sqlite3")
    (tmp_path / damaged).write_bytes(b"half")
    second = kept_beside(tmp_path / "salesforce.sqlite3")
    (tmp_path / "salesforce-pubsub.key").write_bytes(first.key)
    third = kept_beside(tmp_path / "salesforce.sqlite3")
    assert len({first.certificate, second.certificate, third.certificate}) == 3
