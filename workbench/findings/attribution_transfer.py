"""Distilled students look where their teacher looks, more than students of labels do.

Ojha et al. 2023 show that a distilled student localises objects more like its teacher than the same student trained on
its own, by Grad-CAM on ImageNet. Here integrated gradients of the evidence for the teacher's secondary classes
(``dark_logit``, which stays informative where the student matches its teacher) are compared, on test samples, between a
teacher, its distilled student, and the same student from the same start on labels only.

Two things could explain it without the teacher's answers about each sample, and both are run beside it: soft targets
regularise (the teacher's answers given to the wrong samples), and all nets look at the same ink (a second teacher of the
same kind, whose map of the same evidence should be less like the student's than that of its own teacher).

Departs: digits and MLPs; integrated gradients from the blurred image instead of Grad-CAM; cosines of signed maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from workbench.diagnostics.attribution.measure_baselines import pool_of
from workbench.diagnostics.attribution.measure_maps import collected
from workbench.diagnostics.attribution.measure_plan import Plan, ScoreName
from workbench.diagnostics.attribution.measure_similarity import cosine
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.findings.paired import Tell
from workbench.maths.intervals import mean_interval
from workbench.methods.catalog import make
from workbench.records.budget import Budget
from workbench.records.finding import Finding, all_of, outcome_of
from workbench.records.interval import Interval
from workbench.records.run import Run
from workbench.settings.digits import CLIP, Digits
from workbench.settings.setting import Setting

CLAIM = (
    "Maps of the evidence for the teacher's secondary classes are more like the teacher's (cosine) for a distilled student "
    "than for the same student on labels only, and than for one given the teacher's answers to other samples."
)
SOURCE = "Ojha et al., NeurIPS 2023 (What Knowledge Gets Distilled in Knowledge Distillation?), localisation"
MARGIN = 0.0
SAMPLES = 100
BUDGET = Budget(epochs=40, clip=CLIP)
KINDS: Mapping[str, tuple[str, str]] = {
    "student": ("kd", "none"),
    "labels only": ("labels_only", "none"),
    "shuffled targets": ("kd", "permuted_targets"),
}
SCORES: tuple[ScoreName, ...] = ("dark_logit", "nckd_match")
OTHER = "another teacher"


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Run the three students and two teachers of each seed; ``tell(share, message)`` is called as work proceeds."""
    tell, setting, rows = tell or (lambda share, words: None), Digits(), []
    for done, seed in enumerate(seeds):
        tell(done / len(seeds), f"seed {seed}: {len(KINDS)} students and their maps")
        rows.append(_measured(_models(setting, seed), setting, seed))
    numbers = {name: [row[name] for row in rows] for name in rows[0]}
    intervals = {name: mean_interval(values) for name, values in numbers.items()}
    over = [intervals[f"gain over {kind}, dark_logit"] for kind in KINDS if kind != "student"]
    return Finding(
        name="attribution_transfer",
        claim=CLAIM,
        source=SOURCE,
        outcome=all_of(*(outcome_of(each, MARGIN) for each in over)),
        reading=_reading(intervals),
        numbers=intervals,
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"digits, all labels for everybody; MLP 64-512-512-10 teaches 64-32-10; {SAMPLES} test samples per seed",
        controls=("labels only", "shuffled targets", "a second teacher"),
        notes=(
            "Each seed has a teacher of its own; all students of a seed start from the same weights.",
            "The teacher's logits are frozen along the path; baselines are the blurred images.",
        ),
    )


def _models(setting: Setting, seed: int) -> dict[str, nn.Module]:
    """The students by kind, their teacher, and the teacher of the next seed."""
    models = {kind: _run(setting, kind, seed, seed).revive(setting).student for kind in KINDS}
    teachers = [_run(setting, "labels only", seed, each).revive(setting).teacher for each in (seed, seed + 1)]
    return models | {"teacher": teachers[0], OTHER: teachers[1]}


def _run(setting: Setting, kind: str, seed: int, teacher_seed: int) -> Run:
    name, control = KINDS[kind]
    conditions = Conditions(control=control, teacher_seed=teacher_seed)
    return collect(distill(setting, make(name), BUDGET, seed, conditions))


def _measured(models: Mapping[str, nn.Module], setting: Setting, seed: int) -> dict[str, float]:
    """Mean cosines with the teacher's maps, and the gains."""
    drawn = np.sort(np.random.default_rng(seed).permutation(len(setting.test))[:SAMPLES])
    data, found = setting.test.subset(torch.from_numpy(drawn)), {}
    for score in SCORES:
        plan = Plan(score=score, temperature=4.0, seed=seed)
        maps = collected(models, data, pool_of(setting.train), plan, "image").maps
        like = {party: _mean(maps[party], maps["teacher"]) for party in maps if party != "teacher"}
        for kind in KINDS:
            found[f"cosine of {kind}, {score}"] = like[kind]
            if kind != "student":
                found[f"gain over {kind}, {score}"] = like["student"] - like[kind]
        found[f"own teacher over another, {score}"] = like["student"] - _mean(maps["student"], maps[OTHER])
    return found


def _mean(maps: np.ndarray, others: np.ndarray) -> float:
    return float(np.nanmean(cosine(maps.astype(np.float64), others.astype(np.float64))))


def _reading(intervals: Mapping[str, Interval]) -> str:
    like = ", ".join(f"{kind} {intervals[f'cosine of {kind}, dark_logit'].mean:.2f}" for kind in KINDS)
    own = intervals["own teacher over another, dark_logit"]
    return (
        f"Mean cosine with the teacher's maps of dark_logit: {like}. Gain over labels only "
        f"{intervals['gain over labels only, dark_logit']}, over shuffled targets "
        f"{intervals['gain over shuffled targets, dark_logit']}. Own teacher over another one: {own}; what of the likeness "
        f"is not beyond another teacher is shared by good nets on this data."
    )
