"""Small records of every kind, for the tests of figures and reports."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from workbench.diagnostics.agreement.measure import agreement, agreement_of
from workbench.diagnostics.projection.measure import projection
from workbench.diagnostics.soft_labels.measure import soft_labels, soft_labels_of
from workbench.maths.intervals import mean_interval
from workbench.maths.verdict import compare_all
from workbench.records.arm import Arm, Outcome
from workbench.records.budget import Budget
from workbench.records.result import Result
from workbench.records.run import Curve, Run, Scores
from workbench.records.snapshot import Lane, Regions, Snapshot
from workbench.records.study import Study

HOSTILE = "<img src=x onerror=alert(1)> & $x$ </script>"


def outputs(classes: int = 10, samples: int = 360, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of a student and its better teacher, and the labels."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, samples)
    shared = generator.normal(size=(samples, classes))
    truth = np.eye(classes)[labels]
    student = 3.0 * truth + shared + generator.normal(size=(samples, classes))
    return student.astype(np.float32), (4.0 * truth + 1.5 * shared).astype(np.float32), labels


def curve(last: float, points: int = 20, every: int = 23, wobble: float = 0.0) -> Curve:
    """A curve that settles at a value."""
    steps = every * np.arange(1, points + 1)
    noise = wobble * np.random.default_rng(points).normal(size=points)
    return Curve(steps, last * (1 - np.exp(-np.arange(1, points + 1) / (points / 5))) + noise)


def run(classes: int = 10, name: str = "kd", seed: int = 0, names: tuple[str, ...] = (), **changes: object) -> Run:
    """A run as the engine records it."""
    student, teacher, labels = outputs(classes, seed=seed)
    steps = np.arange(1, 461)
    falling = np.exp(-steps / 120) + 0.05 * np.abs(np.random.default_rng(seed).normal(size=460))
    terms = {"soft": 2.1 * falling + 0.08, "labels": 1.4 * falling + 0.15} if name == "kd" else {"labels": 2 * falling}
    curves = {f"terms/{term}": Curve(steps, values) for term, values in terms.items()}
    curves |= {"validation/student": curve(93.2 if name == "kd" else 90.1), "probe/agreement": curve(0.947)}
    score = 100 * float((student.argmax(1) == labels).mean())
    taught = 100 * float((teacher.argmax(1) == labels).mean())
    values = {
        "id": f"digits-{name}-s{seed}-0123456789ab",
        "setting": {
            "name": "digits",
            "config": {"student_labels": None},
            "task": "classification",
            "data": {"test": "0f"},
        },
        "method": {"name": name, "config": {"temperature": 4.0, "soft_weight": 0.9}},
        "budget": Budget(),
        "seed": seed,
        "scores": {"student": Scores(score, score - 0.3, 93.2, 18), "teacher": Scores(taught, taught, 98.6, 0)},
        "curves": curves,
        "predictions": {"student": student, "teacher": teacher},
        "test_ids": 1000 + np.arange(len(labels)),
        "test_labels": labels,
        "facts": {
            "score": "accuracy",
            "class_names": list(names or map(str, range(classes))),
            "agreement": 0.9,
            "parameters": {"student": 2410, "teacher": 301066},
            "steps": {"student": 460},
            "epochs": {"student": 20},
            "seconds": 2.31,
            "device": "cpu",
            "threads": 1,
            "python": "3.11.9",
            "torch": "2.13.0",
            "workbench": "0.1.0",
            "finished": 1.75e9,
        },
    }
    return Run(**values | changes)


def control(seed: int = 0) -> Run:
    """The same student on labels only."""
    return run(name="labels_only", seed=seed)


def regions(grid: int = 60) -> Regions:
    """Three models of two moons."""
    generator = np.random.default_rng(0)
    x, y = np.linspace(-1.6, 2.6, grid), np.linspace(-1.2, 1.7, grid)
    angle = generator.uniform(0, np.pi, 120)
    upper = np.c_[np.cos(angle), np.sin(angle)]
    points = np.r_[upper, np.c_[1, 0.5] - upper] + 0.15 * generator.normal(size=(240, 2))
    labels = np.repeat([0, 1], 120)
    labels[generator.permutation(240)[:180]] = -1
    share = {
        "teacher": 1 / (1 + np.exp(8 * (y[:, None] - 0.25 - 0.6 * np.cos(1.9 * x[None])))),
        "student": 1 / (1 + np.exp(5 * (y[:, None] - 0.25 - 0.4 * np.cos(1.7 * x[None])))),
        "control": 1 / (1 + np.exp(4 * (y[:, None] - 0.6 + 0.3 * x[None]))),
    }
    return Regions(x, y, share, points, labels)


def snapshot() -> Snapshot:
    """A session halfway through."""
    both, alone = run(), control()

    def lane(name: str, of: Run) -> Lane:
        terms = {key.removeprefix("terms/"): found for key, found in of.curves.items() if key.startswith("terms/")}
        student, agreed = of.curves["validation/student"], of.curves["probe/agreement"]
        return Lane(
            name, of.method["name"], 460, 920, terms, student, agreed if name == "student" else Lane("", "").agreement
        )

    lanes = (lane("student", both), lane("control", alone))
    return Snapshot("running", "Distilling", 0.5, 4.0, lanes, 98.6, marks=((140, "temperature \u2192 8"),))


def study(arms: int = 3, seeds: int = 5, setting: str = "digits", quick: bool = False) -> Study:
    """Arms that are better, equal and undecided, over seeds, against labels only."""
    generator = np.random.default_rng(1)
    luck = generator.normal(size=seeds)
    scores = {"labels_only": 90 + 0.4 * luck}
    for k in range(1, arms):
        noise = (0.15, 0.05, 0.9)[k % 3]
        scores[f"method_{k}"] = 90 + (1.9, 0.1, 0.4)[k % 3] + 0.4 * luck + noise * generator.normal(size=seeds)
    made = {
        name: Arm(
            name,
            "labels_only" if name == "labels_only" else "method",
            label=name.replace("_", " "),
            method={"name": name, "config": {"temperature": 4.0}},
            budget=Budget().to_dict(),
            outcomes=tuple(
                Outcome(s, float(v), float(v) - 0.2, 0.9, 1.5, {"student": 920}) for s, v in enumerate(values)
            ),
            interval=mean_interval(values),
            selected_interval=mean_interval(values - 0.2),
        )
        for name, values in scores.items()
    }
    methods = {name: values for name, values in scores.items() if name != "labels_only"}
    return Study(
        id="0123456789ab",
        setting={"name": setting, "config": {}},
        score="accuracy",
        higher_is_better=True,
        seeds=tuple(range(seeds)),
        control="labels_only",
        arms=made,
        comparisons=compare_all(methods, scores["labels_only"]),
        teachers={0: 97.5},
        quick=quick,
        notes=("the teacher is the same for all seeds",),
    )


def results() -> list[Result]:
    """One of every kind."""
    own = [agreement_of(run()), projection(outputs()[0]), soft_labels_of(run(), 1003, temperature=4.0), study()]
    return [*own, *_of_subjects("results")]


def incomplete() -> list[Any]:
    """Records of every kind in which numbers are missing."""
    empty = Curve(np.zeros(0, np.int64), np.zeros(0))
    broken = Curve(np.arange(3), np.array([1.0, np.nan, 0.5]))
    curves = {"terms/soft": broken, "terms/labels": empty, "validation/student": broken, "probe/agreement": empty}
    never_wrong = agreement([[2.0, 1.0], [1.0, 2.0]], [[2.0, 1.0], [1.0, 2.0]], [0, 1])
    one, several = study(2, 1), study(3, 3)
    bare = {name: replace(arm, outcomes=(), interval=None) for name, arm in several.arms.items()}
    return [
        never_wrong,
        soft_labels([0.0, 0.0], [0.0, 0.0], 0),
        run(curves=curves, scores={"student": Scores(np.nan, np.nan, np.nan, 0), "teacher": Scores(*[np.nan] * 3, 0)}),
        run(curves={}, scores={}, facts={}),
        one,
        replace(several, arms=bare, comparisons={}, teachers={}, quick=True),
        *_of_subjects("incomplete"),
    ]


def hostile() -> list[Any]:
    """Records of every kind in which every name that comes from the user wants to be a page."""
    names = (HOSTILE, *map(str, range(1, 10)))
    bad = run(
        names=names, id=HOSTILE, setting={"name": HOSTILE, "config": {HOSTILE: HOSTILE}, "task": "classification"}
    )
    bad = replace(
        bad, method={"name": HOSTILE, "config": {}}, changes=({"step": 9, "name": HOSTILE, "value": HOSTILE},)
    )
    bad = replace(bad, curves=bad.curves | {f"terms/{HOSTILE}": curve(1.0)}, facts=bad.facts | {"score": HOSTILE})
    arms = {HOSTILE if name == "method_1" else name: arm for name, arm in study().arms.items()}
    arms[HOSTILE] = replace(arms[HOSTILE], name=HOSTILE)
    compared = {HOSTILE if name == "method_1" else name: c for name, c in study().comparisons.items()}
    worst = replace(
        study(setting=HOSTILE), arms=arms, comparisons=compared, notes=(HOSTILE,), failures={HOSTILE: HOSTILE}
    )
    return [agreement_of(bad), soft_labels_of(bad, 1003), bad, worst, *_of_subjects("hostile")]


def _of_subjects(kind: str) -> list[Any]:
    """The examples beside the tests of every question, and beside those of the drawings."""
    root = Path(__file__).parent
    paths = sorted([*root.glob("diagnostics/*/examples.py"), *root.glob("drawing/*_examples.py")])
    modules = [import_module(".".join(("tests", *path.relative_to(root).with_suffix("").parts))) for path in paths]
    return [each for module in modules if hasattr(module, kind) for each in getattr(module, kind)()]
