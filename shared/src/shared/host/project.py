"""Where the files of a project lie: its commands work from any folder in it."""

from pathlib import Path

TOPOLOGIES = Path("deploy/topologies")


def project_folder() -> Path:
    """The nearest folder, from here upwards, that holds `deploy/topologies`; else the current one."""
    here = Path.cwd()
    return next((Path() if at == here else at for at in (here, *here.parents) if (at / TOPOLOGIES).is_dir()), Path())
