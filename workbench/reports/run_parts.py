"""The parts of a page about one run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.diagnostics.agreement.measure import Agreement, agreement_of
from workbench.drawing.draw import draw
from workbench.drawing.embedded import embedded
from workbench.maths.intervals import proportion_interval
from workbench.records.interval import Interval
from workbench.records.run import Run, Scores
from workbench.reports.gallery import gallery
from workbench.reports.markup import Markup, facts, section, table, tag

if TYPE_CHECKING:
    from workbench.records.study import Study
    from workbench.settings.setting import Setting

TO = "\u00a0to\u00a0"
LIMITS = (
    "One seed: its intervals are over test samples and say nothing about what other seeds would give. A verdict needs "
    "a study of three seeds or more.",
    "The test set was read only after training; the selected score is that of the epoch that was best on validation.",
)


def header(run: Run) -> Markup:
    """What was asked, with what, and where."""
    made = run.facts
    return facts(
        {
            "Setting": f"{run.setting['name']} {settings_of(run.setting.get('config', {}))}",
            "Method": f"{run.method['name']} {settings_of(run.method.get('config', {}))}",
            "Targets": "" if run.control == "none" else run.control.replace("_", " "),
            "Seed": run.seed,
            "Budget": settings_of(run.budget.to_dict()),
            "Parameters": settings_of(made.get("parameters", {})),
            "Seconds": f"{made['seconds']:.1f} on {made.get('device', '?')}" if "seconds" in made else "",
            "Versions": versions(run),
            "Finished": finished(run),
            "Run": run.id,
        }
    )


def versions(run: Run) -> str:
    """Of everything that decides the numbers."""
    return ", ".join(f"{name} {run.facts[name]}" for name in ("workbench", "torch", "python") if name in run.facts)


def finished(run: Run) -> str:
    """When, in universal time."""
    when = run.facts.get("finished")
    return "" if when is None else f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M} UTC"


def warnings(thing: Run | Study) -> Markup:
    """What was warned of while it ran."""
    lines = [tag("li", line) for line in thing.warnings]
    return section("Warnings", tag("ul", *lines)) if lines else Markup("")


def settings_of(values: Mapping[str, Any]) -> str:
    """``name = value`` for everything that is set."""
    return ", ".join(f"{name} = {value}" for name, value in values.items() if value is not None)


def measures(run: Run) -> Markup:
    """The setting's own measures, with unit and direction."""
    rows = [
        (name, f"{found['value']:.4g}", found["unit"], "higher" if found["higher_is_better"] else "lower")
        for name, found in run.facts.get("measures", {}).items()
    ]
    return section("Measures", table(("measure", "value", "unit", "better"), rows)) if rows else Markup("")


def scores(run: Run) -> Markup:
    """A row per party, with the interval over test samples where the score is an accuracy."""
    name = str(run.facts.get("score", "score"))
    head = ("", f"test {name}", "95 % interval", "selected", "of epoch", "validation")
    return section("Scores", table(head, [_row(run, party, found) for party, found in run.scores.items()]))


def _row(run: Run, party: str, found: Scores) -> tuple[object, ...]:
    interval = accuracy(run, party)
    between = "" if interval is None else f"{100 * interval.low:.2f}{TO}{100 * interval.high:.2f}"
    epoch = found.selected_epoch or ""
    return party, f"{found.last:.2f}", between, f"{found.selected:.2f}", epoch, f"{found.validation:.2f}"


def accuracy(run: Run, party: str) -> Interval | None:
    """Share of test samples a party is right on; None where outputs and labels are not those of a classification."""
    if not classifies(run) or party not in run.predictions:
        return None
    hits = run.predictions[party].argmax(axis=1) == run.test_labels
    return proportion_interval(int(hits.sum()), len(hits))


def classifies(run: Run) -> bool:
    """Whether it is a run of a classification with test outputs."""
    return run.setting.get("task", "classification") == "classification" and "student" in run.predictions


def curves(run: Run, name: str, control: Run | None = None) -> Markup:
    """Loss terms, scores and agreement over steps."""
    return section(
        "Curves",
        tag("div", Markup(embedded(draw(run, control=control, log_loss=True), f"{name}-curves")), class_="plot"),
    )


def agreed(run: Run, name: str, setting: Setting | None = None) -> list[Markup]:
    """Agreement with the teacher and the samples without it; nothing for runs that have none."""
    if not classifies(run) or "teacher" not in run.predictions:
        return []
    if run.predictions["teacher"].shape != run.predictions["student"].shape:
        return []
    found = agreement_of(run)
    picture = tag("div", Markup(embedded(draw(found), f"{name}-agreement")), class_="plot")
    notes = [tag("li", warning) for warning in found.warnings]
    text = (tag("p", found.explain()), picture, _numbers(found), tag("ul", *notes) if notes else "")
    return [section("Agreement with the teacher", *text), gallery(run, setting)]


def _numbers(found: Agreement) -> Markup:
    rows = [(row["quantity"].replace("_", " "), *_cells(row)) for row in found.rows()]
    return tag("details", tag("summary", "All numbers"), table(("", "value", "from", "to"), rows))


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    found = (row.get(key) for key in ("value", "low", "high"))
    return tuple("" if value is None or value != value else f"{value:.4g}" for value in found)


def changes(run: Run) -> Markup:
    """Controls that were moved while it ran."""
    if not run.changes:
        return Markup("")
    rows = [(change["step"], change["name"], change["value"]) for change in run.changes]
    text = tag("p", "Controls were moved while it ran; such a run never enters a study.")
    return section("Changes", text, table(("step", "control", "value"), rows))
