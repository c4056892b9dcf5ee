"""Logon, sessions and CSRF tokens, before any OData happens."""

from typing import Any

import httpx

SALES = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"
AUTH = ("TRIPTYCH", "sandbox-only")


async def test_without_credentials_the_realm_is_named_in_html(base_url: str) -> None:
    async with httpx.AsyncClient(base_url=base_url) as nobody:
        refused = await nobody.get(f"{SALES}/A_SalesOrder", headers={"accept": "application/json"})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Basic realm="SAP NetWeaver Application Server [S4H/100]"'
    assert refused.headers["content-type"].startswith("text/html")


async def test_wrong_password_and_broken_header_are_refused(base_url: str) -> None:
    async with httpx.AsyncClient(base_url=base_url) as client:
        wrong = await client.get(f"{SALES}/", auth=("TRIPTYCH", "guess"))
        broken = await client.get(f"{SALES}/", headers={"authorization": "Basic %%%"})
    assert (wrong.status_code, broken.status_code) == (401, 401)


async def test_user_name_is_not_case_sensitive(base_url: str) -> None:
    async with httpx.AsyncClient(base_url=base_url, auth=("triptych", "sandbox-only")) as client:
        assert (await client.get(f"{SALES}/")).status_code == 200


async def test_another_client_is_not_available(reader: httpx.AsyncClient) -> None:
    assert (await reader.get(f"{SALES}/?sap-client=200")).status_code == 401
    assert (await reader.get(f"{SALES}/?sap-client=100&sap-language=EN")).status_code == 200


async def test_fetch_brings_token_and_both_cookies(base_url: str) -> None:
    async with httpx.AsyncClient(base_url=base_url, auth=AUTH) as client:
        fetched = await client.get(f"{SALES}/", headers={"x-csrf-token": "fetch"})
        again = await client.get(f"{SALES}/", headers={"x-csrf-token": "Fetch"})
    assert set(fetched.cookies) == {"SAP_SESSIONID_S4H_100", "sap-usercontext"}
    assert fetched.headers["x-csrf-token"] == again.headers["x-csrf-token"]
    assert "set-cookie" not in again.headers


async def test_write_without_token_is_refused_as_text(reader: httpx.AsyncClient, order: dict[str, Any]) -> None:
    refused = await reader.post(f"{SALES}/A_SalesOrder", json=order)
    assert refused.status_code == 403
    assert refused.headers["x-csrf-token"] == "Required"
    assert refused.headers["content-type"].startswith("text/plain")
    assert refused.text == "CSRF token validation failed"


async def test_token_without_its_cookie_is_refused(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    writer.cookies.clear()
    assert (await writer.post(f"{SALES}/A_SalesOrder", json=order)).status_code == 403


async def test_token_of_another_session_is_refused(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=writer.base_url, auth=AUTH) as other:
        fetched = await other.get(f"{SALES}/", headers={"x-csrf-token": "Fetch"})
    headers = {"x-csrf-token": fetched.headers["x-csrf-token"]}
    assert (await writer.post(f"{SALES}/A_SalesOrder", json=order, headers=headers)).status_code == 403


async def test_batch_needs_the_token_too(reader: httpx.AsyncClient) -> None:
    headers = {"content-type": "multipart/mixed; boundary=b"}
    assert (await reader.post(f"{SALES}/$batch", content=b"--b--", headers=headers)).status_code == 403


async def test_expired_sessions_are_noticed_on_the_next_write(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    assert (await writer.post("/__sandbox__/expire-tokens")).json() == {"ended": 1}
    assert (await writer.post(f"{SALES}/A_SalesOrder", json=order)).headers["x-csrf-token"] == "Required"


async def test_session_ends_after_half_an_hour_unused(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    await writer.post("/__sandbox__/clock", json={"offset_seconds": 1801})
    assert (await writer.post(f"{SALES}/A_SalesOrder", json=order)).status_code == 403


async def test_session_cookie_alone_is_a_logon(writer: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=writer.base_url, cookies=writer.cookies) as same:
        assert (await same.get(f"{SALES}/")).status_code == 200


async def test_paths_outside_gateway_answer_in_html(reader: httpx.AsyncClient) -> None:
    missing, inactive = await reader.get("/nothing"), await reader.get("/sap/bc/ping")
    assert (missing.status_code, inactive.status_code) == (404, 403)
    assert missing.headers["content-type"].startswith("text/html")


async def test_unknown_service_is_refused_in_both_encodings(reader: httpx.AsyncClient) -> None:
    as_json = await reader.get("/sap/opu/odata/sap/ZNOTHING_SRV/")
    as_xml = await reader.get("/sap/opu/odata/sap/ZNOTHING_SRV/", headers={"accept": "*/*"})
    assert (as_json.status_code, as_xml.status_code) == (403, 403)
    assert as_json.json()["error"]["code"] == "/IWFND/MED/170"
    assert "<code>/IWFND/MED/170</code>" in as_xml.text


async def test_later_version_must_be_asked_for(reader: httpx.AsyncClient) -> None:
    assert (await reader.get("/sap/opu/odata/sap/API_OUTBOUND_DELIVERY_SRV/")).status_code == 403
    assert (await reader.get("/sap/opu/odata/sap/API_OUTBOUND_DELIVERY_SRV;v=2/")).status_code == 200


async def test_client_gets_a_token_that_logs_on_until_it_ends(fresh: str) -> None:
    path, grant = "/sap/bc/sec/oauth2/token", {"grant_type": "client_credentials", "scope": "API_1"}
    async with httpx.AsyncClient(base_url=fresh) as client:
        issued = await client.post(path, data=grant, auth=("TRIPTYCH_OAUTH", "sandbox-only"))
        told = issued.json()
        assert (issued.status_code, told["token_type"], told["scope"]) == (200, "Bearer", "API_1")
        bearer = {"authorization": f"Bearer {told['access_token']}"}
        fetched = await client.get(f"{SALES}/", headers={**bearer, "x-csrf-token": "Fetch"})
        assert fetched.headers["x-csrf-token"]
        await client.post("/__sandbox__/clock", json={"offset_seconds": 3601})
        assert (await client.get(f"{SALES}/", headers=bearer)).status_code == 401
        await client.post("/__sandbox__/clock", json={"offset_seconds": 0})
        for refused, sent, auth in (
            (401, grant, AUTH),
            (401, grant, ("TRIPTYCH_OAUTH", "guess")),
            (400, {"grant_type": "password"}, ("TRIPTYCH_OAUTH", "sandbox-only")),
        ):
            assert (await client.post(path, data=sent, auth=auth)).status_code == refused
