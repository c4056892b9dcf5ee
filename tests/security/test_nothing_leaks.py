"""What must stay inside stays there: secrets, tokens, backend texts, stack traces; in answers, logs, spans, files."""

import asyncio
import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.binding.operation import Operation
from shared.host.sealing import sealing_key_file
from shared.host.topology import load_topology

PLANTED = "PLANTED0SECRET0"
BACKEND_TEXT = "BACKENDTEXT42"
STACK = re.compile(
    rb"Traceback|File \\?\"/|\.py\\?\", line|site-packages|msgspec\.|litestar\.|sqlite3\.|OperationalError|"
    rb"at 0x[0-9a-f]{6}"
)
KEPT = "file:{state}/"
PAGES = ("/", "/docs", "/problems", "/problems/not-found")


def secrets_of(suite: Any) -> dict[str, bytes]:
    """Everything secret that this suite was given or made, by what it is."""
    state = suite.state
    backends = references_in(load_topology(Path(suite.runtime.topology)).backends)
    assert {"salesforce/private.pem", "sap/password", "netsuite/token_secret"} <= {*backends}
    found = {name: _secret_part(state / name) for name in backends}
    found |= {f"client {file.stem}": file.read_bytes().strip() for file in state.glob("clients/*.secret")}
    found["issuer key"] = _private_part(state / "issuer" / "signing-keys.json")
    return {**found, "sealing key": sealing_key_file(state).read_bytes().split()[0]}


def references_in(settings: Any) -> list[str]:
    """Files in the state directory that settings refer to, at any depth; what is secret cannot be given otherwise."""
    if isinstance(settings, Mapping):
        return [name for each in settings.values() for name in references_in(each)]
    if isinstance(settings, list):
        return [name for each in settings for name in references_in(each)]
    text = str(settings)
    assert not text.startswith(("env:", "file:/")), f"say here how to read {text}"
    return [text.removeprefix(KEPT)] if text.startswith(KEPT) else []


def _secret_part(file: Path) -> bytes:
    return file.read_bytes().splitlines()[3] if file.suffix == ".pem" else file.read_bytes().strip()


def _private_part(file: Path) -> bytes:
    found = re.search(rb'"d"\s*:\s*"([^"]+)"|-----BEGIN[^-]+-----(?:\\n|\n)([A-Za-z0-9+/=]{30})', file.read_bytes())
    assert found, "the issuer keeps its key in another form; find the secret part here"
    return found[1] or found[2]


async def traces(suite: Any, ids: list[str]) -> bytes:
    return b"".join([(await suite.ask("GET", f"/traces/{trace}")).body for trace in ids])


async def test_planted_secrets_come_out_nowhere(calm_suite, kit) -> None:
    """Sent in every place a client may put one, through successes, refusals and failures of every operation."""
    ids: list[str] = []
    sent: list[str] = []
    for fault in (None, {"fault": "status", "status": 500, "body": f"{BACKEND_TEXT} {PLANTED}"}):
        for name in calm_suite.http_sandboxes if fault else ():
            await calm_suite.fault(name, **fault)
        for operation in kit.operations.values():
            token = calm_suite.token(operation)
            sent += [token.rpartition(".")[2], token[-40:]]
            good = [("authorization", f"Bearer {token}")]
            kinds = [
                [*good, ("cookie", PLANTED), ("x-api-key", PLANTED), ("idempotency-key", PLANTED)],
                [("authorization", f"Bearer {PLANTED}.{PLANTED}.{PLANTED}")],
                [("authorization", f"Basic {PLANTED}")],
            ]
            for headers in kinds[: 1 if fault else 3]:
                body = json.dumps(kit.unreal(operation)).encode() if operation.body else b""
                answer = await calm_suite.ask(operation.method, kit.target(operation), [*kit.document, *headers], body)
                ids.append(answer.headers["trace-id"])
    await calm_suite.calm()
    seen = calm_suite.output.read_bytes() + await traces(calm_suite, ids) + bytes(calm_suite.came_out)
    seen += (await calm_suite.ask("GET", "/metrics")).body
    assert PLANTED.encode() not in seen
    assert b"00D" + b"!" not in seen.replace(b"!PLANTED", b"")  # a Salesforce session id
    for signature in sent:
        assert signature.encode() not in seen
    for name, secret in secrets_of(calm_suite).items():
        assert len(secret) > 15, name
        assert secret not in seen, name


