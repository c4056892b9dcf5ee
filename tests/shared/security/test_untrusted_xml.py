"""XML that nobody may hurt us with."""

import pytest

from shared.security.untrusted_xml import NotXml, parse_untrusted


def test_a_document_is_read_without_its_namespaces() -> None:
    root = parse_untrusted(
        b'<?xml version="1.0"?><a:x xmlns:a="urn:a" a:kind="1"><a:y>caf\xc3\xa9 &amp; &lt;</a:y></a:x>'
    )
    assert (root.tag, root.attrib, root.findtext("y")) == ("x", {"kind": "1"}, "café & <")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "a document type"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "a document type"),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "a document type"),
        (b"<!DOCTYPE html><html><body>Logon</body></html>", "a document type"),
        (b"<a>" * 51 + b"</a>" * 51, "nested without measure"),
        (b"<a>&undeclared;</a>", "not XML"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "not XML"),
        (b"<a><b></a></b>", "not XML"),
        (b"<a/><b/>", "not XML"),
        (b'{"a": 1}', "not XML"),
        (b"", "not XML"),
    ],
)
def test_what_is_no_plain_xml_is_refused_in_words(document: bytes, says: str) -> None:
    with pytest.raises(NotXml, match=says):
        parse_untrusted(document)


def test_nesting_is_bounded_and_length_is_not() -> None:
    assert len(parse_untrusted(b"<a>" + b"<b/>" * 10_000 + b"</a>")) == 10_000
    assert parse_untrusted(b"<a>" * 50 + b"</a>" * 50).tag == "a"
