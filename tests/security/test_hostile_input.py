"""Whatever is sent, the answer is an answer: never a defect, always a problem with a trace id."""

# ruff: noqa: E501, RUF001, Q000 - tables of hostile input read best as they are

import asyncio
import json
from collections.abc import Awaitable, Iterable, Iterator
from typing import Any

from shared.binding.operation import Operation

NUMBERS = [
    "1e999",
    "-1e999",
    "1E400",
    "0e999999999",
    "1e-999999999",
    "9223372036854775808",
    "-9223372036854775809",
    "1e308",
    "NaN",
    "-NaN",
    "Infinity",
    "-Infinity",
    "0x10",
    "01",
    "-01",
    "+1",
    "1.",
    ".1",
    "1.e1",
    "1e",
    "1e+",
    "-0",
    "-0.0",
    "1_000",
    "--1",
    "-",
    "1e1e1",
    "0.1.2",
    "٣",
    "１",
]
BROKEN = (
    b"", b" ", b"\x00", b"\x00{}", b"{}\x00", b"{", b"}", b"[", b"]", b"[]", b"{}", b"{}{}", b"[1,]", b"[,1]", b"[1,,2]",
    b'{"a"}', b'{"a":}', b'{:1}', b'{,}', b'{"a":1,}', b'{"a":1 "b":2}', b"{'a':1}", b"{a:1}", b'{1:1}', b'{"a":1}}',
    b"null", b"true", b"True", b"nul", b"tru", b'"', b'"a', b'"\\"', b'"\\x"', b'"\\u"', b'"\\u12"', b'"\\uzzzz"',
    b'"\t"', b'"\n"', b'"\x00"', b'"\x1f"', b"/* */{}", b"{}//", b"{}#", b"<a/>", b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00",
    b"\xfe\xff\x00{\x00}", b"{\x00}\x00", b"\xff\xfe\x00\x00{\x00\x00\x00}\x00\x00\x00", b'"\xff"', b'"\xc0\xaf"',
    b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'{"\xff":1}', b"\x80", b"\xe2\x80\xa8", b"[" * 100_000, b'{"a":' * 100_000,
    b"[" * 500 + b"]" * 500, b"[[],{}]" * 10, b" " * 100_000 + b"{}", b'{"' + b"a" * 100_000 + b'":1}',
    b"9" * 100_000, b"-" * 1000, b"1e" + b"9" * 10_000, b'"' + b"\\u0000" * 1000 + b'"', b"quoteId=1&a=2", b"\x1f\x8b\x08\x00",
    b"--x\r\nContent-Disposition: form-data\r\n\r\n", b"\xde\x00\x01\xa1a\x01", b"$ref", b'{"$ref":"#"}', b'{"__proto__":{}}',
)  # fmt: skip
VALUES = (
    b"null", b"true", b"-1", b"0", b"1e400", b"[]", b"{}", b"[[[[]]]]", b'{"a":{"a":{}}}', b'"\\ud800"', b'"\\udc00\\ud800"',
    b'"\\u0000"', b'"NaN"', b'"sNaN"', b'"Infinity"', b'"-Infinity"', b'"1e999999"', b'"1E+999999999"', b'"1e-999999999"',
    b'"0.' + b"0" * 5000 + b'1"', b'"' + b"9" * 5000 + b'"', b'"-0"', b'"0"', b'"-1"', b'"0001-01-01"', b'"9999-12-31"',
    b'"0000-00-00"', b'"2026-02-30"', b'"2026-11-23T25:00:00Z"', b'""', b'" "', b'"' + b"x" * 300 + b'"',
    b"999999999999999999999999999", b"[" + b"1," * 5000 + b"1]", b"1" * 5000,
)  # fmt: skip
STRINGS = (
    "", " ", "undefined", "None", "NULL", "true", "\\", "\\\\", "'", '"', "''", "' OR '1'='1", "'; DROP TABLE orders;--",
    "1; SELECT pg_sleep(9)", "\\' OR Name != '", "%' OR Name LIKE '%", "') FROM User --", "eq 'x' or 1 eq 1", "x'/../Secret",
    "${jndi:ldap://x/a}", "{{7*7}}", "#{7*7}", "<script>alert(1)</script>", "<img src=x onerror=1>", "<!ENTITY x SYSTEM 'file:///'>",
    "../../../../etc/passwd", "..\\..\\x", "file:///etc/passwd", "http://169.254.169.254/", "//evil.example", "\r\nSet-Cookie: a=b",
    "a\nb", "a\rb", "a\tb", "\x00", "a\x00b", "\x1b[31m", "\x7f", "\u0080", "\u00a0", "\u2028", "\u202egnp", "\ufeff", "\ufffe",
    "\U0010ffff", "Ω≈ç√∫", "田中さん", "الكل", "👩‍👩‍👧‍👦", "ﷺ", "Z̮̞̠͙͔ͅ", "İ", "ß", "ı", "ⅷ", "١٢٣", "%00", "%s%n%x", "%2e%2e%2f",
    "$(id)", "`id`", "| id", "& id", "=1+1", "@x", "+1", "-1", "1e309", "0x0", "NaN", "A" * 128, "A" * 255, "A" * 256, "é" * 35,
    "👍" * 35, "A" * 40_000,
)  # fmt: skip
TRICKS = (
    "..", ".", "%2e%2e", "..%2f..", "%2e%2e%2f%2e%2e", "..;", "..%5c", "%00", "a%00b", "%0d%0aX:1", "%ff", "%c0%ae%c0%ae", "%25",
    "%2525", "%", "%zz", "%u0041", "a%2fb", "a%5cb", "%20", "+", "a;b=c", "a,b", "a'b", "a%27b", "a%22b", "%27%20OR%201=1", "*",
    "~", "a:b", "(1)", "$value", "$batch", "$metadata", "A" * 129, "A" * 5000, "%F0%9F%91%8D", "\udcff", "é", "..%c0%af",
    "A1%0A", "A1%0D%0A", "A1%E2%80%A9", "0Q0000000000000AAA", "__proto__", "null", "-1", "%E2%80%AE", "A1%3Fx=1", "A1%23x",
)  # fmt: skip
QUERIES = (
    "a=1", "&".join(f"a{i}=1" for i in range(500)), "a=" + "b" * 60_000, "&" * 2000, "=", "==", "%", "%ff=%ff", "a[]=1&a[b]=2",
    "limit=NaN", "limit=-1", "limit=0", "limit=201", "limit=1e3", "limit=" + "9" * 5000, "limit=1&limit=2", "cursor=" + "A" * 513,
    "cursor=AAAA", "cursor=%00", "cursor=eyJhIjoxfQ", "cursor=eyJvZmZzZXQiOi0xfQ", "search=%27%25_%5C", "search=%00%00", "state=x",
    "since=9999-99-99", "since=0001-01-01", "?", "??a=b", "%E2%80%A8=1", "a=%F0%28%8C%BC", "search=%ff%ff", "search=\udcff\udcfe",
)  # fmt: skip
ENDLESS = [("prefer", "wait=99999")]
HEADERS: tuple[list[tuple[str, str]], ...] = (
    [("accept", "text/html")], [("accept", ",;q=,;;")], [("accept", "*/*;q=0")], [("accept", "a" * 20_000)],
    [("authorization", "Bearer")], [("authorization", "Bearer " + "A" * 20_000)], [("authorization", "Bearer é\udcff")],
    [("authorization", "Bearer a.b.c"), ("authorization", "Bearer d.e.f")], [("authorization", "\udcff\udcfe")],
    [("authorization", "Bearer " + ".".join(["eyJhIjox"] * 3))], [("authorization", "Bearer ..")], [("authorization", "Bearer ....")],
    [("authorization", "Bearer bnVsbA.bnVsbA.bnVsbA")], [("authorization", "Bearer W1tbW1tb.W1tbW1tb.W1tbW1tb")],
    [("content-type", "text/plain")], [("content-type", "application/json; charset=utf-16")], [("content-type", "\udcff")],
    [("content-encoding", "gzip")], [("content-encoding", "br, gzip")], [("expect", "100-continue")], [("range", "bytes=0-1")],
    [("if-none-match", "*" * 20_000)], [("if-none-match", "\udcff")], [("if-match", '"x"')], [("if-modified-since", "never")],
    [("idempotency-key", "")], [("idempotency-key", "A" * 5000)], [("idempotency-key", "\udcff\x01")], [("idempotency-key", '"a"')],
    [("prefer", "wait=NaN")], [("prefer", "wait=-1")], ENDLESS, [("prefer", ";,=;;,\udcff")],
    [("triptych-deadline-ms", "-1")], [("triptych-deadline-ms", "٣")], [("triptych-deadline-ms", "9" * 400)],
    [("triptych-priority", "root")], [("triptych-priority", "\udcff")], [("correlation-id", "\udcff" * 200)],
    [("correlation-id", "a\tb")], [("traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-00")], [("traceparent", "\udcff" * 55)],
    [("traceparent", "ff-" + "a" * 32 + "-" + "b" * 16 + "-ff")], [("tracestate", "\udcff" * 600)], [("tracestate", "a=b," * 2000)],
    [("cookie", "a=b; " * 3000)], [("host", "[")], [("host", "evil.example")], [("host", "\udcff")], [("x-forwarded-host", "evil")],
    [("x-http-method-override", "DELETE")], [("transfer-encoding-x", "chunked")], [("upgrade", "h2c"), ("connection", "upgrade")],
    [("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")],
    [(f"x-{i}", "y") for i in range(60)],
)  # fmt: skip


