"""Knowledge points of three made-up nets, of one that sees nothing, and of one with a hostile name."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from tests.examples import HOSTILE
from workbench.diagnostics.knowledge_points.measure import KnowledgePoints, knowledge_points
from workbench.diagnostics.knowledge_points.measure_counts import counts_of
from workbench.diagnostics.knowledge_speed.measure import KnowledgeSpeed, knowledge_speed


@cache
def bare() -> KnowledgePoints:
    """Of a net that sees nothing."""
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return knowledge_points({"net": lambda z: z * 0}, images)


def made(first: str = "teacher") -> KnowledgePoints:
    """Maps drawn from thin air: all nets keep the middle, the student more of it than its control."""
    names, generator = (first, "student", "control"), np.random.default_rng(0)
    inside = bare().foreground[0]
    kept = np.array([0.6, 0.45, 0.2])[:, None, None, None] * inside
    entropy = -2.8 - kept + 0.15 * generator.normal(size=(3, 4, 8, 8))
    counts = counts_of(names, entropy, bare().foreground, 0.2)
    return replace(bare(), nets=names, entropy=entropy, layers=("layer1",) * 3, threshold=0.2, warnings=(), **counts)


def speed(checkpoints: int = 6) -> KnowledgeSpeed:
    """Points that come, and partly go again."""
    generator = np.random.default_rng(0)
    chance = np.linspace(0.1, 0.6, checkpoints)[:, None, None, None]
    points = generator.random((checkpoints, 5, 8, 8)) < chance
    return knowledge_speed(points, made().foreground[0], np.linspace(0, 2, checkpoints))


def results() -> list[KnowledgePoints | KnowledgeSpeed]:
    """Counts, and their course."""
    return [made(), speed()]


def incomplete() -> list[KnowledgePoints | KnowledgeSpeed]:
    """A net that noise does not change; one checkpoint."""
    blind = replace(made(), entropy=np.full((3, 4, 8, 8), np.nan))
    return [blind.at(0.3), speed(1)]


def hostile() -> list[KnowledgePoints]:
    """A net that wants to be a page."""
    return [made(HOSTILE)]
