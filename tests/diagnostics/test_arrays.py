"""Ids that name samples: what is taken, and what is refused before anything is compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from workbench.diagnostics.arrays import same_samples, sample_ids


@pytest.mark.parametrize("given", [range(3), [7, 1, 9], np.array(["a", "b", "c"]), torch.arange(3)])
def test_whole_numbers_and_texts_name_samples(given: Any) -> None:
    assert len(sample_ids(given, 3)) == 3


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (torch.tensor([0j, 1j, 2j]), TypeError, "complex numbers"),
        ([0.5, 1.0, 2.0], TypeError, "float64"),
        ([True, False, True], TypeError, "True and False"),
        ([1, 2], ValueError, r"shape \(2,\).*needed, \(3,\)"),
        ([[1], [2], [3]], ValueError, r"shape \(3, 1\)"),
        (5, ValueError, r"shape \(\)"),
        (None, TypeError, "must be an array"),
    ],
)
def test_other_ids_are_refused(given: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        sample_ids(given, 3)


def test_sides_with_other_samples_or_another_order_are_told_apart() -> None:
    same_samples({"student": [4, 5, 6], "teacher": np.array([4, 5, 6])}, 3)
    with pytest.raises(ValueError, match=r"between student and control \(first in row 1: 5 and 6\)"):
        same_samples({"student": [4, 5, 6], "teacher": [4, 5, 6], "control": [4, 6, 5]}, 3)
