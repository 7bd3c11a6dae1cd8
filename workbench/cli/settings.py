"""``workbench settings``: what a distillation can be played on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.cli.errors import say
from workbench.cli.methods import parameter_entry
from workbench.cli.options import Json
from workbench.cli.output import emit, print_table

if TYPE_CHECKING:
    from workbench.settings.setting import Setting


def settings(json: Json = False) -> None:
    """List what can be played on."""
    found = listing()
    if json:
        emit(found)
        return
    rows = ((s["name"], s["about"], ", ".join(s["parameters"]), s["data"]) for s in found)
    print_table(("name", "about", "options (--with)", "data"), rows)


def listing() -> list[dict[str, Any]]:
    """Every setting."""
    from workbench.records.parameters import parameters
    from workbench.settings.catalog import catalog

    return [
        {
            "name": name,
            "about": cls.about,
            "parameters": {key: parameter_entry(p) for key, p in parameters(cls).items()},
            "data": whereabouts(cls),
        }
        for name, cls in catalog().items()
    ] + _announced()


def _announced() -> list[dict[str, Any]]:
    """What installed packages announce; one that cannot be used is named on standard error."""
    from workbench.records.plugins import announced, installed
    from workbench.settings.catalog import make, spellings

    found, failed = announced("setting", make, spellings())
    for message in failed.values():
        say(message)
    origin = {name: f"a setting of {entry.value}" for name, entry in installed("setting").items()}
    return [{"name": n, "about": s.about or origin[n], "parameters": {}, "data": "here"} for n, s in found.items()]


def whereabouts(cls: type[Setting]) -> str:
    """``here``, or ``to be downloaded`` at first use; only names are looked at, the hash is checked when it is read."""
    from workbench.data.locate import places
    from workbench.data.sources import SOURCES

    if not cls.source:
        return "here"
    source = SOURCES[cls.source]
    for files in (source.files, source.members):
        if files and all(any((place / file.name).is_file() for place in places(source)) for file in files):
            return "here"
    return "to be downloaded"
