"""The directions that the components of an interaction tensor have in a model's layer, and what lies along them.

A tensor keeps the samples' scores s = (Phi - mean) u along its components, and not the directions u. They are found again
from the features Phi of the same samples, by least squares with nothing left over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.attribution.measure_attributors import TOLERANCE, attribute
from workbench.diagnostics.attribution.measure_layers import Along, direction_relevance
from workbench.diagnostics.attribution.measure_maps import PORTION, case_of, placed
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_scores import Case, Scored
from workbench.diagnostics.attribution.measure_source import Source
from workbench.diagnostics.interaction.measure_assembly import TEACHER
from workbench.diagnostics.interaction.measure_components import chunks_of
from workbench.models.layers import penultimate_of

if TYPE_CHECKING:
    from workbench.diagnostics.interaction.measure import Interaction

CLOSE, NOTHING = 0.01, 1e-6
"""Standard deviations by which scores may differ from those of the tensor; singular values that are rounding noise."""


@dataclass(frozen=True)
class Directions:
    """The components of one model.

    Attributes:
        model: its name in the tensor.
        net: the model itself.
        layer: whose features these are.
        rows: (K, D) directions, orthonormal.
        centre: (D,) what the tensor subtracted.
        features: (K,) of each.
        signs: (K,) how each is turned.
    """

    model: str
    net: nn.Module
    layer: str
    rows: Tensor
    centre: Tensor
    features: np.ndarray
    signs: np.ndarray

    @classmethod
    def of(cls, found: Interaction, model: str, source: Source, layer: str | None) -> Self:
        """Find them again from the features of the tensor's samples.

        Raises:
            KeyError: the tensor has no such model.
            ValueError: the tensor is of other samples, of another model or layer, or of no principal components.
        """
        if model not in found.models:
            raise KeyError(f"the tensor has no model {model!r}; it has {', '.join(found.models)}")
        if (basis := found.construction.get("basis", "principal")) != "principal":
            raise ValueError(
                f"a tensor of {basis} directions has none that are orthonormal; make one of principal components"
            )
        place, test = found.models.index(model), source.setting.test
        if not np.array_equal(test.ids.cpu().numpy(), found.ids):
            raise ValueError("the tensor is of other samples than the test samples of this run")
        teacher = found.group_names[found.group[place]] == TEACHER
        net = source.models["teacher" if teacher else "student"]
        layer = layer or penultimate_of(net)
        mine = np.flatnonzero(found.owner == place)
        mine = mine[np.argsort(found.rank[mine])]
        scores = found.scores[mine].astype(np.float64)
        features = np.concatenate(list(chunks_of(net, test, layer)())).astype(np.float64)
        centred = bool((np.abs(scores.mean(1)) <= CLOSE * scores.std(1)).all())
        centre = features.mean(0) * centred
        rows = np.linalg.lstsq(features - centre, scores.T, rcond=NOTHING)[0].T
        if (np.abs(rows @ (features - centre).T - scores) > CLOSE * scores.std(1, keepdims=True)).any():
            raise ValueError(
                f"the scores of {model!r} in the tensor are not those of {layer!r} of this run: give the run it is of, and the "
                f"layer if it is another one"
            )
        as_net = {"dtype": torch.float32}
        turned = np.where(found.sign[mine] == 0, 1.0, found.sign[mine]).astype(np.float64)
        directions = torch.tensor(rows, **as_net), torch.tensor(centre, **as_net)
        return cls(model, net, layer, *directions, found.feature[mine], turned)

    def measured(self, source: Source, data: TransferSet, plan: Plan, feature: int) -> dict[str, Any]:
        """All that ``feature_maps`` summarises.

        Raises:
            ValueError: the model does not have the feature.
        """
        along = Along(self.net, self.layer, self.direction(feature), self.centre)
        scored, parts, gaps = Scored(self.net, plan.score, plan.temperature), [], []
        for batch in data.batches(PORTION):
            case = case_of(source.models["teacher"], batch, source.pool, plan, source.form)
            found = attribute(along, case, plan)
            parts.append(
                (placed(found.maps, case.form), found.values, self._carried(scored, case, plan), case.asked.labels)
            )
            gaps.append(found.gaps)
        maps, values, carried, labels = (torch.cat(each).detach().cpu().numpy() for each in zip(*parts, strict=True))
        missed = int((torch.cat(gaps) > TOLERANCE).sum())
        return {
            "maps": maps,
            "along": values,
            "features": self.features,
            "carried": carried,
            "plan": plan,
            "feature": feature,
            "model": self.model,
            "layer": self.layer,
            "inputs": data.in_memory().inputs.detach().cpu().float().numpy(),
            "ids": data.ids.cpu().numpy(),
            "labels": labels,
            "class_names": tuple(map(str, source.setting.class_names)),
            "warnings": (f"the sums of {missed} maps miss what they explain by more than 1 %",) if missed else (),
        }

    def direction(self, feature: int) -> Tensor:
        """(D,) of length 1: the components of a feature, turned alike.

        Raises:
            ValueError: the model has none of them.
        """
        mine = self.features == feature
        if not mine.any():
            known = ", ".join(map(str, np.unique(self.features[self.features >= 0]).tolist()))
            raise ValueError(f"{self.model!r} does not have feature {feature}; it has {known}")
        added = (self.rows[mine] * torch.tensor(self.signs[mine], dtype=self.rows.dtype)[:, None]).sum(0)
        return added / added.norm()

    def _carried(self, scored: Scored, case: Case, plan: Plan) -> Tensor:
        """(B, K + 1) what each component carries of the score's gain, and what none of them does."""
        found = []
        for start in case.starts:
            one = replace(case, starts=start[None])
            with torch.no_grad():
                gained = scored(case.inputs, *case.asked) - scored(start, *case.asked)
            parts = direction_relevance(scored, one, self.layer, self.rows, steps=plan.steps)
            found.append(torch.cat([parts, (gained - parts.sum(1))[:, None]], 1))
        return torch.stack(found).mean(0)
