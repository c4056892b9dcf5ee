"""Replies of function modules as SAP's runtimes spell them: styles, kinds of RETURN, faults, pages, hostile XML."""

from datetime import date
from decimal import Decimal

import pytest

from shared.binding.problems import BackendFault, BackendUnavailable, Problem
from shared.contracts.system.erp import OrderRejected
from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.sap.bapi.answer import Answer, Fields, Tree
from system_apis.sap.bapi.faults import problem_of
from system_apis.sap.bapi.messages import failure, remarks
from system_apis.sap.bapi.soap import NotSoap, read_answer, write_call

RFC = "urn:sap-com:document:sap:rfc:functions"
MC = "urn:sap-com:document:sap:soap:functions:mc-style"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
UPPER = "<STATUSINFO><item><DOC_NUMBER>0004000001</DOC_NUMBER><REQ_DATE>0000-00-00</REQ_DATE></item></STATUSINFO>"
CAMEL = "<Statusinfo><item><DocNumber>0004000001</DocNumber><ReqDate>0000-00-00</ReqDate></item></Statusinfo>"
PAGE = b"<!DOCTYPE html><html><head><title>Logon</title></head><body>Welcome</body></html>"


def envelope(inside: str) -> bytes:
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Header/><s:Body>{inside}</s:Body></s:Envelope>'.encode()


def soap_fault(code: str, detail: str = "") -> bytes:
    text = "secret words of SAP"
    return envelope(
        f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>{text}</faultstring><detail>{detail}</detail></s:Fault>"
    )


def exception(name: str) -> str:
    return f'<r:X.Exception xmlns:r="{RFC}"><Name>{name}</Name><Text>in detail</Text></r:X.Exception>'


def reply(body: bytes, status: int = 200) -> WireReply:
    return WireReply(status, ReplyHeaders(), body)


def returned(*rows: Tree) -> Problem | None:
    return failure(Answer({"RETURN": rows}))


@pytest.mark.parametrize(
    "inside",
    [
        f'<r:F.Response xmlns:r="{RFC}">{UPPER}</r:F.Response>',
        f'<r:FResponse xmlns:r="{RFC}">{UPPER}</r:FResponse>',
        f'<r:FResponse xmlns:r="{MC}">{CAMEL}</r:FResponse>',
        f'<FResponse xmlns="{RFC}">{UPPER}</FResponse>',
    ],
    ids=["dot", "no dot", "camel case", "qualified"],
)
def test_every_style_reads_the_same(inside: str) -> None:
    answer = read_answer(envelope(inside))
    (row,) = answer.table("STATUSINFO")
    assert (row.text("DOC_NUMBER"), row.day("REQ_DATE"), answer.table("OTHER")) == ("0004000001", None, [])


@pytest.mark.parametrize(
    "row",
    [
        {"TYPE": "E", "ID": "V1", "NUMBER": "320", "MESSAGE": "not sold", "FIELD": "PARTN_NUMB"},
        {"Type": "E", "Id": "V1", "Number": "320", "Message": "not sold", "Field": "PARTN_NUMB"},
        {"TYPE": "e", "ID": "V1", "NUMBER": "320", "MESSAGE": "not sold", "FIELD": "PARTN_NUMB"},
    ],
    ids=["upper", "camel", "lower type"],
)
def test_error_row_is_a_refusal_in_saps_words(row: dict[str, str]) -> None:
    refused = failure(Answer({"RETURN": [row]}))
    assert isinstance(refused, OrderRejected)
    assert refused.extensions == {"code": "V1/320", "remark": "not sold"}
    assert [(one.pointer, one.detail) for one in refused.errors] == [("/erpNumber", "not sold")]


def test_bapireturn_holds_class_and_number_in_one_field() -> None:
    refused = failure(Answer({"RETURN": {"TYPE": "E", "CODE": "V1320", "MESSAGE": "not sold"}}))
    assert isinstance(refused, OrderRejected)
    assert refused.extensions["code"] == "V1/320"


def test_one_structure_is_one_row_and_an_empty_one_is_none() -> None:
    assert isinstance(failure(Answer({"RETURN": {"TYPE": "E", "ID": "F2", "NUMBER": "1"}})), OrderRejected)
    assert failure(Answer({"RETURN": {"TYPE": "", "CODE": "", "MESSAGE": ""}})) is None
    assert failure(Answer({"RETURN": ""})) is None
    assert failure(Answer({})) is None


def test_any_row_may_be_the_error_not_the_first_alone() -> None:
    fine = {"TYPE": "S", "ID": "V4", "NUMBER": "233"}
    warned = {"TYPE": "W", "ID": "V1", "NUMBER": "849", "MESSAGE": "not all  of it"}
    assert returned(fine, warned, {"TYPE": "I", "ID": "V1", "NUMBER": "1"}) is None
    assert isinstance(returned(fine, warned, {"TYPE": "E", "ID": "V1", "NUMBER": "404"}), OrderRejected)
    assert remarks(Answer({"MESSAGETABLE": [fine, warned]}), "MESSAGETABLE") == ["not all of it"]


