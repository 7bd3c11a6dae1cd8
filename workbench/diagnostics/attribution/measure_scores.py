"""What about a model's answer is explained? Seven numbers F(x) that say how a student meets its teacher.

How it is measured: F is one number per sample, a function of the explained model's logits z at x, of the teacher's
logits for the same sample, and of the sample's label y. The teacher's logits are kept as they are for the sample
(frozen): asking the teacher anew at every point of a path would mix what two models see. ``Scored`` with a ``guide``
does ask it anew, and says so.

Formula: q = softmax(teacher / T), p = softmax(z / T), q' and p' the same without the label and renormalised.
    dark_logit        = sum_{k != y} q'_k z_k
    dark_contrast     = dark_logit - z_y
    kd_match          = -T^2 KL(q || p)
    nckd_match        = -KL(q' || p')
    tckd_match        = -KL((q_y, 1 - q_y) || (p_y, 1 - p_y))
    teacher_dark_mass = 1 - softmax_y(z / T), of the explained model itself
    pair              = log p_j - log p_k
    Exactly: kd_match = T^2 tckd_match + T^2 (1 - q_y) nckd_match.

Reading it: F is a score, higher is closer to the teacher (or more of what is named).
When it misleads: the three divergences are flat where student and teacher already agree: their gradients vanish there
and ``dark_logit`` is the one to use. With two classes there is one other class, so ``nckd_match`` is always 0.
After: the split is Zhao et al. 2022 (DKD), Eq. 6; the scores as things to attribute are ours.
Cost: nothing beside the forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.decoupling import decoupled_kl
from workbench.maths.divergences import forward_kl
from workbench.models.tracing import call, tensor_of

ABOUT = {
    "nckd_match": "what makes it fit the teacher's other classes",
    "kd_match": "what makes it fit the teacher",
    "tckd_match": "what makes it fit the teacher's trust in the label",
    "dark_logit": "evidence for the teacher's other classes",
    "dark_contrast": "the teacher's other classes against the label",
    "teacher_dark_mass": "what it gives to the other classes itself",
    "pair": "why one class rather than another",
}


class Asked(NamedTuple):
    """What a score needs to know beside the logits, a row per sample.

    Attributes:
        teacher_logits: (B, C), frozen.
        labels: (B,) classes.
        pair: (B, 2) classes j and k of ``pair``.
    """

    teacher_logits: Tensor
    labels: Tensor
    pair: Tensor

    def rows(self, rows: slice | Tensor) -> Asked:
        """Some of the samples."""
        return Asked(*(part[rows] for part in self))


@dataclass(frozen=True)
class Case:
    """B samples ready to be explained.

    Attributes:
        inputs: (B, ...), as the model sees them.
        asked: what the scores need to know of them.
        starts: (K, B, ...) baselines.
        form: ``image``, ``series`` or ``table``.
    """

    inputs: Tensor
    asked: Asked
    starts: Tensor
    form: str = "table"

    def rows(self, rows: slice | Tensor) -> Case:
        """Some of the samples."""
        return Case(self.inputs[rows], self.asked.rows(rows), self.starts[:, rows], self.form)


Score = Callable[[Tensor, Asked, float], Tensor]
"""From logits (B, C) to one number per sample, (B,), at a temperature."""


def asked(teacher_logits: Tensor, labels: Tensor, pair: tuple[int, int] | None = None) -> Asked:
    """What the scores need; without a pair, each sample's own: the teacher's first other class against the label."""
    if pair is None:
        both = torch.stack([dark_classes(teacher_logits, labels), labels], 1)
    else:
        both = torch.tensor(pair).expand(len(labels), 2)
    return Asked(teacher_logits.detach(), labels, both)


def dark_classes(teacher_logits: Tensor, labels: Tensor) -> Tensor:
    """(B,) the class that the teacher finds most likely beside the label."""
    return _without(teacher_logits, labels).argmax(1)


def dark_probabilities(teacher_logits: Tensor, labels: Tensor, temperature: float = 1.0) -> Tensor:
    """(B, C) the teacher's softened probabilities without the label, renormalised; 0 at the label."""
    return F.softmax(_without(teacher_logits / temperature, labels), 1)


