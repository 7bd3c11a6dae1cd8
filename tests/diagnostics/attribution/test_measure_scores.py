"""The scores against slow literal code, and the exact split of the divergence."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from workbench.diagnostics.attribution.measure_scores import (
    ABOUT,
    PARTS,
    SCORES,
    Asked,
    Scored,
    asked,
    dark_probabilities,
)

WARM = 2.5


@pytest.fixture
def drawn() -> tuple[Tensor, Asked]:
    logits, teacher = 3 * torch.randn(6, 5, dtype=torch.double), 3 * torch.randn(6, 5, dtype=torch.double)
    return logits, asked(teacher, torch.tensor([0, 1, 2, 3, 4, 0]))


def softmax(z: list[float], warm: float) -> list[float]:
    powers = [math.exp(v / warm) for v in z]
    return [p / sum(powers) for p in powers]


def kl(q: list[float], p: list[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(q, p, strict=True))


def literal(name: str, z: list[float], t: list[float], y: int) -> float:
    q, p, others = softmax(t, WARM), softmax(z, WARM), [k for k in range(5) if k != y]
    rest_q, rest_p = ([each[k] / (1 - each[y]) for k in others] for each in (q, p))
    dark = sum(a * z[k] for a, k in zip(rest_q, others, strict=True))
    j = max(others, key=lambda k: t[k])
    return {
        "dark_logit": dark,
        "dark_contrast": dark - z[y],
        "kd_match": -kl(q, p) * WARM**2,
        "nckd_match": -kl(rest_q, rest_p),
        "tckd_match": -kl([q[y], 1 - q[y]], [p[y], 1 - p[y]]),
        "teacher_dark_mass": sum(p[k] for k in others),
        "pair": math.log(p[j] / p[y]),
    }[name]


@pytest.mark.parametrize("name", SCORES)
def test_a_score_is_what_its_formula_says(name: str, drawn: tuple[Tensor, Asked]) -> None:
    logits, known = drawn
    expected = [
        literal(name, *row)
        for row in zip(logits.tolist(), known.teacher_logits.tolist(), known.labels.tolist(), strict=True)
    ]
    assert SCORES[name](logits, known, WARM).tolist() == pytest.approx(expected, rel=1e-9)
    assert name in ABOUT


def test_the_two_parts_add_up_to_the_divergence(drawn: tuple[Tensor, Asked]) -> None:
    logits, known = drawn
    target, rest = (part(logits, known, WARM) for part in PARTS.values())
    assert torch.allclose(target + rest, SCORES["kd_match"](logits, known, WARM), rtol=0, atol=1e-10)
    trust = torch.tensor(
        [softmax(t, WARM)[y] for t, y in zip(known.teacher_logits.tolist(), known.labels, strict=True)]
    )
    split = SCORES["tckd_match"](logits, known, WARM) + (1 - trust) * SCORES["nckd_match"](logits, known, WARM)
    assert torch.allclose(WARM**2 * split, target + rest, rtol=0, atol=1e-6)


def test_a_given_pair_is_taken_for_every_sample(drawn: tuple[Tensor, Asked]) -> None:
    logits, known = drawn
    found = SCORES["pair"](logits, asked(known.teacher_logits, known.labels, (3, 1)), WARM)
    assert torch.allclose(found, (logits[:, 3] - logits[:, 1]) / WARM)


def test_a_sure_teacher_and_huge_logits_leave_gradients_finite() -> None:
    logits = torch.tensor([[500.0, -500.0, 0.0]], requires_grad=True)
    known = asked(torch.tensor([[1e4, 0.0, -1e4]]), torch.tensor([0]))
    for name, score in (SCORES | PARTS).items():
        value = score(logits, known, 1.0)
        (gradient,) = torch.autograd.grad(value.sum(), logits)
        assert value.isfinite().all(), name
        assert gradient.isfinite().all(), name
    assert dark_probabilities(known.teacher_logits, known.labels).tolist() == [[0, 1, 0]]


def test_a_guide_is_asked_anew_and_a_frozen_teacher_is_not(drawn: tuple[Tensor, Asked]) -> None:
    _, known = drawn
    model, inputs = nn.Linear(3, 5).double(), torch.randn(6, 3, dtype=torch.double)
    assert torch.equal(Scored(model, "kd_match", guide=model)(inputs, *known), torch.zeros(6).double())
    assert (Scored(model, "kd_match")(inputs, *known) < 0).all()
    with pytest.raises(KeyError, match="no score 'kl'; there are nckd_match, kd_match"):
        Scored(model, "kl")
