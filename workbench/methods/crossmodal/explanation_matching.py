"""Be right for the teacher's reasons: match the answers and what in the input speaks for them.

Two nets can say the same and look elsewhere. Grad-CAM shows which positions speak for a class; for the class the
teacher picks, the student's map is to point where the teacher's points. The map is made of gradients, so learning it
takes gradients of gradients. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = label_weight * mean_b CE(s_b, y_b) + soft_weight * T^2 * mean_b KL( softmax(t_b / T) || softmax(s_b / T) )
        + weight * mean_b ( 1 - cos( M_s,b , M_t,b ) )
    M = max( sum_k F_k * mean_i( d z_c / d F_ki ), 0 ),  c: the class the teacher picks;  F: last maps (B, K, H, W);  z: logits.

Faithful to: Parchami-Araghi et al., ECCV 2024, the loss with Grad-CAM of conventional nets, and the authors' code.
Departs from it: where the sizes differ, the larger map is averaged to the smaller instead of both being enlarged to the image;
in a net without maps, (B, D), what speaks for the class is told unit by unit.
Cost: 1 to 3 times a step of ``kd``: gradients of gradients from the classifier down to the layer that is explained.
Setting: digits. On it we expect: the explanations come closer than those of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.maths.maps import as_maps, to_common_size
from workbench.methods.method import Method
from workbench.methods.parts.floating import floating
from workbench.methods.parts.layers import example_traces, last_stage_pair
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class ExplanationMatching(Method):
    """Explanation-enhanced distillation.

    Args:
        weight: Weight of the explanations; 1 by default in the authors' code, 1, 5 and 10 in their runs.
        soft_weight: Weight of the soft targets; 1 in the authors' code.
        temperature: Of the soft targets; 1 by default in the authors' code, 1 and 5 in their runs.
        label_weight: Weight of the labels; 0 in the authors' runs.
        guided: Student layer; None is the last stage.
        hint: Teacher layer; None is the last stage.

    Terms: ``labels``, ``soft`` and ``explanations``, (B,) each; a sample without a label takes part in the latter two.

    Example:
        >>> ExplanationMatching(weight=10.0).config()["weight"]
        10.0
    """

    citation = Citation(
        "Good Teachers Explain: Explanation-Enhanced Knowledge Distillation",
        "Parchami-Araghi, Boehle, Rao, Schiele",
        "ECCV",
        2024,
        "2402.03119",
    )
    evidence = Evidence(
        "code",
        "m-parchami/GoodTeachersExplain (authors), bcos/distillation_methods/TeachersExplain.py at "
        "bb58a19e61d7be3c2d585cdd8e0cbf704c378d3c and bcos/experiments/ImageNet/final_live/experiment_parameters.py",
        "nets without maps",
    )
    progress = Progress("explanations")
    terms = ("labels", "soft", "explanations")
    reads = Reads(
        "one layer of each model, (B, C, H, W), (B, L, D) or (B, D), logits, and gradients between them."
        " The teacher's inputs must be one floating-point tensor.",
        student=("layers", "logits"),
        partner=("layers", "logits"),
    )
    cost = "low"
    aliases = ("e2kd", "explanation_enhanced")
    teacher_input_gradient = True

    def __init__(
        self,
        weight: Weight = 1.0,
        soft_weight: Weight = 1.0,
        temperature: Temperature = 1.0,
        label_weight: Weight = 0.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.soft_weight, self.temperature = weight, soft_weight, temperature
        self.label_weight, self.guided, self.hint = label_weight, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Names the two layers, and looks for them."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """The same, but gradients are kept from the teacher's inputs on: its explanations are made of them.

        Raises:
            TypeError: the teacher's inputs are not one floating-point tensor.
        """
        seen = floating(batch.for_teacher, f"{self.name} takes gradients with respect to")
        return batch.but(teacher_inputs=seen.detach().clone().requires_grad_())

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels, the soft targets and the explanations."""
        told, picked = teacher.logits.detach(), teacher.logits.argmax(1)[:, None]
        mine, theirs = (
            grad_cam(side.logits.gather(1, picked).squeeze(1), side.features[layers[0]], differentiable=side is student)
            for side, layers in ((student, self.student_layers), (teacher, self.teacher_layers))
        )
        soft = forward_kl(student.logits, told, self.temperature)
        return {
            "labels": self.label_weight * self.label_loss(student, batch),
            "soft": self.soft_weight * self.temperature**2 * soft,
            "explanations": self.weight * unlikeness(mine, theirs.detach()),
        }


def grad_cam(scores: Tensor, features: Tensor, *, differentiable: bool) -> Tensor:
    """What speaks for the scores, position by position, (B, 1, H, W), at least 0 (Selvaraju et al., ICCV 2017, Eqs. 1, 2).

    Each channel is weighted with the mean slope of the score over positions. Of vectors each unit is a position, weighted
    with its own slope.

    Args:
        scores: (B,), each computed from its own row of the features.
        features: (B, C, H, W), (B, L, D) or (B, D), part of the graph of the scores.
        differentiable: True keeps the graph, for gradients of the result.

    Raises:
        ValueError: the scores were not computed from these features with gradients on.
    """
    slopes = None
    if features.requires_grad and scores.requires_grad:
        slopes = torch.autograd.grad(
            scores.sum(), features, create_graph=differentiable, retain_graph=True, allow_unused=True
        )[0]
    if slopes is None:
        raise ValueError(
            f"no gradient leads from the outputs to the feature of shape {tuple(features.shape)} that is to be explained; "
            "name a layer between inputs and outputs that is not overwritten in place"
        )
    maps, steepness = as_maps(features), as_maps(slopes)
    if features.dim() == 2:
        return (steepness * maps).relu().transpose(1, 2)
    return (steepness.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).relu()


def unlikeness(student: Tensor, teacher: Tensor) -> Tensor:
    """1 minus the cosine of two explanations, (B, 1, H, W) each -> (B,); the larger is averaged to the smaller first."""
    mine, theirs = to_common_size(student, teacher)
    return 1 - F.cosine_similarity(mine.flatten(1), theirs.flatten(1))
