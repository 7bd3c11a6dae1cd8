"""What the tasks of the engine score, position by position."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import f1_score

from workbench.maths.tasks import TASKS, task


def test_agreement_on_tokens_counts_labelled_positions_only():
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(3, 5, 4, generator=generator) for _ in "st")
    labels = torch.tensor([[-1, 0, 1, 2, -1], [-1, -1, 3, 0, 1], [2, -1, -1, -1, -1]])
    same = counted = 0
    for b in range(3):
        for position in range(5):
            if labels[b, position] >= 0:
                counted += 1
                said = [max(range(4), key=lambda k, z=z: z[b, position, k].item()) for z in (student, teacher)]
                same += said[0] == said[1]
    assert task("tokens").agreement(student, teacher, labels).item() == pytest.approx(same / counted)


def test_agreement_of_classifiers_is_the_share_of_equal_choices():
    student, teacher = torch.eye(4), torch.eye(4)[[0, 1, 3, 2]]
    assert task("classification").agreement(student, teacher, torch.arange(4)).item() == 0.5


@pytest.mark.parametrize("kind", TASKS.values(), ids=TASKS)
def test_everything_agrees_with_itself(kind):
    outputs = torch.randn(2, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    outputs, labels = (outputs[..., 0], outputs[:, 0, 0, :1]) if kind.name == "regression" else (outputs, None)
    if labels is None:
        outputs = {"tokens": outputs[..., 0], "dense": outputs}.get(kind.name, outputs[..., 0, 0])
        one_per_row = {"tokens": 2, "multilabel": None}.get(kind.name, 1)
        labels = torch.zeros([s for d, s in enumerate(outputs.shape) if d != one_per_row])
    assert kind.agreement(outputs, outputs, labels.long()).item() == pytest.approx(1)


ENTRIES = torch.tensor([[1, 0, -1], [0, 0, 1], [-1, -1, -1], [1, 1, 0]])
SCORES = torch.tensor([[0.3, 2.0, 9.0], [-1.0, -0.2, -0.4], [5.0, -5.0, 1.0], [0.7, -0.1, -3.0]], dtype=torch.float64)


def known_entries():
    return [(b, k, ENTRIES[b, k].item()) for b in range(4) for k in range(3) if ENTRIES[b, k] >= 0]


@pytest.mark.parametrize("dtype", [torch.int64, torch.float64])
def test_the_loss_of_a_multi_label_is_the_mean_binary_cross_entropy_of_its_known_entries(dtype):
    expected = []
    for b in range(4):
        chances = [(1 / (1 + math.exp(-SCORES[b, k].item())), y) for row, k, y in known_entries() if row == b]
        expected.append(sum(-math.log(p if y else 1 - p) for p, y in chances) / max(len(chances), 1))
    found = task("multilabel").label_loss(SCORES, ENTRIES.to(dtype))
    assert found.tolist() == pytest.approx(expected)


def test_the_score_of_a_multi_label_is_the_f1_of_all_known_entries_together():
    found, wrong, missed = (
        sum((SCORES[b, k] > 0).item() == says and y == true for b, k, y in known_entries())
        for says, true in ((True, 1), (True, 0), (False, 1))
    )
    top, bottom = task("multilabel").hits(SCORES, ENTRIES)
    assert (top.sum() / bottom.sum()).item() == pytest.approx(2 * found / (2 * found + wrong + missed))
    labels, choices = zip(*[(y, int(SCORES[b, k] > 0)) for b, k, y in known_entries()], strict=True)
    assert (top.sum() / bottom.sum()).item() == pytest.approx(f1_score(labels, choices))


def test_agreement_on_multi_labels_is_the_share_of_known_entries_decided_alike():
    other = SCORES * torch.tensor([1.0, -1.0, 1.0])
    assert task("multilabel").agreement(SCORES, other, ENTRIES).item() == pytest.approx(5 / 8)


def test_an_unknown_entry_has_no_gradient():
    scores = SCORES.clone().requires_grad_()
    task("multilabel").label_loss(scores, ENTRIES).sum().backward()
    assert ((scores.grad != 0) == (ENTRIES >= 0)).all()


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(KeyError, match="classification"):
        task("clasification")
