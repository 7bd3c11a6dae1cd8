"""How a budget is shared out among the stages of a method."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.records.plan import StagePlan


def stage_steps(plans: Sequence[StagePlan], steps: int) -> list[int]:
    """Optimiser steps of each stage; the student's add up to the budget exactly, rounded as they accumulate.

    Raises:
        ValueError: the shares of the student do not add up to 1.
    """
    students = [plan.share for plan in plans if plan.learner == "student"]
    if abs(sum(students) - 1) > 1e-6:
        raise ValueError(f"the student's stages take {sum(students):g} of the budget; their shares must add up to 1")
    lengths, share, done = [], 0.0, 0
    for plan in plans:
        if plan.learner != "student":
            lengths.append(max(1, round(plan.share * steps)))
            continue
        share += plan.share
        lengths.append(round(share * steps) - done)
        done = round(share * steps)
    return lengths
