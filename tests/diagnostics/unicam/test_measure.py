"""UniCAM: a distilled part that was planted, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.contracts.probes.world import map_net, run, setting
from tests.diagnostics.unicam.examples import made
from workbench.data.transfer import TransferSet
from workbench.diagnostics.unicam.measure import unicam, unicam_of
from workbench.drawing.draw import draw
from workbench.methods.catalog import make


def test_the_planted_part_is_the_teachers_and_not_the_labels() -> None:
    found = made(places=False, samples=90)
    similarity, relevance = found.similarity, found.relevance
    assert similarity["distilled"].mean > 0.8
    assert similarity["distilled"].low > similarity["student"].high
    assert abs(similarity["control"].mean) < 0.1
    assert found.similarity_p["distilled"] == 1 / 200
    assert found.similarity_p["control"] > 0.05
    assert relevance["control"].mean > 0.3 > abs(relevance["distilled"].mean)
    assert found.relevance_p["teacher"] > 0.05


def test_a_student_like_its_control_has_nothing_distilled() -> None:
    generator = np.random.default_rng(0)
    own, labels = generator.normal(size=(50, 4)), np.arange(50) % 2
    found = unicam(own, own, generator.normal(size=(50, 4)), labels)
    assert abs(found.similarity["distilled"].mean) < 1e-3
    assert abs(found.relevance["residual"].mean) < 1e-3
    assert unicam(own, generator.normal(size=(50, 3)), own, labels).similarity["student"].mean == pytest.approx(1)


def test_maps_lie_where_the_relevant_channel_is_active() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 2
    noise = generator.random((60, 3, 4, 4))
    student = noise.copy()
    student[labels == 1, 0, 1, 2] += 1.0  # one channel says the class, in one place
    found = unicam(student, noise[::-1], student, labels)
    shown = [found.distilled[row] for row in range(len(found.distilled)) if labels[row] == 1]
    assert all(np.unravel_index(each.argmax(), each.shape) == (1, 2) for each in shown)
    assert found.distilled.min() >= 0
    assert found.distilled.max() <= 1
    assert found.residual.shape == found.distilled.shape


def test_of_two_runs_on_images(tmp_path: Path) -> None:
    inputs, labels = torch.randn(96, 1, 2, 2, generator=torch.Generator().manual_seed(0)), torch.arange(96) % 3
    parts = {"train": TransferSet(inputs, labels), "test": TransferSet(inputs[:30] + 0.1, labels[:30])}
    where = setting(**parts, validation=0.2, teacher=map_net(8)[1], student=lambda: map_net(4)[1])
    taught, alone = (run(where, make(name), folder=tmp_path) for name in ("kd", "labels_only"))
    found = unicam_of(taught, where, alone)
    assert (found.n, len(found.images), len(found.distilled)) == (30, 12, 12)
    np.testing.assert_array_equal(found.ids, taught.test_ids[:12])
    assert "proposal" in found.explain()
    assert found.provenance["fidelity"] == "proposed"
    assert "our proposal" in draw(found).layout.title.text
    with pytest.raises(ValueError, match="give its run as control"):
        unicam_of(taught, where)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"teacher": np.eye(9)}, "same for all"),
        ({"labels": np.zeros(10, int)}, "same label"),
        ({"student": np.full((10, 2), np.nan)}, "student features hold NaN"),
        ({"ids": (np.arange(10), np.arange(10)[::-1], np.arange(10))}, "order differ"),
    ],
)
def test_bad_features_are_refused(changes: dict, words: str) -> None:
    table = np.random.default_rng(0).normal(size=(10, 3))
    given = {"student": table, "control": table[::-1], "teacher": table, "labels": np.arange(10) % 2} | changes
    with pytest.raises(ValueError, match=words):
        unicam(**given)


def test_what_weakens_the_scores_is_said() -> None:
    few = made(places=False, samples=12)
    assert len(few.warnings) == 2
    assert np.isnan(few.similarity["student"].low)
