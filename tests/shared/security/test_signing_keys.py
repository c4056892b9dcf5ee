"""The issuer's key ring on disk."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from shared.security.signing_keys import PUBLISHED_AFTER_SECONDS, PUBLISHED_BEFORE_SECONDS, SigningKeys, thumbprint


def _kids(keys: SigningKeys) -> list[str]:
    return [key["kid"] for key in keys.jwks()["keys"]]


def test_keys_survive_a_restart_in_a_file_only_the_owner_reads(tmp_path: Path) -> None:
    first = SigningKeys(tmp_path / "state")
    second = SigningKeys(tmp_path / "state")
    assert _kids(first) == _kids(second)
    assert stat.S_IMODE((tmp_path / "state" / "signing-keys.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_a_file_others_may_read_is_refused(tmp_path: Path) -> None:
    SigningKeys(tmp_path)
    (tmp_path / "signing-keys.json").chmod(0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        SigningKeys(tmp_path)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_what_is_published_and_shown_holds_no_private_part(tmp_path: Path, algorithm: Any) -> None:
    keys = SigningKeys(tmp_path, algorithm=algorithm)
    private = json.loads((tmp_path / "signing-keys.json").read_text())["keys"][0]["jwk"]["d"]
    published = keys.jwks()["keys"]
    assert [(key["alg"], key["use"], "d" in key) for key in published] == [(algorithm, "sig", False)]
    assert private not in json.dumps(published) + repr(keys.signing_key())


def test_a_new_key_is_published_before_it_signs_and_an_old_one_after(tmp_path: Path, clock: Any) -> None:
    keys = SigningKeys(tmp_path, clock=clock)
    old = keys.signing_key().kid
    new = keys.rotate()
    assert (keys.signing_key().kid, sorted(_kids(keys))) == (old, sorted([old, new]))
    clock.pass_seconds(PUBLISHED_BEFORE_SECONDS)
    assert keys.signing_key().kid == new
    clock.pass_seconds(PUBLISHED_AFTER_SECONDS)
    assert old in _kids(keys)
    clock.pass_seconds(1)
    assert _kids(keys) == [new]


def test_another_process_follows_a_rotation_and_a_withdrawal(tmp_path: Path, clock: Any) -> None:
    ours, theirs = SigningKeys(tmp_path, clock=clock), SigningKeys(tmp_path, clock=clock)
    new = theirs.rotate()
    clock.pass_seconds(PUBLISHED_BEFORE_SECONDS)
    assert ours.signing_key().kid == new
    theirs.withdraw(new)
    clock.pass_seconds(1)
    assert ours.current(new) is None
    assert ours.signing_key().kid != new


def test_withdrawing_the_only_key_leaves_a_fresh_one_that_signs(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    leaked = keys.signing_key().kid
    keys.withdraw(leaked)
    assert keys.signing_key().kid != leaked
    assert keys.current(leaked) is None


def test_withdrawing_an_unknown_key_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no signing key nope"):
        SigningKeys(tmp_path).withdraw("nope")


async def test_concurrent_first_starts_agree_on_one_key(tmp_path: Path) -> None:
    rings = await asyncio.gather(*(asyncio.to_thread(SigningKeys, tmp_path / "s") for _ in range(8)))
    assert len({ring.signing_key().kid for ring in rings}) == 1


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
