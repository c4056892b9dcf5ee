"""The OpenAPI document of every installed contract: valid, and helpful down to each operation."""

import json
import re
from typing import Annotated, Any

import msgspec
import pytest
from openapi_spec_validator import validate

from shared.binding.declare import Contract
from shared.binding.openapi import openapi_document
from shared.binding.openapi_examples import example_of
from shared.binding.operation import Operation
from shared.host.api import installed_apis
from shared.resilience.rate_limit_policy import Policy, Tier

CONTRACTS = list({api.contract: None for api in installed_apis()})
OPERATIONS = [operation for contract in CONTRACTS for operation in contract.operations.values()]


def _document(contract: type[Contract], **given: Any) -> Any:
    return json.loads(json.dumps(openapi_document(contract, **given)))


def _described(operation: Operation) -> Any:
    signed = [api.service.signature for api in installed_apis() if api.contract is operation.contract]
    schemes = [scheme for scheme in signed if scheme]
    return _document(operation.contract, schemes=schemes)["paths"][operation.path][operation.method.lower()]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.slug)
def test_a_document_is_valid_with_and_without_addresses(contract: type[Contract]) -> None:
    validate(_document(contract))
    validate(_document(contract, server="https://api.example", token_url="https://api.example/oauth2/token"))


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.slug)
def test_a_document_is_the_same_every_time(contract: type[Contract]) -> None:
    assert openapi_document(contract) == openapi_document(contract)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.slug)
def test_every_extension_in_use_is_explained_to_the_reader(contract: type[Contract]) -> None:
    document = _document(contract)
    used = set(re.findall(r'"(x-[a-z-]+)":', json.dumps(document)))
    assert used
    assert {name for name in used if f"`{name}`" not in document["info"]["description"]} == set()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.slug)
def test_patterns_are_those_of_ecmascript(contract: type[Contract]) -> None:
    assert "\\Z" not in json.dumps(_document(contract)).replace("\\\\", "\\")


def test_servers_and_limits_are_those_of_the_deployment() -> None:
    tiers = {"trial": Tier(Policy("trial", 10, 60, 2), groups={f"{CONTRACTS[0].slug}:read": Policy("reads", 5, 60, 1)})}
    document = _document(CONTRACTS[0], server="https://api.example", tiers=tiers)
    assert document["servers"] == [{"url": "https://api.example"}]
    assert document["x-rate-limits"]["trial"] == {
        "requests": 10, "windowSeconds": 60, "burst": 2,
        f"{CONTRACTS[0].slug}:read": {"requests": 5, "windowSeconds": 60, "burst": 1},
    }  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.qualified_name)
def test_an_operation_says_what_it_does_needs_and_costs(operation: Operation) -> None:
    described = _described(operation)
    assert described["summary"].endswith(".")
    if operation.signed:
        assert "no token opens it" in described["description"]
    else:
        assert f"`{operation.scope}`" in described["description"]
        assert described["x-scope"] == operation.scope
    assert described["x-deadline-seconds"] > 0
    assert described["x-rate-limit-group"].startswith(operation.contract.slug)
    for parameter in described["parameters"]:
        assert parameter["description"].endswith(".")
        assert "example" in parameter or parameter["schema"]["examples"]
        assert parameter["required"] or "example" not in parameter, "a try-it form must not begin with a filter"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.qualified_name)
def test_an_operation_names_each_problem_with_its_type_and_shows_it(operation: Operation) -> None:
    responses = _described(operation)["responses"]
    for kind in operation.route.raises:
        answer = responses[str(kind.status)]
        assert f"`{kind.type_uri()}`" in answer["description"]
        assert kind.slug in answer["content"]["application/problem+json"]["examples"]
    assert {"400", "401", "429", "500", "503", "504"} <= responses.keys()
    assert ("403" in responses) != operation.signed


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.qualified_name)
def test_examples_are_values_the_operation_takes_and_gives(operation: Operation) -> None:
    described = _described(operation)
    if operation.body:
        body = described["requestBody"]["content"]["application/json"]["example"]
        msgspec.convert(body, operation.body.type)
    for parameter in operation.parameters:
        if parameter.location in ("path", "query"):
            msgspec.convert(example_of(parameter.type, parameter.wire_name), parameter.type)
    if operation.route.status != 204:
        given = described["responses"][str(operation.route.status)]["content"]["application/json"]["example"]
        msgspec.convert(given, operation.result_type)


def test_a_type_inside_itself_has_an_example_that_ends() -> None:
    example = example_of(_Folder)
    assert example["name"]
    assert "folders" not in example


def test_a_pattern_that_no_known_text_fits_is_named() -> None:
    with pytest.raises(ValueError, match="strange"):
        example_of(_Strange)


def test_a_field_may_bring_its_own_example() -> None:
    assert example_of(_Own) == {"odd": "%%%"}


class _Own(msgspec.Struct, frozen=True):
    """A text of an odd form, with an example."""

    odd: Annotated[str, msgspec.Meta(pattern="^%%%$", examples=["%%%"])]


class _Folder(msgspec.Struct, frozen=True):
    """A folder in folders."""

    name: str
    folders: list["_Folder"] = []


class _Strange(msgspec.Struct, frozen=True):
    """A text of an odd form."""

    strange: Annotated[str, msgspec.Meta(pattern="^%%%$")]
