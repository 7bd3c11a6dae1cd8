"""Whatever the user has becomes the same transfer set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

from workbench.data.convert import as_transfer_set
from workbench.data.encode import Encoding
from workbench.data.transfer import TransferSet

ROWS = [[0.5, 1.0], [2.0, -1.0], [0.0, 3.5]]
CLASSES = [0, 2, 1]


class Pairs(Dataset):
    """A map-style data set of the given items."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


class Unaddressed(Dataset):
    """A data set without numbers, and no stream either."""


@pytest.mark.parametrize(
    "data",
    [
        (ROWS, CLASSES),
        [ROWS, CLASSES],
        (np.array(ROWS), np.array(CLASSES)),
        (np.array(ROWS, np.float16), np.array(CLASSES, np.uint8)),
        (np.array(ROWS), np.array(CLASSES, float)),
        (torch.tensor(ROWS), torch.tensor(CLASSES)),
        (torch.tensor(ROWS, dtype=torch.float64), CLASSES),
        TensorDataset(torch.tensor(ROWS), torch.tensor(CLASSES)),
        Pairs([(np.array(row), label) for row, label in zip(ROWS, CLASSES, strict=True)]),
        pd.DataFrame(ROWS, columns=["a", "b"]).assign(y=CLASSES),
        (pd.DataFrame(ROWS, columns=["a", "b"]).assign(y=CLASSES)[["y", "a", "b"]], "y"),
        (pd.DataFrame(ROWS, columns=["a", "b"]), CLASSES),
        (pd.DataFrame(ROWS, columns=["a", "b"]), pd.Series(CLASSES)),
        (pd.DataFrame(ROWS, columns=["a", "b"]), pd.Series(CLASSES, dtype="Int64")),
        (ROWS, np.array(CLASSES, dtype=object)),
        pd.DataFrame([[*row, label] for row, label in zip(ROWS, CLASSES, strict=True)]),
    ],
)
def test_every_form_gives_the_same_tensors(data: Any) -> None:
    """Lists, arrays, tensors, data sets and tables."""
    made = as_transfer_set(data)
    inputs = made.in_memory().inputs
    assert inputs.dtype == torch.float32
    assert inputs.tolist() == ROWS
    assert made.labels.dtype == torch.int64
    assert made.labels.tolist() == CLASSES
    assert made.encoding.classes == ()


def test_a_transfer_set_passes_through() -> None:
    """The very object."""
    data = TransferSet(torch.zeros(2, 1))
    assert as_transfer_set(data) is data


def test_labels_may_be_missing_altogether() -> None:
    """Transfer inputs."""
    made = as_transfer_set((ROWS, None))
    assert made.labels is None
    assert made.labelled.tolist() == []


def test_minus_one_is_no_label() -> None:
    """For numbers and for names."""
    assert as_transfer_set((ROWS, [0, -1, 1])).labelled.tolist() == [0, 2]
    named = as_transfer_set((ROWS, np.array(["b", -1, "a"], dtype=object)))
    assert named.labels.tolist() == [1, -1, 0]
    assert named.encoding.classes == ("a", "b")


def test_bytes_stay_bytes_and_are_scaled_in_the_batch() -> None:
    """Images of uint8 cost a quarter of the memory."""
    images = np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1)
    made = as_transfer_set((images, [0, 1, 0]))
    assert made.inputs.dtype == torch.uint8
    seen = made.batch(torch.arange(3)).student_inputs
    assert seen.dtype == torch.float32
    assert seen.flatten().tolist() == pytest.approx([0.0, 0.2, 1.0])


@pytest.mark.parametrize(("given", "dtype"), [(np.int32, torch.int64), (np.uint16, torch.int64), (bool, torch.float32)])
def test_other_kinds_of_numbers(given: type, dtype: torch.dtype) -> None:
    """Integers are token ids and stay whole; booleans are features."""
    made = as_transfer_set((np.array([[1, 0], [0, 1]]).astype(given), [0, 1]))
    assert made.inputs.dtype == dtype
    assert made.inputs.tolist() == [[1, 0], [0, 1]]


def test_several_inputs_per_sample() -> None:
    """A tuple or dict of arrays stays one."""
    pair = as_transfer_set(((np.zeros((2, 3)), np.ones((2, 1))), [0, 1]))
    assert [tuple(part.shape) for part in pair.inputs] == [(2, 3), (2, 1)]
    named = as_transfer_set(({"x": np.zeros((2, 3))}, [0, 1]))
    assert named.inputs["x"].dtype == torch.float32


def test_targets_of_a_regression_stay_numbers() -> None:
    """Also whole and negative ones."""
    made = as_transfer_set((ROWS, [3, -7, 0]), task="regression")
    assert made.labels.dtype == torch.float32
    assert made.labels.tolist() == [3.0, -7.0, 0.0]
    assert made.labelled.tolist() == [0, 1, 2]


# --- tables ------------------------------------------------------------------------------------------------------
TABLE = pd.DataFrame(
    {
        "size": [1.5, 2.0, 4.0],
        "colour": ["red", "blue", "red"],
        "wild": [True, False, True],
        "grade": pd.Categorical(["low", "high", "low"], categories=["low", "mid", "high"]),
        "kind": ["dog", "cat", "cat"],
    }
)


