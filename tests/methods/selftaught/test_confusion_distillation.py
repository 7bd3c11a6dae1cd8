"""Confusions as soft labels: both segments' formula, the schedule, the moving average, and whose confusions count."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.contracts.probes.world import play, run, setting, start
from tests.engine.test_honesty import Tripwire
from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.engine.study.plan import plan_study
from workbench.methods.selftaught.confusion_distillation import ConfusionDistillation
from workbench.records import events

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
LABELS = [0, -1, 2]
PLAN = (("distill", "student", None, 1.0),)
COUNTS = [[8, 1, 1], [0, 0, 0], [3, 1, 4]]


def built(epochs=10, **parameters):
    method = ConfusionDistillation(**parameters)
    method.build(nn.Linear(2, 3), None, batch([0, 1]), replace(FACTS, epochs=epochs))
    return method


def soft(**parameters):
    """In the second of ten epochs, after one move of the average."""
    method = built(**parameters)
    method.after_epoch(nn.Identity(), torch.tensor(COUNTS))
    method.schedule(0.15)
    return method


def smoothed():
    return [[1 - 0.1 + 0.1 / 3 if a == b else 0.1 / 3 for b in range(3)] for a in range(3)]


def moved():
    rows = [
        [count / sum(row) for count in row] if sum(row) else start
        for row, start in zip(COUNTS, smoothed(), strict=True)
    ]
    return [
        [0.9 * a + 0.1 * b for a, b in zip(old, new, strict=True)] for old, new in zip(smoothed(), rows, strict=True)
    ]


def plain(student, constants):
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)], "soft": [0.0] * 3}


def softly(student, constants):
    pairs = list(zip(student["logits"], LABELS, strict=True))
    return {
        "labels": [0.3 * cross_entropy(s, y) for s, y in pairs],
        "soft": [0.7 * 4 * kl(moved()[y], softmax(s, 2)) if y >= 0 else 0.0 for s, y in pairs],
    }


ORACLES = [
    Case("plain labels", built, STUDENT, None, batch(LABELS), plain, PLAN),
    Case("soft labels", soft, STUDENT, None, batch(LABELS), softly, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_schedule_of_300_epochs():
    method, found = built(300), {}
    for epoch in (1, 30, 31, 60, 61, 120, 121, 150, 151, 300):
        method.schedule((epoch - 1) / 300)
        found[epoch] = method._soft
    assert [epoch for epoch, is_soft in found.items() if is_soft] == [31, 60, 121, 150]


def test_the_average_starts_with_the_end_of_the_first_segment_and_ends_before_the_run_does():
    method, counts = built(30), torch.eye(3)[[1, 2, 0]]
    start, moves = method.average.rows.clone(), 0
    for epoch in range(1, 31):
        before = method.average.rows.clone()
        method.after_epoch(nn.Identity(), counts)
        moved_now = not torch.equal(before, method.average.rows)
        assert moved_now == (3 <= epoch < 30)
        moves += moved_now
        closed = 0.9**moves * start + (1 - 0.9**moves) * counts
        torch.testing.assert_close(method.average.rows, closed)
        torch.testing.assert_close(method.average.rows.sum(1), torch.ones(3).double())


def test_training_samples_are_counted_and_forgotten_with_the_epoch():
    method = built(confusion_source="train")
    method(STUDENT, None, batch(LABELS))
    method.after_step(nn.Identity(), batch(LABELS))
    assert method.average.counts.tolist() == [[0, 0, 1], [0, 0, 0], [0, 1, 0]]
    method.after_epoch(nn.Identity(), None)
    assert method.average.rows[0].tolist() == pytest.approx(
        [0.9 * p + 0.1 * q for p, q in zip(smoothed()[0], [0, 0, 1], strict=True)]
    )
    assert method.average.counts.sum() == 0


def test_without_smoothing_or_averaging_it_is_the_cross_entropy_at_a_temperature():
    method = soft(epsilon=0.0, momentum=1.0)
    found = method(STUDENT, None, batch([0, 1, 2]))["soft"]
    expected = [
        0.7 * 4 * cross_entropy([z / 2 for z in s], y) for s, y in zip(STUDENT.logits.tolist(), range(3), strict=True)
    ]
    assert found.tolist() == pytest.approx(expected)


def test_an_answer_as_confused_as_the_matrix_is_left_alone():
    method = soft()
    alike = trace([[2 * z for z in torch.tensor(row).log().tolist()] for row in moved()])
    assert method(alike, None, batch([0, 1, 2]))["soft"].tolist() == pytest.approx([0, 0, 0], abs=1e-6)


class Listening(ConfusionDistillation):
    """Keeps the last counts it was told."""

    def after_epoch(self, student, confusion):
        super().after_epoch(student, confusion)
        self.told = confusion


def counted(model, data):
    found = torch.zeros(3, 3, dtype=torch.long)
    for label, choice in zip(data.labels.tolist(), model(data.inputs).argmax(1).tolist(), strict=True):
        found[label, choice] += 1
    return found


@pytest.mark.parametrize("source", ["validation", "test_as_released"])
def test_who_is_counted_and_the_run_says_so(source):
    where = setting()
    arm = start(where, Listening(confusion_source=source))
    for event in play(arm):
        if isinstance(event, events.Epoch):
            student = arm.trial.parties["student"].eval()
            data = where.test if source == "test_as_released" else where.validation
            assert torch.equal(arm.method.told, counted(student, data))
            student.train()
    assert event.run.leaks_test == (source == "test_as_released")


@pytest.mark.parametrize("source", ["validation", "train"])
def test_other_sources_cannot_see_test_data(source):
    where = setting()
    arm = start(where, ConfusionDistillation(confusion_source=source))
    wire = Tripwire(where.test)
    arm.setting = where.but(test=wire)
    for event in play(arm):
        assert arm.trial is None or arm.trial.test is None
        if isinstance(event, events.Epoch) and event.step == 18:
            wire.armed = False
    assert isinstance(event, events.Finished)


def test_a_run_that_counts_test_samples_is_barred_from_studies():
    method = ConfusionDistillation(confusion_source="test_as_released")
    with pytest.raises(ValueError, match=r"confusion_distillation as configured touches test data .* barred from stud"):
        plan_study(setting(), [method], 1)
    plan_study(setting(), [ConfusionDistillation()], 1)


def test_the_source_is_settled_when_the_method_is_built():
    """A control moved while running neither opens test data nor wipes the mark off."""
    shut, opened = built(), built(confusion_source="test_as_released")
    shut.change("confusion_source", "test_as_released")
    opened.change("confusion_source", "train")
    assert (shut.leaks_test, opened.leaks_test) == (False, True)
    assert run(setting(), ConfusionDistillation(confusion_source="test_as_released")).leaks_test
