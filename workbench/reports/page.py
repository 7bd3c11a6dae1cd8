"""One self-contained HTML page about a run or a study: it opens from a file, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.diagnostics.agreement.measure import PROVENANCE
from workbench.drawing.embedded import library
from workbench.engine.library import load
from workbench.records.arguments import checked_arguments
from workbench.records.files import write_text
from workbench.records.run import Run
from workbench.records.study import Study
from workbench.reports import run_parts, study_parts
from workbench.reports.markup import Markup, join, section, tag

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

POLICY = "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
STYLE = Path(__file__).parent / "page.css"


@checked_arguments
def report(thing: Run | Study | str, path: str | Path, setting: Setting | None = None) -> Path:
    """Write the page; the browser is told to load nothing from elsewhere.

    Args:
        thing: a run, a study, or the id of either; a study that knows its store also shows the first seed of every method.
        path: of the file; folders are made.
        setting: shows the samples of the disagreement gallery, which a run does not hold.

    Raises:
        TypeError: neither a run nor a study.
        ValueError: the run was scored on other data than the setting's.
    """
    thing = load(thing) if isinstance(thing, str) else thing
    title, parts = _of_run(thing, setting) if isinstance(thing, Run) else _of_study(thing, setting)
    write_text(path := Path(path), _page(title, parts))
    return path


def _of_run(run: Run, setting: Setting | None) -> tuple[str, list[Markup]]:
    leak = "Test data was touched on purpose while training: this run is barred from studies."
    parts = [
        run_parts.header(run),
        tag("p", "one seed, no verdict", class_="verdict"),
        tag("p", leak, class_="verdict") if run.leaks_test else Markup(""),
        run_parts.warnings(run),
        run_parts.scores(run),
        run_parts.measures(run),
        run_parts.curves(run, "run"),
        *run_parts.agreed(run, "run", setting),
        run_parts.changes(run),
        _limits(run_parts.LIMITS),
    ]
    return f"{run.method['name']} on {run.setting['name']}, seed {run.seed}", parts


def _of_study(study: Study, setting: Setting | None) -> tuple[str, list[Markup]]:
    runs = study_parts.first_runs(study)
    parts = [
        study_parts.header(study, next(iter(runs.values()), None)),
        tag("ul", *study_parts.verdicts(study), class_="verdict"),
        study_parts.scores(study),
        study_parts.arms(study),
        study_parts.measures(study),
        *_first_seeds(study, runs, setting),
        study_parts.failures(study),
        run_parts.warnings(study),
        _limits((*study_parts.LIMITS, *study.notes)),
    ]
    return f"Study on {study.setting['name']}", parts


def _first_seeds(study: Study, runs: dict[str, Run], setting: Setting | None) -> list[Markup]:
    """Curves, agreement and disagreements of one seed of every method."""
    parts = []
    for place, (name, run) in enumerate(runs.items()):
        if study.arms[name].role == "method":
            parts += [
                tag("h1", f"{name}, seed {run.seed}"),
                run_parts.curves(run, f"arm-{place}", runs.get(study.control)),
                *run_parts.agreed(run, f"arm-{place}", setting),
            ]
    return parts


def _limits(lines: tuple[str, ...]) -> Markup:
    source = f"Agreement after {PROVENANCE['paper']}; {PROVENANCE['ours']} are the workbench's own."
    return section("Provenance and limits", tag("ul", *(tag("li", line) for line in (*lines, source))))


def _page(title: str, parts: list[Markup]) -> Markup:
    head = [
        tag("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Markup(STYLE.read_text(encoding="utf-8"))),
        tag("script", Markup(library())),
    ]
    body = tag("body", tag("main", tag("h1", title), *parts))
    return join(
        [Markup("<!doctype html>"), Markup('<html lang="en">'), tag("head", join(head)), body, Markup("</html>")]
    )