def test_what_is_wrong_is_told_and_not_the_summary_beside_it() -> None:
    summary = {"TYPE": "E", "ID": "V4", "NUMBER": "219", "MESSAGE": "not changed"}
    wrong = {"TYPE": "E", "ID": "V1", "NUMBER": "404", "MESSAGE": "no quantity", "FIELD": "REQ_QTY"}
    refused = returned(summary, wrong)
    assert isinstance(refused, OrderRejected)
    assert refused.extensions["code"] == "V1/404"
    alone = returned(summary)
    assert isinstance(alone, OrderRejected)
    assert alone.extensions["code"] == "V4/219"


def test_lock_of_another_user_is_transient_and_an_abort_is_a_fault() -> None:
    locked = returned({"TYPE": "E", "ID": "V1", "NUMBER": "42", "MESSAGE": "processed by MUELLER"})
    assert isinstance(locked, BackendUnavailable)
    assert "MUELLER" not in locked.detail
    assert isinstance(returned({"TYPE": "A", "ID": "00", "NUMBER": "001", "MESSAGE": "x"}), BackendFault)


@pytest.mark.parametrize(
    ("written", "number"), [("", "0"), ("12.500", "12.5"), ("7.00-", "-7"), (" 3 ", "3"), ("1E+2", "100")]
)
def test_numbers_are_exact_with_the_sign_on_either_side(written: str, number: str) -> None:
    assert Fields({"N": written}).number("N") == Decimal(number)


@pytest.mark.parametrize("written", ["1,000.00", "NaN", "-", "Infinity", "twelve"])
def test_number_that_is_none_is_a_fault(written: str) -> None:
    with pytest.raises(BackendFault, match="number in N"):
        Fields({"N": written}).number("N")


def test_dates_come_with_and_without_hyphens_and_as_zeros() -> None:
    row = Fields({"A": "2031-01-15", "B": "20310115", "C": "00000000", "D": "soon"})
    assert (row.day("A"), row.day("B"), row.day("C")) == (date(2031, 1, 15), date(2031, 1, 15), None)
    with pytest.raises(BackendFault, match="date in D"):
        row.day("D")


@pytest.mark.parametrize("status", [500, 200])
def test_fault_means_the_same_with_either_status(status: int) -> None:
    wrong = problem_of(reply(soap_fault("Client", exception("FU_NOT_FOUND")), status))
    assert isinstance(wrong, BackendFault)
    assert wrong.extensions == {"exception": "FU_NOT_FOUND"}
    assert "secret" not in wrong.detail
    passing = problem_of(reply(soap_fault("Server"), status))
    assert isinstance(passing, BackendUnavailable)
    assert isinstance(problem_of(reply(soap_fault("Server", exception("SYSTEM_FAILURE")), status)), BackendUnavailable)
    assert isinstance(problem_of(reply(soap_fault("Server", exception("CONVERSION_ERROR")), status)), BackendFault)


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (200, BackendFault, "instead of SOAP"),
        (400, BackendUnavailable, "session"),
        (401, BackendFault, "credentials"),
        (403, BackendFault, "SICF"),
        (404, BackendFault, "at this address"),
        (500, BackendUnavailable, "500"),
        (503, BackendUnavailable, "503"),
        (302, BackendFault, "302"),
    ],
)
@pytest.mark.parametrize("body", [PAGE, b"", b"busy"], ids=["page", "nothing", "text"])
def test_page_is_no_answer_whatever_its_status(status: int, kind: type[Problem], says: str, body: bytes) -> None:
    problem = problem_of(reply(body, status))
    assert isinstance(problem, kind)
    assert says in problem.detail
    assert "Welcome" not in problem.detail


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Envelope><Body>&b;</Body></Envelope>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Envelope><Body><x/></Body></Envelope>',
        "<!DOCTYPE x [<!ENTITY a 'b'>]><Envelope><Body>&a;</Body></Envelope>".encode("utf-16"),
        b"<a>" * 60 + b"</a>" * 60,
        b"<Envelope><Body>",
        b"<Envelope><Body/></Envelope>",
        b"<Other><Body><x/></Body></Other>",
        b'<?xml version="1.0" encoding="nonsense"?><Envelope/>',
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_hostile_or_broken_documents_are_no_soap(document: bytes) -> None:
    with pytest.raises(NotSoap):
        read_answer(document)


def test_call_names_its_session_and_writes_what_xml_must_not_hold_bare() -> None:
    body = write_call("/BAPI/X", {"A": "<&>", "S": {"F": "1"}, "T": [{"G": "2"}], "R": []}, keep_session=True).decode()
    assert f'xmlns:r="{RFC}"' in body
    assert "<r:_-BAPI_-X><A>&lt;&amp;&gt;</A><S><F>1</F></S><T><item><G>2</G></item></T><R /></r:_-BAPI_-X>" in body
    assert "<enableSession>true</enableSession>" in body
    assert "enableSession" not in write_call("F", {}, keep_session=None).decode()
