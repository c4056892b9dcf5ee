"""IDocs as lines: a control record of 524 characters, then a data record of 1063 for each segment.

A data record's last thousand characters mean what the segment's definition says, so reading fields takes the layout
of each segment as the partner's system documents it (transaction WE60). Without one the text stays as it is, in a
field `SDATA`, and is written back so.

Source: structures EDI_DC40 and EDI_DD40.
"""

from collections.abc import Iterable, Mapping

from system_apis.sap.idoc.control import CONTROL_LENGTH, check_widths, control_from_line, control_line
from system_apis.sap.idoc.document import Idoc, Segment, walk
from system_apis.sap.idoc.refusals import IdocRefused

SDATA = "SDATA"
DATA_LENGTH = 1063
_WIDTHS = {"SEGNAM": 30, "MANDT": 3, "DOCNUM": 16, "SEGNUM": 6, "PSGNUM": 6, "HLEVEL": 2, SDATA: 1000}

Layouts = Mapping[str, Mapping[str, int]]
"""Of each segment its fields, all of them and in order, with the characters that each takes."""


def write_flat(idocs: Iterable[Idoc], layouts: Layouts) -> str:
    r"""The documents as lines, each ended by `\n`.

    Raises:
        IdocRefused: A segment with fields has no layout, or a value is too long or holds a line break.
    """
    lines: list[str] = []
    for one in idocs:
        lines += [control_line(one.control), *_data_lines(one, layouts)]
    if broken := next((line for line in lines if "\n" in line or "\r" in line), None):
        raise IdocRefused(f"{broken[:30].strip()} holds a line break; a flat IDoc cannot.")
    return "".join(f"{line}\n" for line in lines)


def read_flat(text: str, layouts: Layouts) -> list[Idoc]:
    """The documents of a flat file.

    Raises:
        IdocRefused: A line is no record, or a segment's parent is none that came before it.
    """
    idocs: list[tuple[str, list[str]]] = []
    for line in text.replace("\r\n", "\n").removesuffix("\n").split("\n"):
        if line.startswith("EDI_DC40"):
            idocs.append((line.ljust(CONTROL_LENGTH), []))
        elif not idocs:
            raise IdocRefused("A flat IDoc begins with EDI_DC40; this file does not.")
        else:
            idocs[-1][1].append(line.ljust(DATA_LENGTH))
    return [Idoc(control_from_line(control), _nested(lines, layouts)) for control, lines in idocs]


def _data_lines(idoc: Idoc, layouts: Layouts) -> Iterable[str]:
    above: list[int] = []
    for number, (level, one) in enumerate(walk(idoc.segments), 1):
        above = above[: level - 1]
        record = {
            "SEGNAM": one.name,
            "MANDT": idoc.control.MANDT,
            "DOCNUM": idoc.control.DOCNUM,
            "SEGNUM": f"{number:06d}",
            "PSGNUM": f"{above[-1] if above else 0:06d}",
            "HLEVEL": f"{level:02d}",
            SDATA: _sdata(one, layouts),
        }
        above.append(number)
        check_widths("EDI_DD40", record, _WIDTHS)
        yield "".join(record[name].ljust(width) for name, width in _WIDTHS.items())


def _sdata(one: Segment, layouts: Layouts) -> str:
    if SDATA in one.fields or not one.fields:
        return one.fields.get(SDATA, "")
    layout = layouts.get(one.name)
    if layout is None:
        raise IdocRefused(f"The layout of {one.name} is not known; give it as transaction WE60 shows it.")
    check_widths(one.name, one.fields, dict(layout))
    return "".join(one.fields.get(name, "").ljust(width) for name, width in layout.items())


def _nested(lines: list[str], layouts: Layouts) -> tuple[Segment, ...]:
    """The tree that SEGNUM and PSGNUM describe."""
    read = [_record(line) for line in lines]
    below: dict[str, list[str]] = {"000000": []}
    for record in read:
        parent = record["PSGNUM"] or "000000"
        if parent not in below or record["SEGNUM"] in below:
            raise IdocRefused(f"{record['SEGNAM']} is numbered {record['SEGNUM']} below {parent}, which is amiss.")
        below[parent].append(record["SEGNUM"])
        below[record["SEGNUM"]] = []
    made: dict[str, Segment] = {}
    for record in reversed(read):
        number = record["SEGNUM"]
        nested = tuple(made[one] for one in below[number])
        made[number] = Segment(record["SEGNAM"], _fields(record, layouts), nested)
    return tuple(made[one] for one in below["000000"])


def _record(line: str) -> dict[str, str]:
    if len(line) != DATA_LENGTH:
        raise IdocRefused(f"A data record has {DATA_LENGTH} characters, not {len(line)}.")
    record: dict[str, str] = {}
    at = 0
    for name, width in _WIDTHS.items():
        record[name] = line[at : at + width].rstrip(" ")
        at += width
    return record


def _fields(record: dict[str, str], layouts: Layouts) -> dict[str, str]:
    text, layout = record[SDATA], layouts.get(record["SEGNAM"])
    if layout is None or len(text) > sum(layout.values()):
        return {SDATA: text} if text else {}
    fields: dict[str, str] = {}
    at = 0
    for name, width in layout.items():
        if value := text[at : at + width].rstrip(" "):
            fields[name] = value
        at += width
    return fields
