from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.events.source import OrgChannels


@pytest.fixture
async def org(fresh: Any) -> AsyncGenerator[Any]:
    """The org without events; its records stay, for resetting them takes long."""
    await fresh.heal()
    await fresh.control("pubsub-faults")
    await fresh.control("forget-events")
    yield fresh
    await fresh.heal()


@pytest.fixture
def settings(settings: SalesforceSettings, authority: tuple[str, Path]) -> SalesforceSettings:
    return msgspec.structs.replace(settings, pubsub_url=authority[0], pubsub_ca=str(authority[1]))


Open = Callable[..., OrgChannels]


@pytest.fixture
async def open_events(settings: SalesforceSettings) -> AsyncGenerator[Open]:
    """Opens the events of the org, with other settings where they are given."""
    wire, opened = open_wire(), list[OrgChannels]()

    def make(**changes: Any) -> OrgChannels:
        connector = SalesforceConnector(msgspec.structs.replace(settings, **changes), Outbound(wire))
        opened.append(OrgChannels(connector))
        return opened[-1]

    yield make
    for events in opened:
        await events.aclose()
    await wire.aclose()


@pytest.fixture(params=["pubsub", "cometd"])
def events(request: pytest.FixtureRequest, open_events: Open) -> OrgChannels:
    """The org's events, through either door."""
    return open_events(event_door=request.param)


@pytest.fixture
def pubsub_events(open_events: Open) -> OrgChannels:
    return open_events()
