"""Which parts of an input make a number of a model what it is? Captum's attributors behind one call.

How it is measured: integrated gradients follow the straight path from a baseline to the input; saliency takes the
gradient at the input, and smooth_grad its mean over noisy copies; deep_lift compares activations with those at the
baseline; occlusion and feature_ablation put patches of the baseline in, and kernel_shap does so with random sets of
columns, fairly shared.
Formula: completeness: ``sum A = F(x) - F(baseline)`` for integrated_gradients, deep_lift and kernel_shap. Where the sum
misses by more than 1 %, the path is walked again in twice as many steps, up to 256.
Reading it: A has the unit of F; positive parts raise it.
When it misleads: gradients at the input vanish where F is flat; saliency then shows noise. Occlusion sees one patch at
a time, so what is there twice is worth nothing. The random sets of kernel_shap leave noise where columns work together.
After: Sundararajan et al. 2017; Erion et al. 2021 (sampled baselines); Smilkov et al. 2017; Shrikumar et al. 2017;
Zeiler and Fergus 2014; Lundberg and Lee 2017; through captum. deep_lift explains divergences with the mean gradient
between the two logits as weights, which is ours and keeps the sum complete.
Cost: steps x B forward and backward passes; 0.6 s for 64 images and 32 steps on a small ConvNet and one core.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from workbench.diagnostics.attribution.measure_patches import ablation, kernel_shap, occlusion
from workbench.diagnostics.attribution.measure_plan import LOCAL, Plan
from workbench.diagnostics.attribution.measure_scores import Asked, Case, Scored
from workbench.maths.randomness import kept
from workbench.models.copies import copied
from workbench.models.tracing import call, tensor_of

TOLERANCE, MOST_STEPS = 0.01, 256
COMPLETE = ("integrated_gradients", "deep_lift", "kernel_shap")
GRADIENT = ("integrated_gradients", "saliency", "smooth_grad", "deep_lift")
NOISE = 0.1


@dataclass(frozen=True)
class Attributed:
    """What an attributor found for B samples.

    Attributes:
        maps: like the inputs.
        values: (B,) the score at the inputs.
        references: (B,) the score at the baselines (their mean where there are several).
        gaps: (B,) how far the sum of a map is from the difference of the two, as a share of it (or of its median, if
            that is larger); NaN where the attributor promises no sum.
        steps: (B,) of the path; 0 where there is none.
    """

    maps: Tensor
    values: Tensor
    references: Tensor
    gaps: Tensor
    steps: Tensor


def attribute(scored: Scored, case: Case, plan: Plan) -> Attributed:
    """Trace the score back to the inputs; attributions are averaged over the baselines.

    Args:
        scored: a model in evaluation mode, and its score.
        case: the samples.
        plan: says how.

    Raises:
        ValueError: the attributor does not fit these samples or this model; the message says what does.
    """
    if plan.attributor in GRADIENT:
        _check_gradient(scored, case)
    with torch.no_grad():
        values = in_parts(scored, case.inputs, case.asked, plan.rows)
        references = torch.stack([in_parts(scored, start, case.asked, plan.rows) for start in case.starts])
    steps = torch.zeros(len(values), dtype=torch.int64)
    if plan.attributor == "integrated_gradients":
        maps, steps = _integrated(scored, case, plan, values - references)
    else:
        with kept():
            torch.manual_seed(plan.seed)
            way, starts = WAYS[plan.attributor], case.starts[:1] if plan.attributor in LOCAL else case.starts
            maps = torch.stack([way(scored, case, start, plan) for start in starts]).mean(0).detach().to(case.inputs)
    references = references.mean(0)
    gaps = _gaps(maps, values - references) if plan.attributor in COMPLETE else torch.full_like(values, torch.nan)
    if plan.attributor == "deep_lift" and bool((gaps > TOLERANCE).any()):
        raise ValueError(
            f"deep_lift misses the score of {type(scored.model).__name__} by up to {float(gaps.max()):.0%}: it needs nets "
            f"of standard modules without max pooling (captum's rule for it is wrong where an activation equals its "
            f"baseline, its issue 1276), each used once per pass; integrated_gradients works for any net"
        )
    return Attributed(maps, values, references, gaps, steps)


def in_parts(scored: Scored, inputs: Tensor, asked: Asked, rows: int) -> Tensor:
    """The score of many inputs, (B,), at most so many rows at a time."""
    parts = [slice(at, at + rows) for at in range(0, len(inputs), rows)]
    return torch.cat([scored(inputs[part], *asked.rows(part)) for part in parts])


def _check_gradient(scored: Scored, case: Case) -> None:
    first = case.rows(slice(1))
    with torch.enable_grad():
        found = scored(first.inputs.detach().requires_grad_(), *first.asked)
    if not found.requires_grad:
        raise ValueError(
            f"no gradient passes through {type(scored.model).__name__}; occlusion, feature_ablation and kernel_shap "
            f"need none"
        )


def _gaps(maps: Tensor, difference: Tensor) -> Tensor:
    size = torch.maximum(difference.abs(), difference.abs().median())
    return (maps.flatten(1).sum(1) - difference).abs() / size.clamp_min(torch.finfo(size.dtype).tiny)


def _integrated(scored: Scored, case: Case, plan: Plan, differences: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over the baselines; rows whose sum is not complete are walked again in twice as many steps."""
    from captum.attr import IntegratedGradients

    tool, inputs = IntegratedGradients(scored), case.inputs
    total, most = torch.zeros_like(inputs), torch.full((len(inputs),), plan.steps)
    for start, difference in zip(case.starts, differences, strict=True):
        maps, steps, rows = torch.zeros_like(inputs), plan.steps, torch.arange(len(inputs))
        while len(rows):
            most[rows] = most[rows].clamp_min(steps)
            maps[rows] = tool.attribute(
                inputs[rows],
                start[rows],
                additional_forward_args=tuple(case.asked.rows(rows)),
                n_steps=steps,
                internal_batch_size=max(plan.rows, len(rows)),
            ).detach()
            missed = _gaps(maps, difference)[rows] > TOLERANCE
            rows, steps = (rows[missed], 2 * steps) if 2 * steps <= MOST_STEPS else (rows[:0], steps)
        total += maps / len(case.starts)
    return total, most


