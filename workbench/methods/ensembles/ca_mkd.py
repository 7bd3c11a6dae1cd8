"""Believe the teachers that are right: each sample weighs them by their loss on its label, for answers and for features.

The student's feature, mapped into a teacher's space, passes through that teacher's own classifier; how well it does there
weighs how closely that teacher's features are followed. The teachers are detached; besides the student the further teachers
and one adapter for each teacher are learnt.

Formula:
    L = mean_b CE(s_b, y_b) + soft_weight / K * T^2 * mean_b sum_k w_kb KL( softmax(t_kb / T) || softmax(s_b / T) )
        + feature_weight / K * mean_b sum_k v_kb mean_d ( r_k(f_b) - f_kb )_d^2
    w_kb = ( 1 - softmax_k(CE(t_kb, y_b)) ) / (K - 1),   v_kb likewise from CE(classifier_k(r_k(f_b)), y_b)
    s, f: student logits (B, C) and penultimate features, t_k, f_k: of teacher k of K;  r_k: adapter;  y: labels (B,).

Faithful to: Zhang et al., ICASSP 2022, Eqs. 2 to 7, and the authors' code, which divides both sums by K.
Departs from it: features are the inputs of the classifiers instead of the last maps; the feature term starts at once, not
in the second epoch. A sample without a label weighs all teachers alike.
Cost: some 4 times the training of ``kd``: two further teachers are trained, and every step asks three.
Setting: digits. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.parts.layers import example_traces, penultimate_pair
from workbench.methods.parts.several import SeveralTeachers, Share, Teachers
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.blocks import BatchNorm1d
from workbench.models.tracing import penultimate_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Reads
from workbench.records.trace import Trace


class CAMKD(SeveralTeachers):
    """Confidence-aware teachers; one's own, of the setting's design, are given with ``CAMKD().joined_by(net, other_net)``.

    Args:
        teachers: How many there are, the setting's among them; 3 in the authors' code. Read when the method is built.
        teacher_share: Steps of each further one, as a share of the student's; 1.
        temperature: Softens what is matched, not the weights; 4 in the authors' code.
        soft_weight: Weight of the answers; 1 in the authors' code.
        feature_weight: Weight of the features; 50 in the authors' code.
        guided: Student feature; None is the input of its classifier.
        hint: Input of the teachers' linear classifier; None is the last one.

    Terms: ``labels`` of each further teacher; ``labels``, ``soft`` and ``features`` of the student, (B,) each.

    Example:
        >>> CAMKD(teachers=2).config()["feature_weight"]
        50.0
    """

    citation = Citation(
        "Confidence-Aware Multi-Teacher Knowledge Distillation", "Zhang, Chen, Wang", "ICASSP", 2022, "2201.00007"
    )
    evidence = Evidence(
        "code",
        "Rorozhl/CA-MKD (authors), scripts/run.sh, distiller_zoo/CAMKD.py, models/util.py and helper/loops.py at "
        "acc8c2b14d805f76143cf56b7c5af88b28d1dde8",
        "budget of the teachers; samples without a label",
    )
    terms = ("labels", "soft", "features")
    reads = Reads(
        "logits, penultimate features and classifiers of all teachers",
        student=("features", "logits"),
        partner=("features", "logits"),
    )
    learns = Learns("adapters, one for each teacher, and teacher_2 and so on, nets of their own", between=("adapters",))
    cost = "high"
    aliases = ("confidence_aware",)

    def __init__(
        self,
        teachers: Teachers = 3,
        teacher_share: Share = 1.0,
        temperature: Temperature = 4.0,
        soft_weight: Weight = 1.0,
        feature_weight: Annotated[float, Range(0.0, 1000.0, 1.0)] = 50.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__(teachers, teacher_share, temperature, soft_weight)
        self.feature_weight, self.guided, self.hint = feature_weight, guided, hint
        self._classifiers: dict[int, nn.Linear] = {}

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Names the features and makes the adapters; a further teacher, which nobody teaches, needs none.

        Raises:
            ValueError: a layer is missing, or the hint is not the input of a linear classifier.
        """
        super().build(student_model, teacher_model, example, facts)
        if teacher_model is None:
            self.student_layers, self.teacher_layers = (self.hint or penultimate_of(student_model),), ()
            return
        layers = penultimate_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (layers[0],), (layers[1],)
        student, teacher = example_traces(student_model, teacher_model, (layers[:1], layers[1:]), example)
        mine, theirs = student[layers[0]].flatten(1), teacher[layers[1]].flatten(1)
        made = [_adapter(mine.shape[1], theirs.shape[1]) for _ in range(self.teachers)]
        self.adapters = nn.ModuleList(made).to(mine)
        self._classifiers[0] = _classifier(teacher_model, layers[1])

    def further(self, index: int) -> nn.Module:
        """A further teacher, whose classifier is remembered."""
        made = super().further(index)
        self._classifiers[index + 1] = _classifier(made, self.hint or penultimate_of(made))
        return made

    def match_all(self, student: Trace, teachers: tuple[Trace, ...], batch: Batch) -> dict[str, Tensor]:
        """The answers and the features."""
        divergences = torch.stack([forward_kl(student.logits, t.logits, self.temperature) for t in teachers])
        soft = (self._trust([t.logits for t in teachers], batch) * divergences).mean(0)
        own = student[self.student_layers[0]].flatten(1)
        mapped = [self.adapters[k](own) for k in range(len(teachers))]
        judged = [_frozen(self._classifiers[k], feature) for k, feature in enumerate(mapped)]
        pairs = zip(mapped, teachers, strict=True)
        gaps = [(m - t[self.teacher_layers[0]].detach().flatten(1)).square().mean(1) for m, t in pairs]
        features = (self._trust(judged, batch) * torch.stack(gaps)).mean(0)
        return {
            "soft": self.soft_weight * self.temperature**2 * soft,
            "features": self.feature_weight * features,
        }

    def _trust(self, logits: list[Tensor], batch: Batch) -> Tensor:
        """The weights of K predictors, (K, B)."""
        losses = torch.stack([self.label_loss(Trace(one), batch) for one in logits])
        return (1 - torch.softmax(losses, 0)) / (len(logits) - 1)


def _adapter(mine: int, theirs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(mine, theirs), BatchNorm1d(theirs), nn.ReLU())


def _classifier(model: nn.Module, layer: str) -> nn.Linear:
    found = model.get_submodule(layer.removesuffix(":input"))
    if layer.endswith(":input") and isinstance(found, nn.Linear):
        return found
    raise ValueError(
        f"ca_mkd needs the input of a linear classifier as its hint, such as 'fc:input'; {layer!r} is not one"
    )


def _frozen(classifier: nn.Linear, features: Tensor) -> Tensor:
    bias = None if classifier.bias is None else classifier.bias.detach()
    return F.linear(features, classifier.weight.detach(), bias)
