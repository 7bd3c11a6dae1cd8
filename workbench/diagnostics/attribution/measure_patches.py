"""What does a score lose when parts of the input are replaced by the baseline? Attributors that need no gradient.

How it is measured: images and series go patch by patch, about seven along each axis, and columns one by one.
After: Zeiler and Fergus 2014; Lundberg and Lee 2017 (Shapley values by weighted regression); through captum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.diagnostics.attribution.measure_baselines import SPATIAL
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_scores import Case, Scored

COLUMNS, COALITIONS = 64, 20
PATCHES = 7  # along each axis


def occlusion(scored: Scored, case: Case, start: Tensor, plan: Plan) -> Tensor:
    """A window of the baseline slides over the sample: what the score loses, averaged where windows overlap."""
    from captum.attr import Occlusion

    places = SPATIAL.get(case.form, 0)
    window = [max(2, -(-size // PATCHES)) if places else 1 for size in case.inputs.shape[-(places or 1) :]]
    rest = case.inputs.shape[1 : case.inputs.ndim - len(window)]
    stride = (*rest, *(max(1, size // 2) for size in window))
    return Occlusion(scored).attribute(
        case.inputs,
        (*rest, *window),
        stride,
        start,
        additional_forward_args=tuple(case.asked),
        perturbations_per_eval=max(1, plan.rows // len(case.inputs)),
    )


def ablation(scored: Scored, case: Case, start: Tensor, plan: Plan) -> Tensor:
    """Each patch, or column, is replaced by the baseline in turn: what the score loses."""
    from captum.attr import FeatureAblation

    return FeatureAblation(scored).attribute(
        case.inputs,
        start,
        additional_forward_args=tuple(case.asked),
        feature_mask=patches(case.inputs.shape[1:], case.form)[None],
        perturbations_per_eval=max(1, plan.rows // len(case.inputs)),
    )


def kernel_shap(scored: Scored, case: Case, start: Tensor, plan: Plan) -> Tensor:
    """Shapley values of the columns, from random sets of them.

    Raises:
        ValueError: more columns than random sets can tell apart, or one.
    """
    from captum.attr import KernelShap

    columns = case.inputs[0].numel()
    if columns > COLUMNS or columns < 2:
        raise ValueError(f"kernel_shap is for tables of 2 to {COLUMNS} columns, not {columns} numbers per sample")
    tool, found = KernelShap(scored), torch.zeros_like(case.inputs)
    for at in range(len(case.inputs)):  # one at a time, as captum asks: each sample has a regression of its own
        row = slice(at, at + 1)
        found[row] = tool.attribute(
            case.inputs[row],
            start[row],
            additional_forward_args=tuple(case.asked.rows(row)),
            n_samples=COALITIONS * columns,
            perturbations_per_eval=plan.rows,
        )
    return found


def patches(shape: torch.Size, form: str) -> Tensor:
    """The number of the patch that each part of a sample belongs to, like one sample; columns are their own."""
    places = SPATIAL.get(form, 0)
    if not places:
        return torch.arange(shape.numel()).reshape(shape)
    found = torch.zeros(shape[-places:], dtype=torch.int64)
    for axis, size in enumerate(shape[-places:]):
        along = torch.arange(size) // max(1, -(-size // PATCHES))
        found = found * (int(along.max()) + 1) + along.view([-1 if each == axis else 1 for each in range(places)])
    return found.expand(shape)
