"""Topology files: which APIs run in which process, who fills a capability, where the backends are.

    name = "split"
    [vendors]
    crm = "salesforce"
    [processes.experience]
    tiers = ["experience"]
    edge = true
    issuer = true
    [backends.salesforce]
    url = "sandbox:salesforce"

Secrets never stand here, only references to them (`env:NAME`, `file:/path`).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec

from shared.binding.declare import Contract
from shared.binding.operation import Tier
from shared.host.api import Api
from shared.resilience.rate_limit_policy import Tier as SlaTier

Days = Annotated[float, msgspec.Meta(ge=0)]


class TopologyRefused(Exception):  # noqa: N818 - reads as what it is
    """A topology file cannot be used; the text says where and what to change."""


class ProcessPlacement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One process of a topology.

    Attributes:
        tiers: Serve every chosen API of these tiers.
        apis: Serve these too, by contract name (`crm`).
        edge: Clients come in here; its port is the one people ask for.
        issuer: Serve the embedded issuer here.
        url: Where the other processes reach it, when it is not on this machine.
        port: Its port on this machine; 0 lets `triptych up` choose one.
    """

    tiers: tuple[Tier, ...] = ()
    apis: tuple[str, ...] = ()
    edge: bool = False
    issuer: bool = False
    url: str = ""
    port: int = 0


class AppClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An application that may get tokens from the embedded issuer.

    Attributes:
        audience: The API it addresses, by contract name.
        scopes: What its users may do, down to the System APIs that are read on their behalf.
        tier: SLA tier of its rate limits.
    """

    audience: str
    scopes: tuple[str, ...]
    tier: str = "standard"


class ForeignIssuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another issuer whose access tokens (RFC 9068) are accepted.

    Attributes:
        issuer: The exact `iss`, an https URL.
        jwks_uri: Where its keys are; by default its metadata is asked (RFC 8414, OpenID Connect Discovery).
    """

    issuer: str
    jwks_uri: str | None = None


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When flows that have ended go from the journal into the archive, and how long events are kept.

    Attributes:
        days: After how many days; 0 keeps them in the journal for ever.
        kinds: Days instead, by name of the flow, `follow-order`.
        archive: Folder of the archive, in which `{state}` is the state directory.
        events: After how many days events go, once every registered consumer has passed them.
    """

    days: Days = 90.0
    kinds: dict[str, Days] = {}
    archive: str = "{state}/archive"
    events: Annotated[float, msgspec.Meta(gt=0, le=36_500)] = 7.0


class DriftCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether each process compares its backends with what its APIs need, and says in the log what differs.

    Attributes:
        at_start: Whether it looks at all.
        after: Seconds after its start until it looks, so that the first requests have the machine to themselves.
        wait: Seconds that readiness waits for the findings at most; if any, it looks at once. Nothing stops a start.
    """

    at_start: bool = True
    after: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    wait: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0


