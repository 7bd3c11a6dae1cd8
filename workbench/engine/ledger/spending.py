"""The stages in which a run spends, and which of them an event tells of."""

from __future__ import annotations

import sys

import torch

from workbench.records import events

WARM_UP = "warm_up"
"""What a process does once, whoever is the first to train in it: PyTorch loads its optimisers."""
SLOW_IMPORT = "torch._dynamo"
STAGES = (WARM_UP, "preparation", "teacher_training", "teacher_outputs", "assistant_training", "student", "evaluation")


def warm_up() -> bool:
    """Have PyTorch load what it loads at the first optimiser of a process; whether that was still to be done."""
    before = SLOW_IMPORT in sys.modules
    torch.optim.SGD([torch.zeros(1, requires_grad=True)])
    return not before and SLOW_IMPORT in sys.modules


def stage_of(event: events.Event) -> str:
    """The stage whose work led to an event of a run."""
    if isinstance(event, events.Step):
        return learning(event.party)
    if event.stage == "fit":  # a student without gradients: all of its work lies before its one validation
        return "student"
    if isinstance(event, events.Probe | events.Epoch):
        return "evaluation"
    return "preparation"


def learning(party: str) -> str:
    """The stage in which a party learns."""
    if party == "student" or party.startswith("peer_"):
        return "student"
    return "teacher_training" if party == "teacher" else "assistant_training"
