from xml.etree import ElementTree as ET

import httpx

ENVELOPE = """<?xml version="1.0"?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>
<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{0}</n1:username><n1:password>{1}</n1:password>
</n1:login></env:Body></env:Envelope>"""
USERNAME = "integration@tarn-gauge.example"


async def post(client: httpx.AsyncClient, username: str, password: str, version: str = "64.0") -> httpx.Response:
    body = ENVELOPE.format(username, password)
    return await client.post(f"/services/Soap/u/{version}/", content=body, headers={"Content-Type": "text/xml"})


def local(tag: str) -> str:
    return tag.rpartition("}")[2]


async def test_login_answers_in_wsdl_order_with_a_working_session(anonymous: httpx.AsyncClient) -> None:
    answer = await post(anonymous, USERNAME, "sandbox-passwordsandbox-token")
    result = next(each for each in ET.fromstring(answer.content).iter() if local(each.tag) == "result")
    names = ["metadataServerUrl", "passwordExpired", "sandbox", "serverUrl", "sessionId", "userId", "userInfo"]
    assert [local(each.tag) for each in result] == names
    assert local(result[6][8].tag) == "organizationId"
    headers = {"Authorization": f"OAuth {result[4].text}"}
    assert (await anonymous.get("/services/data/v59.0/limits/", headers=headers)).status_code == 200


async def test_a_wrong_password_is_a_fault_with_exception_code(anonymous: httpx.AsyncClient) -> None:
    answer = await post(anonymous, USERNAME, "wrong")
    assert answer.status_code == 500
    assert "<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>" in answer.text
    assert "wrong" not in answer.text


async def test_login_is_gone_from_version_65(anonymous: httpx.AsyncClient) -> None:
    answer = await post(anonymous, USERNAME, "sandbox-password", "65.0")
    assert "UNSUPPORTED_API_VERSION" in answer.text


async def test_document_types_and_other_operations_are_refused(anonymous: httpx.AsyncClient) -> None:
    for body in ("<!DOCTYPE a []><a/>", "<a/>", "not xml"):
        answer = await anonymous.post("/services/Soap/u/64.0", content=body)
        assert answer.status_code == 500
