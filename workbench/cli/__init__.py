"""The command line: parses, calls, prints. Whatever is heavy is imported inside the command that needs it."""

from __future__ import annotations


def main() -> None:
    """Run ``workbench`` on the arguments of the process."""
    from workbench.cli.app import app

    app(prog_name="workbench")
