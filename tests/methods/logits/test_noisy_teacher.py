"""A trembling teacher: the formula on known noise, the statistics of the noise, and what it depends on."""

from __future__ import annotations

import copy

import pytest
import torch

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy
from workbench.methods.logits.logit_regression import LogitRegression
from workbench.methods.logits.noisy_teacher import NoisyTeacher
from workbench.models.mlp import MLP
from workbench.records.batch import Batch

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS, IDS = [0, -1, 2], [7, 3, 5]
XI = [[0.5, -1.0, 2.0], [1.5, 0.1, -0.3], [0.7, 0.2, -0.9]]
UNIFORM = [[0.51], [0.49], [0.1]]


def knowing(label_weight):
    """With the noise of ``XI``, which perturbs the samples whose uniform number is below one half."""

    def make(**parameters):
        method = NoisyTeacher(**({"label_weight": label_weight} | parameters))
        method.draws = lambda ids, like: (like.new_tensor(XI), like.new_tensor(UNIFORM))
        return method

    return make


def formula(label_weight):
    def at(student, constants):
        distances = []
        for b, (s, t) in enumerate(zip(student["logits"], constants.teacher["logits"], strict=True)):
            trembles = 0.32 if b in (1, 2) else 0.0
            distances.append(sum((s[c] - (1 + trembles * XI[b][c]) * t[c]) ** 2 for c in range(3)) / 3)
        labels = [label_weight * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
        return {"labels": labels, "logits": distances}

    return at


ORACLES = [
    Case("known noise", knowing(0.0), STUDENT, TEACHER, batch(LABELS, IDS), formula(0.0)),
    Case("and labels", knowing(0.5), STUDENT, TEACHER, batch(LABELS, IDS), formula(0.5)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


@pytest.mark.parametrize("silent", [{"noise": 0.0}, {"noisy_share": 0.0}], ids=str)
def test_without_noise_it_is_logit_regression(silent):
    both = [method(STUDENT, TEACHER, batch(LABELS)) for method in (NoisyTeacher(**silent), LogitRegression())]
    torch.testing.assert_close(*both)


def test_the_noise_is_standard_normal_and_the_choice_of_samples_uniform():
    gaussian, uniform = NoisyTeacher().draws(torch.arange(20_000), torch.zeros(20_000, 5, dtype=torch.float64))
    assert abs(gaussian.mean()) < 0.02
    assert abs(gaussian.std() - 1) < 0.02
    assert abs((uniform < 0.3).double().mean() - 0.3) < 0.02


def test_every_step_trembles_anew_and_a_run_that_is_resumed_trembles_as_it_would_have():
    method, one = NoisyTeacher(), Batch(torch.tensor(IDS), torch.zeros(3, 1))
    first = method.draws(one.ids, TEACHER.logits)[0]
    method.after_step(None, one)
    resumed = NoisyTeacher()
    assert not torch.equal(resumed.draws(one.ids, TEACHER.logits)[0], method.draws(one.ids, TEACHER.logits)[0])
    resumed.load_state_dict(copy.deepcopy(method.state_dict()))
    torch.testing.assert_close(resumed.draws(one.ids, TEACHER.logits), method.draws(one.ids, TEACHER.logits))
    assert not torch.equal(first, method.draws(one.ids, TEACHER.logits)[0])


def test_the_noise_is_drawn_when_a_run_is_built_and_is_another_one_in_another_run():
    def of_run(seed):
        torch.manual_seed(seed)
        method = NoisyTeacher()
        method.build(MLP(1, (), 3), MLP(1, (), 3), batch(LABELS, IDS), FACTS)
        return method.draws(torch.tensor(IDS), TEACHER.logits)[0]

    torch.testing.assert_close(of_run(1), of_run(1), rtol=0, atol=0)
    assert not torch.equal(of_run(1), of_run(2))


def test_samples_of_one_batch_are_perturbed_one_by_one():
    chosen = NoisyTeacher().draws(torch.arange(64), torch.zeros(64, 3))[1] < 0.5
    assert 0 < chosen.sum() < 64
