"""A value outside a closed set is refused with what the set holds."""

from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from shared.binding.allowed_values import allowed_values, is_known
from shared.binding.operation import explain


class Size(Enum):
    """How big."""

    SMALL = "small"
    LARGE = "large"


class Part(msgspec.Struct, rename="camel"):
    """A piece."""

    its_size: Size
    level: Literal[1, 2] | None = None


class Whole(msgspec.Struct):
    """Pieces."""

    parts: list[Part]
    by_name: dict[str, Annotated[Part, msgspec.Meta(description="a piece")]] = {}
    name: str = ""


@pytest.mark.parametrize(
    ("sent", "pointer", "told"),
    [
        ({"parts": [{"itsSize": "huge"}]}, "/parts/0/itsSize", "small, large"),
        ({"parts": [{"itsSize": "small", "level": 3}]}, "/parts/0/level", "1, 2"),
    ],
)
def test_a_refusal_names_the_values_of_the_set(sent: Any, pointer: str, told: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(sent, Whole)
    found = explain(refused.value, Whole)
    assert found.pointer == pointer
    assert found.detail.endswith(f"; give one of: {told}")


@pytest.mark.parametrize("pointer", ["", "/name", "/nothing", "/parts/0", "/parts/0/itsSize/deeper"])
def test_what_is_no_closed_set_has_no_values(pointer: str) -> None:
    assert allowed_values(Whole, pointer) == []


def test_values_are_found_below_any_name_of_a_mapping() -> None:
    assert allowed_values(Whole, "/by_name/left~1right/itsSize") == ["small", "large"]


@pytest.mark.parametrize(
    ("pointer", "known"),
    [("/parts/3/itsSize", True), ("/parts/0/size", False), ("/nothing", False), ("/name/below", True)],
)
def test_only_a_struct_says_that_a_name_is_unknown(pointer: str, known: bool) -> None:
    assert is_known(Whole, pointer) is known
