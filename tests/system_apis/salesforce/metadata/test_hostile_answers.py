"""What an org, or somebody between, could send that must not be read."""

import io
import zipfile

import pytest

from shared.binding.problems import BackendFault
from system_apis.salesforce.metadata.markup import document, parse
from system_apis.salesforce.metadata.unpacking import unpacked
from system_apis.salesforce.metadata.writing import zipped


@pytest.mark.parametrize(
    "answer",
    [
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<!DOCTYPE a><a/>".encode("utf-16"),
        b"<a>" * 200 + b"</a>" * 200,
        b"<a>&undeclared;</a>",
        b"<a><b></a>",
        b"<?xml version='1.0' encoding='nothing'?><a/>",
        b"",
        b"{}",
    ],
)
def test_xml_that_is_not_plain_is_refused(answer: bytes) -> None:
    with pytest.raises(BackendFault):
        parse(answer)


def test_what_is_written_is_read_again() -> None:
    tree = {"a": 'x & <y> "z"', "b": [{"c": True}, {"c": False}], "d": None, "e": 5}
    root = parse(document("Root", tree))
    assert (root.tag, root.findtext("a"), root.findtext("e"), root.find("d")) == ("Root", 'x & <y> "z"', "5", None)
    assert [each.text for each in root.iterfind("b/c")] == ["true", "false"]


def packed(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    "package",
    [
        b"no zip",
        packed({"../up": b""}),
        packed({"/root": b""}),
        packed({"a\\..\\b": b""}),
        packed({"c:/x": b""}),
        packed({"bomb": b" " * 20_000_000}),
        packed({"torn": b"content" * 50}).replace(b"torn", b"toRn", 1),
    ],
)
def test_a_package_that_leads_out_or_grows_is_refused(package: bytes) -> None:
    with pytest.raises(BackendFault):
        unpacked(package)


def test_a_package_is_read_as_it_was_written() -> None:
    files = {"package.xml": b"<Package/>", "objects/A__c.object": b"<CustomObject/>"}
    assert unpacked(zipped(files)) == files
