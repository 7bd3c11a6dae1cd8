"""First learn to see like the teacher up to its middle, then learn its answers.

A deep thin student is hard to train from the end alone. In the first stage its guided layer, through a learnt adapter,
predicts the teacher's hint layer; what lies above does not move. The second stage is distillation of the whole student,
with a weight of the soft targets that decays. The teacher is detached; besides the student the adapter is learnt.

Formula:
    stage hint:    L = hint_weight * mean_b mean_i ( r(F_s)_bi - F_t,bi )^2
    stage distill: L = mean_b CE(s_b, y_b) + w * mean_b KL( softmax(t_b / T) || softmax(s_b / T) )
    F_s, F_t: guided and hint features;  r: adapter;  s, t: logits (B, C);  w: from soft_weight to final_soft_weight.

Faithful to: Romero et al., ICLR 2015, Eqs. 2 to 4 and Algorithm 1.
Departs from it: the hint loss is a weight times the mean over the i of a feature, as in the benchmark of Tian et al.,
instead of half the sum, so that one learning rate serves any layer; the soft term is a KL instead of a cross-entropy (a constant apart); the weight decays over the whole second stage;
the adapter has no nonlinearity.
Setting: digits. On it we expect: the hint loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.methods.parts.adapters import adapter
from workbench.methods.parts.layers import example_traces, middle
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.tracing import stages_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class FitNets(Method):
    """Hints, then soft targets.

    Args:
        hint_share: Share of the run spent on the hint; 30 of 240 epochs in the benchmark of Tian et al. 2020.
        hint_weight: Weight of the hint; 100 in that benchmark, which is too much for nets without batch norm.
        temperature: Softens both distributions; 3 in the authors' recipe.
        soft_weight: Weight of the soft term when the second stage begins; 4 in the authors' recipe.
        final_soft_weight: Its weight at the end; 1 in the authors' recipe.
        guided: Student layer; None is the middle stage.
        hint: Teacher layer; None is the middle stage.

    Terms: ``hint`` in the first stage; ``labels`` and ``soft`` in the second, (B,) each.

    Example:
        >>> [(plan.name, plan.share) for plan in FitNets(hint_share=0.25).stages(Facts(100, 10, 1000, 10))]
        [('hint', 0.25), ('distill', 0.75)]
    """

    citation = Citation(
        "FitNets: Hints for Thin Deep Nets",
        "Romero, Ballas, Kahou, Chassang, Gatta, Bengio",
        "ICLR",
        2015,
        "1412.6550",
    )
    evidence = Evidence(
        "code",
        "adri-romsor/FitNets (authors), costs/HintCost.py at c3d390579cc0bf9710db9edf54e23b423872f578, costs/KDCost.py "
        "and yaml/cifar100_fitnet19_all.yaml",
        "share of the first stage",
    )
    progress = Progress("hint")
    terms = ("hint", "labels", "soft")
    reads = Reads(
        "one layer of each model, (B, ...), and logits", student=("layers", "logits"), partner=("layers", "logits")
    )
    learns = Learns("adapter from the guided layer to the hint", between=("adapter",))
    cost = "low"
    aliases = ("fitnet", "hints")

    def __init__(
        self,
        hint_share: Annotated[float, Range(0.05, 0.95, 0.05)] = 0.125,
        hint_weight: Annotated[float, Range(0.0, 1000.0, 1.0)] = 10.0,
        temperature: Temperature = 3.0,
        soft_weight: Weight = 4.0,
        final_soft_weight: Weight = 1.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.hint_share, self.hint_weight, self.temperature = hint_share, hint_weight, temperature
        self.soft_weight, self.final_soft_weight = soft_weight, final_soft_weight
        self.guided, self.hint = guided, hint
        self._decayed = 0.0

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Names the two layers and makes the adapter between them."""
        super().build(student_model, teacher_model, example, facts)
        self.student_layers = (self.guided or middle(stages_of(student_model)),)
        self.teacher_layers = (self.hint or middle(stages_of(teacher_model)),)
        layers = self.student_layers, self.teacher_layers
        student, teacher = example_traces(student_model, teacher_model, layers, example)
        self.adapter = adapter(student[layers[0][0]], teacher[layers[1][0]])

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """Hint, then distillation."""
        return StagePlan("hint", self.hint_share), StagePlan("distill", 1 - self.hint_share)

    def schedule(self, progress: float) -> None:
        """The share of the second stage that is done."""
        self._decayed = max(progress - self.hint_share, 0.0) / (1 - self.hint_share)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The terms of the stage."""
        if self.stage == "hint":
            predicted = self.adapter(student[self.student_layers[0]])
            error = predicted - teacher[self.teacher_layers[0]].detach()
            return {"hint": self.hint_weight * error.square().flatten(1).mean(1)}
        weight = self.soft_weight + self._decayed * (self.final_soft_weight - self.soft_weight)
        soft = forward_kl(student.logits, teacher.logits.detach(), self.temperature)
        return {"labels": self.label_loss(student, batch), "soft": weight * soft}
