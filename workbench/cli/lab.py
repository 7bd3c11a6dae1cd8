"""``workbench lab``: JupyterLab on the notebooks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.errors import say

OFFLINE = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)
"""Without these JupyterLab asks the network for news, updates and extensions."""

NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Only print the address.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="8888 or the next free one by default.")]
NotebookDir = Annotated[
    Path | None,
    typer.Option("--notebook-dir", exists=True, file_okay=False, help="The folder shown; the notebooks by default."),
]
Further = Annotated[list[str] | None, typer.Argument(metavar="-- ARGS", help="Passed on to JupyterLab.")]


def lab(
    no_browser: NoBrowser = False,
    port: Port = None,
    notebook_dir: NotebookDir = None,
    further: Further = None,
) -> None:
    """Open JupyterLab on the notebooks.

    It listens on this machine only and asks for its token; the address with the token is printed. Ctrl-C stops it.
    """
    arguments = jupyter_arguments(notebook_dir or notebooks(), port, open_browser=not no_browser)
    if "--allow-root" in arguments:
        say(
            "running as root, so --allow-root is passed on; the server listens on 127.0.0.1 only and asks for its token"
        )
    from jupyterlab.labapp import LabApp

    server = LabApp.initialize_server([*arguments, *(further or ())])
    address = server.display_url.splitlines()[0].strip()
    server.io_loop.add_callback(lambda: print(address, flush=True))  # runs once the server listens
    server.start()


def jupyter_arguments(folder: Path, port: int | None, *, open_browser: bool) -> list[str]:
    """The command line of JupyterLab: loopback only, nothing asked from the network, an explicit port or none."""
    arguments = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder.resolve()}", *OFFLINE]
    if port is not None:
        arguments += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not open_browser:
        arguments.append("--no-browser")
    if _is_root():
        arguments.append("--allow-root")
    return arguments


def notebooks(start: Path = Path(__file__)) -> Path:
    """The notebooks of the checkout the package runs from; installed elsewhere, the current folder."""
    folder = start.resolve().parents[2] / "notebooks"
    return folder if (folder.parent / "pyproject.toml").is_file() and folder.is_dir() else Path.cwd()


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
