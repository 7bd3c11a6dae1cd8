"""The findings about shared features and confusions: each runs at a tiny budget, and its outcome follows its numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.findings.test_shapes import _consistent
from workbench.findings import confusion_distillation, confusion_resembles_dark_knowledge, fewer_features
from workbench.records.budget import Budget
from workbench.records.interval import Interval

TINY = Budget(epochs=1, clip=5.0)


@pytest.mark.slow
def test_fewer_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fewer_features, "BUDGET", Budget(epochs=1))
    monkeypatch.setattr(fewer_features, "GROUP", 2)
    told: list[str] = []
    found = fewer_features.find((3,), lambda share, words: told.append(words))
    _consistent(found, 1)
    assert found.outcome == "inconclusive"  # one seed decides nothing
    assert told == ["seed 3: 5 groups of 2 students"]
    assert found.numbers["threshold"].mean == 0.5
    assert found.numbers["threshold, null threshold"].mean < 0.5
    assert {"fewer features, distinct teachers", "fewer features, one teacher, released form"} <= set(found.numbers)


@pytest.mark.parametrize(
    ("fewer", "more", "outcome"),
    [
        ((5.0, 6.0, 7.0), (1.0, 1.1, 1.2), "reproduced"),
        ((5.0, 6.0, 7.0), (-1.0, -1.1, -1.2), "not reproduced"),
        ((5.0, 6.0, 7.0), (1.0, -1.1, 1.2), "inconclusive"),
    ],
)
def test_both_parts_of_fewer_features_must_hold(
    fewer: tuple[float, ...], more: tuple[float, ...], outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = iter(zip(fewer, more, strict=True))

    def measured(_: object) -> dict[str, float]:
        less, often = next(rows)
        found = dict.fromkeys((f"fewer features, {kind}" for kind in fewer_features.KINDS), less)
        return found | {"more samples per feature, one teacher": often, "features, labels only": 20.0}

    monkeypatch.setattr(fewer_features, "_group", lambda *_: [])
    monkeypatch.setattr(fewer_features, "_tensors", lambda *_: {})
    monkeypatch.setattr(fewer_features, "_measured", measured)
    assert fewer_features.find((0, 1, 2)).outcome == outcome


@pytest.mark.slow
def test_confusion_resembles_dark_knowledge(monkeypatch: pytest.MonkeyPatch) -> None:
    module = confusion_resembles_dark_knowledge
    monkeypatch.setattr(module, "TEACHER_BUDGET", TINY)
    monkeypatch.setattr(module, "STUDENT_BUDGET", Budget(epochs=2, batch_size=16, clip=5.0))
    found = module.find((0, 1))
    _consistent(found, 2)
    assert found.outcome == "inconclusive"
    assert found.per_seed["errors"][0] > 100


def test_its_samples_are_drawn_anew_for_each_seed_and_never_shared() -> None:
    first, again, other = (confusion_resembles_dark_knowledge._setting(seed) for seed in (0, 0, 1))
    assert torch.equal(first.test.ids, again.test.ids)
    assert not torch.equal(first.test.ids.sort().values, other.test.ids.sort().values)
    known = set(first.teacher_train.ids.tolist())
    assert len(known) == 600
    assert known >= set(first.train.ids.tolist()) | set(first.validation.ids.tolist())
    assert not known & set(first.test.ids.tolist())
    assert len(first.train) + len(first.validation) == pytest.approx(60, abs=5)


@pytest.mark.slow
def test_confusion_distillation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confusion_distillation, "BUDGET", Budget(epochs=3, clip=5.0))
    found = confusion_distillation.find((0, 1))
    _consistent(found, 2)
    over, against, *_ = found.per_seed.values()
    smoothed = found.per_seed["label smoothing over labels only (points)"]
    assert np.subtract(over, smoothed) == pytest.approx(against)


def test_shuffled_confusions_keep_the_diagonal_and_every_rows_entries() -> None:
    confusion = torch.arange(36.0).reshape(6, 6)
    found = confusion_distillation.shuffled(confusion)
    assert torch.equal(found.diagonal(), confusion.diagonal())
    assert torch.equal(found.sort(1).values, confusion.sort(1).values)
    assert not torch.equal(found, confusion)
    assert torch.equal(found, confusion_distillation.shuffled(confusion))


def test_a_difference_is_within_a_margin_on_both_sides() -> None:
    ends = {
        (-0.3, 0.4): "reproduced",
        (-0.7, 0.2): "inconclusive",
        (0.6, 0.9): "not reproduced",
        (-2, -1): "not reproduced",
    }
    for (low, high), outcome in ends.items():
        assert confusion_distillation._within(Interval((low + high) / 2, low, high, 5, "t")) == outcome
