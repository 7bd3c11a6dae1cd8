"""The finding about attributions: it runs at a tiny budget, and its outcome follows its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.findings.test_shapes import _consistent
from workbench.findings import attribution_transfer as module
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.settings.digits import Digits


@pytest.mark.slow
def test_attribution_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUDGET", Budget(epochs=1, clip=5.0))
    monkeypatch.setattr(module, "SAMPLES", 6)
    told: list[str] = []
    found = module.find((3,), lambda share, words: told.append(words))
    _consistent(found, 1)
    assert found.outcome == "inconclusive"  # one seed decides nothing
    assert told == ["seed 3: 3 students and their maps"]
    cosines = {kind: found.numbers[f"cosine of {kind}, dark_logit"].mean for kind in module.KINDS}
    gain = found.numbers["gain over shuffled targets, dark_logit"].mean
    assert gain == pytest.approx(cosines["student"] - cosines["shuffled targets"])
    assert f"student {cosines['student']:.2f}" in found.reading


@pytest.mark.parametrize(
    ("labels", "shuffled", "outcome"),
    [
        ((0.1, 0.11, 0.12), (0.5, 0.6, 0.7), "reproduced"),
        ((-0.1, -0.11, -0.12), (0.5, 0.6, 0.7), "not reproduced"),
        ((0.1, 0.11, 0.12), (0.5, -0.6, 0.7), "inconclusive"),
    ],
)
def test_both_controls_must_be_beaten(
    labels: tuple[float, ...], shuffled: tuple[float, ...], outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = iter(zip(labels, shuffled, strict=True))

    def measured(*_: object) -> dict[str, float]:
        over = dict(zip(("labels only", "shuffled targets"), next(rows), strict=True))
        found = {f"gain over {kind}, dark_logit": value for kind, value in over.items()}
        found |= {f"cosine of {kind}, dark_logit": 0.9 for kind in module.KINDS}
        return found | {"own teacher over another, dark_logit": 0.0}

    monkeypatch.setattr(module, "_models", lambda *_: {})
    monkeypatch.setattr(module, "_measured", measured)
    assert module.find((0, 1, 2)).outcome == outcome


def test_a_student_that_is_its_teacher_is_wholly_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLES", 4)
    teacher, stranger, other = (MLP(64, (8,), 10).eval() for _ in range(3))
    models = {"student": teacher, "labels only": stranger, "shuffled targets": stranger, "teacher": teacher}
    found = module._measured(models | {module.OTHER: other}, Digits(), 0)
    for score in module.SCORES:
        assert found[f"cosine of student, {score}"] == pytest.approx(1)
        assert found[f"gain over labels only, {score}"] > 0.1
        assert found[f"gain over labels only, {score}"] == found[f"gain over shuffled targets, {score}"]
        assert np.isfinite(found[f"own teacher over another, {score}"])
