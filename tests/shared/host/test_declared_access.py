"""`triptych check` fails when an API touches more of its backend than was declared and committed."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from shared.governance.access import Access, ObjectAccess
from shared.host.api import Api, installed_apis
from shared.host.backend_access import declaration_findings
from shared.host.declared import check_declared

DEPLOY = Path(__file__).parents[3] / "deploy"
GUARDED = [api for api in installed_apis() if api.access]


class Declaration:
    """Declares one operation that there is and one that there is not."""

    @classmethod
    def usual(cls) -> Self:
        return cls()

    def operations(self) -> Mapping[str, Access]:
        return {"get_quote": {"Quote": ObjectAccess(read=frozenset({"Id"}))}, "get_quota": {}}

    def undeclared(self) -> list[str]:
        return ["Something else is sent."]

    def permission_set(self, access: Access) -> str:
        return " ".join(access)


@pytest.fixture
def guarded() -> Api:
    return next(api for api in GUARDED if api.contract.slug == "crm")


async def test_a_field_that_the_committed_declaration_lacks_is_a_finding_until_it_is_written_anew(
    tmp_path: Path, guarded: Api
) -> None:
    deploy = tmp_path / "deploy"
    shutil.copytree(DEPLOY / "access", deploy / "access")
    shutil.copytree(DEPLOY / "openapi", deploy / "openapi")
    shutil.copy(DEPLOY / "call_graph.md", deploy)
    assert check_declared(installed_apis(), deploy, write=False) == []
    committed = deploy / "access" / f"crm-{guarded.vendor}.json"
    declared = json.loads(committed.read_text())
    declared["get_quote"]["Quote"]["read"].remove("Status")
    committed.write_text(json.dumps(declared, indent=2))
    [finding] = check_declared(installed_apis(), deploy, write=False)
    assert str(committed) in finding
    assert "run `triptych check --write`" in finding
    assert check_declared(installed_apis(), deploy, write=True) == []


async def test_operations_that_are_not_declared_or_are_not_there_are_named(guarded: Api) -> None:
    findings = declaration_findings(replace(guarded, access=Declaration))
    assert "Declaration declares nothing for Crm.get_order; say there what it touches." in findings
    assert "Declaration declares get_quota, which is no operation of Crm; remove it." in findings
    assert "Something else is sent." in findings
    assert not any("Crm.get_quote;" in finding for finding in findings)


async def test_an_api_without_a_declaration_has_nothing_to_find(guarded: Api) -> None:
    assert declaration_findings(replace(guarded, access=None)) == []