def _saliency(scored: Scored, case: Case, start: Tensor, plan: Plan) -> Tensor:
    from captum.attr import Saliency

    return Saliency(scored).attribute(watched(case.inputs), abs=False, additional_forward_args=tuple(case.asked))


def _smooth_grad(scored: Scored, case: Case, start: Tensor, plan: Plan) -> Tensor:
    from captum.attr import NoiseTunnel, Saliency

    return NoiseTunnel(Saliency(scored)).attribute(
        watched(case.inputs),
        nt_type="smoothgrad",
        nt_samples=plan.steps,
        nt_samples_batch_size=max(1, plan.rows // len(case.inputs)),
        stdevs=NOISE * float(case.inputs.max() - case.inputs.min()),
        abs=False,
        additional_forward_args=tuple(case.asked),
    )


def _deep_lift(scored: Scored, case: Case, start: Tensor, plan: Plan) -> Tensor:
    from captum.attr import DeepLift, IntegratedGradients

    with torch.no_grad():
        here, there = (tensor_of(call(scored.model, each), "the model") for each in (case.inputs, start))
    head = IntegratedGradients(
        lambda logits, *asked: scored.score(logits, Asked(*asked), scored.temperature), multiply_by_inputs=False
    )
    weights = head.attribute(here, there, additional_forward_args=tuple(case.asked), n_steps=MOST_STEPS).detach()
    tool = DeepLift(_Weighted(out_of_place(scored.model)).eval())
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Setting forward, backward hooks")  # it takes them off again
            return tool.attribute(watched(case.inputs), start, additional_forward_args=(weights,))
    except RuntimeError as error:
        raise ValueError(
            f"deep_lift does not fit {type(scored.model).__name__}: it needs nets of standard modules, each used once "
            f"per pass; integrated_gradients works for any net"
        ) from error


def watched(inputs: Tensor) -> Tensor:
    """A copy that gathers gradients."""
    return inputs.detach().clone().requires_grad_()


class _Weighted(nn.Module):
    """A weighted sum of a model's logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """(B,)."""
        return (tensor_of(call(self.model, inputs), "the model") * weights).sum(1)


Module = TypeVar("Module", bound=nn.Module)


def out_of_place(module: Module) -> Module:
    """A copy in which nothing overwrites what a hook has seen."""
    made = copied(module)
    for part in made.modules():
        if getattr(part, "inplace", False):
            part.inplace = False
    return made


WAYS: dict[str, Callable[..., Tensor]] = {
    "saliency": _saliency,
    "smooth_grad": _smooth_grad,
    "deep_lift": _deep_lift,
    "occlusion": occlusion,
    "feature_ablation": ablation,
    "kernel_shap": kernel_shap,
}
