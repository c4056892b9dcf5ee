import io
import logging
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from shared.binding.call_context import CallContext, Principal, calling
from shared.telemetry import recent
from shared.telemetry.logging import Level, LogFormat, _LibraryLines, configure_logging, get_logger

TRACE = "0af7651916cd43dd8448eb211c80319c"
CONTEXT = CallContext(
    principal=Principal(
        "user-7", "field-app", "urn:triptych:system:crm", frozenset({"crm:read"}), 2e9, "https://issuer"
    ),
    traceparent=f"00-{TRACE}-b7ad6b7169203331-01",
    correlation_id="ORD-4711",
)


class Lines(io.BytesIO):
    """What was written, line by line."""

    def decoded(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in self.getvalue().splitlines()]

    def only(self) -> dict[str, Any]:
        (line,) = self.decoded()
        return line


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    level = root.level
    stream = Lines()
    configure_logging(level="info", style="json", stream=stream)
    yield stream
    configure_logging(libraries=False)
    root.handlers = [known for known in root.handlers if not isinstance(known, _LibraryLines)]
    root.setLevel(level)


def test_a_line_is_one_json_object_with_event_level_name_and_fields(lines: Lines) -> None:
    get_logger("shared.test").info("flow.step.retried", flow="quote-to-order", attempt=2)
    line = lines.only()
    assert line.pop("at").startswith("20")
    assert line == {
        "level": "info", "event": "flow.step.retried", "logger": "shared.test", "flow": "quote-to-order", "attempt": 2,
    }  # fmt: skip


def test_a_line_says_which_call_it_belongs_to(lines: Lines) -> None:
    with calling(CONTEXT):
        get_logger("shared.test").warning("crm.slow")
    line = lines.only()
    assert line["trace_id"] == TRACE
    assert line["span_id"] == "b7ad6b7169203331"
    assert line["correlation_id"] == "ORD-4711"
    assert line["api"] == "system:crm"


def test_a_field_cannot_overwrite_the_secret_mask(lines: Lines) -> None:
    get_logger("shared.test").error(
        "login.failed", authorization="Bearer abc.def", detail="password=hunter2", headers={"Cookie": "a=b"}
    )
    text = lines.getvalue().decode()
    assert "abc.def" not in text
    assert "hunter2" not in text
    assert "a=b" not in text


def test_levels_below_the_chosen_one_are_silent_also_for_loggers_made_before(lines: Lines) -> None:
    log = get_logger("shared.test")
    log.debug("too.fine")
    assert lines.getvalue() == b""
    configure_logging(level="error", style="json", stream=lines)
    log.warning("still.too.fine")
    assert lines.getvalue() == b""
    configure_logging(level="debug", style="json", stream=lines)
    log.debug("now.heard")
    log.critical("also.heard")
    assert [line["event"] for line in lines.decoded()] == ["now.heard", "also.heard"]


def test_an_exception_is_described_without_its_secret(lines: Lines) -> None:
    try:
        raise RuntimeError("token=abc123def456")
    except RuntimeError:
        get_logger("shared.test").exception("work.failed")
    exception = lines.only()["exception"]
    assert exception["type"] == "RuntimeError"
    assert "test_logging.py" in exception["stack"]
    assert "abc123def456" not in lines.getvalue().decode()


def test_an_error_given_as_exc_info_is_described_and_none_is_not(lines: Lines) -> None:
    log = get_logger("shared.test")
    log.error("work.failed", exc_info=ValueError("bad"))
    log.error("work.failed", exc_info=None)
    first, second = lines.decoded()
    assert first["exception"]["message"] == "bad"
    assert "exception" not in second


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, b"\xff", float("nan"), 1 << 80, {"x": {b"k": object}}, lambda: None]
)
def test_any_value_can_be_logged(lines: Lines, value: object) -> None:
    get_logger("shared.test").info("odd.value", value=value)
    assert "value" in lines.only()


def test_a_percent_sign_in_an_event_is_no_format(lines: Lines) -> None:
    get_logger("shared.test").info("quota.at_95%")
    assert lines.only()["event"] == "quota.at_95%"


def test_libraries_come_out_of_the_same_pipe_from_warning_up(lines: Lines) -> None:
    with calling(CONTEXT):
        logging.getLogger("somelib").warning("retrying with password=%s", "hunter2")
    logging.getLogger("somelib").info("not heard")
    line = lines.only()
    assert line["event"] == "library.logged"
    assert line["logger"] == "somelib"
    assert line["trace_id"] == TRACE
    assert "hunter2" not in str(line)


def test_a_library_s_wrong_format_string_is_still_logged(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [known for known in root.handlers if isinstance(known, _LibraryLines)])
    logging.getLogger("somelib").error("%d items", "many")
    assert lines.only()["message"] == "%d items"


def test_configuring_twice_does_not_double_the_lines_of_libraries(lines: Lines) -> None:
    configure_logging(style="json", stream=lines)
    logging.getLogger("somelib").error("once")
    assert len(lines.decoded()) == 1


def test_lines_are_remembered_by_trace(lines: Lines) -> None:
    context = CONTEXT.replace(traceparent="00-11111111111111111111111111111111-b7ad6b7169203331-01")
    with calling(context):
        get_logger("shared.test").info("order.placed", order="4711", secret="x")
    view = recent.trace("1" * 32)
    assert view is not None
    assert [line["event"] for line in view.lines] == ["order.placed"]
    assert view.lines[0]["secret"] == "[masked]"
    assert lines.only()["order"] == "4711"


def test_the_console_form_is_for_people(lines: Lines) -> None:
    configure_logging(style="console", stream=lines)
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        get_logger("shared.test").exception("work.failed", order="4711")
    text = lines.getvalue().decode()
    assert "work.failed" in text
    assert "4711" in text
    assert "RuntimeError: broken" in text
    assert not text.startswith("{")


@pytest.mark.parametrize(("terminal", "first"), [(False, "{"), (True, "\x1b")])
def test_auto_writes_json_unless_a_person_watches(
    monkeypatch: pytest.MonkeyPatch, lines: Lines, *, terminal: bool, first: str
) -> None:
    screen = io.TextIOWrapper(lines)
    monkeypatch.setattr(screen, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stderr", screen)
    configure_logging(style="auto", libraries=False)
    get_logger("shared.test").info("hello")
    assert lines.getvalue().decode().startswith(first)


def test_a_closed_standard_error_does_not_fail_the_call(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    assert lines.getvalue() == b""
    screen = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stderr", screen)
    configure_logging(style="json", libraries=False)
    screen.close()
    get_logger("shared.test").error("nobody.hears")


def test_a_replaced_standard_error_is_followed(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    configure_logging(style="json", libraries=False)
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    get_logger("shared.test").error("heard")
    assert "heard" in screen.getvalue()
    assert lines.getvalue() == b""


@pytest.mark.parametrize(("level", "style"), [("loud", "json")])
def test_an_unknown_level_is_refused(level: Level, style: LogFormat) -> None:
    with pytest.raises(KeyError):
        configure_logging(level=level, style=style, libraries=False)
