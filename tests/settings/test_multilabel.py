"""Samples with several labels at once: what a setting makes of them, what it refuses, and that they can be learnt."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from workbench.data.transfer import TransferSet
from workbench.engine.distill import collect, distill
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe, Setting

X = np.random.default_rng(0).normal(size=(240, 4)).astype(np.float32)
Y = (X[:, :3] + 0.5 * X[:, 1:] > 0).astype(int)


def several(**changes: Any) -> Setting:
    """Three entries that overlap, for two small nets."""
    parts = {
        "train": (X[:160], Y[:160]),
        "test": (X[160:], Y[160:]),
        "teacher": Recipe(partial(MLP, 4, (32,), 3), Budget(epochs=30, batch_size=32)),
        "student": partial(MLP, 4, (8,), 3),
        "task": "multilabel",
        "budget": Budget(epochs=40, batch_size=32),
    }
    return Setting(**(parts | changes))


@pytest.mark.parametrize("form", [np.asarray, torch.tensor, np.ndarray.tolist, lambda y: y.astype(bool)])
def test_numbers_booleans_and_lists_of_them_are_entries(form: Any) -> None:
    """As int64, with the validation split taken at random."""
    setting = several(train=(X[:160], form(Y[:160])))
    assert setting.classes == 3
    assert setting.class_names == ("0", "1", "2")
    assert (len(setting.train), len(setting.validation)) == (144, 16)
    assert setting.train.labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"train": (X, Y[:, 0])}, r"shape \(240,\); task='multilabel' needs \(N, C\)"),
        ({"train": (X[:160], Y[:160] * 2)}, r"hold \[2\]; the entries of a multi-label are 1"),
        ({"train": (X[:160], Y[:160] * 0.5)}, r"hold \[0\.5\]"),
        ({"train": (X[:160], [["a", "b"]] * 160)}, r"task='multilabel' needs \(N, C\) of 0, 1 and -1"),
        ({"test": (X[160:], Y[160:, :2])}, r"labels in test have shape \(80, 2\); task='multilabel' needs \(N, 3\)"),
        ({"train": TransferSet(torch.tensor(X), torch.tensor(Y * 3.0))}, r"labels in train hold \[3\.0\]"),
    ],
)
def test_what_is_no_multi_label_is_refused_when_the_setting_is_made(changes: Any, match: str) -> None:
    """The sentence names what was given and what works."""
    with pytest.raises(ValueError, match=match):
        several(**changes)


def test_a_net_with_another_number_of_outputs_is_refused() -> None:
    """Both numbers are named."""
    with pytest.raises(ValueError, match="outputs are 5 wide, but the labels need 3"):
        collect(distill(several(teacher=MLP(4, (8,), 5)), make("labels_only"), seed=0))


def test_a_student_learns_from_labels_and_is_scored_by_f1() -> None:
    """Also where half of the entries are unknown."""
    hidden = np.where(np.random.default_rng(1).random(Y.shape) < 0.5, -1, Y)
    for labels in (Y, hidden):
        run = collect(distill(several(train=(X[:160], labels[:160])), make("labels_only"), seed=0))
        assert run.facts["score"] == "micro F1"
        assert run.scores["student"].last > 80
