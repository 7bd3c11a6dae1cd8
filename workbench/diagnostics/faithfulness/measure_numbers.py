"""What the score does when an attribution is put to the test: replaced places, nudged inputs, shuffled weights.

How it is measured: a few samples at a time, so that stopping keeps what is done; see ``faithfulness``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.attribution.measure_attributors import attribute, in_parts
from workbench.diagnostics.attribution.measure_baselines import SPATIAL
from workbench.diagnostics.attribution.measure_maps import PORTION, case_of, placed
from workbench.diagnostics.attribution.measure_plan import LOCAL, Plan
from workbench.diagnostics.attribution.measure_scores import Case, Scored
from workbench.diagnostics.attribution.measure_similarity import spearman
from workbench.diagnostics.attribution.measure_source import Source
from workbench.maths.randomness import kept
from workbench.models.copies import copied
from workbench.models.layers import executed_layers
from workbench.records.wording import plural

SHARES = np.linspace(0, 1, 11)
PERTURBATIONS, REPLACED = 16, 0.3
NUDGES, NUDGE = 5, 0.02
MOST_LAYERS = 8


def measured(source: Source, data: TransferSet, plan: Plan, tell: Callable[[float, str], object]) -> dict[str, Any]:
    """Everything that ``faithfulness`` summarises, for a source's student."""
    found: list[dict[str, Any]] = []
    guide = source.models["teacher"] if plan.teacher == "joint" else None
    scored = Scored(source.models["student"], plan.score, plan.temperature, guide)
    try:
        for batch in data.batches(PORTION):
            case = case_of(source.models["teacher"], batch, source.pool, plan, source.form)
            maps = attribute(scored, case, plan).maps
            found.append(
                {
                    "curves": curves(scored, case, maps, plan),
                    "infidelity": infidelity(scored, case, maps, plan),
                    "sensitivity": sensitivity(scored, case, plan),
                    "dependence": dependence(scored, case, maps, plan),
                    "ids": batch.ids.cpu().numpy(),
                }
            )
            done = sum(len(each["ids"]) for each in found)
            tell(done / len(data), f"{done} of {plural(len(data), 'sample')} tested")
    except (KeyboardInterrupt, StopIteration):
        if not found:
            raise
    layers = found[0]["dependence"]
    return {
        "shares": SHARES,
        "curves": np.concatenate([each["curves"] for each in found], axis=2),
        "dependence": {name: np.concatenate([each["dependence"][name] for each in found]) for name in layers},
        **{name: np.concatenate([each[name] for each in found]) for name in ("infidelity", "sensitivity", "ids")},
    }


def curves(scored: Scored, case: Case, maps: Tensor, plan: Plan) -> np.ndarray:
    """(4, S, B) scores while places are replaced: deletion and insertion by the map, then both in a random order."""
    places = placed(maps, case.form).flatten(1)
    generator = torch.Generator().manual_seed(plan.seed)
    by_map = places.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    by_chance = torch.rand(places.shape, generator=generator).argsort(dim=1)
    found = torch.zeros(4, len(SHARES), len(places))
    with torch.no_grad():
        for at, share in enumerate(SHARES):
            for row, ranks in ((0, by_map), (2, by_chance)):
                chosen = spread(ranks < round(share * places.shape[1]), case)
                for turn, (inside, outside) in enumerate(
                    ((case.starts[0], case.inputs), (case.inputs, case.starts[0]))
                ):
                    mixed = torch.where(chosen, inside, outside)
                    found[row + turn, at] = in_parts(scored, mixed, case.asked, plan.rows)
    return found.double().numpy()


def spread(places: Tensor, case: Case) -> Tensor:
    """(B, P) one value per place -> like the inputs, the same for all channels."""
    axes = SPATIAL.get(case.form, 0)
    if not axes:
        return places.view_as(case.inputs)
    channels = [1] * (case.inputs.ndim - 1 - axes)
    return places.view(len(places), *channels, *case.inputs.shape[-axes:]).expand_as(case.inputs)


def infidelity(scored: Scored, case: Case, maps: Tensor, plan: Plan) -> np.ndarray:
    """(B, 2) mean squared error of the map for sets of replaced places, and mean squared change of the score."""
    from captum import metrics

    start, count = case.starts[0], placed(maps, case.form)[0].numel()
    at_once = len(maps) * min(PERTURBATIONS, max(1, plan.rows // len(maps)))

    def replaced(inputs: Tensor, baselines: Tensor) -> tuple[Tensor, Tensor]:
        chosen = (torch.rand(len(inputs), count) < REPLACED).to(inputs)
        taken = spread(chosen, replace(case, inputs=inputs))
        perturbed = inputs - taken * (inputs - baselines)
        return (taken * (inputs - baselines) if plan.attributor in LOCAL else taken), perturbed

    columns = []
    for shown in (maps, torch.zeros_like(maps)):
        with kept():
            torch.manual_seed(plan.seed)
            given = {"additional_forward_args": tuple(case.asked), "n_perturb_samples": PERTURBATIONS}
            error = metrics.infidelity(
                scored, replaced, case.inputs, shown, start, max_examples_per_batch=at_once, **given
            )
        columns.append(error.detach())
    return torch.stack(columns, 1).double().numpy()


def sensitivity(scored: Scored, case: Case, plan: Plan) -> np.ndarray:
    """(B,) largest relative change of the map under a few nudges within 2 % of the range of the inputs."""
    from captum import metrics

    radius = NUDGE * float(case.inputs.max() - case.inputs.min())
    with kept():
        torch.manual_seed(plan.seed)
        found = metrics.sensitivity_max(
            lambda inputs: (attribute(scored, replace(case, inputs=inputs[0].detach()), plan).maps,),  # tuple to tuple
            case.inputs,
            perturb_radius=radius,
            n_perturb_samples=NUDGES,
            max_examples_per_batch=len(case.inputs),
        )
    return found.double().numpy()


def dependence(scored: Scored, case: Case, maps: Tensor, plan: Plan) -> dict[str, np.ndarray]:
    """By layer from the top: rank correlation (B,) of the sizes with those after all layers down to it were shuffled."""
    shuffled = copied(scored)
    generator = torch.Generator().manual_seed(plan.seed)
    layers = [
        name for name in reversed(executed_layers(scored.model, case.inputs[:1])) if _has_weights(scored.model, name)
    ]
    shown = {layers[k] for k in np.linspace(0, len(layers) - 1, min(MOST_LAYERS, len(layers))).round().astype(int)}
    before, found = placed(maps, case.form).numpy(), {}
    for name in layers:
        _shuffle(shuffled.model.get_submodule(name), generator)
        if name in shown:
            after = attribute(shuffled, case, plan).maps
            found[name] = spearman(before, placed(after, case.form).numpy())
    return found


def _has_weights(model: nn.Module, name: str) -> bool:
    return any(True for _ in model.get_submodule(name).parameters(recurse=False))


def _shuffle(layer: nn.Module, generator: torch.Generator) -> None:
    """Every parameter keeps its numbers, in another order, so that nothing dies or explodes."""
    with torch.no_grad():
        for weights in layer.parameters(recurse=False):
            order = torch.randperm(weights.numel(), generator=generator)
            weights.copy_(weights.flatten()[order].view_as(weights))
