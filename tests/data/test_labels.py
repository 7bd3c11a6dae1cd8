"""Labels of any form: converted with a note, or refused in a sentence that names what works."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from workbench.data.labels import read_labels

Y = np.arange(6) % 3
NAMES = np.array(["ant", "bee", "cat"])


def read(labels: Any, task: str = "classification", **how: Any) -> tuple[list[Any], tuple[str, ...], int]:
    """Values, classes and the number of notes."""
    found = read_labels(labels, task, **how)
    return found.values.tolist(), found.classes, len(found.notes)


@pytest.mark.parametrize(
    ("labels", "values", "classes", "notes"),
    [
        (Y, Y, (), 0),
        (Y.astype(float), Y, (), 0),
        (Y[:, None], Y, (), 1),
        (torch.tensor(Y)[:, None], Y, (), 1),
        (np.eye(3)[Y], Y, ("0", "1", "2"), 1),
        (np.eye(3, dtype=bool)[Y], Y, ("0", "1", "2"), 1),
        (np.eye(4, dtype=int)[Y], Y, ("0", "1", "2", "3"), 1),
        (pd.get_dummies(NAMES[Y]), Y, ("ant", "bee", "cat"), 1),
        (NAMES[Y], Y, ("ant", "bee", "cat"), 0),
        (NAMES[Y].astype("S"), Y, ("ant", "bee", "cat"), 0),
        (NAMES[Y][:, None], Y, ("ant", "bee", "cat"), 1),
        (["b", -1, "a"], [1, -1, 0], ("a", "b"), 0),
        ([True, False], [1, 0], ("False", "True"), 0),
        (np.array(["10", "9", "2"]), [2, 1, 0], ("2", "9", "10"), 1),
        ([0, -1, 1], [0, -1, 1], (), 0),
        ([-1, 1, 1, -1], [0, 1, 1, 0], ("-1", "1"), 1),
        ([-1.0, 1.0], [0, 1], ("-1", "1"), 1),
        (Y + 1, Y, ("1", "2", "3"), 1),
        ([5, -1, 10**12], [0, -1, 1], ("5", "1000000000000"), 1),
        (pd.Series([3, 1], dtype="Int64"), [1, 0], ("1", "3"), 1),
        (torch.tensor([0, 1], dtype=torch.bfloat16), [0, 1], (), 0),
    ],
)
def test_what_is_read_and_how_often_that_is_noted(labels: Any, values: Any, classes: Any, notes: int) -> None:
    assert read(labels) == (list(values), classes, notes)


def test_class_names_give_the_order_and_keep_numbers() -> None:
    assert read(NAMES[Y], class_names=("cat", "bee", "ant"))[0] == [2, 1, 0] * 2
    assert read([0, 2], class_names=("a", "b", "c")) == ([0, 2], (), 0)
    assert read([1, 2], class_names=("1", "2")) == ([0, 1], ("1", "2"), 0)
    assert read([0, 3], keep=True) == ([0, 3], (), 0)


def test_other_data_is_read_like_the_students() -> None:
    assert read([3, 1.0, "2", b"3"], known=("1", "2", "3"))[0] == [2, 0, 1, 2]
    assert read([-1, 1], known=("-1", "1"))[0] == [0, 1]
    assert read([-1, 1], known=())[0] == [-1, 1]
    assert read(np.eye(2)[[1, 0]], known=("a", "b"))[0] == [1, 0]


def test_targets_and_positions() -> None:
    assert read([1, 2], "regression") == ([1.0, 2.0], (), 0)
    assert read([[1.5], [2.0]], "regression")[0] == [[1.5], [2.0]]
    assert read(np.zeros((2, 1, 3, 3), int), "dense")[2] == 1
    assert read([[0, 7], [-1, 9]], "tokens") == ([[0, 7], [-1, 9]], (), 0)
    assert read([[0, 1], [1, -1]], "multilabel")[0] == [[0, 1], [1, -1]]


@pytest.mark.parametrize(
    ("labels", "task", "words"),
    [
        ([[1, 1], [0, 1]], "classification", r"shape \(2, 2\).*task='multilabel'"),
        ([[0, 0], [0, 1]], "classification", "task='multilabel'"),
        ([[0.3, 0.7], [0.5, 0.5]], "classification", r"probabilities: give their argmax\(1\).*through a teacher"),
        ([[0.3, 7.0], [0.5, 0.5]], "classification", "task='regression'"),
        ([[3, 7], [5, 5]], "classification", "task='tokens'"),
        (np.zeros((2, 4, 4), int), "classification", "task='dense'"),
        (np.full((2, 4, 4), 0.5), "classification", "task='regression'"),
        ([["a", "b"], ["c", "d"]], "classification", "several names per sample"),
        ([0.5, 1.0], "classification", "fractional, such as 0.5; set task='regression'"),
        ([0, -2], "classification", "label -2 is negative"),
        ([0, 2**70], "tokens", "one per sample; task='tokens'"),
        ([[0, 1e300]], "tokens", "too large for the number of a class"),
        ([0, 1], "dense", "one class per sample is task='classification'"),
        ([0, 1], "multilabel", r"needs \(N, C\)"),
        (["a", "b"], "regression", "numbers are needed here, and names are those of classes"),
        ([True, False], "regression", "numbers are needed"),
        ([0, float("nan")], "classification", "missing values"),
        ([0, None], "classification", "missing values"),
        (pd.array([0, pd.NA], dtype="Int64"), "classification", "missing values"),
        (np.ma.array([0, 1], mask=[0, 1]), "classification", "missing values"),
        ([0, float("inf")], "regression", "infinite"),
        (["a", ""], "classification", "empty texts"),
        (["a", 1], "classification", "mix"),
        (np.array(["a", 1.5], dtype=object), "classification", "mix texts and numbers, such as 'a' and 1.5"),
        ([[0, 255], [1, 2]], "dense", "label 255 looks like the mark"),
        ("price", "classification", "the single value 'price'.*DataFrame"),
        ([[0], [1, 2]], "classification", "unequal shapes"),
    ],
)
def test_what_is_refused_names_what_works(labels: Any, task: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(labels, task)


@pytest.mark.parametrize("labels", [{"a": 1}, {1, 2}, np.array([1j]), np.array(["2020-01-01"], dtype="M8[D]"), len])
def test_what_is_no_label_at_all(labels: Any) -> None:
    with pytest.raises(TypeError, match="labels are"):
        read(labels)
