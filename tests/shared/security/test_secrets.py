"""Secrets are referred to, read late, and never shown."""

import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.security.secrets import Secret, UnreadableSecretError, decode_secret

VALUE = "s3cr3t-value-nobody-may-see"


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    password: Secret


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(VALUE + "\n")
    return path


def test_a_file_or_a_variable_holds_the_secret(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", VALUE)
    assert [Secret(f"file:{file}").reveal(), Secret("env:PASSWORD").reveal()] == [VALUE, VALUE]


def test_a_rotated_file_needs_no_restart(file: Path) -> None:
    secret = Secret(f"file:{file}")
    file.write_text("rotated")
    assert secret.reveal() == "rotated"


def test_nothing_prints_pickles_or_serialises_the_value(file: Path) -> None:
    secret = Secret(f"file:{file}")
    shown = [repr(secret), str(secret), f"{secret!r:>80}", repr(Settings(secret)), repr({"password": secret})]
    assert not [text for text in shown if VALUE in text]
    with pytest.raises(TypeError, match="reference"):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)


@pytest.mark.parametrize("literal", [VALUE, f"secret:{VALUE}", "env:", "file:", "", f"env:{VALUE}", f" env:{VALUE}"])
def test_a_literal_secret_in_settings_is_refused_without_repeating_it(literal: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"file:/path or env:NAME.*`\$\.password`") as refused:
        msgspec.convert({"password": literal}, Settings, dec_hook=decode_secret)
    assert VALUE not in str(refused.value)


def test_a_reference_in_settings_becomes_a_secret(file: Path) -> None:
    settings = msgspec.convert({"password": f"file:{file}"}, Settings, dec_hook=decode_secret)
    assert settings.password.reveal() == VALUE


@pytest.mark.parametrize("value", [1, None, ["env:X"]])
def test_a_reference_is_text(value: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match="text"):
        msgspec.convert({"password": value}, Settings, dec_hook=decode_secret)


def test_a_reference_that_leads_nowhere_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    for reference, why in {
        "env:NO_SUCH_VARIABLE_ANYWHERE": "no secret",
        "file:relative": "absolute",
        f"file:{tmp_path}/missing": "FileNotFoundError",
        f"file:{tmp_path}/empty": "no secret",
        f"file:{tmp_path}/binary": "UTF-8",
        f"file:{tmp_path}/large": "larger",
        f"file:{tmp_path}": "IsADirectoryError",
    }.items():
        with pytest.raises(UnreadableSecretError, match=why):
            Secret(reference)