def documents(valid: Any) -> Iterator[bytes]:
    """Documents that no JSON parser or no schema should take, and some that few expect."""
    yield from BROKEN
    yield from (number.encode() for number in NUMBERS)
    whole = json.dumps(valid)
    yield whole.encode("utf-16")
    yield whole.encode("utf-32")
    yield b"\xef\xbb\xbf" + whole.encode()
    yield whole.encode() + b"," + whole.encode()
    yield whole.encode()[:-1]
    yield json.dumps([valid]).encode()
    for name, value in valid.items():
        pair = f"{json.dumps(name)}: {json.dumps(value)}"
        yield f"{{{pair}, {whole[1:]}".encode()  # the same key twice
        yield json.dumps({**valid, name.upper(): value}).encode()
        yield json.dumps({**valid, name + "\x00": value}).encode()
        yield json.dumps({key: inner for key, inner in valid.items() if key != name}).encode()


def spots(valid: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every leaf of a document with the way to it."""
    inner = valid.items() if isinstance(valid, dict) else enumerate(valid) if isinstance(valid, list) else ()
    for key, value in inner:
        yield (key,), value
        yield from (((key, *way), leaf) for way, leaf in spots(value))


def replaced(valid: Any, way: tuple[Any, ...], token: str) -> Any:
    """A copy of a document with one leaf exchanged."""
    copy = json.loads(json.dumps(valid))
    place = copy
    for key in way[:-1]:
        place = place[key]
    place[way[-1]] = token
    return copy


async def examine(asked: Iterable[tuple[str, Awaitable[Any]]]) -> list[str]:
    """What was answered as it must not be."""
    names, calls = zip(*asked, strict=True)
    answers = await asyncio.gather(*calls)
    return [wrong for name, answer in zip(names, answers, strict=True) if (wrong := flaw(name, answer))]


def flaw(name: str, answer: Any) -> str:
    if answer.status >= 500 or answer.status == 429:  # a limit would hide what lies behind it
        return f"{name[:150]} → {answer.status} {answer.body[:300]!r}"
    if not answer.headers.get("trace-id"):
        # the server itself refuses what is not HTTP, before any of ours runs
        return (
            ""
            if answer.status in (400, 414, 431) and not answer.body
            else f"{name[:150]} → {answer.status}, no Trace-Id"
        )
    if answer.status >= 400 and answer.problem["traceId"] != answer.headers["trace-id"]:
        return f"{name[:150]} → another trace"
    return "" if b"Traceback" not in answer.body else f"{name[:150]} → a stack trace"


def headers_of(suite: Any, kit: Any, operation: Operation) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {suite.token(operation)}"), *kit.document]


async def test_hostile_documents(suite, kit, body_operation: Operation) -> None:
    valid, path = kit.unreal(body_operation), kit.target(body_operation)
    headers = headers_of(suite, kit, body_operation)
    sent = list(documents(valid))
    assert len(sent) > 100
    wrong = await examine((repr(body), suite.ask(body_operation.method, path, headers, body)) for body in sent)
    assert not wrong, "\n".join(wrong)


async def test_hostile_values_in_every_field(suite, kit, body_operation: Operation) -> None:
    valid, path = kit.unreal(body_operation), kit.target(body_operation)
    headers = headers_of(suite, kit, body_operation)
    bodies = [
        json.dumps(replaced(valid, way, "@spot@")).encode().replace(b'"@spot@"', value)
        for way, _ in spots(valid)
        for value in VALUES
    ]
    wrong = await examine((repr(body), suite.ask(body_operation.method, path, headers, body)) for body in bodies)
    assert not wrong, "\n".join(wrong)


async def test_naughty_strings_in_every_string_field(suite, kit, body_operation: Operation) -> None:
    valid, path = kit.unreal(body_operation), kit.target(body_operation)
    headers = headers_of(suite, kit, body_operation)
    bodies = [
        json.dumps(replaced(valid, way, text), ensure_ascii=bool(number % 2)).encode("utf-8", "surrogatepass")
        for way, leaf in spots(valid)
        if isinstance(leaf, str)
        for number, text in enumerate(STRINGS)
    ]
    wrong = await examine((repr(body), suite.ask(body_operation.method, path, headers, body)) for body in bodies)
    assert not wrong, "\n".join(wrong)


async def test_path_and_query_tricks(suite, kit, operation: Operation) -> None:
    headers = headers_of(suite, kit, operation)
    body = json.dumps(kit.unreal(operation)).encode() if operation.body else b""
    targets = [kit.target(operation) + "?" + query for query in QUERIES]
    for parameter in operation.parameters:
        if parameter.location == "path":
            targets += [kit.target(operation, **{parameter.wire_name: trick}) for trick in TRICKS]
    targets += [
        kit.target(operation) + end
        for end in ("/", "//", "/.", "/%2e%2e", "%00", "%2f", ";a=b", "#x", "/../../../../health")
    ]
    wrong = await examine((target, suite.ask(operation.method, target, headers, body)) for target in targets)
    assert not wrong, "\n".join(wrong)


async def test_odd_headers(suite, kit, operation: Operation) -> None:
    usual = headers_of(suite, kit, operation)
    if operation.route.long_running:
        usual.append(("prefer", "respond-async"))
    body = json.dumps(kit.unreal(operation)).encode() if operation.body else b""
    asked: list[tuple[str, Awaitable[Any]]] = []
    for odd in HEADERS:
        if (operation.route.waits or operation.route.long_running) and odd is ENDLESS:
            continue  # that is no odd wish there: it would wait as long as it lets anybody wait
        names = {name for name, _ in odd}
        sent = [*odd, *(pair for pair in usual if pair[0] not in names)]
        asked.append((repr(odd), suite.ask(operation.method, kit.target(operation), sent, body)))
    wrong = await examine(asked)
    assert not wrong, "\n".join(wrong)


async def test_odd_requests_to_everything_else(suite) -> None:
    paths = ["/", "/docs", "/health", "/openapi/crm.json", "/problems", "/nowhere", "/traces/1", "/docs/assets/docs.js"]
    targets = [f"{path.rstrip('/')}/{trick}" for path in paths for trick in TRICKS] + [
        "*",
        "//",
        "/%",
        "/\udcff",
        "http://evil/",
    ]
    asked = [(target, suite.ask("GET", target)) for target in targets]
    asked += [(f"{path} {odd}", suite.ask("GET", path, odd)) for path in paths for odd in HEADERS]
    wrong = await examine(asked)
    assert not wrong, "\n".join(wrong)
