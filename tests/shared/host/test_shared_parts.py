"""The System APIs of one folder are built of the same parts: one connector, one session, one circuit."""

from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.host.api import BrokenApi, _declared_in, installed_apis
from shared.host.placement import Placement
from shared.host.process import Process
from shared.host.runtime import Runtime
from shared.host.topology import load_topology

TOPOLOGIES = Path(__file__).parents[3] / "deploy" / "topologies"
APIS = {api.contract.slug: api for api in installed_apis()}


def test_apis_of_one_backend_share_their_parts_and_no_others_do() -> None:
    parts = [api.parts for api in APIS.values()]
    assert APIS["crm"].parts == APIS["salesforce_platform"].parts == "system_apis.salesforce"
    assert APIS["erp"].parts == APIS["sap_idocs"].parts == "system_apis.sap"
    assert {each for each in parts if parts.count(each) > 1} == {"system_apis.salesforce", "system_apis.sap"}


def test_a_package_may_declare_one_api_or_several_but_not_none() -> None:
    package = ModuleType("some_backend")
    with pytest.raises(BrokenApi, match="has no `api`"):
        _declared_in(package, "some_backend")
    package.api = APIS["erp"]  # type: ignore[attr-defined]
    assert _declared_in(package, "some_backend") == (APIS["erp"],)
    package.apis = (APIS["crm"], "no api")  # type: ignore[attr-defined]
    with pytest.raises(BrokenApi, match="has no `api`"):
        _declared_in(package, "some_backend")


async def test_a_process_that_serves_both_has_one_connector(tmp_path: Path) -> None:
    (tmp_path / "salesforce").mkdir()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "salesforce" / "private.pem").write_bytes(pem)
    runtime = Runtime(
        topology=str(TOPOLOGIES / "fused.toml"), state=str(tmp_path), processes={"suite": "http://127.0.0.1:8080"},
        issuer="http://127.0.0.1:8080", valkey="redis://127.0.0.1:1",
        sandboxes={"salesforce": "http://127.0.0.1:8089", "salesforce-pubsub": "grpcs://127.0.0.1:8090"},
    )  # fmt: skip
    served = tuple(APIS[slug] for slug in ("crm", "salesforce_platform"))
    process = Process(runtime, Placement(load_topology(TOPOLOGIES / "fused.toml"), "suite", installed_apis(), served))
    for api in served:
        process._implementation(api)
    wirings = {id(wiring): wiring for wiring in process._wirings.values()}
    built = [type(each).__name__ for wiring in wirings.values() for each in wiring.built]
    assert built.count("SalesforceConnector") == 1
    await process.stop()
