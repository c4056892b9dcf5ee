"""The order of the tests, wherever they stand."""

import os

import httpx
import pytest

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"  # its fork handlers abort children that tests start, now and then
os.environ["COLUMNS"] = "200"  # what commands print shall not depend on the terminal in which tests are started

for call in (httpx.AsyncClient.__init__, httpx.get, httpx.post):  # it gives up after 5 s, however busy the machine is
    (call.__kwdefaults__ or {})["timeout"] = httpx.Timeout(60.0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests come first, so that no core waits for another in the end."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)
