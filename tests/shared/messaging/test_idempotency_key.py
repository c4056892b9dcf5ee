"""The header is read as the draft's quoted string or bare; anything else is refused by name."""

import pytest

from shared.binding.problems import Invalid
from shared.messaging.idempotency_key import parse_idempotency_key


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('  "padded"\t', "padded"),
        (r'"with \"quotes\" and \\"'.replace(" ", "_"), 'with_"quotes"_and_\\'),
        ('"a,b;c"', "a,b;c"),
        ("Order:2026/11#23", "Order:2026/11#23"),
        ("x" * 255, "x" * 255),
        ('"' + r"\"" * 255 + '"', '"' * 255),
    ],
)
def test_quoted_and_bare_keys_are_read(value: str, key: str) -> None:
    assert parse_idempotency_key(value) == key


@pytest.mark.parametrize(
    "value",
    [
        "",
        '""',
        "   ",
        '"open',
        'open"',
        '"two" "keys"',
        '"one", "two"',
        "one, two",
        '"key";parameter=1',
        r'"bad \n escape"',
        '"with space"',
        "with space",
        "tab\tinside",
        '"line\r\nbreak"',
        "line\n",
        "schlüssel",
        '"ключ"',
        "nul\x00",
        "x" * 256,
        '"' + "x" * 256 + '"',
    ],
)
def test_anything_else_is_refused_with_what_to_send(value: str) -> None:
    with pytest.raises(Invalid, match="Send 1 to 255 visible ASCII characters") as refusal:
        parse_idempotency_key(value)
    assert refusal.value.status == 400
    assert refusal.value.errors[0].parameter == "Idempotency-Key"
