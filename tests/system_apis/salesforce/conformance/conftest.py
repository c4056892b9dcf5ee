from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from salesforce_doors.door import World

from shared.resilience.wire_default import open_wire
from system_apis.salesforce.connector import SalesforceSettings


@pytest.fixture
async def org(fresh: Any) -> AsyncGenerator[Any]:
    """The org with nothing amiss, its records as they are: each door has its own, and a reset takes long."""
    yield fresh
    await fresh.heal()
    await fresh.control("pubsub-faults")
    await fresh.control("limits", used=0)


@pytest.fixture
async def world(org: Any, settings: SalesforceSettings, authority: tuple[str, Path]) -> AsyncGenerator[World]:
    await org.control("forget-events")
    wire = open_wire()
    told = msgspec.structs.replace(settings, pubsub_url=authority[0], pubsub_ca=str(authority[1]))
    yield World(org, told, wire)
    await wire.aclose()
