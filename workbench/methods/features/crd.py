"""Recognise the teacher's view of a sample among many others: a contrast, not a distance.

Both penultimate features are projected to unit vectors. A memory bank keeps a slowly moving vector of every sample for
either side; the student's vector must fit the teacher's of the same sample better than those of samples of other classes,
and the other way round. The teacher's features are detached; besides the student both projections are learnt.

Formula:
    L = mean_b CE(s_b, y_b) + weight * mean_b ( NCE(v_s, bank_t) + NCE(v_t, bank_s) )
    NCE(v, bank) = -log( P(b) / (P(b) + K/N) ) - sum over K negatives n of log( (K/N) / (P(n) + K/N) )
    P(i) = exp(v . bank_i / temperature) / Z,   Z: N times the mean of the first batch's exponentials, then fixed.
    after the step: bank_i <- momentum * bank_i + (1 - momentum) * v, at length 1.

Faithful to: Tian, Krishnan and Isola, ICLR 2020, Eqs. 17 to 19, and the authors' code; negatives of other classes.
Departs from it: in the first epoch only samples already seen are negatives; where there are fewer than K, all are taken
once instead of some repeatedly; negatives are drawn without repetition, the same for all samples of one class in a step;
a sample without a label takes all others as negatives.
Cost: memory for two vectors of every sample, 2 N width numbers, and in a step for 2 B N scores.
Setting: digits. On it we expect: the student's contrast falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.methods.method import Method
from workbench.methods.parts.bank import MemoryBank
from workbench.methods.parts.layers import example_traces, penultimate_pair
from workbench.methods.parts.memory import SMALLER_BATCHES, refuse_larger
from workbench.methods.ranges import Layer, Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace

EPSILON = 1e-7


def normaliser(exponentials: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """An estimate of the constant that turns exponentials into probabilities over N samples, ().

    Args:
        exponentials: (B, N) positive scores.
        positives: (B,) column of each row's partner.
        negatives: (B, N) boolean.

    Returns:
        N times the mean over partners and negatives.
    """
    used = negatives.scatter(1, positives[:, None], value=True)
    return (exponentials * used).sum() / used.sum() * exponentials.shape[1]


def nce(probabilities: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Noise-contrastive loss of telling the partner from negatives that are drawn uniformly from N samples, (B,).

    Args:
        probabilities: (B, N) unnormalised model probabilities of every sample being the partner.
        positives: (B,) column of each row's partner.
        negatives: (B, N) boolean, which samples were drawn; a row without any costs nothing.
    """
    count = negatives.sum(1, keepdim=True).to(probabilities)
    noise = count / probabilities.shape[1]
    own = probabilities.gather(1, positives[:, None])
    found = -torch.log(own / (own + noise + EPSILON)).squeeze(1)
    floor = noise.clamp(min=1 / probabilities.shape[1])
    refused = -torch.log(floor / (probabilities + floor + EPSILON))
    return found + (refused * negatives).sum(1)


class CRD(Method):
    """Contrastive representation distillation.

    Args:
        weight: Weight of both contrasts; 0.8 in the paper.
        temperature: Of the scores; 0.07 in the authors' code.
        negatives: At most so many for each sample, K; 16,384 in the paper.
        momentum: Of the bank; 0.5 in the authors' code.
        width: Of the projected vectors; 128 in the paper. Read when the method is built.
        guided: Student feature; None is the input of its classifier.
        hint: Teacher feature; None is the input of its classifier.

    Terms: ``labels``, ``student_contrast`` and ``teacher_contrast``, (B,) each.

    Example:
        >>> CRD(negatives=100).config()["negatives"]
        100
    """

    citation = Citation("Contrastive Representation Distillation", "Tian, Krishnan, Isola", "ICLR", 2020, "1910.10699")
    evidence = Evidence(
        "code",
        "HobbitLong/RepDistiller (authors), crd/criterion.py at 1fb2343fb5a61b37bedacac7630f07e3077d49cd, crd/memory.py "
        "at 97c4c00b511b6a625870ddfe969cfe0e14539c3b, dataset/cifar100.py",
        "samples without a label",
    )
    progress = Progress("student_contrast")
    terms = ("labels", "student_contrast", "teacher_contrast")
    reads = Reads("the penultimate features of both models, (B, ...)", student=("features",), partner=("features",))
    learns = Learns("student_projection and teacher_projection", between=("student_projection", "teacher_projection"))
    cost = "low"
    relates_samples = True
    reads_outputs = False
    aliases = ("contrastive",)

    def __init__(
        self,
        weight: Weight = 0.8,
        temperature: Annotated[float, Range(0.03, 1.0, 0.01)] = 0.07,
        negatives: Annotated[int, Range(1, 65536, 1)] = 16384,
        momentum: Annotated[float, Range(0.0, 0.99, 0.01)] = 0.5,
        width: Annotated[int, Range(2, 1024, 1)] = 128,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.temperature, self.negatives = weight, temperature, negatives
        self.momentum, self.width, self.guided, self.hint = momentum, width, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the projections and the bank."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = penultimate_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        self.student_projection = nn.Linear(student[mine].flatten(1).shape[1], self.width).to(student[mine])
        self.teacher_projection = nn.Linear(teacher[theirs].flatten(1).shape[1], self.width).to(teacher[theirs])
        self.bank = MemoryBank(facts.samples, self.width).to(student[mine])
        self.register_buffer("normalisers", student[mine].new_zeros(2))
        self._seen: tuple[Tensor, ...] = ()

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and both contrasts; the bank moves after the step."""
        table = 2, len(batch.ids), len(self.bank.ids)
        refuse_larger("scores of the bank's vectors", table, self.bank.student, f"{SMALLER_BATCHES}, or fewer samples")
        rows = self.bank.rows(batch.ids, batch.labels)
        drawn = self.bank.negatives(rows, self.negatives)
        mine = _unit(self.student_projection, student[self.student_layers[0]])
        theirs = _unit(self.teacher_projection, teacher[self.teacher_layers[0]].detach())
        scores = (mine @ self.bank.teacher.T, theirs @ self.bank.student.T)
        exponentials = [(score / self.temperature).exp() for score in scores]
        pairs = list(zip(exponentials, self.normalisers, strict=True))
        fixed = [z if z > 0 else normaliser(e.detach(), rows, drawn) for e, z in pairs]
        self._seen = (rows, mine.detach(), theirs.detach(), *fixed)
        contrasts = [self.weight * nce(e / z, rows, drawn) for e, z in zip(exponentials, fixed, strict=True)]
        labels = self.label_loss(student, batch)
        return {"labels": labels, "student_contrast": contrasts[0], "teacher_contrast": contrasts[1]}

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """The bank moves towards what was seen; the first step fixes the normalisers."""
        rows, mine, theirs, *fixed = self._seen
        self.normalisers.copy_(self.normalisers.new_tensor([float(z) for z in fixed]))
        self.bank.move(rows, mine, theirs, self.momentum)


def _unit(projection: nn.Module, features: Tensor) -> Tensor:
    return F.normalize(projection(features.flatten(1)), dim=1)
