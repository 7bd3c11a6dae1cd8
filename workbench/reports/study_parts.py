"""The parts of a page about a study."""

from __future__ import annotations

import math
from typing import Any

from workbench.drawing.draw import draw
from workbench.drawing.embedded import embedded
from workbench.records.arm import Arm
from workbench.records.run import Run
from workbench.records.study import Study, measure_lines
from workbench.records.verdict import Comparison
from workbench.reports.markup import Markup, facts, section, table, tag
from workbench.reports.run_parts import TO, settings_of, versions

LIMITS = (
    "Intervals are over seeds (Student's t, from three seeds on, cut to the score's bounds); differences are paired by "
    "seed, and their intervals and verdicts are adjusted for the number of arms (Holm). Seeds that "
    "share a teacher or a test set speak for that teacher and that test set only.",
    "Scores are those of the last epoch; the test set took no part in choosing anything.",
)


def header(study: Study, example: Run | None) -> Markup:
    """What was asked."""
    budgets = {settings_of(arm.budget) for arm in study.arms.values()}
    return facts(
        {
            "Setting": f"{study.setting['name']} {settings_of(study.setting.get('config', {}))}",
            "Arms": ", ".join(study.arms),
            "Seeds": ", ".join(map(str, study.seeds)),
            "Budget": budgets.pop() if len(budgets) == 1 else "differs between arms, see the table of arms",
            "Teacher": "" if math.isnan(study.teacher) else f"{study.teacher:.2f} ({len(study.teachers)} trained)",
            "Versions": "" if example is None else versions(example),
            "Study": study.id,
        }
    )


def verdicts(study: Study) -> list[Markup]:
    """A sentence for every comparison."""
    found = [*study.comparisons.items(), *((arm, c) for arm, others in study.further.items() for c in others.values())]
    return [tag("li", _sentence(*pair)) for pair in found] or [tag("li", "nothing to compare, no verdict")]


def _sentence(arm: str, found: Comparison) -> str:
    said = found.sentence
    return f"{arm}: {said}" if found.against in said else f"{arm} against {found.against}: {said}"


def scores(study: Study) -> Markup:
    """A row per arm, and the figure."""
    head = ("arm", "seeds", f"test {study.score}", "95 % interval", "selected", "difference", "verdict", "agreement")
    rows = [_row(row) for row in study.rows()]
    picture = tag("div", Markup(embedded(draw(study), "study")), class_="plot")
    return section("Scores", table(head, rows), picture)


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    agreement = _number(row["agreement"] and 100 * row["agreement"])
    between = f"{_number(row['low'])}{TO}{_number(row['high'])}" if _number(row["low"]) else ""
    name, selected, mean = row["arm"], _number(row["selected"]), _number(row["mean"])
    return name, row["seeds"], mean, between, selected, *_compared(row), agreement and f"{agreement} %"


def _compared(row: dict[str, Any]) -> tuple[str, str]:
    """Difference and verdict; in the row of a control of one method they are that method's, and named so."""
    difference, verdict = _number(row["difference"], "+.2f"), row["verdict"]
    if row["role"] == "method" or not difference:
        return difference, verdict
    method = row["compared"].removesuffix(f" with {row['arm']}")
    return f"{difference} ({method} minus this arm)", f"{method}: {verdict}"


def _number(value: float | None, form: str = ".2f") -> str:
    return "" if value is None or math.isnan(value) else format(value, form)


def arms(study: Study) -> Markup:
    """What every arm is."""
    rows = [
        (arm.name, _of(arm), settings_of(arm.method.get("config", {})), settings_of(arm.budget)) for arm in _arms(study)
    ]
    return section("Arms", table(("arm", "role", "parameters", "budget"), rows))


def _arms(study: Study) -> list[Arm]:
    return list(study.arms.values())


def _of(arm: Arm) -> str:
    role = arm.role.replace("_", " ")
    return f"{role}, for {', '.join(arm.of)}" if arm.of else role


def first_runs(study: Study) -> dict[str, Run]:
    """The run of the first finished seed of every arm, as far as the study knows its store."""
    if study.loader is None:
        return {}
    return {a.name: study.run(a.name, a.seeds[0]) for a in _arms(study) if a.outcomes and a.outcomes[0].run}


def measures(study: Study) -> Markup:
    """The setting's own measures: mean of each arm, and its difference from the control."""
    lines = [tag("li", line) for line in measure_lines(study)]
    return section("Measures", tag("ul", *lines)) if lines else Markup("")


def failures(study: Study) -> Markup:
    """What went wrong, cell by cell."""
    if not study.failures:
        return Markup("")
    return section("Failures", table(("cell", "message"), list(study.failures.items())))
