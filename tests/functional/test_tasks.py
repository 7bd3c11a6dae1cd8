"""What the tasks of the engine score, position by position."""

from __future__ import annotations

import pytest
import torch

from workbench.functional.tasks import TASKS, task


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
        outputs = {"classification": outputs[..., 0, 0], "tokens": outputs[..., 0], "dense": outputs}[kind.name]
        labels = torch.zeros([s for d, s in enumerate(outputs.shape) if d != (2 if kind.name == "tokens" else 1)])
    assert kind.agreement(outputs, outputs, labels.long()).item() == pytest.approx(1)


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(KeyError, match="classification"):
        task("clasification")
