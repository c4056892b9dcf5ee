"""Packages: zip files with a package.xml and one file for each component (Metadata API Developer Guide, "Deploy")."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath

from msgspec import Struct

from sandboxes.kit.xml import XmlRefusedError
from sandboxes.salesforce.metadata.definitions import Definitions
from sandboxes.salesforce.metadata.kinds import KINDS
from sandboxes.salesforce.metadata.markup import Tree, file_of, many, members, parse, text, tree_of
from sandboxes.salesforce.metadata.refusals import ComponentError

MOST_FILES = 10_000
MOST_BYTES = 400 * 1024 * 1024
_MOST_RATIO = 200
_LARGEST_FILE = 10 * 1024 * 1024
PACKAGE = "package.xml"
_DESTRUCTIVE = ("destructiveChangesPre.xml", "destructiveChanges.xml", "destructiveChangesPost.xml")
_INSIDE = {kind.within: kind.name for kind in KINDS.values() if kind.within}


class PackageError(Exception):
    """The package as a whole cannot be read."""


class Part(Struct):
    """One component of a package.

    Attributes:
        body: What to save; None for what is to be deleted.
        problem: Why it cannot be saved, empty if it can.
    """

    kind: str
    name: str
    file: str
    body: Tree | None
    problem: str = ""


def parts_of(package: bytes) -> list[Part]:
    """What a package asks for, in the order to do it; PackageError if it is no package."""
    files = _files(package)
    if PACKAGE not in files:
        raise PackageError(f"No {PACKAGE} found")
    wanted = _manifest(files, PACKAGE)
    found = {(part.kind.lower(), part.name.lower()): part for part in _found(files)}
    named = {(kind.lower(), name.lower()): (kind, name) for kind, names in wanted for name in names}
    parts = [part for part in found.values() if _is_asked(part, named.keys())]
    parts += [_absent(kind, name) for key, (kind, name) in named.items() if key not in found and name != "*"]
    order = list(KINDS)
    parts.sort(key=lambda part: order.index(part.kind) if part.kind in order else -1)
    gone = [part for name in _DESTRUCTIVE if name in files for part in _gone(files, name)]
    return parts + sorted(gone, key=lambda part: -order.index(part.kind) if part.kind in order else 1)


def written(definitions: Definitions, wanted: Tree, version: str) -> tuple[bytes, list[dict[str, str]]]:
    """A package with the components a manifest names, and what it names in vain."""
    files: dict[str, bytes] = {}
    problems: list[dict[str, str]] = []
    types: list[Tree] = []
    for kind, names in _types(wanted):
        if kind not in KINDS:
            problems.append({"fileName": PACKAGE, "problem": f"Entity type '{kind}' is unknown"})
            continue
        every = [each.name for each in definitions.made(kind)] if "*" in names else []
        asked = dict.fromkeys([*every, *(each for each in names if each != "*")])
        found = [name for name in asked if _write(definitions, kind, name, files, problems)]
        types += [{"members": found, "name": kind}] if found else []
    files[PACKAGE] = file_of("Package", {"types": types, "version": version})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return packed.getvalue(), problems


def _write(
    definitions: Definitions, kind: str, name: str, files: dict[str, bytes], problems: list[dict[str, str]]
) -> bool:
    owner = name.partition(".")[0]
    whole = definitions.whole("CustomObject" if KINDS[kind].within else kind, owner)
    if whole is None or definitions.find(kind, name) is None:
        message = f"Entity of type '{kind}' named '{name}' cannot be found"
        problems.append({"fileName": PACKAGE, "problem": message})
        return False
    whole.pop("fullName", None)
    place = KINDS["CustomObject"] if KINDS[kind].within else KINDS[kind]
    files[f"{place.directory}/{owner}.{place.suffix}"] = file_of(place.name, whole)
    return True


def _files(package: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as opened:
            entries = [each for each in opened.infolist() if not each.is_dir()]
            _check_entries(entries, len(package))
            files = {each.filename: opened.read(each) for each in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise PackageError("The zip file cannot be read") from None
    if PACKAGE in files:
        return files
    # With singlePackage=false every package has a folder of its own; this org takes one.
    folders = {name.partition("/")[0] for name in files}
    return {name.partition("/")[2]: content for name, content in files.items()} if len(folders) == 1 else files


def _check_entries(entries: list[zipfile.ZipInfo], packed: int) -> None:
    if len(entries) > MOST_FILES:
        raise PackageError(f"Maximum number of files in a zip exceeded: {MOST_FILES}")
    unpacked = sum(each.file_size for each in entries)
    # zipfile reads no more of a file than its header says, so the sum of what the headers say is what comes out.
    if unpacked > min(MOST_BYTES, max(_LARGEST_FILE, packed * _MOST_RATIO)):
        raise PackageError("Maximum size of the unzipped files exceeded")
    names = [each.filename for each in entries]
    if len(set(names)) < len(names):
        raise PackageError("The zip file names a file twice")
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
            raise PackageError(f"Invalid file path in zip: {name}")


def _tree(files: dict[str, bytes], name: str) -> Tree:
    if len(files[name]) > _LARGEST_FILE:
        raise XmlRefusedError("The file is too large")
    return tree_of(parse(files[name]))


def _manifest(files: dict[str, bytes], name: str) -> list[tuple[str, list[str]]]:
    try:
        return _types(_tree(files, name))
    except XmlRefusedError as error:
        raise PackageError(f"{name}: {error}") from None


def _types(manifest: Tree) -> list[tuple[str, list[str]]]:
    return [(text(each, "name"), [str(name) for name in many(each, "members")]) for each in members(manifest, "types")]


def _found(files: dict[str, bytes]) -> Iterator[Part]:
    kinds = {(kind.directory, kind.suffix): kind.name for kind in KINDS.values() if kind.directory}
    for file in sorted(files):
        if file == PACKAGE or file in _DESTRUCTIVE:
            continue
        path = PurePosixPath(file)
        kind = kinds.get((str(path.parent), path.suffix[1:]))
        if kind is None:
            yield Part("", path.stem, file, {}, "This type of file is not known here")
            continue
        try:
            body = _tree(files, file)
        except XmlRefusedError as error:
            yield Part(kind, path.stem, file, {}, str(error))
            continue
        yield from _split(Part(kind, path.stem, file, body))


def _split(part: Part) -> Iterator[Part]:
    """An object without its fields and rules, then each of them."""
    body = part.body or {}
    yield Part(part.kind, part.name, part.file, {key: each for key, each in body.items() if key not in _INSIDE})
    for member, kind in _INSIDE.items() if part.kind == "CustomObject" else ():
        for inside in members(body, member):
            yield Part(kind, f"{part.name}.{text(inside, 'fullName')}", part.file, inside)


def _is_asked(part: Part, named: AbstractSet[tuple[str, str]]) -> bool:
    """Whether the manifest names it, or the object it lies in; what it does not name at all becomes a problem."""
    kind, name = part.kind.lower(), part.name.lower()
    owner = name.partition(".")[0]
    asked = {(kind, name), (kind, "*")}
    if part.kind in KINDS and KINDS[part.kind].within:
        asked |= {("customobject", owner), ("customobject", "*")}
    if asked & named:
        return True
    if part.kind == "CustomObject" and any(each.startswith(f"{owner}.") for _, each in named):
        return False  # its file only carries the fields that the manifest names
    part.problem = part.problem or f"{part.kind} {part.name} is in the zip file but not named in package.xml"
    return True


def _absent(kind: str, name: str) -> Part:
    if kind not in KINDS:
        return Part(kind, name, PACKAGE, {}, f"Unknown type name '{kind}' specified in package.xml")
    message = f"An object '{name}' of type {kind} was named in package.xml, but was not found in zipped directory"
    return Part(kind, name, PACKAGE, {}, message)


def _gone(files: dict[str, bytes], manifest: str) -> Iterator[Part]:
    for kind, names in _manifest(files, manifest):
        for name in names:
            yield Part(kind, name, manifest, None, "" if kind in KINDS else f"Unknown type name '{kind}'")


def deploy_part(definitions: Definitions, part: Part, user_id: str) -> tuple[str, bool]:
    """Do what a part asks; its id, and whether it was created. ComponentError if the org refuses."""
    if part.problem:
        raise ComponentError("INVALID_PACKAGE", part.problem)
    if part.body is None:
        return definitions.delete(part.kind, part.name).id, False
    saved, created = definitions.upsert(part.kind, part.name, part.body, user_id)
    return saved.id, created
