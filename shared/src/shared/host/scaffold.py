"""Writes the files that a new API begins with. They are served as they are; adding an API edits no file by hand."""

import importlib
import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from shared.host.api import Api, installed_apis
from shared.host.project import TOPOLOGIES

LONGEST_NAME = 27
"""Characters, so that what is made of a name keeps to the length of a line."""

_KEBAB = re.compile(r"[a-z][a-z0-9]+(-[a-z][a-z0-9]+)*")
_RESERVED = frozenset(
    ("any", "api", "case", "contract", "flow", "flow-runner", "flow-view", "long-running", "not-found")
)
"""Their types would hide what the files import."""

_PROCESS = {
    "contract.py": "shared/src/shared/contracts/process/{}.py",
    "__init__.py": "process_apis/src/process_apis/{}/__init__.py",
    "flow.py": "process_apis/src/process_apis/{}/flow.py",
    "service.py": "process_apis/src/process_apis/{}/service.py",
    "test.py": "tests/process_apis/{0}/test_{0}.py",
}


class ScaffoldRefused(Exception):  # noqa: N818 - reads as what it is
    """The files of a new API cannot be written; the text says why and what to do. Nothing was written."""


@dataclass(frozen=True)
class ApiName:
    """The spellings of an API's name, from `returns-desk`."""

    kebab: str

    @property
    def snake(self) -> str:
        """`returns_desk`: modules, the contract's slug."""
        return self.kebab.replace("-", "_")

    @property
    def type(self) -> str:
        """`ReturnsDesk`: the contract."""
        return "".join(word.capitalize() for word in self.kebab.split("-"))

    @property
    def title(self) -> str:
        """`Returns desk`: for people."""
        return self.kebab.replace("-", " ").capitalize()


def checked_name(text: str, installed: tuple[Api, ...]) -> ApiName:
    """The name of a new API.

    Raises:
        ScaffoldRefused: It is not kebab case, too long, reserved, or taken.
    """
    if not _KEBAB.fullmatch(text):
        raise ScaffoldRefused(
            f"{text!r} is no name for an API: write words of two or more lower-case letters or digits, each beginning "
            "with a letter, with hyphens between them, such as returns-desk."
        )
    if len(text) > LONGEST_NAME:
        raise ScaffoldRefused(f"{text!r} has {len(text)} characters; an API's name has at most {LONGEST_NAME}.")
    if keyword.iskeyword(text):
        raise ScaffoldRefused(f"{text!r} is a word of Python's, so no module can be named so; choose another name.")
    name = ApiName(text)
    if text in _RESERVED:
        raise ScaffoldRefused(
            f"{text!r} would make a type {name.type}, which every API uses already; add a word to it."
        )
    if any(api.contract.slug == name.snake for api in installed):
        raise ScaffoldRefused(f"There is an API {name.snake} already; `triptych apis` lists all. Choose another name.")
    return name


def process_files(name: ApiName, project: Path) -> dict[Path, str]:
    """The files of a new Process API with their content; nothing is written.

    Raises:
        ScaffoldRefused: This is no project, or one of the files is there already.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only `triptych new` needs it

    if not (project / TOPOLOGIES).is_dir() or not (project / "process_apis/src/process_apis").is_dir():
        raise ScaffoldRefused("There is no project here, with deploy/topologies and process_apis; go into one first.")
    templates = Environment(
        loader=PackageLoader("shared.host", "templates/new/process"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 - Python, not HTML; the name it is filled with has been checked
    )
    promised = sorted(("CaseOutcome", "CaseProgress", "CaseRequest", name.type, f"{name.type}CaseNotFound"))
    words = {"kebab": name.kebab, "snake": name.snake, "type": name.type, "title": name.title, "promised": promised}
    found: dict[Path, str] = {}
    for template, target in _PROCESS.items():
        path = project / target.format(name.snake)
        if path.exists():
            raise ScaffoldRefused(f"{path} is there already and is left as it is; choose another name.")
        found[path] = templates.get_template(f"{template}.jinja").render(words)
    return found


def write_files(files: dict[Path, str]) -> None:
    """Write new files; all of them or none.

    Raises:
        ScaffoldRefused: A file came into being meanwhile, or cannot be written.
    """
    written: list[Path] = []
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(content)
    except OSError as error:
        for path in written:
            path.unlink()
        raise ScaffoldRefused(f"{error.filename} cannot be written ({error.strerror}); nothing was.") from error


def generate_for(name: ApiName, project: Path) -> list[Path]:
    """Write generated files anew, the new API among them; those that changed.

    None when the packages of this interpreter are not those of the project, so that it does not know the new API.
    """
    from shared.host.declared import write_generated  # noqa: PLC0415 - the same

    importlib.invalidate_caches()
    installed_apis.cache_clear()
    apis = installed_apis()
    if not any(api.contract.slug == name.snake for api in apis):
        return []
    return write_generated(apis, project / TOPOLOGIES.parent)
