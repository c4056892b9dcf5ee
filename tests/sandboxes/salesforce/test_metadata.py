"""Objects, fields and channels that an administrator makes, through the client everybody uses, unmodified."""

import asyncio
import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce

from sandboxes.kit import serve_sandbox

USERNAME = "integration@tarn-gauge.example"
V = "/services/data/v66.0"


async def log_in(client: httpx.AsyncClient) -> None:
    form = {"grant_type": "password", "username": USERNAME, "password": "sandbox-password"}
    form |= {"client_id": "triptych-local", "client_secret": "triptych-local-secret"}
    token = (await client.post("/services/oauth2/token", data=form)).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


class Loopback(HTTPAdapter):
    """Sends whatever is meant for the org over https to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = self._url + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **kwargs)


def connected(url: str) -> Salesforce:
    session = requests.Session()
    session.mount("https://", Loopback(url))
    sf = Salesforce(
        username=USERNAME,
        password="sandbox-password",
        consumer_key="triptych-local",
        consumer_secret="triptych-local-secret",
        session=session,
    )
    sf.mdapi._client.transport.session.mount("https://", Loopback(url))
    return sf


@pytest.fixture(scope="module")
def sf(url: str) -> Iterator[Salesforce]:
    made = connected(url)
    yield made
    made.mdapi._client.transport.session.close()
    made.session.close()


def site(mdapi: Any, name: str, **more: Any) -> Any:
    return mdapi.CustomObject(
        fullName=name,
        label="Site",
        pluralLabel="Sites",
        nameField=mdapi.CustomField(label="Site Name", type="Text"),
        deploymentStatus="Deployed",
        sharingModel="ReadWrite",
        **more,
    )


def package(files: dict[str, str], types: dict[str, list[str]]) -> io.BytesIO:
    listed = "".join(
        f"<types>{''.join(f'<members>{each}</members>' for each in members)}<name>{kind}</name></types>"
        for kind, members in types.items()
    )
    manifest = f'<Package xmlns="http://soap.sforce.com/2006/04/metadata">{listed}<version>66.0</version></Package>'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for name, content in (files | {"package.xml": manifest}).items():
            opened.writestr(name, content)
    return packed


def object_file(*fields: str, label: str = "Depot") -> str:
    return (
        f'<?xml version="1.0"?><CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><label>{label}</label>'
        f"<pluralLabel>{label}s</pluralLabel><nameField><label>No</label><type>AutoNumber</type>"
        "<displayFormat>D-{0000}</displayFormat></nameField><deploymentStatus>Deployed</deploymentStatus>"
        f"<sharingModel>ReadWrite</sharingModel>{''.join(fields)}</CustomObject>"
    )


def field(name: str, kind: str = "Text", **more: str) -> str:
    members = {"fullName": name, "label": name, "type": kind, **({"length": "20"} if kind == "Text" else {}), **more}
    return f"<fields>{''.join(f'<{key}>{value}</{key}>' for key, value in members.items())}</fields>"


async def in_thread(run: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(run)


async def test_an_object_and_its_fields_are_made_and_hold_records(sf: Salesforce) -> None:
    def run() -> None:
        md = sf.mdapi
        md.CustomObject.create([site(md, "Site__c")])
        code = md.CustomField(
            fullName="Site__c.Code__c", label="Code", type="Text", length=20, externalId=True, unique=True
        )
        account = md.CustomField(
            fullName="Site__c.Account__c",
            label="Account",
            type="Lookup",
            referenceTo="Account",
            relationshipName="Sites",
        )
        size = md.CustomField(fullName="Site__c.Size__c", label="Size", type="Number", precision=8, scale=2)
        md.CustomField.create([code, account, size])
        read = md.CustomObject.read(["Site__c"])
        assert (read.label, {each.fullName for each in read.fields}) == ("Site", {"Code__c", "Account__c", "Size__c"})
        described = {each["name"]: each for each in sf.Site__c.describe()["fields"]}
        assert (described["Code__c"]["externalId"], described["Size__c"]["type"]) == (True, "double")
        assert described["Account__c"]["referenceTo"] == ["Account"]
        first = sf.query("SELECT Id, Name FROM Account LIMIT 1")["records"][0]
        assert sf.Site__c.upsert("Code__c/A1", {"Name": "North", "Account__c": first["Id"], "Size__c": 12.5}) == 201
        found = sf.query("SELECT Name, Account__r.Name, Size__c FROM Site__c WHERE Code__c = 'A1'")["records"]
        assert [(each["Account__r"]["Name"], each["Size__c"]) for each in found] == [(first["Name"], 12.5)]
        down = sf.query(f"SELECT (SELECT Code__c FROM Sites__r) FROM Account WHERE Id = '{first['Id']}'")
        assert down["records"][0]["Sites__r"]["totalSize"] == 1
        size.precision = 10
        md.CustomField.update([size])
        md.CustomField.delete(["Site__c.Size__c"])
        assert "Size__c" not in {each["name"] for each in sf.Site__c.describe()["fields"]}
        md.CustomObject.delete(["Site__c"])
        assert "Site__c" not in {each["name"] for each in sf.describe()["sobjects"]}

    await in_thread(run)


async def test_a_refused_component_says_why_and_leaves_nothing(sf: Salesforce) -> None:
    def run() -> None:
        md = sf.mdapi
        md.CustomObject.upsert([site(md, "Plant__c")])
        number = {"label": "N", "type": "Number"}
        wrong = {
            "DUPLICATE_DEVELOPER_NAME": site(md, "Plant__c"),
            "consecutive underscores": site(md, "Two__Parts__c"),
            "must end with": site(md, "Plant"),
            "Must specify 'precision'": md.CustomField(fullName="Plant__c.N__c", scale=0, **number),
            "between 1 and 255": md.CustomField(fullName="Plant__c.T__c", label="T", type="Text", length=300),
            "no CustomObject named Nowhere__c": md.CustomField(fullName="Nowhere__c.T__c", label="T", type="Date"),
            "no CustomObject named Gone__c": md.CustomField(
                fullName="Plant__c.G__c", label="G", type="Lookup", referenceTo="Gone__c", relationshipName="Gs"
            ),
            "cannot be made in this org": md.CustomField(fullName="Plant__c.S__c", label="S", type="Summary"),
        }
        for message, component in wrong.items():
            kind = "CustomObject" if "nameField" in component and component.nameField else "CustomField"
            with pytest.raises(Exception, match=message):
                getattr(md, kind).create([component])
        assert not [each["name"] for each in sf.Plant__c.describe()["fields"] if each["custom"]]
        with pytest.raises(Exception, match="record limit reached"):
            md.CustomObject.create([site(md, f"Many{number}__c") for number in range(11)])
        with pytest.raises(Exception, match="INVALID_CROSS_REFERENCE_KEY"):
            md.CustomObject.delete(["Nobody__c"])
        with pytest.raises(Exception, match="not available in this org"):
            md.ApexClass.read(["Nobody"])

    await in_thread(run)


async def test_what_there_is_can_be_listed_and_described(sf: Salesforce) -> None:
    def run() -> None:
        query = sf.mdapi._client.get_type("ns0:ListMetadataQuery")(type="CustomField")
        names = {each.fullName for each in sf.mdapi.list_metadata([query])}
        assert {"Account.ERP_Customer_Number__c", "Order.External_Order_Id__c"} <= names
        kinds = {each.xmlName for each in sf.mdapi.describe_metadata().metadataObjects}
        assert {"CustomObject", "PlatformEventChannel", "PermissionSet"} <= kinds
        read = sf.mdapi.CustomField.read(["Account.ERP_Customer_Number__c"])
        assert (read.type, read.externalId) == ("Text", True)

    await in_thread(run)


def until_done(sf: Salesforce, deployment: str) -> tuple[str, Any]:
    while True:
        status = sf.checkDeployStatus(deployment)
        if status["state"] not in ("Pending", "InProgress"):
            return str(status["state"]), status["deployment_detail"]


async def test_a_deployment_makes_everything_and_a_retrieval_gives_it_back(sf: Salesforce) -> None:
    files = {
        "objects/Depot__c.object": object_file(field("Code__c"), field("Opened__c", "Date")),
        "objects/Moved__e.object": '<CustomObject xmlns="x"><label>Moved</label><pluralLabel>Moves</pluralLabel>'
        f"<eventType>HighVolume</eventType>{field('Where__c')}</CustomObject>",
        "platformEventChannels/Depots__chn.platformEventChannel": "<PlatformEventChannel><channelType>data"
        "</channelType><label>Depots</label></PlatformEventChannel>",
        "platformEventChannelMembers/Depots_chn_Depot.platformEventChannelMember": "<PlatformEventChannelMember>"
        "<eventChannel>Depots__chn</eventChannel><selectedEntity>Depot__ChangeEvent</selectedEntity>"
        "</PlatformEventChannelMember>",
    }
    types = {
        "CustomObject": ["Depot__c", "Moved__e"],
        "PlatformEventChannel": ["*"],
        "PlatformEventChannelMember": ["*"],
    }

    def run() -> None:
        deployment, state = sf.mdapi.deploy(package(files, types), sandbox=False)
        assert state == "Queued"
        status, detail = until_done(sf, str(deployment))
        assert (status, detail["total_count"], detail["errors"]) == ("Succeeded", "7", [])
        made = sf.Depot__c.create({"Code__c": "D", "Opened__c": "2026-05-01"})
        assert sf.Depot__c.get(made["id"])["Name"] == "D-0001"
        sent = sf.Moved__e.create({"Where__c": "here"})
        assert sent["errors"][0]["statusCode"] == "OPERATION_ENQUEUED"
        begun, _ = sf.mdapi.retrieve(
            "", unpackaged={"CustomObject": ["Depot__c"], "CustomField": ["Moved__e.Where__c"]}
        )
        while sf.mdapi.check_retrieve_status(begun)[0] != "Succeeded":
            pass
        state, _, messages, packed = sf.mdapi.retrieve_zip(begun)
        with zipfile.ZipFile(io.BytesIO(packed)) as opened:
            assert set(opened.namelist()) == {"package.xml", "objects/Depot__c.object", "objects/Moved__e.object"}
            assert b"<fullName>Opened__c</fullName>" in opened.read("objects/Depot__c.object")
        assert messages == []
        again, _ = sf.mdapi.deploy(io.BytesIO(packed), sandbox=False)
        assert until_done(sf, str(again))[0] == "Succeeded"

    await in_thread(run)


async def test_a_deployment_with_an_error_leaves_nothing_unless_parts_were_asked_for(sf: Salesforce) -> None:
    files = {
        "objects/Good__c.object": object_file(),
        "objects/Bad__c.object": object_file(field("Broken__c", "Number")),
    }
    packed = package(files, {"CustomObject": ["Good__c", "Bad__c", "Absent__c"], "Flow": ["X"]})

    def run() -> None:
        status, detail = until_done(sf, str(sf.mdapi.deploy(packed, sandbox=False)[0]))
        assert (status, detail["failed_count"]) == ("Failed", "3")
        said = " ".join(each["message"] for each in detail["errors"])
        assert "Must specify 'precision'" in said
        assert "was not found in zipped directory" in said
        assert "Unknown type name 'Flow'" in said
        names = {each["name"] for each in sf.describe()["sobjects"]}
        assert not names & {"Good__c", "Bad__c"}
        checked = sf.mdapi.deploy(
            package({"objects/Good__c.object": object_file()}, {"CustomObject": ["*"]}), True, checkOnly=True
        )
        assert until_done(sf, str(checked[0]))[0] == "Succeeded"
        assert "Good__c" not in {each["name"] for each in sf.describe()["sobjects"]}
        partly = sf.mdapi.deploy(packed, sandbox=True, rollbackOnError=False)
        assert until_done(sf, str(partly[0]))[0] == "SucceededPartial"
        assert "Good__c" in {each["name"] for each in sf.describe()["sobjects"]}

    await in_thread(run)


EVERY_OBJECT = {"CustomObject": ["*"]}
ENTITY = "<!DOCTYPE a [<!ENTITY b 'c'>]><CustomObject/>"


def bomb() -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as opened:
        opened.writestr("package.xml", "<Package/>")
        opened.writestr("objects/Bomb__c.object", b" " * 30_000_000)
    return packed


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (bomb(), "Maximum size"),
        (package({"../objects/Up__c.object": object_file()}, EVERY_OBJECT), "Invalid file path"),
        (package({"/objects/Up__c.object": object_file()}, EVERY_OBJECT), "Invalid file path"),
        (io.BytesIO(b"no zip at all"), "cannot be read"),
        (package({"objects/Doc__c.object": ENTITY}, EVERY_OBJECT), "DOCTYPE"),
        (package({"objects/Deep__c.object": "<a>" * 100 + "</a>" * 100}, EVERY_OBJECT), "too deeply"),
        (package({"objects/Torn__c.object": "<CustomObject>"}, EVERY_OBJECT), "Error parsing"),
        (package({"classes/A.cls": "class A {}"}, EVERY_OBJECT), "not known here"),
    ],
)  # fmt: skip
async def test_a_hostile_package_is_refused(sf: Salesforce, packed: io.BytesIO, message: str) -> None:
    status, detail = await in_thread(lambda: until_done(sf, str(sf.mdapi.deploy(packed, sandbox=False)[0])))
    assert status == "Failed"
    assert message in detail["errors"][0]["message"]


async def test_a_waiting_deployment_can_be_canceled(client: Any, sf: Salesforce) -> None:
    await client.post("/__sandbox__/deployments", json={"seconds": 30})
    token = client.headers["Authorization"].removeprefix("Bearer ")
    packed = package({"objects/Late__c.object": object_file()}, {"CustomObject": ["*"]})

    async def soap(body: str, session: str = token) -> str:
        envelope = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata">'
            f"<s:Header><SessionHeader><sessionId>{session}</sessionId></SessionHeader></s:Header>"
            f"<s:Body>{body}</s:Body></s:Envelope>"
        )
        return (await client.post("/services/Soap/m/66.0", content=envelope, headers={"Content-Type": "text/xml"})).text

    try:
        begun = await soap(f"<deploy><ZipFile>{base64.b64encode(packed.getvalue()).decode()}</ZipFile></deploy>")
        deployment = begun.partition("<id>")[2].partition("</id>")[0]
        assert deployment.startswith("0Af")
        assert "<done>true</done>" in await soap(f"<cancelDeploy><String>{deployment}</String></cancelDeploy>")
        asked = f"<checkDeployStatus><asyncProcessId>{deployment}</asyncProcessId></checkDeployStatus>"
        assert "<status>Canceled</status>" in await soap(asked)
        assert "cannot be canceled" in await soap(f"<cancelDeploy><String>{deployment}</String></cancelDeploy>")
        assert "sf:INVALID_SESSION_ID" in await soap(asked, "nobody")
        assert "sf:INVALID_OPERATION" in await soap("<runTests/>")
        assert "DOCTYPE is not allowed" in (await client.post("/services/Soap/m/66.0", content="<!DOCTYPE a><a/>")).text
    finally:
        await client.post("/__sandbox__/deployments", json={"seconds": 0.02})


async def test_what_was_made_outlives_a_restart_and_ends_with_a_reset(tmp_path: Any) -> None:
    state = tmp_path / "org.db"
    packed = package({"objects/Kept__c.object": object_file(field("Code__c"))}, {"CustomObject": ["*"]})
    async with serve_sandbox("salesforce", state=state) as url, httpx.AsyncClient(base_url=url) as client:
        await log_in(client)
        options = {"deployOptions": {"rollbackOnError": True, "singlePackage": True}}
        parts: Any = {
            "json": (None, json.dumps(options), "application/json"),
            "file": ("deploy.zip", packed.getvalue(), "application/zip"),
        }
        begun = (await client.post(f"{V}/metadata/deployRequest", files=parts)).json()
        assert begun["deployResult"]["status"] == "Pending"
        found = begun["deployResult"]
        while not found["done"]:
            asked = await client.get(f"{V}/metadata/deployRequest/{begun['id']}?includeDetails=true")
            found = asked.json()["deployResult"]
        assert [each["fullName"] for each in found["details"]["componentSuccesses"]] == ["Kept__c", "Kept__c.Code__c"]
        assert (await client.post(f"{V}/sobjects/Kept__c", json={"Code__c": "one"})).status_code == 201
    async with serve_sandbox("salesforce", state=state) as url, httpx.AsyncClient(base_url=url) as client:
        await log_in(client)
        rows = (await client.get(f"{V}/query", params={"q": "SELECT Name, Code__c FROM Kept__c"})).json()["records"]
        assert [(each["Name"], each["Code__c"]) for each in rows] == [("D-0001", "one")]
        prefix = (await client.get(f"{V}/sobjects/Kept__c/describe")).json()["keyPrefix"]
        assert (await client.post(f"{V}/sobjects/Kept__c", json={"Code__c": "two"})).json()["id"].startswith(prefix)
        assert (await client.post("/__sandbox__/reset")).status_code < 300
        assert (await client.get(f"{V}/sobjects/Kept__c/describe")).status_code == 404
        assert (await client.get(f"{V}/sobjects/Account/describe")).status_code == 200