def _without(logits: Tensor, labels: Tensor) -> Tensor:
    """The label's column at the lowest finite number: -inf would make gradients NaN."""
    return logits.scatter(1, labels[:, None], torch.finfo(logits.dtype).min)


def _dark_logit(logits: Tensor, asked: Asked, temperature: float) -> Tensor:
    return (dark_probabilities(asked.teacher_logits, asked.labels, temperature) * logits).sum(1)


def _dark_contrast(logits: Tensor, asked: Asked, temperature: float) -> Tensor:
    return _dark_logit(logits, asked, temperature) - _at(logits, asked.labels)


def _kd_match(logits: Tensor, asked: Asked, temperature: float) -> Tensor:
    return -(temperature**2) * forward_kl(logits, asked.teacher_logits, temperature)


def _nckd_match(logits: Tensor, asked: Asked, temperature: float) -> Tensor:
    return -decoupled_kl(logits, asked.teacher_logits, asked.labels, temperature)[1]


def _tckd_match(logits: Tensor, asked: Asked, temperature: float) -> Tensor:
    return -decoupled_kl(logits, asked.teacher_logits, asked.labels, temperature)[0]


def _dark_mass(logits: Tensor, asked: Asked, temperature: float) -> Tensor:
    return 1 - _at(F.softmax(logits / temperature, 1), asked.labels)


def _pair(logits: Tensor, asked: Asked, temperature: float) -> Tensor:
    log_probabilities = F.log_softmax(logits / temperature, 1)
    return _at(log_probabilities, asked.pair[:, 0]) - _at(log_probabilities, asked.pair[:, 1])


def _target_part(logits: Tensor, asked: Asked, temperature: float) -> Tensor:
    return temperature**2 * _tckd_match(logits, asked, temperature)


def _rest_part(logits: Tensor, asked: Asked, temperature: float) -> Tensor:
    others = 1 - _at(F.softmax(asked.teacher_logits / temperature, 1), asked.labels)
    return temperature**2 * others * _nckd_match(logits, asked, temperature)


def _at(values: Tensor, classes: Tensor) -> Tensor:
    return values.gather(1, classes[:, None])[:, 0]


SCORES: dict[str, Score] = {
    "nckd_match": _nckd_match,
    "kd_match": _kd_match,
    "tckd_match": _tckd_match,
    "dark_logit": _dark_logit,
    "dark_contrast": _dark_contrast,
    "teacher_dark_mass": _dark_mass,
    "pair": _pair,
}
PARTS: dict[str, Score] = {"target": _target_part, "rest": _rest_part}
"""The two summands of ``kd_match``: the label against the rest, and the rest among itself with its weight."""


class Scored(nn.Module):
    """A model followed by one number per sample, so that anything that explains a scalar can explain it.

    Args:
        model: gives logits (B, C).
        score: a name in ``SCORES`` or ``PARTS``.
        temperature: softens both.
        guide: a teacher that is asked anew at every input instead of the frozen logits, so that both are explained
            jointly; None keeps them frozen.

    Raises:
        KeyError: there is no such score; the message lists them.
    """

    def __init__(self, model: nn.Module, score: str, temperature: float = 1.0, guide: nn.Module | None = None) -> None:
        super().__init__()
        known = SCORES | PARTS
        if score not in known:
            raise KeyError(f"no score {score!r}; there are {', '.join(SCORES)}")
        self.model, self.guide, self.name, self.temperature = model, guide, score, temperature
        self.score = known[score]

    def forward(self, inputs: Tensor, teacher_logits: Tensor, labels: Tensor, pair: Tensor) -> Tensor:
        """(B, ...) inputs and what is ``Asked`` of them -> (B,)."""
        if self.guide is not None:
            teacher_logits = tensor_of(call(self.guide, inputs), "the teacher")
        logits = tensor_of(call(self.model, inputs), "the model")
        return self.score(logits, Asked(teacher_logits, labels, pair), self.temperature)
