"""Thousands of odd settings with a fixed seed: each is made, or refused in one clear sentence; none is accepted nonsense."""

from __future__ import annotations

import random
import traceback
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe, Setting

N, M = 30, 9
Y = np.arange(N) % 3
X = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
NAMES = np.array(["ant", "bee", "cat"])
TEST, TEST_Y = X[:M] + 1, Y[:M]


class Items(Dataset):
    """Items that are no pairs, or whose labels or shapes are odd."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def forest(labels: Any, inputs: np.ndarray = X) -> RandomForestClassifier:
    return RandomForestClassifier(2, random_state=0).fit(inputs, labels)


def pair(act: Any) -> dict[str, Any]:
    """The labels of train and test, changed alike."""
    return {"train": (X, act(Y)), "test": (TEST, act(TEST_Y))}


GOOD: dict[str, list[dict[str, Any]]] = {
    "data": [
        pair(lambda y: y[:, None]),
        pair(lambda y: np.eye(3)[y]),
        pair(lambda y: np.eye(3, dtype=bool)[y]),
        pair(lambda y: y + 1),
        pair(lambda y: y * 10**9),
        pair(lambda y: NAMES[y]),
        pair(lambda y: NAMES[y].astype("S")),
        pair(lambda y: y.astype(float)),
        pair(lambda y: torch.tensor(y, dtype=torch.uint8)),
        pair(lambda y: pd.Series(y, dtype="Int64")),
        {"train": (X, np.where(np.arange(N) < 15, Y, -1))},
        {"train": (X.astype(np.float16), Y)},
        {"train": (torch.tensor(X, requires_grad=True), Y)},
        {"train": (csr_matrix(X), Y), "test": (csr_matrix(TEST), TEST_Y)},
        {"train": TensorDataset(torch.tensor(X), torch.tensor(Y))},
        {"train": Items(*zip(X, Y, strict=True))},
        {"train": (pd.DataFrame(X), Y), "test": (pd.DataFrame(TEST), TEST_Y)},
    ],
    "teacher": [{"teacher": t} for t in (None, nn.Linear(4, 3).half(), lambda x: x[:, :3], Recipe(partial(MLP, 4, (3,), 3)))],
    "student": [{"student": s} for s in (MLP(4, (3,), 3), DecisionTreeClassifier(), DecisionTreeClassifier)],
    "validation": [{"validation": v} for v in (0.2, np.float64(0.3), 0.5)],
    "others": [{"augment": lambda x, g: x + 1}, {"threads": 1}, {"look": "points"}, {"budget": Budget(epochs=1)}],
}  # fmt: skip
BAD: dict[str, list[dict[str, Any]]] = {
    "data": [
        *({"train": train} for train in (
            None, 3, "digits", X, (X,), (X, Y, Y), {}, {"x": X}, [(X[0], 0), (X[1], 1)], (X, Y[:-1]), (X[:0], Y[:0]), (X, None),
            (None, Y), ("texts", Y), (["a"] * N, Y), ([None] * N, Y), (object(), Y), ({1, 2}, Y), (3.0, Y), ({}, Y), ((x for x in X), Y),
            (X * 1j, Y), (np.zeros(N, dtype=[("a", "f4")]), Y), (X.astype("M8[s]"), Y), (np.where(X > 1, np.nan, X), Y),
            (np.where(X > 1, np.inf, X), Y), (np.ma.array(X, mask=X > 1), Y), ([[1.0] * (1 + k % 2) for k in range(N)], Y),
            (torch.zeros(N, 4, device="meta"), Y),
            (csr_matrix((N, 10**9)), Y), (pd.DataFrame(X).assign(a=pd.NaT), Y), (pd.DataFrame(X), "label"), (pd.DataFrame(), Y),
            Items(), Items(1, 2, 3), Items((X[0], 0), (X[1][:2], 1)), Items((object(), 0)), Items((X[0], 0), (X[1], "a")),
        )),
        *({"train": (X, labels)} for labels in (
            "y", 3, {}, len, {"y": Y}, Y * 1j, Y + 0.5, np.where(Y > 1, np.nan, Y), np.where(Y > 1, np.inf, Y), Y - 5,
            np.where(Y > 1, -100, Y), np.zeros(N), np.full(N, -1), np.arange(N), np.full((N, 3), 1 / 3), np.ones((N, 3), int),
            np.zeros((N, 3), int), np.ones((N, 4), int) * 2, np.zeros((N, 2, 2), int), X, [None] * N, ["a", 1] * 15, ["a", ""] * 15,
            [[0], [1, 2]] * 15, np.array(["2020-01-01"] * N, dtype="M8[D]"), NAMES[Y].reshape(15, 2), pd.array([0, pd.NA] * 15, dtype="Int64"),
            np.where(np.arange(N) == 4, 3, Y), [{}] * N, [(0, 1), (1, 2), (2, 3)] * 10,
        )),
        *({"test": test} for test in (
            None, 0.2, "test", TEST, (TEST, None), (TEST, TEST_Y[:-1]), (TEST[:0], TEST_Y[:0]), (TEST[:, :3], TEST_Y), (TEST, TEST_Y + 5),
            (TEST, NAMES[TEST_Y]), (TEST, np.full(M, -1)), (TEST, TEST_Y - 1), (X, Y), (X[:M], TEST_Y), (TEST, TEST),
            (TEST.astype(np.int8), TEST_Y), (pd.DataFrame(TEST), TEST_Y), (TEST, np.eye(4)[TEST_Y + 1]),
        )),
        *({"task": "dense", "train": (X, y)} for y in (Y, np.full((N, 2, 2), 255), np.full((N, 2, 2), 0.5))),
        *({"task": "tokens", "train": (X, y)} for y in (Y, X, np.full((N, 4), -7))),
        *({"task": "regression", "train": (X, y)} for y in (NAMES[Y], np.ones(N), Y > 0, None, Y * 1j, X)),
        *({"task": "multilabel", "train": (X, y)} for y in (Y, X, np.eye(3)[Y] * 2, [["a", "b"]] * N)),
        *({"task": task} for task in ("classify", "", 3, None, True)),
    ],
    "teacher": [{"teacher": teacher} for teacher in (
        3, "resnet", [], {}, nn.Linear, partial(nn.Linear, 4, 3), X, nn.Linear(4, 3).to("meta"), RandomForestClassifier(),
        RandomForestClassifier, forest(Y % 2 + 7), forest(NAMES[Y]), forest(Y, X[:, :2]), forest(np.arange(N) % 5),
    )],
    "student": [{"student": student} for student in (
        None, 3, "mlp", [], {}, nn.Linear, MLP, partial(nn.Linear, 4), lambda width: None, Recipe(partial(MLP, 4, (3,), 3)), X,
        nn.Linear(4, 3).requires_grad_(False), nn.Linear(4, 3).to("meta"), nn.Flatten(), Budget(),
    )],
    "validation": [{"validation": share} for share in (
        0, 1, 1.5, -0.1, float("nan"), float("inf"), True, False, None, "10%", "0.1", [], (X[:6],), X, 2, (TEST, TEST_Y + 9),
    )],
    "others": [
        *({"augment": augment} for augment in (
            3, "flip", nn, lambda: 0, lambda x: x, lambda x, g: None, lambda x, g: x[:1], lambda x, g: x[:, :2], lambda x, g: x * np.nan,
            lambda x, g: x.long(), lambda x, g: x.numpy(), lambda x, g: 1 / 0, lambda x, g, more: x, MLP(4, (3,), 4),
        )),
        *({"threads": threads} for threads in (0, -1, 1.5, "2", True, float("nan"))),
        *({"look": look} for look in ("picture", "", 3, None)),
        *({"name": name} for name in ("", "  ", 3, None, [])),
        *({"budget": budget} for budget in (None, 10, "long", {}, Budget, {"epochs": 3})),
        *({"class_names": names} for names in ("abc", 3, np.array(3), ("a", "b"), ("a", "a", "b"), {"a": 0}, [1, 1, 2], ("a", "b", None, "None"))),
    ],
}  # fmt: skip


def made(change: dict[str, Any]) -> Setting | Exception:
    parts = {"train": (X, Y), "test": (TEST, TEST_Y), "teacher": MLP(4, (3,), 3), "student": partial(MLP, 4, (3,), 3)}
    try:
        return Setting(**(parts | change))
    except Exception as error:
        return error


def unclear(error: Exception) -> str:
    """What is wrong with an error; nothing if it is one sentence of ours."""
    where, text = traceback.extract_tb(error.__traceback__)[-1].filename, str(error)
    if not isinstance(error, ValueError | TypeError | KeyError) or type(error).__module__ != "builtins":
        return f"{type(error).__name__}: {text}"
    if "/workbench/" not in where:
        return f"raised in {where}: {text}"
    return f"too short or long: {text!r}" if not 15 < len(text) < 700 else ""


SINGLE = [(axis, k) for axis, changes in BAD.items() for k in range(len(changes))]


@pytest.mark.parametrize(("axis", "k"), SINGLE)
def test_each_malformed_argument_is_refused_in_a_sentence(axis: str, k: int) -> None:
    found = made(BAD[axis][k])
    assert isinstance(found, Exception), f"accepted: {BAD[axis][k]}"
    assert not unclear(found)


@pytest.mark.parametrize("change", [change for changes in GOOD.values() for change in changes])
def test_each_odd_but_sound_argument_is_taken(change: dict[str, Any]) -> None:
    found = made(change)
    assert isinstance(found, Setting), found


def test_combinations_of_sound_and_malformed_arguments() -> None:
    """A malformed one is refused whatever stands beside it, and sound ones do not disturb each other."""
    draw, wrong = random.Random(0), []
    for turn in range(2000):
        axes = draw.sample([*GOOD], draw.choice([2, 3]))
        bad = {axis for axis in axes if draw.random() < 0.5} if turn % 4 else set()
        chosen = [draw.choice((BAD if axis in bad else GOOD)[axis]) for axis in axes]
        found = made({name: value for change in chosen for name, value in change.items()})
        if isinstance(found, Setting) == bool(bad) or (isinstance(found, Exception) and unclear(found)):
            wrong.append((chosen, found))
    assert not wrong, f"{len(wrong)} of 2000, such as {wrong[0]}"
