"""Attribution maps of several models for the same samples, collected before they are compared.

How it is measured: every model is asked the same question about the same samples, from the same baselines, in parts of
a few samples, so that stopping keeps what is done.
Cost: one attribution per model, and a few forward passes for the divergence that is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.attribution.measure_attributors import attribute
from workbench.diagnostics.attribution.measure_baselines import SPATIAL, baselines
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_scores import PARTS, Case, Scored, asked
from workbench.maths.decoupling import target_classes
from workbench.models.tracing import call, tensor_of
from workbench.records.batch import Batch
from workbench.records.wording import plural

Tell = Callable[[float, str], object]
PORTION = 16
"""Samples that are explained at a time."""
PER_PARTY = ("maps", "values", "references", "gaps", "steps", "divergence")


@dataclass(frozen=True)
class Maps:
    """What was found for N samples, by party: ``teacher``, ``student`` and others.

    Attributes:
        maps: (N, ...) per party; channels are added up, columns and places are kept.
        values: (N,) the score at the inputs.
        references: (N,) at the baselines.
        gaps: (N,) what the sums of the maps miss of the difference, as a share of it.
        steps: (N,) of the path.
        divergence: (N, 2, 2) both parts of T^2 KL (the label against the rest, and the rest among itself), each at
            the baselines and at the inputs.
        part_maps: (N, 2, ...) the student's maps of these parts where ``kd_match`` was explained; empty otherwise.
        inputs: (N, ...) as they came, before any normalisation.
        teacher_logits: (N, C).
        labels: (N,) the classes they were explained for.
        ids: (N,).
        asked_for: samples that were to be explained; more than N if it was stopped.
    """

    maps: Mapping[str, np.ndarray]
    values: Mapping[str, np.ndarray]
    references: Mapping[str, np.ndarray]
    gaps: Mapping[str, np.ndarray]
    steps: Mapping[str, np.ndarray]
    divergence: Mapping[str, np.ndarray]
    part_maps: np.ndarray
    inputs: np.ndarray
    teacher_logits: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    asked_for: int


def form_of(data: TransferSet, look: str) -> str:
    """Whether samples are explained as an ``image``, a ``series`` or a ``table``.

    Raises:
        ValueError: texts, or inputs of several tensors; the message says what works.
    """
    shown = data.batch(torch.arange(1)).student_inputs
    if look == "text" or not isinstance(shown, Tensor) or not shown.is_floating_point():
        raise ValueError(
            "tokens have no places between them and a baseline, so texts are not explained; images, spectrograms, "
            "series, points and tables are. For token ids (B, L), layer_integrated_gradients at the embedding works"
        )
    if data.teacher_inputs is not None:
        raise ValueError("student and teacher see different inputs here, so their maps cannot be compared")
    if shown.ndim == 4 or (look == "image" and shown.ndim == 3):
        return "image"
    return "series" if look == "series" else "table"


def collected(
    models: Mapping[str, nn.Module], data: TransferSet, pool: Tensor, plan: Plan, look: str, tell: Tell | None = None
) -> Maps:
    """Explain every model on every sample.

    Args:
        models: by party, in evaluation mode, ``teacher`` and ``student`` among them.
        data: the samples.
        pool: (M, ...) training inputs, for the baselines.
        plan: what is explained, and how.
        look: of the samples.
        tell: called with the share done in [0, 1] and a message; ``StopIteration`` from it, or an interrupt, ends it with the
            samples that are done.

    Raises:
        ValueError: these samples or this model cannot be explained so; the message says what works.
    """
    form, portions = form_of(data, look), []
    try:
        for batch in data.batches(PORTION):
            portions.append(_portion(models, batch, pool, plan, form))
            done = min(len(portions) * PORTION, len(data))
            if tell is not None:
                tell(done / len(data), f"{done} of {plural(len(data), 'sample')} explained")
    except (KeyboardInterrupt, StopIteration):
        if not portions:
            raise
    joined = _joined(portions)
    inputs = data.in_memory().inputs[: len(joined["ids"])].detach().cpu().float().numpy()
    return Maps(**joined, inputs=inputs, asked_for=len(data))


def case_of(teacher: nn.Module, batch: Batch, pool: Tensor, plan: Plan, form: str) -> Case:
    """A few samples with what the teacher says of them and their baselines; unlabelled ones take the teacher's class."""
    inputs = batch.student_inputs.detach()
    with torch.no_grad():
        teacher_logits = tensor_of(call(teacher, inputs), "the teacher")
    known = asked(teacher_logits, target_classes(batch.labels, teacher_logits), plan.pair)
    return Case(inputs, known, baselines(inputs, plan, form, pool), form)


def _portion(models: Mapping[str, nn.Module], batch: Batch, pool: Tensor, plan: Plan, form: str) -> dict[str, Any]:
    case = case_of(models["teacher"], batch, pool, plan, form)
    joint = models["teacher"] if plan.teacher == "joint" else None
    explained = {
        name: _explained(model, None if name == "teacher" else joint, case, plan) for name, model in models.items()
    }
    found: dict[str, Any] = {what: {name: each[what] for name, each in explained.items()} for what in PER_PARTY}
    if plan.score == "kd_match":
        found["part_maps"], found["maps"]["student"] = _split(models["student"], joint, case, plan)
    else:
        found["part_maps"] = torch.zeros(len(case.inputs), 0)
    return found | {"teacher_logits": case.asked.teacher_logits, "labels": case.asked.labels, "ids": batch.ids}


def _explained(model: nn.Module, guide: nn.Module | None, case: Case, plan: Plan) -> dict[str, Tensor]:
    """One party: its map with its numbers, and both parts of the divergence."""
    scored = Scored(model, plan.score, plan.temperature, guide)
    found = attribute(scored, case, plan)
    ends = [_ends(Scored(model, name, plan.temperature, guide), case) for name in PARTS]
    rest = {what: getattr(found, what) for what in ("values", "references", "gaps", "steps")}
    return {"maps": placed(found.maps, case.form), "divergence": -torch.stack(ends, 1), **rest}


def _split(model: nn.Module, guide: nn.Module | None, case: Case, plan: Plan) -> tuple[Tensor, Tensor]:
    """The maps of both parts, (B, 2, ...), and their sum, which is the map of the whole: attributors are linear."""
    both = [attribute(Scored(model, name, plan.temperature, guide), case, plan) for name in PARTS]
    maps = torch.stack([placed(each.maps, case.form) for each in both], 1)
    return maps, maps.sum(1)


def _ends(scored: Scored, case: Case) -> Tensor:
    """(B, 2) the score at the baselines and at the inputs."""
    with torch.no_grad():
        at_baseline = torch.stack([scored(start, *case.asked) for start in case.starts]).mean(0)
        return torch.stack([at_baseline, scored(case.inputs, *case.asked)], 1)


def placed(maps: Tensor, form: str) -> Tensor:
    """(B, ...) with one number per place or column: channels are added up."""
    places = SPATIAL.get(form, 0)
    if not places:
        return maps.flatten(1)
    return maps.flatten(1, -places - 1).sum(1) if maps.ndim > places + 1 else maps


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], Mapping):
        return {name: _joined([part[name] for part in parts]) for name in parts[0]}
    return torch.cat(parts).cpu().numpy()
