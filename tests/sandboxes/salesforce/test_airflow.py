"""Apache Airflow's Salesforce hook, unmodified, against the org; only its requests are told where the org is.

Airflow brings 140 packages, so it is in no lock and these tests run where it is installed: see CONTRIBUTING.md.
"""

import asyncio
import csv
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter

from sandboxes.company import company

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Airflow deprecates of itself is not ours to mend
    hooks = pytest.importorskip(
        "airflow.providers.salesforce.hooks.salesforce",
        reason="Apache Airflow is not installed here; CONTRIBUTING.md says how to run its hook against the stand-in",
    )

pytestmark = pytest.mark.filterwarnings("ignore")
USERNAME = "integration@tarn-gauge.example"
ENVIRONMENT = "AIRFLOW_CONN_SALESFORCE_DEFAULT"
QUERY = "SELECT Id, Name, NumberOfEmployees, CreatedDate FROM Account"


class Loopback(HTTPAdapter):
    """Sends whatever is meant for a salesforce.com host, or for the org over https, to the stand-in."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = self._url + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **kwargs)


@pytest.fixture
def hook(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Makes a hook whose Airflow connection has these extras."""
    with requests.Session() as session:
        session.mount("https://", Loopback(url))

        def made(password: str = "", **extra: Any) -> Any:
            connection = {"conn_type": "salesforce", "login": USERNAME, "password": password, "extra": extra}
            monkeypatch.setenv(ENVIRONMENT, json.dumps(connection))
            return hooks.SalesforceHook(session=session)

        yield made


@pytest.fixture
def by_password(hook: Callable[..., Any]) -> Any:
    return hook("sandbox-password", security_token="sandbox-token")


async def test_every_login_that_a_connection_can_hold_works(
    hook: Callable[..., Any], private_key: rsa.RSAPrivateKey, signing: str, tmp_path: Path
) -> None:
    form = serialization.PrivateFormat.PKCS8
    pem = private_key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    (tmp_path / "key.pem").write_text(pem)
    app = {"consumer_key": "triptych-local", "consumer_secret": "triptych-local-secret"}
    ways: list[dict[str, Any]] = [
        {"password": "sandbox-password", "security_token": "sandbox-token"},
        {"password": "sandbox-password", **app},
        {"consumer_key": signing, "private_key": pem},
        {"consumer_key": signing, "private_key_file_path": str(tmp_path / "key.pem")},
    ]
    for way in ways:
        made = hook(**way)
        assert made.get_conn() is made.get_conn()
        assert await asyncio.to_thread(made.test_connection) == (True, "Connection successfully tested")
    wrong, message = await asyncio.to_thread(hook("wrong", security_token="x").test_connection)
    assert not wrong
    assert "INVALID_LOGIN" in message


async def test_a_session_of_another_client_serves_too(hook: Callable[..., Any], client: Any) -> None:
    made = hook(instance="tarn-gauge.my.salesforce.com")
    made.session_id = client.headers["Authorization"].removeprefix("Bearer ")
    assert (await asyncio.to_thread(made.make_query, "SELECT Id FROM Account LIMIT 3"))["totalSize"] == 3


async def test_it_reads_every_page_of_a_query_and_what_was_deleted(by_password: Any, client: Any, unique: Any) -> None:
    name = next(unique)
    rows = "/services/data/v66.0/sobjects/Account"
    made = (await client.post(rows, json={"Name": name})).json()["id"]
    await client.delete(f"{rows}/{made}")
    found = await asyncio.to_thread(by_password.make_query, "SELECT Id FROM Account")
    assert found["done"] is True
    assert len(found["records"]) == found["totalSize"] >= len(company().customers)
    entries = await asyncio.to_thread(by_password.make_query, "SELECT Id FROM PricebookEntry")
    assert len({each["Id"] for each in entries["records"]}) == entries["totalSize"]
    deleted = f"SELECT Id, IsDeleted FROM Account WHERE Name = '{name}'"
    assert (await asyncio.to_thread(by_password.make_query, deleted))["totalSize"] == 0
    everything = await asyncio.to_thread(by_password.make_query, deleted, include_deleted=True)
    assert [each["IsDeleted"] for each in everything["records"]] == [True]


async def test_it_describes_objects_and_reads_all_their_fields(by_password: Any) -> None:
    described = await asyncio.to_thread(by_password.describe_object, "Order")
    assert described["keyPrefix"] == "801"
    fields = await asyncio.to_thread(by_password.get_available_fields, "Account")
    assert {"Id", "Name", "BillingAddress", "SystemModstamp"} <= set(fields)
    found = await asyncio.to_thread(by_password.get_object_from_salesforce, "Account", fields)
    assert found["totalSize"] == len(found["records"])
    assert set(found["records"][0]) == {"attributes", *fields}


async def test_it_makes_data_frames_whose_moments_are_numbers(by_password: Any) -> None:
    found = await asyncio.to_thread(by_password.make_query, f"{QUERY} LIMIT 50")
    frame = await asyncio.to_thread(
        by_password.object_to_df, found["records"], coerce_to_timestamp=True, record_time_added=True
    )
    assert list(frame.columns) == ["id", "name", "numberofemployees", "createddate", "time_fetched_from_salesforce"]
    assert frame["createddate"].min() > 1_500_000_000
    assert list(frame["name"]) == [each["Name"] for each in found["records"]]


@pytest.mark.parametrize("fmt", ["csv", "json", "ndjson"])
async def test_it_writes_what_it_found_to_a_file(by_password: Any, tmp_path: Path, fmt: str) -> None:
    path = tmp_path / f"accounts.{fmt}"
    found = await asyncio.to_thread(by_password.make_query, f"{QUERY} ORDER BY Name LIMIT 100")
    await asyncio.to_thread(by_password.write_object_to_file, found["records"], str(path), fmt)
    text = path.read_text("utf-8")
    read = {
        "csv": lambda: list(csv.DictReader(text.splitlines())),
        "json": lambda: json.loads(text),
        "ndjson": lambda: [json.loads(line) for line in text.splitlines()],
    }[fmt]()
    assert [each["id"] for each in read] == [each["Id"] for each in found["records"]]
    assert [each["name"] for each in read] == [each["Name"] for each in found["records"]]


async def test_a_query_that_is_refused_is_an_error_of_its_client(by_password: Any) -> None:
    with pytest.raises(Exception, match="No such column 'Nonsense'"):
        await asyncio.to_thread(by_password.make_query, "SELECT Nonsense FROM Account")
