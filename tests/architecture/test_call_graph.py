"""Calls go from experience to process to system, never back and never in a circle."""

import msgspec
import pytest

from shared.binding.declare import Contract, get
from shared.host.api import Api, installed_apis
from shared.host.call_graph import ForbiddenCall, call_graph_markdown, calls, check_calls
from shared.host.declared import check_declared


class Greeting(msgspec.Struct, frozen=True):
    """A greeting."""

    text: str


class Ground(Contract, tier="system", version="v1"):
    """A System API."""

    @get("/greeting", scope="ground:read")
    async def greet(self) -> Greeting:
        """Greet."""
        ...


class Middle(Contract, tier="process", version="v1"):
    """A Process API."""

    @get("/greeting", scope="middle:read")
    async def greet(self) -> Greeting:
        """Greet."""
        ...


class Other(Contract, tier="process", version="v1"):
    """Another Process API."""

    @get("/greeting", scope="other:read")
    async def greet(self) -> Greeting:
        """Greet."""
        ...


class ClimbingGround(Ground):
    def __init__(self, middle: Middle) -> None:
        self.middle = middle

    async def greet(self) -> Greeting:
        return await self.middle.greet()


class CirclingMiddle(Middle):
    def __init__(self, other: Other) -> None:
        self.other = other

    async def greet(self) -> Greeting:
        return await self.other.greet()


class CirclingOther(Other):
    def __init__(self, middle: Middle) -> None:
        self.middle = middle

    async def greet(self) -> Greeting:
        return await self.middle.greet()


class Connector:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground


class MiddleThroughConnector(Middle):
    def __init__(self, connector: Connector) -> None:
        self.connector = connector

    async def greet(self) -> Greeting:
        return await self.connector.ground.greet()


def test_a_system_api_that_calls_a_process_api_is_refused_with_both_names() -> None:
    with pytest.raises(ForbiddenCall, match=r"ground is a system API and depends on Middle, a process API"):
        check_calls([Api(ClimbingGround)])


def test_a_circle_is_refused_and_drawn() -> None:
    with pytest.raises(ForbiddenCall, match=r"(Middle → Other → Middle|Other → Middle → Other)"):
        check_calls([Api(CirclingMiddle), Api(CirclingOther)])


def test_a_call_through_a_class_of_the_same_package_is_seen() -> None:
    assert calls(Api(MiddleThroughConnector)) == {Ground}


def test_the_installed_apis_keep_the_rules() -> None:
    check_calls(installed_apis())


def test_flows_count_as_calls_of_their_api() -> None:
    order = next(api for api in installed_apis() if api.contract.slug == "quote_to_order")
    assert {"Crm", "Erp", "Warehouse", "Logistics"} <= {contract.__name__ for contract in calls(order)}


def test_the_markdown_draws_every_edge() -> None:
    drawn = call_graph_markdown(installed_apis())
    for api in installed_apis():
        for callee in calls(api):
            assert f"{api.contract.__name__} --> {callee.__name__}" in drawn


def test_a_missing_operation_a_shared_scope_and_stale_files_are_findings(tmp_path) -> None:
    class Thief(Contract, tier="process", version="v1"):
        """Owns a scope that belongs to another."""

        @get("/greeting", scope="ground:read")
        async def greet(self) -> Greeting:
            """Greet."""
            ...

    class HalfThief(Thief):
        pass

    class DoneGround(Ground):
        async def greet(self) -> Greeting:
            return Greeting("hello")

    findings = "\n".join(check_declared([Api(HalfThief), Api(DoneGround)], tmp_path, write=False))
    assert "HalfThief does not implement Thief.greet" in findings
    assert "both own the scope ground:read" in findings
    assert "call_graph.md is out of date" in findings
    check_declared([Api(DoneGround)], tmp_path, write=True)
    assert check_declared([Api(DoneGround)], tmp_path, write=False) == []
