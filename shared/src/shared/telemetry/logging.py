"""Log lines: constant dotted event names, variables in fields, one JSON object a line on stderr.

    log = get_logger(__name__)
    log.info("flow.step.retried", flow="quote-to-order", attempt=2)

A suppressed level costs an attribute look-up. Every line carries the trace, the correlation id and the API of
the call being served, and passes redaction. Libraries that use the standard library's logging come out of
the same pipe from WARNING up.
"""

import logging
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol, cast

import msgspec

from shared.binding.call_context import current_context
from shared.telemetry import recent
from shared.telemetry.redaction import mask_text, masked_mapping

if TYPE_CHECKING:  # a third of a command's start, and most commands log nothing
    from structlog.typing import EventDict, Processor, WrappedLogger

Level = Literal["debug", "info", "warning", "error", "critical"]
LogFormat = Literal["auto", "json", "console"]

_AUDIENCE_PREFIX = "urn:triptych:"
_MAX_STACK = 6000


class LogMethod(Protocol):
    """Write one line: a constant dotted event name, then fields."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write `event` with `fields`."""


class Logger:
    """Writes log lines under one name. `exception` adds the exception being handled."""

    __slots__ = ("critical", "debug", "error", "exception", "info", "name", "warning")

    debug: LogMethod
    info: LogMethod
    warning: LogMethod
    error: LogMethod
    exception: LogMethod
    critical: LogMethod

    def __init__(self, name: str) -> None:
        self.name = name
        if _bound_class is None:
            self._connect_later()
        else:
            self._connect()

    def _connect_later(self) -> None:
        for method in ("debug", "info", "warning", "error", "exception", "critical"):
            setattr(self, method, partial(self._first, method))

    def _first(self, method: str, event: str, /, **fields: object) -> None:
        """Connect every logger as long as nothing else was configured, and write the line."""
        configure_logging(style="json", libraries=False)
        getattr(self, method)(event, **fields)

    def _connect(self) -> None:
        bound = _bound_class(_output, _processors, {"logger": self.name})
        self.debug, self.info, self.warning = bound.debug, bound.info, bound.warning
        self.error, self.exception, self.critical = bound.error, bound.exception, bound.critical


class _StandardError:
    """`sys.stderr` as it is when a line is written; a closed one swallows the line, never the call."""

    def write(self, line: bytes) -> None:
        with suppress(OSError, ValueError):
            stream = getattr(sys.stderr, "buffer", None)
            if stream is None:
                sys.stderr.write(line.decode())
            else:
                stream.write(line)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def _compose(_logger: "WrappedLogger", level: str, fields: "EventDict") -> "EventDict":
    """Put the call's identity in front, mask the rest."""
    line: dict[str, Any] = {"at": datetime.now(UTC), "level": level, "event": mask_text(str(fields.pop("event", "")))}
    context = current_context()
    if context.traceparent:
        line["trace_id"] = context.trace_id
        line["span_id"] = context.traceparent[36:52]
    if context.correlation_id:
        line["correlation_id"] = mask_text(context.correlation_id)
    if context.principal is not None:
        line["api"] = context.principal.audience.removeprefix(_AUDIENCE_PREFIX)
    failure = fields.pop("exc_info", None)
    line.update(masked_mapping(fields))
    if failure:
        line["exception"] = _described(failure)
    return line


def _described(failure: object) -> dict[str, str] | None:
    error = failure if isinstance(failure, BaseException) else None
    if error is None:
        given = cast("tuple[object, BaseException | None, TracebackType | None]", failure)
        error = given[1] if isinstance(failure, tuple) else sys.exc_info()[1]
    if error is None:
        return None
    stack = "".join(traceback.format_exception(error))[-_MAX_STACK:]
    return {"type": type(error).__qualname__, "message": mask_text(str(error)), "stack": _mask_lines(stack)}


def _mask_lines(text: str) -> str:
    # Line by line: a stack is longer than one string may be.
    return "\n".join(mask_text(line) for line in text.splitlines())


def _remember(_logger: "WrappedLogger", _level: str, line: "EventDict") -> "EventDict":
    recent.window.add_line(dict(line))
    return line


_encode = msgspec.json.Encoder(enc_hook=lambda value: mask_text(repr(value))).encode


def _render_json(_logger: "WrappedLogger", _level: str, line: "EventDict") -> bytes:
    return _encode(line)


def _render_console() -> "Processor":
    import structlog  # noqa: PLC0415 - see above

    console = structlog.dev.ConsoleRenderer(colors=True, sort_keys=False)

    def render(logger: "WrappedLogger", level: str, line: "EventDict") -> bytes:
        exception = line.pop("exception", None)
        shown = {**line, "timestamp": f"{line.pop('at'):%H:%M:%S.%f}"[:-3]}
        shown.pop("at", None)
        text = console(logger, level, shown)
        stack = f"\n{exception['stack']}" if exception else ""
        return f"{text}{stack}".encode()

    return render


_processors: "list[Processor]" = []
_output: Any = None
_bound_class: Any = None
_loggers: dict[str, Logger] = {}


def get_logger(name: str) -> Logger:
    """The logger of this name, usable before and after `configure_logging`."""
    logger = _loggers.get(name)
    if logger is None:
        logger = _loggers[name] = Logger(name)
    return logger


def configure_logging(
    *, level: Level = "info", style: LogFormat = "auto", stream: BinaryIO | None = None, libraries: bool = True
) -> None:
    """Set level and form of every logger, also of those that exist already.

    Args:
        level: The lowest level that is written.
        style: `json`, `console` for people, `auto` for console on a terminal and JSON elsewhere.
        stream: Where lines go; standard error by default.
        libraries: Whether the standard library's root logger is routed here, from WARNING up.
    """
    import structlog  # noqa: PLC0415 - see above

    global _output, _bound_class  # noqa: PLW0603 - one pipe per process
    if style == "auto":
        style = "console" if stream is None and sys.stderr is not None and sys.stderr.isatty() else "json"
    _processors[:] = [_compose, _remember, _render_console() if style == "console" else _render_json]
    _output = structlog.BytesLogger(stream or cast("BinaryIO", _StandardError()))
    _bound_class = structlog.make_filtering_bound_logger(level)
    for logger in _loggers.values():
        logger._connect()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    if libraries:
        _route_libraries()


class _LibraryLines(logging.Handler):
    """Writes records of the standard library's logging as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        write = getattr(get_logger(record.name), _method_of(record.levelno))
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # a library's wrong format string must not fail its call
            message = str(record.msg)
        write("library.logged", message=message, exc_info=record.exc_info)


def _method_of(level: int) -> str:
    if level >= logging.CRITICAL:
        return "critical"
    return "error" if level >= logging.ERROR else "warning"


def _route_libraries() -> None:
    root = logging.getLogger()
    root.handlers = [known for known in root.handlers if not isinstance(known, _LibraryLines)]
    root.addHandler(_LibraryLines(logging.WARNING))
    root.setLevel(logging.WARNING)
