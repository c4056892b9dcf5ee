import msgspec
import pytest

from shared.binding.problem_document import read_problem, write_problem
from shared.binding.problems import FieldError, Invalid, Problem, ProblemDetails


def test_extensions_stand_beside_the_standard_members() -> None:
    problem = Invalid("No.", errors=[FieldError("wrong", "/a")], extensions={"violated-policies": ["burst"]})
    document = msgspec.json.decode(write_problem(problem.details(instance="/orders")))
    assert document["violated-policies"] == ["burst"]
    assert document["errors"] == [{"detail": "wrong", "pointer": "/a"}]
    assert "extensions" not in document


def test_an_extension_cannot_take_the_place_of_a_standard_member() -> None:
    problem = Invalid("No.", extensions={"status": 200, "type": "/problems/fine", "extensions": 1})
    document = msgspec.json.decode(write_problem(problem.details()))
    assert (document["status"], document["type"]) == (400, "/problems/invalid")


@pytest.mark.parametrize("extensions", [{}, {"orderId": "order-1"}, {"a": {"b": [None, 1.5]}, "c": "d"}])
def test_what_is_written_reads_back_as_the_same_problem(extensions) -> None:
    details = Invalid("No.", retry_after=2.0, extensions=extensions).details(instance="/x", trace_id="ab")
    assert read_problem(write_problem(details)) == details
    assert Problem.from_details(read_problem(write_problem(details))).extensions == extensions


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"type": 1, "title": "", "status": 400}', b"<html>"])
def test_another_document_is_no_problem(document: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_problem(document)


def test_no_standard_member_is_called_like_a_field_of_ours_in_python() -> None:
    document = msgspec.json.decode(write_problem(ProblemDetails("/problems/x", "X", 400, trace_id="ab")))
    assert document["traceId"] == "ab"
