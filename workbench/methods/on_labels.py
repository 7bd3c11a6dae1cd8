"""Nets that a method trains on labels before they teach."""

from __future__ import annotations

from typing import Any

from workbench.records.plan import StagePlan


def on_labels(party: str, share: float = 1.0, **more: Any) -> StagePlan:
    """A stage of that name in which a party of that name learns from the labels alone.

    Args:
        party: who learns.
        share: of the student's steps.
        more: further fields of the plan, such as ``factory``.
    """
    return StagePlan(party, share, party, None, data="labelled", **more)
