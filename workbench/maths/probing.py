"""What can be learnt from one step about the terms of a loss: lengths and angles of gradients, softness, scales."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

CLOSE = 1e-3
"""How far the sum of a row may be from 1 and the row still be taken for probabilities."""
COLDEST, HOTTEST, EXACT = 2.0**-8, 2.0**8, 1e-3
"""Range of temperatures that are tried, and how exactly one is found, as a share of it."""


def gradient_gram(terms: Sequence[Tensor], parameters: Sequence[Tensor]) -> Tensor:
    """Inner products of the gradients of K scalar terms in some parameters, (K, K); their graph is kept.

    A term, or a parameter, that does not take part counts as zero. No ``.grad`` is written.
    """
    found = [
        torch.autograd.grad(term, parameters, retain_graph=True, allow_unused=True)
        if term.requires_grad
        else (None,) * len(parameters)
        for term in terms
    ]
    gram = torch.zeros(len(terms), len(terms), device=parameters[0].device)
    for parameter, gradients in zip(parameters, zip(*found, strict=True), strict=True):
        if any(gradient is not None for gradient in gradients):
            zero = torch.zeros_like(parameter)
            rows = torch.stack([zero if g is None else g for g in gradients]).flatten(1).float()
            gram += rows @ rows.T
    return gram


def logit_scale(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Median over rows of the teacher's standard deviation over classes, divided by the student's; (N, C) twice -> ()."""
    return (teacher_logits.std(-1, correction=0) / student_logits.std(-1, correction=0)).median()


def effective_temperature(student_logits: Tensor, teacher_logits: Tensor) -> float:
    """The temperature at which the teacher's mean entropy is that of the student at temperature 1.

    It is unique, since entropy grows with temperature; a student whose logits are the teacher's divided by ``tau`` (plus
    anything constant in a row) has ``tau``. Found by Newton's steps in its logarithm, halving where one leads astray.

    Args:
        student_logits: (N, C).
        teacher_logits: (N, C).

    Returns:
        NaN where no temperature between 1/256 and 256 does it.
    """
    wanted, _ = _softness(student_logits)
    low, high = math.log(COLDEST), math.log(HOTTEST)
    guess = float(logit_scale(student_logits, teacher_logits).log())
    at = guess if low < guess < high else 0.0
    while high - low > EXACT:
        softness, slope = _softness(teacher_logits / math.exp(at))
        gap = wanted - softness
        if abs(gap) < EXACT * slope:
            return math.exp(at)
        low, high = (at, high) if gap > 0 else (low, at)
        ahead = at + gap / slope if slope > 0 else high
        at = ahead if low < ahead < high else (low + high) / 2
    edge = high > math.log(HOTTEST) - EXACT or low < math.log(COLDEST) + EXACT
    return float("nan") if edge else math.exp(at)


def _softness(logits: Tensor) -> tuple[float, float]:
    """Mean entropy in nats, and its slope in the logarithm of the temperature: the mean variance of log p under p."""
    log_probabilities = F.log_softmax(logits, -1)
    weighted = log_probabilities.exp() * log_probabilities
    means = weighted.sum(-1)
    spread = (weighted * log_probabilities).sum(-1) - means.square()
    entropy, slope = torch.stack((-means, spread)).mean(1).tolist()
    return entropy, slope


def share_of_probabilities(outputs: Tensor) -> float:
    """Share of rows that are distributions: nothing below 0, sum 1; (N, C) -> a number in [0, 1]."""
    return float(((outputs.min(-1).values >= 0) & ((outputs.sum(-1) - 1).abs() < CLOSE)).float().mean())


def share_of_log_probabilities(outputs: Tensor) -> float:
    """Share of rows that are logarithms of distributions: logsumexp 0; (N, C) -> a number in [0, 1]."""
    return float((outputs.logsumexp(-1).abs() < CLOSE).float().mean())


def relabelled(confusion: Tensor) -> tuple[float, float, int]:
    """Share of samples whose label is met, as the classes are and after renaming them one to one; and their number.

    The names are found greedily: the fullest cell pairs its two classes, then the fullest of what is left. That finds
    any renaming that is clear, and never promises more than the best one.

    Args:
        confusion: (C, C) counts, rows by label.
    """
    left, total, met = confusion.double().clone(), float(confusion.sum()), 0.0
    for _ in range(len(left)):
        row, column = divmod(int(left.argmax()), len(left))
        met += float(left[row, column])
        left[row], left[:, column] = -1, -1
    right = float(confusion.diagonal().sum())
    return right / total, max(met, right) / total, int(total)


def length_and_cosines(gram: Tensor, names: Sequence[str]) -> tuple[dict[str, float], dict[tuple[str, str], float]]:
    """Lengths by name, and cosines by pair of names where neither length is 0, from inner products (K, K).

    A gradient that is not a number is infinitely long, and at no angle to any other.
    """
    table = gram.double().tolist()
    lengths = {name: table[k][k] ** 0.5 if table[k][k] >= 0 else math.inf for k, name in enumerate(names)}
    cosines = {
        (a, b): min(1.0, max(-1.0, table[i][j] / (lengths[a] * lengths[b])))
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i < j and 0 < lengths[a] * lengths[b] < math.inf
    }
    return lengths, cosines


def power_of_temperature(gradients: Mapping[float, Tensor]) -> float:
    """The power of the temperature with which a gradient grows, from gradients at two temperatures; NaN if one is 0."""
    (low, first), (high, second) = sorted(gradients.items())
    lengths = float(first.norm()), float(second.norm())
    if min(lengths) == 0:
        return float("nan")
    return math.log(lengths[1] / lengths[0]) / math.log(high / low)
