"""`triptych …` in processes that are forked from one that has everything imported, and so cost little to start."""

import multiprocessing
import os
import sys
from multiprocessing.process import BaseProcess

from shared.host.api import installed_apis

_forks = multiprocessing.get_context("forkserver")


def forked(*arguments: str) -> BaseProcess:
    """Start the command with these arguments; what it prints on standard output is dropped.

    Returns:
        A process in a session of its own, to be killed or terminated and joined.
    """
    _forks.set_forkserver_preload(
        ["shared.host.cli", "shared.host.app", *sorted({api.service.__module__ for api in installed_apis()})]
    )
    process = _forks.Process(target=_run, args=arguments)
    process.start()
    return process


def _run(*arguments: str) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    from shared.host.cli import main

    sys.argv = ["triptych", *arguments]
    main()
