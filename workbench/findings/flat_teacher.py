"""A flat teacher: does its loss rise less around it, and does its student generalise better?

Li and He's loss-sharpness-aware bound says that local flatness of the teacher can tighten the bound on its student's gap;
no experiment was readable. Two teachers of one architecture learn from the same labels in the same order from the same
start, one by plain SGD and one by sharpness-aware minimisation (Foret et al. 2021), which looks for flat minima. Each
teaches a student from the same start. The comparison counts only at equal accuracy of the teachers.

Departs: digits and MLPs; the rise is measured in shares of the filter norms, so that the scale of the weights, which
differs between the two, does not decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.diagnostics.divergence.measure_gaps import LOSSES
from workbench.diagnostics.divergence.measure_models import collected
from workbench.diagnostics.flatness.measure_objective import Loss, Objective, pieces_of
from workbench.diagnostics.flatness.measure_sharpness import noise_directions, rises
from workbench.engine.distill import collect, distill
from workbench.maths.intervals import mean_interval
from workbench.maths.randomness import kept
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.finding import Finding, all_of, outcome_of
from workbench.records.run import Run
from workbench.settings.digits import Digits
from workbench.settings.setting import Setting

Tell = Callable[[float, str], object]
CLAIM = (
    "At equal accuracy (within one point) the loss rises less around a teacher trained for flatness, at noise of 0.2 of "
    "each filter's norm, and its student's generalization gap (Brier score) is smaller."
)
SOURCE = (
    "Li & He, On the Generalization of KD: An Information-Theoretic View, 2026 (arXiv:2605.13143), the sharpness-aware "
    "bound; a reconstruction, not the paper's theorem. SAM: Foret et al., ICLR 2021"
)
EQUAL, SHARE, RADIUS = 1.0, 0.2, 0.1
LABELS, TRANSFER, HIDDEN = 200, 600, (128,)
EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 30, 64, 0.05, 0.9, 5e-4
KINDS = {"sharp": 0.0, "flat": RADIUS}


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Train both teachers and a student of each per seed; ``tell(share, message)`` is called as work proceeds."""
    tell, rows = tell or (lambda share, words: None), []
    for position, seed in enumerate(seeds):
        found = {}
        for kind, radius in KINDS.items():
            tell((position + (kind == "flat") / 2) / len(seeds), f"seed {seed}, {kind} teacher")
            found[kind] = _measured(seed, radius)
        rows.append({name: (found["sharp"][name], found["flat"][name]) for name in found["flat"]})
    pairs = {name: np.array([row[name] for row in rows]).T for name in rows[0]}
    numbers = {f"{name}, {kind}": pairs[name][k] for name in pairs for k, kind in enumerate(KINDS)}
    apart = {f"{name}, sharp minus flat": sharp - flat for name, (sharp, flat) in pairs.items()}
    rise, gap, accuracy = (
        mean_interval(apart[f"{name}, sharp minus flat"]) for name in ("rise", "student gap", "accuracy")
    )
    equal = mean_interval(EQUAL - np.abs(apart["accuracy, sharp minus flat"]))
    return Finding(
        name="flat_teacher",
        claim=CLAIM,
        source=SOURCE,
        outcome=all_of(outcome_of(equal), outcome_of(rise), outcome_of(gap)),
        reading=(
            f"Plain minus flat teacher: the rise of the loss {rise.mean:+.3g}, the accuracy {accuracy.mean:+.2f} points, "
            f"the student's gap {gap.mean:+.4f}."
        ),
        numbers={name: mean_interval(values) for name, values in {**apart, **numbers}.items()},
        per_seed={name: tuple(map(float, values)) for name, values in {**apart, **numbers}.items()},
        seeds=tuple(seeds),
        setting=f"digits, {LABELS} labels and {TRANSFER} further inputs; MLP 64-{HIDDEN[0]}-10 teaches 64-32-10 by KD",
        controls=("the same teacher by plain SGD: same start, same batches, same number of steps",),
        notes=(
            "Reconstruction; not the paper's theorem.",
            "The gap is test minus training loss on the student's own labels.",
            "A step of SAM takes two gradients, so the flat teacher costs twice as much.",
        ),
    )


def _measured(seed: int, radius: float) -> dict[str, float]:
    setting = Digits(student_labels=LABELS, transfer_inputs=TRANSFER)
    teacher = _taught(setting, seed, radius)
    setting.name, setting.teacher = f"digits_sam_{radius:g}", teacher
    run = collect(distill(setting, make("kd"), seed=seed))
    objective = Objective(teacher, pieces_of(setting.teacher_train, samples=512), Loss())
    directions = noise_directions(objective, by_filter=True)
    return {
        "rise": float(rises(objective, directions, [SHARE]).mean()),
        "loss": objective.value(),
        "accuracy": run.scores["teacher"].last,
        "student accuracy": run.scores["student"].last,
        **_gaps(run, setting),
    }


def _gaps(run: Run, setting: Setting) -> dict[str, float]:
    gaps, column = collected([run], setting).gaps, LOSSES.index("brier")
    return {"student gap": float(gaps.students[0, column]), "teacher gap": float(gaps.teachers[0, column])}


def _taught(setting: Setting, seed: int, radius: float) -> nn.Module:
    """A teacher by SGD, or by SAM with a radius; start and batches depend on the seed alone."""
    data, generator = setting.teacher_train, torch.Generator().manual_seed(seed)
    with kept():
        torch.manual_seed(seed)
        model = MLP(64, HIDDEN, 10)
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=MOMENTUM, weight_decay=DECAY)
    for epoch in range(EPOCHS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * epoch / EPOCHS))
        for rows in torch.randperm(len(data), generator=generator).split(BATCH):
            batch = data.batch(rows)
            _slopes(model, batch.student_inputs, batch.labels, radius)
            optimizer.step()
    return model.eval()


def _slopes(model: nn.Module, inputs: Tensor, labels: Tensor, radius: float) -> None:
    """Leave the gradients in the parameters: those at the weights, or those where the loss is highest nearby."""
    _backward(model, inputs, labels)
    if not radius:
        return
    norm = torch.cat([p.grad.reshape(-1) for p in model.parameters()]).norm()
    steps = [radius * p.grad / norm.clamp(min=1e-12) for p in model.parameters()]
    with torch.no_grad():
        for parameter, step in zip(model.parameters(), steps, strict=True):
            parameter.add_(step)
    _backward(model, inputs, labels)
    with torch.no_grad():
        for parameter, step in zip(model.parameters(), steps, strict=True):
            parameter.sub_(step)


def _backward(model: nn.Module, inputs: Tensor, labels: Tensor) -> None:
    model.zero_grad()
    F.cross_entropy(model(inputs), labels).backward()
