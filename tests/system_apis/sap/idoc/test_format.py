"""IDocs as XML and as lines: everything that is written reads the same, and nothing that came is lost."""

from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system_apis.sap.idoc.control import (
    CONTROL_LENGTH,
    CONTROL_WIDTHS,
    ControlRecord,
    control_from_line,
    control_line,
    control_of,
)
from system_apis.sap.idoc.document import Idoc, Segment, arranged, segment, widths_of
from system_apis.sap.idoc.flat_format import DATA_LENGTH, read_flat, write_flat
from system_apis.sap.idoc.refusals import IdocRefused
from system_apis.sap.idoc.structures import STRUCTURES
from system_apis.sap.idoc.types.orders import E1EDK01, E1EDP01, E1EDP19, ORDERS05
from system_apis.sap.idoc.xml_format import read_xml, write_xml

LAYOUTS = {"E1EDK14": {"QUALF": 3, "ORGID": 35}, "Z1OWN": {"A": 5, "B": 7}, "E1EDK03": {"IDDAT": 3, "DATUM": 8}}

characters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
values = st.text(characters, min_size=1, max_size=3).filter(lambda text: text == text.rstrip(" "))


def fields_of(name: str) -> st.SearchStrategy[dict[str, str]]:
    ordered = list(LAYOUTS[name])
    return st.sets(st.sampled_from(ordered)).flatmap(
        lambda chosen: st.fixed_dictionaries({field: values for field in ordered if field in chosen})
    )


def nested(children: st.SearchStrategy[Segment]) -> st.SearchStrategy[Segment]:
    return st.sampled_from(list(LAYOUTS)).flatmap(
        lambda name: st.builds(Segment, st.just(name), fields_of(name), st.lists(children, max_size=3).map(tuple))
    )


leaves = st.sampled_from(list(LAYOUTS)).flatmap(lambda name: st.builds(Segment, st.just(name), fields_of(name)))
segments: st.SearchStrategy[tuple[Segment, ...]] = st.lists(
    st.recursive(leaves, nested, max_leaves=8), min_size=1, max_size=4
).map(tuple)
controls = st.sets(st.sampled_from([name for name in CONTROL_WIDTHS if name not in ("TABNAM", "IDOCTYP")])).flatmap(
    lambda chosen: st.fixed_dictionaries(
        {name: st.text("A0.", min_size=1, max_size=CONTROL_WIDTHS[name]) for name in sorted(chosen)}
    )
)


def idoc(fields: dict[str, str], tree: tuple[Segment, ...]) -> Idoc:
    return Idoc(control_of({**fields, "IDOCTYP": "ORDERS05"}), tree)


idocs = st.builds(idoc, controls, segments)


@settings(max_examples=12, deadline=None)
@given(st.lists(idocs, min_size=1, max_size=2))
def test_what_is_written_as_xml_reads_the_same(documents: list[Idoc]) -> None:
    assert read_xml(write_xml(documents)) == documents
    assert read_xml(write_xml(documents, "urn:sap-com:document:sap:idoc:soap:messages")) == documents


@settings(max_examples=12, deadline=None)
@given(st.lists(idocs, min_size=1, max_size=2))
def test_what_is_written_as_lines_reads_the_same(documents: list[Idoc]) -> None:
    text = write_flat(documents, LAYOUTS)
    assert {len(line) for line in text.split("\n")[:-1]} == {CONTROL_LENGTH, DATA_LENGTH}
    assert read_flat(text, LAYOUTS) == documents


def test_a_control_record_takes_524_characters_and_a_data_record_1063() -> None:
    control = ControlRecord(MANDT="100", DOCNUM="0000000000000001", IDOCTYP="ORDERS05", SERIAL="20260115")
    line = control_line(control)
    assert (len(line), CONTROL_LENGTH, DATA_LENGTH) == (524, 524, 1063)
    assert line[10:13] == "100"
    assert line[-20:].rstrip() == "20260115"
    assert control_from_line(line) == control


@pytest.mark.parametrize(("record", "wide"), [(E1EDK01, 35), (E1EDP19, 70), (E1EDP01, 18)])
def test_segments_know_how_much_their_fields_hold(record: type[msgspec.Struct], wide: int) -> None:
    assert max(widths_of(record).values()) == wide


def test_a_field_that_is_too_long_is_refused_by_name() -> None:
    with pytest.raises(IdocRefused, match=r"E1EDK01-CURCY holds 3 characters, not 4"):
        segment(E1EDK01(CURCY="EURO"))
    with pytest.raises(IdocRefused, match=r"EDI_DC40-DOCNUM holds 16 characters, not 17"):
        control_line(ControlRecord(DOCNUM="1" * 17))


def test_empty_fields_are_left_out_and_fields_keep_the_order_of_their_segment() -> None:
    item = segment(E1EDP01(MATNR="TG-1", POSEX="000010", MENGE="5"), segment(E1EDP19(QUALF="002", IDTNR="TG-1")))
    body = ET.fromstring(write_xml([Idoc(ControlRecord(IDOCTYP="ORDERS05"), (item,))]))
    written = body[0][1]
    assert [one.tag for one in written] == ["POSEX", "MENGE", "MATNR", "E1EDP19"]
    assert written.attrib == {"SEGMENT": "1"}
    assert body[0].attrib == {"BEGIN": "1"}


