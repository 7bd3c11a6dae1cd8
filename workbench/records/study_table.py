"""How a study is shown: rows, a text of 100 columns, a simple page fragment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.records.arm import Arm
    from workbench.records.interval import Interval
    from workbench.records.measure import Measured
    from workbench.records.study import Study
    from workbench.records.verdict import Comparison

COLUMNS = ("arm", "mean", "95 % interval", "selected", "difference", "agreement", "seconds")
WIDTH = 100


def rows(study: Study) -> list[dict[str, Any]]:
    """One row of plain numbers per arm.

    ``difference`` and ``verdict`` of a method are against the study's control. In the row of a permuted or equal-total
    control they are those of the method it belongs to (``compared`` names both), against this control.
    """
    return [_row(study, arm) for arm in study.arms.values()]


def _row(study: Study, arm: Arm) -> dict[str, Any]:
    method, against, found = _compared(study, arm)
    interval = arm.interval
    return {
        "arm": arm.name,
        "role": arm.role,
        "seeds": len(arm.outcomes),
        "mean": interval and interval.mean,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "selected": arm.selected_interval and arm.selected_interval.mean,
        "compared": f"{method} with {against}" if found else "",
        "difference": found and found.difference,
        "difference_low": found and found.interval.low,
        "difference_high": found and found.interval.high,
        "verdict": found.verdict if found else "",
        "sentence": found.sentence if found else "",
        "agreement": arm.agreement,
        "seconds": arm.seconds,
        "steps": arm.steps,
        "total_steps": arm.total_steps,
        "stored": sum(outcome.stored for outcome in arm.outcomes),
        **{key: value for name in study.measures for key, value in _measured_row(study, arm.name, name).items()},
    }


def _measured_row(study: Study, arm: str, name: str) -> dict[str, Any]:
    """Columns of a measure: its mean, and its difference from the study's control."""
    mean, found = (held.get(arm) for held in (study.measures[name].intervals, study.measures[name].comparisons))
    return {name: mean and mean.mean, f"{name} difference": found and found.difference}


def _compared(study: Study, arm: Arm) -> tuple[str, str, Comparison | None]:
    if arm.role == "method":
        return arm.name, study.control, study.comparisons.get(arm.name)
    owner = arm.of[0] if arm.of else ""
    return owner, arm.name, study.further.get(owner, {}).get(arm.name)


def text(study: Study) -> str:
    """The table of a terminal, and a sentence for every comparison."""
    table = [COLUMNS, *(_cells(study, arm) for arm in study.arms.values())]
    widths = [max(len(row[k]) for row in table) for k in range(len(COLUMNS))]
    widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - 2 * len(widths[1:]))
    lines = [_title(study), ""]
    for row in table:
        name, rest = (
            wrap(row[0], widths[0]) or [""],
            [cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)],
        )
        lines += [*name[:-1], "  ".join([name[-1].ljust(widths[0]), *rest]).rstrip()]
    lines += [f"teacher: {_teacher(study)}"] if study.teachers else []
    lines.append("")
    for line in _sentences(study):
        lines += wrap(line, WIDTH, subsequent_indent="    ")
    return "\n".join(lines).rstrip()


def html(study: Study) -> str:
    """The same as a table of HTML; every text is escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(study, arm)) + "</tr>"
        for arm in study.arms.values()
    )
    teacher = f"<p>teacher: {escape(_teacher(study))}</p>" if study.teachers else ""
    sentences = "".join(f"<li>{escape(line)}</li>" for line in _sentences(study))
    return (
        f"<p>{escape(_title(study))}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"{teacher}<ul>{sentences}</ul>"
    )


def _title(study: Study) -> str:
    direction = (
        "" if study.higher_is_better else " (lower is better; differences are signed so that positive is better)"
    )
    count = f"{len(study.seeds)} seeds" if len(study.seeds) != 1 else "one seed"
    return f"{study.setting['name']}: {study.score}{direction} on test after the last epoch, {count}"


def _cells(study: Study, arm: Arm) -> tuple[str, ...]:
    found = study.comparisons.get(arm.name)
    return (
        "  " + arm.role.replace("permuted_", "permuted ").replace("_", "-")
        if arm.role.startswith("permuted")
        else arm.name,
        _number(arm.interval and arm.interval.mean),
        _range(arm.interval),
        _number(arm.selected_interval and arm.selected_interval.mean),
        f"{found.difference:+.2f}" if found else "",
        "" if math.isnan(arm.agreement) else f"{100 * arm.agreement:.1f} %",
        "" if math.isnan(arm.seconds) else f"{arm.seconds:.3g}",
    )


def _range(found: Interval | None) -> str:
    """Bounds of an arm's mean; that all seeds are equal is said, and nothing where there are too few of them."""
    if found is not None and found.method == "tied":
        return "all equal"
    return "" if found is None or math.isnan(found.low) else f"{_number(found.low)} to {_number(found.high)}"


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return f"{value:.2f}" if value == 0 or abs(value) >= 1 else f"{value:.3g}"


def _teacher(study: Study) -> str:
    several = f" (mean of {len(study.teachers)} teachers)" if len(study.teachers) > 1 else ""
    return _number(study.teacher) + several


def measure_lines(study: Study) -> Iterator[str]:
    """One line per measure and arm: mean and interval, and the difference from the control."""
    for name, measured in study.measures.items():
        yield from _measured(study, name, measured)


def _measured(study: Study, name: str, measured: Measured) -> Iterator[str]:
    about = ", ".join(filter(None, (measured.unit, "higher" if measured.higher_is_better else "lower")))
    for arm, mean in measured.intervals.items():
        within, found = _range(mean), measured.comparisons.get(arm)
        line = f"{name} ({about} is better): {arm} {_number(mean.mean)}" + (f" ({within})" if within else "")
        if found is None:
            yield f"{line}."
            continue
        gap = "" if math.isnan(found.interval.low) else f" ({found.interval.low:+.3g} to {found.interval.high:+.3g})"
        yield f"{line}; {found.difference:+.3g}{gap} against {study.control}: {found.verdict}."


def _sentences(study: Study) -> Iterator[str]:
    pairs = [*study.comparisons.items(), *((a, c) for a, others in study.further.items() for c in others.values())]
    for arm, found in pairs:
        named = found.against in found.sentence
        yield f"{arm}: {found.sentence}" if named else f"{arm} against {found.against}: {found.sentence}"
    yield from measure_lines(study)
    stored, runs = study.from_store
    if stored:
        yield f"{stored} of {runs} runs came from the store; fresh=True computes them again."
    for cell, message in study.failures.items():
        yield f"failed: {cell}: {message}"
    yield from (f"warning: {line}" for line in study.warnings)
    yield from study.notes
