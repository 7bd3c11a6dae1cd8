"""The student grows branches while it learns; their gated ensemble is the teacher, made on the fly.

All branches share the lower layers and differ from one stage upwards. A gate weighs their logits for each sample; the
ensemble learns from the labels and teaches every branch. The ensemble is detached where it teaches; only the first branch,
which is the student, is deployed. No teacher is needed.

Formula:
    L = sum_k mean_b CE(s_kb, y_b) + mean_b CE(e_b, y_b) + soft_weight * T^2 * sum_k mean_b KL( softmax(e_b / T) || softmax(s_kb / T) )
    e_b = sum_k g_kb s_kb,   g = softmax(gate(what enters the branches))
    s_k: logits of branch k, (B, C);  y: labels (B,);  T: temperature.

Faithful to: Lan, Zhu and Gong, NeurIPS 2018, Eqs. 3 to 7.
Departs from it: the gate is a linear layer with batch norm and ReLU under its softmax, as in the code of Chen et al. 2020,
whose ramp of the soft term is left out.
Cost: with m branches the layers above the fork are run m times; more than 3 times labels only where most of the net is.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.methods.parts.branches import Branch, Carrying
from workbench.methods.parts.layers import example_traces
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.blocks import BatchNorm1d
from workbench.models.tracing import stages_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class OnTheFlyEnsemble(Method):
    """Branches taught by their own gated ensemble.

    Args:
        branches: How many there are, the student's among them; 3 in the paper. Read when the method is built.
        temperature: Softens both distributions; 3 in the paper.
        soft_weight: Weight of the ensemble's answers; 1 in the paper.
        guided: The lowest layer that branches do not share; None is the last stage.

    Terms: ``labels``, added up over all branches and the ensemble, and ``ensemble``, over all branches, (B,) each.

    Example:
        >>> OnTheFlyEnsemble().config()["branches"]
        3
    """

    citation = Citation(
        "Knowledge Distillation by On-the-Fly Native Ensemble", "Lan, Zhu, Gong", "NeurIPS", 2018, "1806.04606"
    )
    evidence = Evidence(
        "code",
        "DefangChen/OKDDip (not the authors), models/model_cifar/resnet_one.py, train_one.py at "
        "c052f5b82ee47ed39e08a7e62ee545f5d983fcba",
        "that the teaching ensemble is detached",
    )
    progress = Progress("labels")
    terms = ("labels", "ensemble")
    reads = Reads("the logits of all branches")
    learns = Learns("the further branches and the gate, carried by the student until it is deployed")
    partner = "further branches of the same net"
    cost = "low"
    aliases = ("one", "native_ensemble")
    reads_teacher = False

    def __init__(
        self,
        branches: Annotated[int, Range(2, 8, 1)] = 3,
        temperature: Temperature = 3.0,
        soft_weight: Weight = 1.0,
        guided: Layer = None,
    ) -> None:
        super().__init__()
        self.branches, self.temperature, self.soft_weight, self.guided = branches, temperature, soft_weight, guided

    def prepare(self, student: nn.Module) -> nn.Module:
        """A student that can carry branches."""
        return Carrying(student)

    def deployed(self, student: nn.Module) -> nn.Module:
        """The first branch."""
        return student.inner

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Grows the branches and the gate."""
        super().build(student_model, teacher_model, example, facts)
        inner, inputs = student_model.inner, example.student_inputs
        stage = self.guided or stages_of(inner)[-1]
        entry = f"{stage}:input"
        feature = example_traces(inner, inner, ((entry,), ()), example)[0][entry]
        parts: list[nn.Module] = [_gate(feature, self.branches)]
        parts += [Branch(inner, stage, inputs) for _ in range(self.branches - 1)]
        self.student_layers = student_model.carry(parts, (entry,) * len(parts))

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage without a teacher."""
        return (StagePlan(teacher=None),)

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The labels and the ensemble."""
        gate, *further = (student[layer] for layer in self.student_layers)
        said = torch.stack([student.logits, *further])
        ensemble = (torch.softmax(gate, 1).T[:, :, None] * said).sum(0)
        labels = torch.stack([self.label_loss(Trace(one), batch) for one in (*said, ensemble)]).sum(0)
        soft = torch.stack([forward_kl(one, ensemble.detach(), self.temperature) for one in said]).sum(0)
        return {"labels": labels, "ensemble": self.soft_weight * self.temperature**2 * soft}


def _gate(feature: Tensor, branches: int) -> nn.Module:
    pool: nn.Module = nn.AdaptiveAvgPool2d(1) if feature.dim() == 4 else nn.Identity()
    width = feature.shape[1] if feature.dim() == 4 else feature[0].numel()
    return nn.Sequential(pool, nn.Flatten(), nn.Linear(width, branches), BatchNorm1d(branches), nn.ReLU())
