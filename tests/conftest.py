"""The order of the tests, wherever they stand, and which of them share a worker."""

import os
import re
from typing import Any

import httpx
import pytest
from xdist.scheduler import LoadScopeScheduling

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"  # its fork handlers abort children that tests start, now and then
os.environ["COLUMNS"] = "200"  # what commands print shall not depend on the terminal in which tests are started

for call in (httpx.AsyncClient.__init__, httpx.get, httpx.post):  # it gives up after 5 s, however busy the machine is
    (call.__kwdefaults__ or {})["timeout"] = httpx.Timeout(60.0)

SAME_SERVERS = re.compile(r"(tests/conformance/)(?:test_|(erp/).*\[(?:fused|http)-([a-z]+))")
"""Those that ask the same topologies: of one vendor's ERP, and of all tiers side by side."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests come first, so that no core waits for another in the end."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """By modules, but that what starts a topology for the whole session goes to one worker, which starts it once."""
    return _ByServers(config, log) if config.getoption("dist") == "loadscope" else None


class _ByServers(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        shared = SAME_SERVERS.match(nodeid)
        return "".join(shared.groups("")) if shared else super()._split_scope(nodeid)
