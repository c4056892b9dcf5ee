"""Text that stays text, cut where Slack's limits ask for it."""

import pytest

from system_apis.slack.records import MessageRecord, MetadataRecord, PostedRecord
from system_apis.slack.translator import EVENT_TYPE, carries, escaped, pieces, to_notification


def test_control_characters_are_escaped_once() -> None:
    assert escaped("<@U1> & &amp;") == "&lt;@U1&gt; &amp; &amp;amp;"


@pytest.mark.parametrize("text", ["short", "x" * 3000, "x" * 3001, "x" * 2999 + "<" + "y" * 10, "&" * 3000])
def test_pieces_fit_a_section_and_are_the_whole_text(text: str) -> None:
    found = pieces(text)
    assert "".join(found) == escaped(text)
    assert all(0 < len(piece) <= 3000 for piece in found)
    assert not any(piece.endswith("&") or piece.startswith(";") for piece in found)


def test_blank_pieces_are_left_out() -> None:
    assert pieces("x" * 2999 + " " * 4000) == ["x" * 2999 + " "]


@pytest.mark.parametrize(
    "metadata",
    [None, MetadataRecord("other", {"reference": "r"}), MetadataRecord(EVENT_TYPE, {"reference": ["r"]}),
     MetadataRecord(EVENT_TYPE)],
)  # fmt: skip
def test_only_our_metadata_counts(metadata: MetadataRecord | None) -> None:
    assert not carries(MessageRecord("1700000000.000001", metadata), "r")
    assert carries(MessageRecord("1700000000.000001", MetadataRecord(EVENT_TYPE, {"reference": "r"})), "r")


def test_a_messages_moment_is_exact() -> None:
    sent = to_notification(PostedRecord("C1", "1700000000.000001"), "orders", "r").sent
    assert sent.isoformat() == "2023-11-14T22:13:20.000001+00:00"
