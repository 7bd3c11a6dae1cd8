"""Every diagnostic that applies to a run or a study, and for the others why not."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

import workbench.diagnostics as floor
from workbench.engine.library import load
from workbench.records.arguments import checked_arguments
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.study import Study

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

Tell = Callable[[float, str], object]


@dataclass(frozen=True)
class Diagnosis:
    """What came out.

    Attributes:
        about: id of the run or study.
        results: by diagnostic.
        reasons: by diagnostic that does not apply, why not.
    """

    about: str
    results: Mapping[str, Result]
    reasons: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the rows of every result, with what it says of itself."""
        return {
            "about": self.about,
            "results": {name: _entry(result) for name, result in self.results.items()},
            "not_applicable": dict(self.reasons),
        }


@checked_arguments
def diagnose(
    thing: Run | Study | str, setting: Setting | None = None, only: Sequence[str] | str = (), tell: Tell | None = None
) -> Diagnosis:
    """Ask everything that can be asked.

    Args:
        thing: a run with its models, a study that knows its store, or the id of either.
        setting: of the run; made again from the catalogue if None.
        only: these diagnostics; all of them if empty.
        tell: called with the share done in [0, 1] and the name of the diagnostic.

    Raises:
        KeyError: no such diagnostic, or nothing is stored under the id; the message names the nearest.
        TypeError: neither a run nor a study.
    """
    thing = load(thing) if isinstance(thing, str) else thing
    only = [only] if isinstance(only, str) else only
    known = diagnostics(type(thing))
    if unknown := [name for name in only if name not in known]:
        near = get_close_matches(unknown[0], known, 3, 0.4) or list(known)
        raise KeyError(f"no diagnostic {unknown[0]!r} of a {type(thing).__name__.lower()}; nearest: {', '.join(near)}")
    results, reasons, tell = {}, {}, tell or (lambda share, words: None)
    chosen = {name: ask for name, ask in known.items() if not only or name in only}
    for done, (name, ask) in enumerate(chosen.items()):
        tell(done / len(chosen), name)
        given = {"setting": setting} if "setting" in inspect.signature(ask).parameters else {}
        try:
            results[name] = ask(thing, **given)
        except (KeyError, ValueError) as error:
            reasons[name] = str(error.args[0] if error.args else error)
    return Diagnosis(thing.id, results, reasons)


@cache
def diagnostics(kind: type) -> dict[str, Callable[..., Result]]:
    """What can be asked of a ``Run`` or a ``Study`` alone: the questions ``<subject>_of`` of the diagnostics floor."""
    asked = {name.removesuffix("_of"): getattr(floor, name) for name in dir(floor)}
    return {subject: ask for subject, ask in asked.items() if _asks(ask, kind) and _answers(ask)}


def _asks(ask: Callable[..., Any], kind: type) -> bool:
    """Whether its first argument may be of a kind, and nothing else must be given."""
    first, *rest = inspect.signature(ask).parameters.values()
    wanted = str(getattr(sys.modules[ask.__module__], first.annotation, first.annotation))
    needed = [p for p in rest if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    return kind.__name__ in re.findall(r"\w+", wanted) and not needed


def _answers(ask: Callable[..., Any]) -> bool:
    answer = getattr(sys.modules[ask.__module__], str(inspect.signature(ask).return_annotation), None)
    return isinstance(answer, type) and issubclass(answer, Result)


def _entry(result: Result) -> dict[str, Any]:
    said = {name: getattr(result, name) for name in ("warnings", "provenance") if hasattr(result, name)}
    explain = getattr(result, "explain", None)
    return {"rows": result.rows(), "explain": explain() if explain else "", **said}