def test_segments_come_in_the_order_of_their_type_and_strangers_last() -> None:
    mixed = tuple(Segment(name) for name in ("E1EDS01", "Z1OWN", "E1EDP01", "E1EDK14", "E1EDK01"))
    placed = arranged(Idoc(ControlRecord(IDOCTYP="ORDERS05"), mixed), ORDERS05)
    assert [one.name for one in placed.segments] == ["E1EDK01", "E1EDK14", "E1EDP01", "E1EDS01", "Z1OWN"]
    assert len(STRUCTURES) == 6


def test_unknown_segments_and_fields_are_kept_and_views_pass_them_over() -> None:
    document = (
        b'<ORDERS05><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1"><CIMTYP>ZORD</CIMTYP></EDI_DC40>'
        b'<E1EDK01 SEGMENT="1"><CURCY>EUR</CURCY><NEWFIELD>x</NEWFIELD><Z1OWN SEGMENT="1"><A>1</A></Z1OWN></E1EDK01>'
        b"</IDOC></ORDERS05>"
    )
    (read,) = read_xml(document)
    ((header, tree),) = read.every(E1EDK01)
    assert header.CURCY == "EUR"
    assert tree.fields["NEWFIELD"] == "x"
    assert tree.below == (Segment("Z1OWN", {"A": "1"}),)
    assert read.control.IDOCTYP == "ORDERS05"
    assert read_xml(write_xml([read])) == [read]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"<ORDERS05>", "not XML"),
        (b"", "not XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><ORDERS05/>', "document type"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><ORDERS05/>'.encode("utf-16"), "document type"),
        (b"\xff\xff", "not XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "not XML"),
        (b"<ORDERS05/>", "something else than <IDOC>"),
        (b"<ORDERS05><IDOC/><OTHER/></ORDERS05>", "something else than <IDOC>"),
        (b"<ORDERS05><IDOC><E1EDK01/></IDOC></ORDERS05>", "begins with <EDI_DC40>"),
        (b"<O><IDOC><EDI_DC40><WHAT>1</WHAT></EDI_DC40></IDOC></O>", "no field 'WHAT'"),
        (b"<O><IDOC><EDI_DC40><MANDT>1000</MANDT></EDI_DC40></IDOC></O>", "MANDT holds 3 characters"),
        (b"<O><IDOC><EDI_DC40/><E1 SEGMENT='1'>stray<A>1</A></E1></IDOC></O>", "text between its fields"),
        (b"<O><IDOC><EDI_DC40/><E1 SEGMENT='1'><A>1</A><A>2</A></E1></IDOC></O>", "field A twice"),
        (b"<O><IDOC><EDI_DC40/>" + b"<E SEGMENT='1'>" * 200 + b"</E>" * 200 + b"</IDOC></O>", "deep"),
    ],
)
def test_what_is_no_idoc_is_refused_saying_why(document: bytes, why: str) -> None:
    with pytest.raises(IdocRefused, match=why):
        read_xml(document)


def test_text_that_has_been_decoded_is_read_whatever_encoding_it_declares() -> None:
    body = '<O><IDOC><EDI_DC40/><E1 SEGMENT="1"><A>Jürgen 日本</A></E1></IDOC></O>'
    for declared in ("", '<?xml version="1.0" encoding="iso-8859-1"?>', '<?xml version="1.0" encoding="utf-16"?>'):
        (read,) = read_xml(declared + body)
        assert read.segments[0].fields == {"A": "Jürgen 日本"}
    assert read_xml(body.encode("utf-16"))[0].segments[0].fields == {"A": "Jürgen 日本"}


def test_characters_that_xml_cannot_hold_are_refused() -> None:
    spoiled = Idoc(ControlRecord(IDOCTYP="ORDERS05"), (Segment("E1EDK01", {"BELNR": "a\x07"}),))
    with pytest.raises(IdocRefused, match=r"U\+0007"):
        write_xml([spoiled])


def test_segments_without_a_layout_keep_their_text_in_lines() -> None:
    line = "Z9STRANGE".ljust(30) + "100" + "0" * 15 + "1" + "000001" + "000000" + "01" + "as it came".ljust(1000)
    text = control_line(ControlRecord(IDOCTYP="ORDERS05")) + "\n" + line + "\n"
    (read,) = read_flat(text, {})
    assert read.segments == (Segment("Z9STRANGE", {"SDATA": "as it came"}),)
    again = write_flat([Idoc(ControlRecord(IDOCTYP="ORDERS05", MANDT="100", DOCNUM="1"), read.segments)], {})
    assert again.split("\n")[1][63:] == line[63:]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nothing\n", "begins with EDI_DC40"),
        (control_line(ControlRecord()) + "\n" + "E1EDK14".ljust(DATA_LENGTH + 1, "x") + "\n", "1063 characters"),
        (control_line(ControlRecord()) + "\n" + "E1EDK14".ljust(49) + "000001" + "000009" + "\n", "amiss"),
    ],
)
def test_lines_that_are_no_idoc_are_refused_saying_why(text: str, why: str) -> None:
    with pytest.raises(IdocRefused, match=why):
        read_flat(text, LAYOUTS)


def test_a_segment_without_a_layout_is_not_written_as_lines() -> None:
    with pytest.raises(IdocRefused, match="layout of E1EDK01 is not known"):
        write_flat([Idoc(ControlRecord(), (segment(E1EDK01(CURCY="EUR")),))], {})
