"""What a contract marks Sensitive is found and masked; on the wire nothing changes."""

from typing import Annotated

import msgspec
import pytest

from shared.security.sensitive import MASK, Sensitive, masked, sensitive_fields


class Person(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    home_email: Sensitive[str]
    phone: Sensitive[str | None] = None
    fax: Sensitive[str] | None = None
    aliases: list[Sensitive[str]] = []
    pin: Annotated[Sensitive[str], msgspec.Meta(max_length=4)] = ""


class Team(msgspec.Struct):
    lead: Person
    members: tuple[Person, ...] = ()
    by_role: dict[str, Person] = {}


def test_marked_fields_are_found_however_they_are_wrapped() -> None:
    assert sensitive_fields(Person) == {"home_email", "phone", "fax", "aliases", "pin"}
    assert sensitive_fields(Team) == frozenset()


def test_masking_reaches_nested_values_and_uses_wire_names() -> None:
    ada = Person("Ada", "ada@triptych.example", fax="1", aliases=["Countess"], pin="0000")
    shown = {"name": "Ada", "homeEmail": MASK, "phone": None, "fax": MASK, "aliases": MASK, "pin": MASK}
    team = masked(Team(ada, (ada,), {"cto": ada}))
    assert team == {"lead": shown, "members": [shown], "by_role": {"cto": shown}}
    assert masked([ada, 1, None]) == [shown, 1, None]


def test_the_wire_is_that_of_the_plain_type_with_its_constraints() -> None:
    body = b'{"name":"Ada","homeEmail":"ada@triptych.example","pin":"1234"}'
    assert msgspec.json.decode(body, type=Person).home_email == "ada@triptych.example"
    with pytest.raises(msgspec.ValidationError, match="pin"):
        msgspec.json.decode(body.replace(b"1234", b"12345"), type=Person)


def test_the_schema_tells_readers_which_fields_are_sensitive() -> None:
    properties = msgspec.json.schema(Person)["$defs"]["Person"]["properties"]
    assert properties["homeEmail"] == {"type": "string", "x-sensitive": True}
    assert "x-sensitive" not in properties["name"]
