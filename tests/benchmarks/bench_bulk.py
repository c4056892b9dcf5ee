"""Upserting and reading back many accounts in bulk: our connector beside simple-salesforce's bulk2, in one run.

    BULK_RECORDS=500000 python tests/benchmarks/bench_bulk.py     (50,000 by default)

The stand-in org serves from a process of its own and does the same work for both. Each client is a process too, so
that its peak memory is its own (ru_maxrss, beside what it needs with its imports alone). Ours makes every record from
a generator and matches each result with its record; simple-salesforce takes a list and hands results over as text.
"""

import asyncio
import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import requests
from requests.adapters import HTTPAdapter
from rich.console import Console
from rich.table import Table
from simple_salesforce import Salesforce

from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.salesforce.bulk.extraction import BulkExtracts
from system_apis.salesforce.bulk.loading import BulkLoads, LoadSpec
from system_apis.salesforce.bulk.outcomes import Outcome
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings

KEY = "ERP_Customer_Number__c"
USERNAME, PASSWORD = "integration@tarn-gauge.example", "sandbox-password"
APP = {"client_id": "triptych-local", "client_secret": "triptych-local-secret"}


def accounts(prefix: str, count: int) -> Iterator[dict[str, str]]:
    """The records: five fields, about 110 bytes of CSV."""
    for number in range(count):
        yield {
            KEY: f"{prefix}{number:07d}", "Name": f"Bulk customer {number} & Söhne, GmbH", "Phone": "+49 30 1234567",
            "Website": f"https://customer-{number}.example", "BillingCity": "Frankfurt am Main",
        }  # fmt: skip


def soql(prefix: str) -> str:
    """The query that reads them back."""
    return f"SELECT Id, {KEY}, Name, Phone, Website, BillingCity FROM Account WHERE {KEY} LIKE '{prefix}%'"


class Clocked:
    """Wall and CPU seconds of this process since the last look."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {"bare": _peak()}
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def note(self, name: str) -> None:
        """Give what has passed a name."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.figures |= {f"{name} s": wall - self._wall, f"{name} cpu": cpu - self._cpu}
        self._wall, self._cpu = wall, cpu

    def end(self) -> None:
        """Print the figures, memory among them."""
        print(json.dumps({**self.figures, "peak": _peak()}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def ours(url: str, count: int) -> None:
    """Our connector with the settings it has by itself."""
    wire = open_wire()
    settings = SalesforceSettings(url=url, username=USERNAME, private_key=Secret("env:BULK_KEY"))
    salesforce = SalesforceConnector(settings, Outbound(wire))
    told = 0

    async def tell(outcomes: Sequence[Outcome]) -> None:
        nonlocal told
        told += sum(outcome.became == "successful" for outcome in outcomes)

    clocked = Clocked()
    spec = LoadSpec(sobject="Account", operation="upsert", external_id=KEY)
    await BulkLoads(salesforce).load(spec, accounts("O", count), tell)
    assert told == count, told
    clocked.note("load")
    extracts, rows = BulkExtracts(salesforce), 0
    async for page in extracts.pages(await extracts.begin(soql("O"))):
        rows += len(page.rows)
    assert rows == count, rows
    clocked.note("read")
    clocked.end()
    await wire.aclose()


class Loopback(HTTPAdapter):
    """Sends what is meant for the org over https to the stand-in."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = self._url + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **kwargs)


def theirs(url: str, count: int) -> None:
    """simple-salesforce as its documentation shows it, looking for the end of jobs every second as we do."""
    with requests.Session() as session:
        session.mount("https://", Loopback(url))
        sf = Salesforce(session_id=_token(url), instance="org.my.salesforce.com", session=session)
        clocked, account = Clocked(), sf.bulk2.Account
        jobs = account.upsert(records=list(accounts("T", count)), external_id_field=KEY, wait=1)
        told = 0
        for job in jobs:
            assert not job["numberRecordsFailed"], job
            results = csv.reader(io.StringIO(account.get_successful_records(job["job_id"])))
            told += sum(1 for _ in results) - 1
        assert told == count, told
        clocked.note("load")
        rows = sum(sum(1 for _ in csv.reader(io.StringIO(page))) - 1 for page in account.query(soql("T"), wait=1))
        assert rows == count, rows
        clocked.note("read")
        clocked.end()


def _token(url: str) -> str:
    form = {"grant_type": "password", "username": USERNAME, "password": PASSWORD, **APP}
    return str(httpx.post(f"{url}/services/oauth2/token", data=form).json()["access_token"])


def measured(name: str, url: str, count: int, key: str) -> dict[str, float]:
    """The figures of one client in a process of its own."""
    command = [sys.executable, __file__, name, url, str(count)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, "BULK_KEY": key})
    figures = msgspec.json.decode(ended.stdout, type=dict[str, float])
    print(f"{name}: " + ", ".join(f"{key} {value:.1f}" for key, value in figures.items()), flush=True)
    return figures


def table(figures: dict[str, dict[str, float]], count: int) -> Table:
    """Both clients side by side."""
    shown = Table("", *figures, title=f"{count:,} accounts of five fields, upserted with results and read back")
    for part in ("load", "read"):
        shown.add_row(
            f"{part}: records/s of its CPU", *(f"{count / each[f'{part} cpu']:,.0f}" for each in figures.values())
        )
        shown.add_row(
            f"{part}: records/s by the clock", *(f"{count / each[f'{part} s']:,.0f}" for each in figures.values())
        )
    shown.add_row("peak memory, MB", *(f"{each['peak']:,.0f}" for each in figures.values()))
    shown.add_row("of that before the first record, MB", *(f"{each['bare']:,.0f}" for each in figures.values()))
    return shown


def compare(count: int) -> None:
    """Start the org, run both, print the table."""
    key, public = _key_pair()
    with tempfile.TemporaryDirectory() as folder:
        ports = Path(folder) / "ports.json"
        command = [sys.executable, "-m", "sandboxes", "--state", folder, "--ports-file", str(ports)]
        org = subprocess.Popen([*command, "--only", "salesforce"], stdout=subprocess.DEVNULL)
        try:
            while not ports.exists():
                time.sleep(0.05)
            url = json.loads(ports.read_text())["salesforce"]
            httpx.post(f"{url}/__sandbox__/connected-apps", json={"client_id": APP["client_id"], "public_key": public})
            httpx.post(f"{url}/__sandbox__/change-data-capture", json={"entities": []})  # nobody listens
            figures = {
                "ours": measured("ours", url, count, key),
                "simple-salesforce": measured("theirs", url, count, key),
            }
        finally:
            org.terminate()
            org.wait(30)
    load = os.getloadavg()
    Console(width=110).print(table(figures, count))
    print(f"machine load {load[0]:.1f} on {os.cpu_count()} cores; other work on it slows the clock, and CPU a little")


def _key_pair() -> tuple[str, str]:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), public


def main() -> None:
    """Compare, or be one of the compared."""
    match sys.argv[1:]:
        case ["ours", url, count]:
            asyncio.run(ours(url, int(count)))
        case ["theirs", url, count]:
            theirs(url, int(count))
        case _:
            compare(int(os.environ.get("BULK_RECORDS", "50000")))


if __name__ == "__main__":
    main()
