"""The findings about divergence run on tiny budgets, and their outcomes are computed from what came out."""

from __future__ import annotations

import math

import pytest
import torch

from workbench.findings import divergence_and_gap, flat_teacher, rank_bottleneck
from workbench.models.mlp import MLP
from workbench.records.budget import Budget


@pytest.mark.slow
def test_rank_bottleneck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_bottleneck, "BUDGET", Budget(epochs=2, optimizer="adam", learning_rate=0.01))
    monkeypatch.setattr(rank_bottleneck, "RANKS", (2,))
    found = rank_bottleneck.find((0,))
    assert found.outcome in ("not reproduced", "inconclusive")  # one seed decides nothing for, two epochs are too few
    assert found.per_seed["distance over tail, rank 2"][0] > 1  # nobody pays less than the tail
    assert 0 < found.per_seed["share of the fall that is bottleneck, laboratory"][0] < 1.5


@pytest.mark.slow
def test_flat_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat_teacher, "EPOCHS", 2)
    found = flat_teacher.find((0,))
    sharp, flat = (found.per_seed[f"rise, {kind}"][0] for kind in ("sharp", "flat"))
    assert found.per_seed["rise, sharp minus flat"][0] == pytest.approx(sharp - flat)
    assert found.outcome == "inconclusive"
    assert math.isfinite(found.per_seed["student gap, flat"][0])


def test_a_step_of_sharpness_awareness_is_the_slope_at_the_highest_point_nearby() -> None:
    inputs, labels = torch.randn(8, 3), torch.arange(8) % 2
    model, other = MLP(3, (4,), 2), MLP(3, (4,), 2)
    other.load_state_dict(model.state_dict())
    before = [p.clone() for p in model.parameters()]
    flat_teacher._slopes(model, inputs, labels, 0.3)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(before, model.parameters(), strict=True))
    flat_teacher._slopes(other, inputs, labels, 0.0)
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in other.parameters()))
    with torch.no_grad():
        for p in other.parameters():
            p.add_(0.3 * p.grad / norm)
    flat_teacher._slopes(other, inputs, labels, 0.0)
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    assert all(torch.allclose(a.grad, b.grad, atol=1e-5) for a, b in pairs)


@pytest.mark.slow
def test_divergence_and_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divergence_and_gap, "SWEEP", {"temperature": (1.0, 8.0), "width": (4, 8)})
    monkeypatch.setattr(divergence_and_gap, "STEPS", 20)
    told: list[str] = []
    found = divergence_and_gap.find((0,), lambda share, words: told.append(words))
    assert told == [f"seed 0, {name}" for name in ("base", "temperature 1", "temperature 8", "width 4", "width 8")]
    assert -1 <= found.per_seed["rank correlation over the sweep"][0] <= 1
    assert found.outcome == "inconclusive"
