"""Divergences of logits in half precision are those of the same numbers in single precision, so that none is negative."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.scene import scene
from tests.contracts.test_every_garbage import OF_LOGITS, played
from workbench.maths import token_divergences
from workbench.maths.divergences import forward_kl, pairwise_kl
from workbench.methods.generative.deep_inversion import jensen_shannon
from workbench.methods.logits.rld import confidence_kl, outranked_kl

HALVES = (torch.bfloat16, torch.float16)
KLS = {
    "forward_kl": forward_kl,
    "pairwise_kl": pairwise_kl,
    "jensen_shannon": jensen_shannon,
    "word_kl": token_divergences.word_kl,
    "reverse_kl": token_divergences.reverse_kl,
    "skew_kl": lambda s, t: token_divergences.skew_kl(s, t, 0.1),
    "skew_reverse_kl": lambda s, t: token_divergences.skew_reverse_kl(s, t, 0.1),
    "token jensen_shannon": lambda s, t: token_divergences.jensen_shannon(s, t, 0.3),
    "alpha_beta": lambda s, t: token_divergences.alpha_beta(s, t, 0.2, 0.7),
    "confidence_kl": lambda s, t: confidence_kl(s, t, t.argmin(1)),
    "outranked_kl": lambda s, t: outranked_kl(s, t, t.argmax(1)),
}


def pair(seed, spread, near):
    generator = torch.Generator().manual_seed(seed)
    student, other = (spread * torch.randn(16, 50, generator=generator) for _ in range(2))
    return student, student + near * other


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", KLS)
@given(seed=st.integers(0, 999), spread=st.sampled_from([0.1, 1.0, 20.0]), near=st.sampled_from([0.0, 1e-3, 0.1, 1.0]))
def test_no_divergence_of_half_precision_logits_is_negative(name, dtype, seed, spread, near):
    student, teacher = (logits.to(dtype) for logits in pair(seed, spread, near))
    found, expected = KLS[name](student, teacher), KLS[name](student.double(), teacher.double())
    assert found.dtype == torch.float32
    assert (found >= -1e-5).all()
    torch.testing.assert_close(found.double(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("cls", OF_LOGITS.values(), ids=OF_LOGITS)
def test_a_method_of_logits_says_of_half_precision_what_it_says_of_the_same_numbers_in_double(cls, dtype):
    def rounded(to):
        return lambda _name, tensor, _batch: tensor.to(dtype).to(to)

    halves, doubles = (list(played(scene(cls), rounded(to))) for to in (dtype, torch.float64))
    for (found, slopes), (expected, _) in zip(halves, doubles, strict=True):
        assert all(slope.isfinite().all() for slope in slopes)
        for name, term in found.items():
            torch.testing.assert_close(term.double(), expected[name].double(), rtol=2e-3, atol=1e-3, msg=name)