def test_a_table_is_one_hot_but_for_its_numbers() -> None:
    """Sorted categories, but a categorical keeps its order and its unused ones."""
    made = as_transfer_set(TABLE)
    names = ("size", "colour=blue", "colour=red", "wild=False", "wild=True", "grade=low", "grade=mid", "grade=high")
    assert made.encoding.names == names
    assert made.inputs.tolist() == [[1.5, 0, 1, 0, 1, 1, 0, 0], [2, 1, 0, 1, 0, 0, 0, 1], [4, 0, 1, 0, 1, 1, 0, 0]]
    assert made.labels.tolist() == [1, 0, 0]
    assert made.encoding.classes == ("cat", "dog")


def test_a_second_table_is_read_like_the_first() -> None:
    """Whatever the order of its columns, and with the categories and classes of the first."""
    first = as_transfer_set((TABLE, "kind"))
    second = TABLE.iloc[:1][["kind", "grade", "wild", "colour", "size"]]
    made = as_transfer_set(second, encoding=first.encoding)
    assert made.inputs.tolist() == first.inputs[:1].tolist()
    assert made.labels.tolist() == [1]


def test_label_order_of_a_categorical() -> None:
    """Classes are its categories, in its order."""
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": pd.Categorical(["low", "high"], categories=["low", "mid", "high"])})
    made = as_transfer_set(frame)
    assert made.encoding.classes == ("low", "mid", "high")
    assert made.labels.tolist() == [0, 2]


def _encoded(**changes: Any) -> Callable[[], Any]:
    return lambda: as_transfer_set(TABLE.iloc[:1].assign(**changes), encoding=as_transfer_set(TABLE).encoding)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (_encoded(colour="green"), r"'colour' has categories \['green'\]"),
        (_encoded(kind="cow"), r"\['cow'\] are not among the student's classes \['cat', 'dog'\]"),
        (_encoded(size="big"), "'size' holds numbers"),
        (
            lambda: as_transfer_set(TABLE, encoding=as_transfer_set((ROWS, CLASSES)).encoding),
            "student's data is no table",
        ),
        (lambda: as_transfer_set((ROWS, ["0", "1", "2"]), encoding=Encoding()), "such as '0'; numbers are needed"),
        (lambda: as_transfer_set((ROWS, ["a", "b", "c"]), task="regression"), "such as 'a'; numbers are needed"),
        (lambda: as_transfer_set(TABLE.assign(size=pd.Timestamp("2020-01-01"))), r"columns \['size'\] hold dates"),
        (lambda: as_transfer_set(TABLE[["kind"]]), "no input column"),
        (lambda: as_transfer_set((ROWS, pd.Series([0, None, 1], dtype="Int64"))), "labels have missing values"),
        (_encoded(extra=1), r"columns \['extra'\] are not in"),
        (
            lambda: as_transfer_set(TABLE[["size", "kind"]], encoding=as_transfer_set(TABLE).encoding),
            "'colour', 'wild'",
        ),
        (lambda: as_transfer_set(TABLE.assign(size=[1, None, 2])), r"columns \['size'\] have missing values"),
        (lambda: as_transfer_set(TABLE.assign(colour=["red", None, "red"])), r"columns \['colour'\] have missing"),
        (lambda: as_transfer_set(TABLE.assign(kind=["dog", None, "cat"])), "labels have missing values"),
        (lambda: as_transfer_set((TABLE, "species")), "no column 'species'; it has .*'kind'"),
        (lambda: as_transfer_set((ROWS, [0, 1, float("nan")])), "labels have missing values"),
        (lambda: as_transfer_set((ROWS, [0, 1.5, 1])), "fractional, such as 1.5"),
        (lambda: as_transfer_set((ROWS, [0, -2, 1])), "label -2 is negative"),
        (lambda: as_transfer_set((ROWS, [0, 1])), "inputs 0 has 3"),
        (lambda: as_transfer_set(([[1.0], [2.0, 3.0]], [0, 1])), "unequal shapes"),
        (lambda: as_transfer_set((["a", "b"], [0, 1])), "not numbers; give a pandas DataFrame"),
        (lambda: as_transfer_set(([[float("inf")], [1.0]], [0, 1])), "NaN or infinite"),
        (lambda: as_transfer_set((np.zeros((0, 2)), [])), "empty"),
        (lambda: as_transfer_set(Pairs([])), "empty"),
        (lambda: as_transfer_set(Pairs([(torch.zeros(2), 0), (torch.zeros(3), 1)])), r"\(2,\) and \(3,\)"),
    ],
)
def test_values_that_cannot_be_used(act: Callable[[], Any], words: str) -> None:
    """One line that says what is wrong and where."""
    with pytest.raises(ValueError, match=words):
        act()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (Unaddressed(), "Unaddressed cannot be addressed by number; what works: .*DataFrame"),
        (np.zeros((3, 2)), "cannot read data from ndarray; what works"),
        ("digits", "cannot read data from str"),
        (Pairs([torch.zeros(2)]), "must be pairs"),
        (Pairs([(object(), 0)]), "input is a object; give the data set a transform"),
    ],
)
def test_forms_that_cannot_be_read(data: Any, words: str) -> None:
    """The message lists what can."""
    with pytest.raises(TypeError, match=words):
        as_transfer_set(data)
