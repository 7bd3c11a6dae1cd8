"""Examples of interaction tensors, their rarefaction and the card of a feature."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import torch

from tests.diagnostics.interaction.planted import planted
from tests.examples import HOSTILE
from workbench.data.transfer import TransferSet
from workbench.diagnostics.feature_table.measure import feature_table
from workbench.diagnostics.interaction.measure import Interaction, Samples, interaction
from workbench.diagnostics.interaction_feature.measure import interaction_feature
from workbench.diagnostics.rarefaction import measure as module
from workbench.diagnostics.rarefaction.measure import Rarefaction, rarefaction_of
from workbench.records.result import Result

SETS = (
    (0, 1, 2, 3),
    (0, 1, 2, 4),
    (0, 1, 3, 4),
    (0, 2, 3, 5),
    (0, 6, 7, 8),
    (1, 7, 9, 10),
    (2, 11, 3, 12),
    (0, 1, 8, 9),
)


def tensor(
    names: tuple[str, ...] = ("kd", "labels_only", "teacher"), samples: int = 90, *, known: bool = True
) -> Interaction:
    models = planted((*SETS, (0, 1, 2, 3)), samples)
    members = [[f"m{k}" for k in each] for each in (range(4), range(4, 8), [8])]
    generator = np.random.default_rng(0)
    classes = (names[0], "b", "c")
    logits = {name: generator.normal(size=(samples, 3)) for name in models}
    about = Samples(np.arange(samples), np.arange(samples) % 3, classes, logits) if known else Samples()
    return interaction(models, dict(zip(names, members, strict=True)), samples=about)


def curves(of: Interaction) -> Rarefaction:
    with patch.object(module, "RESAMPLES", 40):
        return rarefaction_of(of)


def results() -> list[Result]:
    found = tensor()
    images = TransferSet(torch.rand(90, 1, 4, 4))
    return [found, curves(found), interaction_feature(found, 0, samples=images), feature_table(found)]


def incomplete() -> list[Result]:
    bare = tensor(known=False)
    return [bare, curves(bare), interaction_feature(bare, 1)]


def hostile() -> list[Result]:
    bad = tensor((HOSTILE, "b", "teacher"))
    return [bad, curves(bad), interaction_feature(bad, 0)]
