"""Policy gradients of texts: both parts, and that together they are the gradient of the divergence between texts."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from tests.methods.case import Case, check
from tests.methods.literal import kl, softmax
from tests.methods.sequences.writers import (
    GIVEN,
    STUDENT,
    TEACHER,
    generator_at,
    labels_of,
    own,
    theirs,
    watched,
    written,
)
from workbench.methods.sequences.minillm import MiniLLM
from workbench.records.batch import Batch
from workbench.records.trace import Trace

SEED, ENDS_EARLY = 1, 2
VISIBLE = {"teacher_share": 0.9, "clip": 0.6}


def mixture(token):
    return [0.8 * a + 0.2 * b for a, b in zip(own(token), theirs(token), strict=True)]


WRITTEN = {seed: written(mixture, generator_at(seed)) for seed in (SEED, ENDS_EARLY)}


def formula(seed):
    return lambda student, constants: terms_of(WRITTEN[seed], student, constants)


def terms_of(texts, student, constants):
    terms = {"single_step": [], "long_term": []}
    for b, key in enumerate(GIVEN.ids.tolist()):
        text = texts[key]
        s, still, t = (x["logits"][b] for x in (student, constants.student, constants.teacher))
        rewards = [math.log(softmax(t[1 + n])[y] / softmax(still[1 + n])[y]) for n, (y, _) in enumerate(text)]
        single = long = 0.0
        for n, (y, chance) in enumerate(text):
            q, p = softmax(s[1 + n]), softmax(t[1 + n])
            single += softmax(still[1 + n])[y] / chance * kl(q, p)
            later = rewards[n + 1 :]
            credit = sum(later) / len(later) if later else 0.0
            ratio = q[y] / chance
            long -= min(ratio * credit, min(max(ratio, 0.8), 1.2) * credit)
        terms["single_step"].append(single / len(text))
        terms["long_term"].append(long / len(text))
    return terms


def case(name, seed):
    make = watched(MiniLLM, seed, labels_of(WRITTEN[seed]))
    return Case(name, make, STUDENT, TEACHER, GIVEN, formula(seed))


ORACLES = [case("both write", SEED), case("a text ends early", ENDS_EARLY)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_texts_of_the_oracle_have_ratios_inside_and_outside_the_clip():
    ratios = [
        softmax(STUDENT.logits[b, 1 + n].tolist())[y] / chance
        for b, key in enumerate(GIVEN.ids.tolist())
        for n, (y, chance) in enumerate(WRITTEN[SEED][key][:-1])
    ]
    inside = [0.8 < ratio < 1.2 for ratio in ratios]
    assert any(inside)
    assert not all(inside)


def test_on_average_over_all_texts_it_is_the_gradient_of_the_divergence_between_texts():
    """All texts of two tokens, each as often as the student writes it; the means of two tokens are half of the sums."""
    torch.manual_seed(0)
    first, second = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((3,), (3, 3)))
    p_first, p_second = torch.randn(3, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    texts = torch.tensor(list(itertools.product(range(3), repeat=2)))
    log_q = first.log_softmax(0)[texts[:, 0]] + second.log_softmax(1)[texts[:, 0], texts[:, 1]]
    log_p = p_first.log_softmax(0)[texts[:, 0]] + p_second.log_softmax(1)[texts[:, 0], texts[:, 1]]
    expected = torch.autograd.grad((log_q.exp() * (log_q - log_p)).sum(), (first, second))
    logits = torch.stack([first.expand(9, -1), second[texts[:, 0]]], 1)
    judged = torch.stack([p_first.expand(9, -1), p_second[texts[:, 0]]], 1)
    behaviour = logits.detach().log_softmax(2).gather(2, texts[..., None]).squeeze(2)
    everything = torch.ones(9, 2, dtype=torch.bool)
    batch = Batch(torch.arange(9), texts, texts, mask=everything, extras={"behaviour": behaviour})
    terms = MiniLLM(teacher_share=0.0)(Trace(logits), Trace(judged), batch)
    share = log_q.detach().exp()
    found = torch.autograd.grad(2 * (share * (terms["single_step"] + terms["long_term"])).sum(), (first, second))
    torch.testing.assert_close(found, expected)


def test_what_is_kept_of_the_writing_is_the_chance_each_token_had():
    seen = ORACLES[0].make().seen(GIVEN)
    for b, key in enumerate(GIVEN.ids.tolist()):
        for n, (_, chance) in enumerate(WRITTEN[SEED][key]):
            assert math.exp(seen.extras["behaviour"][b, 1 + n]) == pytest.approx(chance, rel=1e-5)
    assert (seen.extras["behaviour"][~seen.mask] == 0).all()
