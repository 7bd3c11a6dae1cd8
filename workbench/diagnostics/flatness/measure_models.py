"""From a finished run to the losses of its nets as functions of their weights.

How it is measured: on the same training samples for all nets, each shown what it was shown in training.
When it misleads: the teacher may have been trained on more samples than these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from workbench.diagnostics.divergence.measure_alignment import aligned, chain_of, distance, same_space, weights_of
from workbench.diagnostics.flatness.measure_numbers import RADII
from workbench.diagnostics.flatness.measure_objective import Loss, Objective, pieces_of
from workbench.diagnostics.flatness.measure_radius import Smoothed, smoothed
from workbench.records.run import Run

if TYPE_CHECKING:
    from torch import nn

    from workbench.data.transfer import TransferSet
    from workbench.settings.setting import Setting


TASKS = ("classification", "regression")


class Nets(NamedTuple):
    """The nets of a run.

    Attributes:
        models: by party.
        setting: of their samples.
        objectives: by party, the loss as a function of its weights.
        notes: what to warn of.
    """

    models: dict[str, nn.Module]
    setting: Setting
    objectives: dict[str, Objective]
    notes: list[str]


def nets_of(
    run: Run, setting: Setting | None, control: Run | None, loss: Literal["labels", "kd"], samples: int
) -> Nets:
    """Teacher, student and control, and the loss of each.

    Args:
        run: a classification, or a regression, whose models are nets.
        setting: of the run; made again from the catalogue if None.
        control: a run of the same setting.
        loss: that of the labels, or of the distillation.
        samples: of the training set, at most.

    Raises:
        ValueError: as ``models_of``, ``loss_of`` and ``objectives_of``.
    """
    models, setting = models_of(run, setting, control)
    return Nets(models, setting, *objectives_of(models, setting, loss_of(run, loss), samples))


def models_of(run: Run, setting: Setting | None, control: Run | None = None) -> tuple[dict[str, nn.Module], Setting]:
    """Teacher, student and control, as far as there are any, and the setting.

    Raises:
        ValueError: the run cannot be revived, or its outputs are neither those of classes nor numbers.
    """
    task = _task(run)
    if task not in TASKS:
        raise ValueError(f"flatness is measured for {' and '.join(TASKS)}; run {run.id} is about {task}")
    revived = run.revive(setting)
    models = {party: revived.models[party] for party in ("teacher", "student") if party in revived.models}
    if control is not None:
        models["control"] = control.revive(setting).student
    return models, revived.setting


def loss_of(run: Run, kind: Literal["labels", "kd"]) -> Loss:
    """The loss with the run's own temperature and weights, Hinton's where its method has none.

    Raises:
        ValueError: the distillation loss is asked of a regression, which has no probabilities to soften.
    """
    if _task(run) == "regression":
        if kind == "kd":
            raise ValueError(
                f"run {run.id} is a regression: it has no softened probabilities; loss='labels' is its own"
            )
        return Loss("squared")
    names = ("temperature", "soft_weight", "label_weight")
    config = {name: run.method["config"].get(name) for name in names}
    return Loss(kind, **{name: float(value) for name, value in config.items() if isinstance(value, int | float)})


def objectives_of(
    models: Mapping[str, nn.Module], setting: Setting, loss: Loss, samples: int = 256
) -> tuple[dict[str, Objective], list[str]]:
    """The loss of each model as a function of its weights, and what to warn of.

    Args:
        models: by party; ``teacher`` is shown its own inputs, and is asked where the loss needs a teacher.
        setting: of the samples.
        loss: which one.
        samples: of the training set, at most.

    Raises:
        ValueError: none of them has parameters, or the loss needs a teacher and there is none.
    """
    if loss.kind == "kd" and "teacher" not in models:
        raise ValueError("the distillation loss needs a teacher, and this run has none; loss='labels' does not")
    data, asked = _data(setting, loss), models.get("teacher") if loss.kind == "kd" else None
    found, notes = {}, []
    for party, model in models.items():
        if not any(p.is_floating_point() for p in model.parameters()):
            notes.append(f"the {party} has no weights to move (it is no net): nothing is said about it")
            continue
        seen = data.as_teacher_sees() if party == "teacher" else data
        found[party] = Objective(model, pieces_of(seen, asked, samples=samples), loss)
    if not found:
        raise ValueError("none of the models has weights to move; flatness is about nets")
    return found, notes


def pair_of(models: Mapping[str, nn.Module], setting: Setting, samples: int = 256) -> tuple[Smoothed | None, list[str]]:
    """The smoothed bound of student and teacher where they share one space of weights, and why there is none."""
    if "teacher" not in models or "student" not in models:
        return None, []
    if setting.task != "classification":
        return None, ["a squared error has no largest value: there is no bound, no rho* and no rho0"]
    student, teacher = (weights_of(models[party]) for party in ("student", "teacher"))
    if not same_space(student, teacher) or not student:
        counts = [sum(w.size for w in each.values()) for each in (student, teacher)]
        return None, [
            f"student ({counts[0]:,} parameters) and teacher ({counts[1]:,}) share no space of weights: there is no "
            "distance, no rho* and no rho0"
        ]
    chain = chain_of(models["student"])
    notes = [] if chain else ["the hidden units were left in the order they are in: the distance may be too large"]
    apart = distance(aligned(student, teacher, chain) if chain else student, teacher)
    both, _ = objectives_of(models, setting, Loss("brier"), samples)
    return smoothed(both["student"], both["teacher"], apart, RADII), notes


def _task(run: Run) -> str:
    return run.setting.get("task", "classification")


def _data(setting: Setting, loss: Loss) -> TransferSet:
    """The training samples that the loss can use."""
    return setting.train if loss.kind == "kd" else setting.train.subset(setting.train.labelled)