async def test_a_backends_words_and_our_stacks_are_not_for_callers(calm_suite, kit, operation: Operation) -> None:
    token = calm_suite.token(operation)
    own = kit.backend_of.get(operation.contract.slug)
    text = f'{BACKEND_TEXT} Traceback (most recent call last): File "/srv/sap.py", line 1'
    for status, body in ((500, text), (400, [{"message": text, "errorCode": text}]), (200, text)):
        for name in [own] if own else calm_suite.http_sandboxes:
            await calm_suite.fault(name, fault="status", status=status, body=body, times=1)
        answer = await calm_suite.call(operation, token, kit.unreal(operation))
        assert b"circuit-open" not in answer.body
        assert answer.status != 500, (status, answer.body)
        assert BACKEND_TEXT.encode() not in answer.body, (status, answer.body)
        assert not STACK.search(answer.body), answer.body
        if answer.status >= 400:
            assert answer.problem["traceId"] == answer.headers["trace-id"]
        await calm_suite.calm()


async def test_headers_of_every_answer(suite, kit, operation: Operation) -> None:
    for token in (suite.token(operation), None):
        answer = await suite.call(operation, token, kit.unreal(operation))
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] in ("no-store", "private, no-cache")
        if not operation.safe or answer.status >= 400:
            assert answer.headers["cache-control"] == "no-store"
        assert answer.headers.get("server", "granian") == "granian"  # the server's own, without a version
        assert not {"x-powered-by", "via", "x-backend", "set-cookie"} & set(answer.headers)
        names = [name for name, _ in answer.pairs]
        assert len(names) == len(set(names)), names


@pytest.mark.parametrize("path", PAGES)
async def test_headers_of_every_page(suite, path: str) -> None:
    answer = await suite.ask("GET", path)
    assert answer.status == 200
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "unsafe" not in policy.get("script-src", "'self'")
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "*" not in answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.search(rb'(?:src|href)="(?:https?:)?//', answer.body)
    assert b"<script>" not in answer.body


async def test_what_is_not_there_says_little(suite) -> None:
    for method, path in (
        ("GET", "/nowhere"),
        ("POST", "/health"),
        ("GET", "/system/crm/v2/customers"),
        ("DELETE", "/"),
    ):
        answer = await suite.ask(method, path)
        assert answer.problem["status"] in (404, 405)
        assert answer.headers["cache-control"] == "no-store"
        assert ("allow" in answer.headers) == (answer.status == 405)
        assert not STACK.search(answer.body)


async def test_files_with_secrets_or_customers_are_for_their_owner_only(suite) -> None:
    assert stat.S_IMODE((suite.state).stat().st_mode) == 0o700
    for path in suite.state.rglob("*"):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode & 0o077 == 0, (path, oct(mode))


async def test_no_secret_stands_in_a_command_line(suite) -> None:
    secrets = secrets_of(suite)
    process = await asyncio.create_subprocess_exec("ps", "-eo", "args", stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert b"sandboxes" in said
    assert not [name for name, secret in secrets.items() if secret in said]


async def test_the_journal_holds_no_token(suite) -> None:
    written = b"".join(file.read_bytes() for file in suite.state.glob("journal.db*"))
    assert written
    assert not re.search(rb"eyJ[\w-]{16,}\.[\w-]{16,}\.", written)  # three letters alone occur in any sealed payload
    assert PLANTED.encode() not in written
