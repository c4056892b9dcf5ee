"""Secrets that stand-ins and connectors share."""

from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from shared.host.sandbox_secrets import ensure_keys, sandbox_environment
from shared.host.topology import Topology

TOPOLOGY = Topology(
    "kept",
    {},
    backends={
        "erp": {"url": "sandbox:erp", "password": "file:{state}/erp/password", "client": "100"},
        "signed": {"url": "sandbox:signed", "private_key": "file:{state}/signed/private.pem"},
        "real": {"url": "https://erp.example", "password": "file:{state}/real/password"},
        "elsewhere": {"url": "sandbox:elsewhere", "password": "env:PASSWORD"},
    },
)


def test_the_stand_in_hears_the_secret_that_the_connector_reads(tmp_path: Path) -> None:
    variables = sandbox_environment(TOPOLOGY, tmp_path)
    file = tmp_path / "erp/password"
    assert (len(variables), variables["SANDBOX_ERP_PASSWORD"]) == (2, file.read_text())
    assert file.stat().st_mode & 0o777 == 0o600
    assert sandbox_environment(TOPOLOGY, tmp_path) == variables


def test_a_stand_in_of_a_table_inside_hears_its_own_secret(tmp_path: Path) -> None:
    inside = {"url": "sandbox:erp_old", "password": "file:{state}/erp/old"}
    topology = Topology("kept", {}, backends={"erp": {"url": "https://erp.example", "old": inside}})
    variables = sandbox_environment(topology, tmp_path)
    assert variables == {"SANDBOX_ERP_OLD_PASSWORD": (tmp_path / "erp/old").read_text()}


def test_of_a_private_key_the_stand_in_hears_the_public_half_only(tmp_path: Path) -> None:
    public = Path(sandbox_environment(TOPOLOGY, tmp_path)["SANDBOX_SIGNED_PUBLIC_KEY_FILE"])
    ensure_keys(TOPOLOGY, tmp_path)
    private = tmp_path / "signed/private.pem"
    key = load_pem_private_key(private.read_bytes(), None)
    assert key.public_key() == load_pem_public_key(public.read_bytes())
    assert private.stat().st_mode & 0o777 == 0o600
    ensure_keys(TOPOLOGY, tmp_path)
    assert load_pem_public_key(public.read_bytes()) == key.public_key()


def test_nothing_is_made_for_a_real_backend(tmp_path: Path) -> None:
    sandbox_environment(TOPOLOGY, tmp_path)
    ensure_keys(TOPOLOGY, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"erp", "signed"}
