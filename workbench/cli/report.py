"""``workbench report``: one page that opens without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.errors import say
from workbench.cli.options import Json
from workbench.cli.output import emit, only_the_document
from workbench.cli.settings import whereabouts

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

Which = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run or a study, or the beginning of it.")]
Target = Annotated[Path, typer.Option("--output", "-o", help="The .html file to write.")]


def report(run: Which, output: Target, json: Json = False) -> None:
    """Write a run or a study as one HTML page.

    The page is self-contained: it opens without a network.
    """
    from workbench.engine.library import load
    from workbench.reports.page import report as write

    with only_the_document():
        found = load(run)
        write(found, output, setting_of(found.setting))
    if json:
        emit({"id": found.id, "file": str(output.resolve()), "bytes": output.stat().st_size})
    else:
        print(output)


def setting_of(asked: Mapping[str, Any]) -> Setting | None:
    """The setting of a run, for its samples and its models; None, and said so, where it cannot be made again."""
    from workbench.settings.catalog import catalog, make

    cls = catalog().get(asked["name"])
    if cls is None or whereabouts(cls) != "here":
        say(f"the data of setting {asked['name']!r} is not here: no samples are shown and no models revived")
        return None
    return make(asked["name"], asked["config"])
