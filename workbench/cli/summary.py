"""A study as the JSON document of a verb, with the numbers a reader asks for first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.records.arm import Arm
    from workbench.records.study import Study


def of_distill(study: Study, seconds: float) -> dict[str, Any]:
    """One method and its controls: teacher, student and control side by side, then the comparison."""
    control = study.arms[study.control]
    student = next((arm for arm in study.arms.values() if arm.role == "method"), control)
    found = study.comparisons.get(student.name)
    return {
        **_head(study, seconds),
        "method": dict(student.method),
        "epochs": student.budget.get("epochs"),
        "scores": {"teacher": _teacher(study), "student": _scores(student), study.control: _scores(control)},
        "comparison": found and found.to_dict(),
        "verdict": found and found.verdict,
        "further": {name: c.to_dict() for name, c in study.further.get(student.name, {}).items()},
        "agreement": _agreement(student),
        "runs": {arm.name: _runs(arm) for arm in study.arms.values()},
    }


def of_compare(study: Study, seconds: float) -> dict[str, Any]:
    """Several methods: one entry per arm, controls included."""
    return {**_head(study, seconds), "teacher": _teacher(study), "arms": [_arm(study, a) for a in study.arms.values()]}


def _head(study: Study, seconds: float) -> dict[str, Any]:
    return {
        "study": study.id,
        "setting": {"name": study.setting["name"], "config": study.setting.get("config", {})},
        "score": study.score,
        "higher_is_better": study.higher_is_better,
        "seeds": list(study.seeds),
        "control": study.control,
        "smallest_effect": study.smallest_effect,
        "quick": study.quick,
        "failures": dict(study.failures),
        "notes": list(study.notes),
        "warnings": list(study.warnings),
        "measures": study.to_dict()["measures"],
        "from_store": dict(zip(("runs", "of"), study.from_store, strict=True)),
        "seconds": seconds,
    }


def _arm(study: Study, arm: Arm) -> dict[str, Any]:
    found = study.comparisons.get(arm.name)
    return {
        "name": arm.name,
        "role": arm.role,
        "of": list(arm.of),
        "method": dict(arm.method),
        "epochs": arm.budget.get("epochs"),
        "scores": _scores(arm),
        "comparison": found and found.to_dict(),
        "verdict": found and found.verdict,
        "further": {name: c.to_dict() for name, c in study.further.get(arm.name, {}).items()},
        "agreement": _agreement(arm),
        "steps": arm.steps,
        "total_steps": arm.total_steps,
        "runs": _runs(arm),
    }


def _scores(arm: Arm) -> dict[str, Any]:
    return {
        "per_seed": {outcome.seed: outcome.last for outcome in arm.outcomes},
        "mean": arm.interval and arm.interval.mean,
        "interval": arm.interval and arm.interval.to_dict(),
        "selected": {outcome.seed: outcome.selected for outcome in arm.outcomes},
        "seconds": {outcome.seed: outcome.seconds for outcome in arm.outcomes},
        "stored": [outcome.seed for outcome in arm.outcomes if outcome.stored],
    }


def _teacher(study: Study) -> dict[str, Any]:
    return {"per_seed": dict(study.teachers), "mean": study.teacher}


def _agreement(arm: Arm) -> dict[str, Any]:
    return {"per_seed": {o.seed: o.agreement for o in arm.outcomes}, "mean": arm.agreement}


def _runs(arm: Arm) -> dict[int, str]:
    return {outcome.seed: outcome.run for outcome in arm.outcomes}
