"""The teacher's classifier in a student's service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.maps import as_maps, averaged
from workbench.models.layers import evaluating
from workbench.models.tracing import Tracer, penultimate_of, stages_of
from workbench.records.trace import Trace

if TYPE_CHECKING:
    from workbench.records.batch import Inputs


def classifier_of(model: nn.Module, features: Tensor, trace: Trace) -> tuple[Tensor, Tensor]:
    """Copies of the weight (C, D) and bias (C,) that turn features into the model's outputs.

    Args:
        model: ends with an ``nn.Linear``.
        features: (B, D), (B, L, D) or (B, D, H, W), averaged over positions before they are classified.
        trace: of the same samples.

    Raises:
        ValueError: the model's last linear layer does not make its outputs from these features.
    """
    name = penultimate_of(model).removesuffix(":input")
    layer = model.get_submodule(name)
    weight = layer.weight.detach().clone()
    bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach().clone()
    vectors = as_maps(features).mean((2, 3))
    fits = vectors.shape[1] == weight.shape[1] and trace.outputs.shape == (len(vectors), len(weight))
    if not fits or not torch.allclose(F.linear(vectors, weight, bias), trace.outputs, rtol=1e-3, atol=1e-4):
        raise ValueError(
            f"the classifier to be reused is {name!r}, but {type(model).__name__}'s outputs are not what it makes of the "
            f"hint, {tuple(features.shape)}; name what enters it with hint='{name}:input'"
        )
    return weight, bias


def before_pooling(model: nn.Module, inputs: Inputs, named: str | None) -> str:
    """The named layer; else the last stage, if its average over positions is what enters the classifier; else that.

    Raises:
        ValueError: no layer is named and the model has no stages or no linear classifier; the message lists its layers.
    """
    if named:
        return named
    stage, entry = stages_of(model)[-1], penultimate_of(model)
    with evaluating(model), torch.no_grad():
        trace = Tracer(model, (stage, entry))(inputs)
    pooled = as_maps(trace[stage]).mean((2, 3))
    same = pooled.shape == trace[entry].shape and torch.allclose(pooled, trace[entry], rtol=1e-3, atol=1e-4)
    return stage if same else entry


class Reusing(nn.Module):
    """A student's body, a projector, and the teacher's classifier.

    Args:
        student: the whole student; what its own classifier says is not used.
        layer: the student's feature that is projected.
        projector: from maps of the student's channels to maps of the teacher's.
        size: height and width the feature is averaged to first.
        classifier: weight (C, D) and bias (C,) of the teacher's; they do not learn.
    """

    def __init__(
        self,
        student: nn.Module,
        layer: str,
        projector: nn.Module,
        size: tuple[int, int],
        classifier: tuple[Tensor, Tensor],
    ) -> None:
        super().__init__()
        self.student, self.layer, self.projector, self.size = student, layer, projector, size
        self.classifier_weight, self.classifier_bias = (nn.Parameter(p, requires_grad=False) for p in classifier)

    @property
    def extra_parameters(self) -> int:
        """Numbers it holds beyond the student itself."""
        return sum(p.numel() for p in self.parameters()) - sum(p.numel() for p in self.student.parameters())

    def forward(self, *inputs: Any, **named: Any) -> Tensor:
        """The teacher's classifier on the projected features, (B, C)."""
        given = named or (inputs[0] if len(inputs) == 1 else inputs)
        features = Tracer(self.student, (self.layer,))(given)[self.layer]
        projected = self.projector(averaged(as_maps(features), self.size))
        return F.linear(projected.mean((2, 3)), self.classifier_weight, self.classifier_bias)

    def extra_repr(self) -> str:
        """What it adds."""
        return f"layer={self.layer!r}, extra_parameters={self.extra_parameters:,}"
