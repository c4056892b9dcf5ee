"""What every stand-in that takes XML reads of it, and refuses."""

import pytest

from sandboxes.kit.xml import XmlRefusedError, child, local, parse_xml

DOCUMENT = (
    b'<?xml version="1.0" encoding="ISO-8859-1"?><a:x xmlns:a="urn:a" b="1" a:c="2"><y>M\xfcller<z/> &amp; Co</y></a:x>'
)


def test_names_come_with_their_namespaces_or_bare() -> None:
    root = parse_xml(DOCUMENT)
    assert (root.tag, root.attrib) == ("{urn:a}x", {"b": "1", "{urn:a}c": "2"})
    assert (local(root), child(root, "y"), child(root, "n"), child(None, "y")) == ("x", root[0], None, None)
    assert (root[0].text, root[0][0].tail) == ("Müller", " & Co")
    assert parse_xml(DOCUMENT, bare=True).attrib == {"b": "1", "c": "2"}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "DOCTYPE"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>".encode("utf-16"), "DOCTYPE"),
        (b"<a>" * 60 + b"</a>" * 60, "nested"),
        (b"<a><b></a>", "well-formed"),
        (b"", "well-formed"),
        (b"<?xml version='1.0' encoding='no-such'?><a/>", "well-formed"),
        (b"<a>&b;</a>", "well-formed"),
    ],
)
def test_document_that_is_none_or_does_harm_is_refused(document: bytes, why: str) -> None:
    with pytest.raises(XmlRefusedError, match=why):
        parse_xml(document)
