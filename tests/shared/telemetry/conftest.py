from collections.abc import Iterator

import pytest

from shared.telemetry import tracing
from shared.telemetry.tracing import Span


@pytest.fixture
def finished() -> Iterator[list[Span]]:
    """The spans that ended during the test."""
    spans: list[Span] = []
    tracing.add_sink(spans.append)
    yield spans
    tracing.remove_sink(spans.append)
