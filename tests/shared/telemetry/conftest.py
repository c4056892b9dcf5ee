from collections.abc import Iterator

import pytest

from shared.telemetry import tracing
from shared.telemetry.logging import configure_logging
from shared.telemetry.tracing import Span


@pytest.fixture
def finished() -> Iterator[list[Span]]:
    """The spans that ended during the test."""
    spans: list[Span] = []
    tracing.add_sink(spans.append)
    yield spans
    tracing.remove_sink(spans.append)


@pytest.fixture(autouse=True)
def usual_logging() -> None:
    """Settings of the process's one log pipe as they are at the start; other suites may have changed them."""
    configure_logging(level="info", style="json", libraries=False)