class Topology(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole topology file. `tiers` are SLA tiers besides, or instead of, those of `rate_limit_policy`.

    `trusted_issuers` are keyed by the prefix that their subjects get, so that two issuers' subjects never meet.

    `journal` keeps the flows in a database, `postgresql://user@host/name` (hosts of a failover group with commas
    between them), instead of a file of each process; `journal_password` says where its password is.
    `sealing_keys` says where the key ring is that seals flows and stored answers, `env:NAME` or `file:/path`; without
    it, it is a file in the state directory. `subscriptions = false` lets no event start a flow; positions stay.
    `retention` says when old flows go into the archive. `drift` says whether backends are compared with what we need.
    """

    name: str
    processes: dict[str, ProcessPlacement]
    summary: str = ""
    vendors: dict[str, str] = {}
    clients: dict[str, AppClient] = {}
    tiers: dict[str, SlaTier] = {}
    backends: dict[str, dict[str, Any]] = {}
    trusted_issuers: dict[str, ForeignIssuer] = {}
    valkey: str = ""
    issuer: str = ""
    journal: str = ""
    journal_password: str = ""
    sealing_keys: str = ""
    subscriptions: bool = True
    retention: Retention = Retention()
    drift: DriftCheck = DriftCheck()


def load_topology(path: Path) -> Topology:
    """Read and check a topology file.

    Raises:
        TopologyRefused: Says where the file is wrong.
    """
    try:
        raw = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise TopologyRefused(f"There is no topology file {path}; {_known(path.parent)}.") from None
    except OSError as error:
        raise TopologyRefused(f"{path} cannot be read ({error.strerror}); name a topology file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TopologyRefused(f"{path} is not TOML: {error}.") from None
    try:
        topology = msgspec.convert(raw, Topology)
    except msgspec.ValidationError as error:
        raise TopologyRefused(f"{path}: {error}.") from None
    edges = [name for name, process in topology.processes.items() if process.edge]
    if len(edges) != 1:
        raise TopologyRefused(f"{path}: exactly one process must say `edge = true`, found {len(edges)}.")
    return topology


def _known(directory: Path) -> str:
    names = sorted(path.stem for path in directory.glob("*.toml"))
    return f"{directory} has {', '.join(names)}" if names else f"{directory} has none"


def edge_url(urls: Mapping[str, str], topology: Topology) -> str:
    """Where clients come in, of the URLs of its processes by name."""
    return next(urls[name] for name, placement in topology.processes.items() if placement.edge)


def chosen_apis(topology: Topology, installed: tuple[Api, ...]) -> tuple[Api, ...]:
    """One API for each contract: the only one there is, or the vendor that the topology names.

    Optional ones are left out where their backend is not there, and so are subscriptions to them.

    Raises:
        TopologyRefused: Several fill one capability and none is chosen, or the chosen one is not installed.
    """
    by_contract: dict[str, list[Api]] = {}
    for api in installed:
        if api.optional and api.backend not in topology.backends:
            continue
        by_contract.setdefault(api.contract.slug, []).append(api)
    chosen = tuple(_choose(topology, slug, candidates) for slug, candidates in by_contract.items())
    vendors = {api.contract: api.vendor for api in chosen}
    return tuple(_with_feeds_of(api, vendors) for api in chosen)


def _with_feeds_of(api: Api, vendors: Mapping[type[Contract], str]) -> Api:
    """The API without subscriptions to feeds that are not there, or that tell of another vendor's records."""
    heard = tuple(each for each in api.subscriptions if each.source is None or _is_told(each.source, vendors))
    return api if len(heard) == len(api.subscriptions) else replace(api, subscriptions=heard)


def _is_told(feed: Any, vendors: Mapping[type[Contract], str]) -> bool:
    told_by = vendors.get(feed.contract)
    return told_by is not None and (feed.of is None or vendors.get(feed.of) == told_by)


def _choose(topology: Topology, slug: str, candidates: list[Api]) -> Api:
    wanted = topology.vendors.get(slug)
    matching = [api for api in candidates if wanted in (None, api.vendor)]
    if len(matching) == 1:
        return matching[0]
    vendors = ", ".join(sorted(api.vendor for api in candidates))
    if not matching:
        raise TopologyRefused(f"{topology.name}: vendors.{slug} = {wanted!r} is not installed (there are: {vendors}).")
    raise TopologyRefused(f"{topology.name}: several vendors fill {slug} ({vendors}); choose one under [vendors].")


def apis_of_process(topology: Topology, process: str, chosen: tuple[Api, ...]) -> tuple[Api, ...]:
    """The APIs that one process serves.

    Raises:
        TopologyRefused: There is no such process, or it names an API that is not installed.
    """
    placement = topology.processes.get(process)
    if placement is None:
        known = ", ".join(topology.processes)
        raise TopologyRefused(f"{topology.name} has no process {process!r}; it has {known}.")
    known_slugs = {api.contract.slug for api in chosen}
    for slug in placement.apis:
        if slug not in known_slugs:
            raise TopologyRefused(f"{topology.name}: processes.{process}.apis names {slug!r}, which is not installed.")
    return tuple(api for api in chosen if api.tier in placement.tiers or api.contract.slug in placement.apis)


def process_of(topology: Topology, api: Api) -> str:
    """The process that serves an API.

    Raises:
        TopologyRefused: None does, or several do.
    """
    slug = api.contract.slug
    found = [name for name, p in topology.processes.items() if api.tier in p.tiers or slug in p.apis]
    if len(found) != 1:
        where = ", ".join(found) or "no process"
        raise TopologyRefused(f"{topology.name}: {slug} must be served by exactly one process, but is by {where}.")
    return found[0]
