"""What went wrong, in one line, and the exit status that goes with it."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

DONE, UNEXPECTED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
RESUMABLE = (["distill"], ["compare"])
ONCE = {"--method", "--setting"}
LONGEST = 4000
"""Characters of a line on standard error: what was typed may be longer than any screen."""

PACKAGE = str(Path(__file__).parents[1])
UsageError = typer.BadParameter.__mro__[1]  # typer brings click along, under a name that changed between versions


class OneLineErrors(TyperGroup):
    """The ``workbench`` command: what is the user's to mend is one line on standard error and exit status 2."""

    def main(self, args: Sequence[str] | None = None, *positional: Any, **options: Any) -> Any:
        """Parse, run, leave the process with the status."""
        given = sys.argv[1:] if args is None else list(args)
        try:
            _refuse_repeats(self, given)
            status = super().main(args, *positional, **{**options, "standalone_mode": False})
        except (KeyboardInterrupt, typer.Abort):
            status = INTERRUPTED
        except Exception as error:
            status = _explain(error, quiet="--json" in given)
        if status == INTERRUPTED:
            resumable = "; finished runs are kept, and the same command goes on where this one was stopped"
            say("stopped" + (resumable if given[:1] in RESUMABLE else ""))
        sys.exit(status)


def _refuse_repeats(group: Any, given: Sequence[str]) -> None:
    """Of a method or setting given twice the parser would run the last and say nothing of the first.

    Raises:
        ValueError: It is given twice.
    """
    command = group.commands.get(given[0]) if given else None
    for option in command.params if command else ():
        found = [flag for flag in given if flag.partition("=")[0] in option.opts]
        if len(found) > 1 and ONCE & {*option.opts}:
            raise ValueError(f"{option.opts[0]} is given {len(found)} times; give one, or use `workbench compare`")


def say(line: str) -> None:
    """One line on standard error."""
    words = " ".join(f"workbench: {line}".split())
    print(words if len(words) <= LONGEST else f"{words[:LONGEST]} ...", file=sys.stderr)


def sentence(error: BaseException) -> str:
    """What an exception says; a KeyError without its quotes, a silent one by its name."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return str(text) or type(error).__name__


def _explain(error: Exception, *, quiet: bool) -> int:
    debug = os.environ.get("WORKBENCH_DEBUG", "") not in ("", "0")
    if isinstance(error, UsageError):
        say(_usage(error))
        return BAD_INPUT
    expected = _expected(error)
    if debug or not (expected or quiet):
        traceback.print_exception(error)
    if expected:
        say(sentence(error))
        return BAD_INPUT
    say(f"unexpected {type(error).__name__}: {error}" + ("" if debug else "; WORKBENCH_DEBUG=1 shows where"))
    return UNEXPECTED


def _usage(error: Any) -> str:
    command = error.ctx.command_path.partition(" ")[2] if error.ctx else ""
    return f"{command}: {error.format_message()}" if command else error.format_message()


def _expected(error: Exception) -> bool:
    """Whether it was raised on purpose: an exception of ours, the system's, or a ``raise`` that stands in our code."""
    if type(error).__module__.startswith("workbench.") or isinstance(error, OSError):
        return True
    file, line = _origin(error)
    return file.startswith(PACKAGE) and line.startswith("raise")


def _origin(error: BaseException) -> tuple[str, str]:
    """File and source line where it was raised, in whichever process that was."""
    far = re.findall(r'File "(.+?)", line \d+, in .+\n +(.+)', str(error.__cause__ or ""))
    if far and type(error.__cause__).__name__ == "_RemoteTraceback":
        return far[-1]
    near = traceback.extract_tb(error.__traceback__)
    return (near[-1].filename, near[-1].line or "") if near else ("", "")
