"""The divergence of both from their mixture, and its ends, which are not allowed."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import check
from tests.methods.literal import kl
from tests.methods.sequences.board import BATCH, STUDENT, TEACHER, cases
from workbench.methods.catalog import make
from workbench.methods.sequences.jensen_shannon import JensenShannon
from workbench.methods.sequences.reverse_kl import ReverseKL
from workbench.methods.sequences.word_level_kd import WordLevelKD
from workbench.records.trace import Trace


def to_the_mixture(q, p):
    middle = [0.5 * a + 0.5 * b for a, b in zip(p, q, strict=True)]
    return 0.5 * kl(p, middle) + 0.5 * kl(q, middle)


ORACLES = cases(JensenShannon, to_the_mixture)


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_the_ends_where_the_loss_would_jump_are_refused(beta):
    with pytest.raises(ValueError, match=r"beta = .* is outside \[0.01, 0.99\]"):
        make("jensen_shannon", {"beta": beta})


def test_near_its_ends_it_has_the_direction_of_a_plain_divergence():
    """Gradients per text, and the mean of three texts of which one counts for nothing."""
    for beta, plain in ((0.01, WordLevelKD), (0.99, ReverseKL)):
        slopes = []
        for method in (JensenShannon(beta), plain()):
            logits = STUDENT.logits.clone().requires_grad_()
            method(Trace(logits), TEACHER, BATCH)["soft"].sum().backward()
            slopes.append(logits.grad.flatten())
        assert torch.cosine_similarity(*slopes, 0) > 0.99
