"""`$batch`: 202 outside whatever happens inside, changesets whole or not at all."""

import json
from typing import Any

import httpx

SALES = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"
CRLF = "\r\n"


def request(line: str, body: object = None, **headers: str) -> str:
    content = "" if body is None else json.dumps(body)
    fields = {"Accept": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if content:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(content.encode()))}
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return CRLF.join([f"{line} HTTP/1.1", *lines, "", content])


def part(content: str, content_id: str = "") -> str:
    identified = [f"Content-ID: {content_id}"] if content_id else []
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", *identified]
    return CRLF.join([*head, "", content])


def multipart(boundary: str, *parts: str) -> str:
    return "".join(f"--{boundary}{CRLF}{one}{CRLF}" for one in parts) + f"--{boundary}--{CRLF}"


def changeset(*parts: str) -> str:
    return f"Content-Type: multipart/mixed; boundary=changeset_1{CRLF}{CRLF}{multipart('changeset_1', *parts)}"


async def send(writer: httpx.AsyncClient, *parts: str) -> httpx.Response:
    headers = {"content-type": "multipart/mixed; boundary=batch_1"}
    return await writer.post(f"{SALES}/$batch", content=multipart("batch_1", *parts), headers=headers)


async def test_reads_and_their_errors_come_back_in_order(writer: httpx.AsyncClient) -> None:
    answered = await send(
        writer,
        part(request("GET A_SalesOrder('4000001')?$select=SalesOrder")),
        part(request("GET A_SalesOrder('77')")),
        part(request(f"GET {SALES}/A_SalesOrder/$count")),
    )
    assert answered.status_code == 202
    assert answered.headers["dataserviceversion"] == "2.0"
    boundary = answered.headers["content-type"].partition("boundary=")[2]
    statuses = [one.partition("HTTP/1.1 ")[2][:3] for one in answered.text.split(f"--{boundary}")[1:-1]]
    assert statuses == ["200", "404", "200"]
    assert "SLS_LO/501" in answered.text
    assert answered.text.endswith(f"--{boundary}--{CRLF}")


async def test_later_parts_refer_to_earlier_ones_by_content_id(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    answered = await send(
        writer,
        changeset(
            part(request("POST A_SalesOrder", order), "1"),
            part(request("POST $1/to_Item", {"Material": "TG-00003", "RequestedQuantity": "1"}), "2"),
        ),
    )
    assert answered.text.count("HTTP/1.1 201 Created") == 2
    assert "content-id: 1" in answered.text
    items = (await writer.get(f"{SALES}/A_SalesOrder('4000193')/to_Item")).json()["d"]["results"]
    assert [one["SalesOrderItem"] for one in items] == ["10", "20", "30"]


async def test_failed_changeset_leaves_nothing_and_answers_once(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    answered = await send(
        writer,
        changeset(
            part(request("POST A_SalesOrder", order), "1"),
            part(request("POST A_SalesOrder", order | {"SoldToParty": "77777777"}), "2"),
        ),
        part(request("GET A_SalesOrder/$count")),
    )
    assert answered.status_code == 202
    assert answered.text.count("HTTP/1.1 400 Bad Request") == 1
    assert "HTTP/1.1 201" not in answered.text
    assert '"ContentID":"2"' in answered.text
    assert f"{CRLF}{CRLF}192{CRLF}" in answered.text


async def test_update_and_delete_answer_without_a_body(writer: httpx.AsyncClient) -> None:
    item = "A_SalesOrderItem(SalesOrder='4000001',SalesOrderItem='10')"
    answered = await send(
        writer,
        changeset(
            part(request(f"PATCH {item}", {"RequestedQuantity": "3"})),
            part(
                request(
                    "POST A_SalesOrder('4000001')", {"ShippingCondition": "02"}, X_HTTP_Method="MERGE", If_Match="*"
                )
            ),
        ),
    )
    assert answered.text.count("HTTP/1.1 204 No Content") == 2


async def test_read_inside_a_changeset_and_write_outside_one_are_refused(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    inside = await send(writer, changeset(part(request("GET A_SalesOrder('4000001')"))))
    outside = await send(writer, part(request("POST A_SalesOrder", order)))
    assert (inside.status_code, outside.status_code) == (202, 202)
    assert "must not contain retrieve operations" in inside.text
    assert "must be part of a changeset" in outside.text
    assert (await writer.get("/__sandbox__/ledger")).json()["orders"] == []


async def test_batch_that_is_not_multipart_is_refused(writer: httpx.AsyncClient) -> None:
    wrong = await writer.post(f"{SALES}/$batch", content="x", headers={"content-type": "text/plain"})
    headers = {"content-type": "multipart/mixed; boundary=b"}
    absent = await writer.post(f"{SALES}/$batch", content="nothing", headers=headers)
    garbled = await writer.post(f"{SALES}/$batch", content=multipart("b", part("hello")), headers=headers)
    assert [one.status_code for one in (wrong, absent, garbled)] == [400, 400, 400]


async def test_batch_only_takes_post(writer: httpx.AsyncClient) -> None:
    assert (await writer.get(f"{SALES}/$batch")).status_code == 405


async def test_multibyte_text_survives_a_batch(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    name = "注文 №1 🚰"
    await send(writer, changeset(part(request("POST A_SalesOrder", order | {"PurchaseOrderByCustomer": name}))))
    assert (await writer.get("/__sandbox__/ledger")).json()["orders"][0]["PurchaseOrderByCustomer"] == name
