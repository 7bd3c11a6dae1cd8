"""Every public question of arrays, found by walking the floor: the same answer for every container, or one clear error."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import workbench
import workbench.diagnostics as floor

ROOT = str(Path(workbench.__file__).parent)
ARRAYS = re.compile(r"ArrayLike|\bLogits\b|\bFeatures\b|\bNamed\b")
R = np.random.default_rng(0)
N, C = 48, 4
LABELS = R.integers(0, C, N)
LOGITS, OTHERS = (R.normal(size=(N, C)) + 2 * np.eye(C)[LABELS] for _ in range(2))
TABLE, GUIDE = R.normal(size=(N, 6)), R.normal(size=(N, 5))
SPEED = (R.random((3, 4, 5, 5)) > 0.6, R.random((4, 5, 5)) > 0.5, np.array([0.0, 1.0, 2.5]))

CALLS: dict[str, tuple[Any, ...]] = {
    "agreement": (LOGITS, OTHERS, LABELS),
    "calibration": ({"student": LOGITS}, LABELS),
    "confusion": (LOGITS, OTHERS, LABELS),
    "coverage": (TABLE, TABLE[:20] + 0.1, LABELS[:20] > 1),
    "divergence": (np.stack([LOGITS] * 2), np.stack([OTHERS] * 2)),
    "divergence_sweep": (R.random((2, 4)), R.random((2, 4)), ("a", "b", "c", "d")),
    "fidelity": (LOGITS, OTHERS, LABELS),
    "flips": (LOGITS, OTHERS, LABELS),
    "inherited_errors": (LOGITS, OTHERS, LABELS, {"alone": LOGITS[:, ::-1].copy()}),
    "knowledge_speed": SPEED,
    "projection": (TABLE,),
    "ranking": ({"a": [1.0, 2.0], "b": [2.0, 3.0], "c": [3.0, 1.0]}, {"a": 1.0, "b": 2.0, "c": 3.0}),
    "rarefaction": (R.random((8, 9)) > 0.4, {"kd": [0, 1, 2, 3], "labels_only": [4, 5, 6, 7]}),
    "representation": ({"one": TABLE}, {"one": GUIDE}),
    "seed_disagreement": (np.stack([LOGITS, OTHERS]), LABELS),
    "soft_labels": (LOGITS[0], OTHERS[0], 1),
    "strata": ({"hit": LABELS == 1}, LABELS, ("a", "b", "c", "d")),
    "unicam": (TABLE, GUIDE, R.normal(size=(N, 6)), LABELS),
}
for path in sorted(Path(__file__).parent.glob("*/examples.py")):
    module = import_module(f"tests.diagnostics.{path.parent.name}.examples")
    CALLS |= {path.parent.name: module.CALL} if hasattr(module, "CALL") else {}
"""A good call of each, with arrays in the first places; ``CALL`` in the examples of a question is one."""

ELSEWHERE = {"trajectory": "needs a loss", "knowledge_points": "needs nets"}

Change = Callable[[np.ndarray], Any]


def _locked(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.setflags(write=False)
    return array


CONTAINERS: dict[str, Change] = {
    "nested lists": lambda a: a.tolist(),
    "a tensor with a gradient": lambda a: torch.tensor(a, requires_grad=a.dtype.kind == "f"),
    "a tensor": torch.tensor,
    "not contiguous": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "negative strides": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "read-only": _locked,
    "a mask that masks nothing": lambda a: np.ma.masked_array(a, mask=False),
    "a table": lambda a: pd.DataFrame(a) if a.ndim == 2 else pd.Series(a) if a.ndim == 1 else a,
}
MALFORMED: dict[str, Change] = {
    "text": lambda a: a.astype(str),
    "complex": lambda a: a.astype(complex),
    "objects": lambda a: np.full(a.shape, None),
    "dates": lambda a: np.zeros(a.shape, "datetime64[s]"),
    "nothing": lambda a: a[:0],
    "None": lambda a: None,
    "a meta tensor": lambda a: torch.zeros(a.shape, device="meta"),
    "masked values": lambda a: np.ma.masked_array(a, mask=np.ones(a.shape, bool)),
    "unequal rows": lambda a: [[1, 2], [3]],
    "NaN": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 1, np.nan, a),
    "infinite": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 1, np.inf, a),
    "another dimension": lambda a: a[..., None, None, None],
    "a word": lambda a: "logits",
}
FITTING = {("representation", "another dimension"), ("unicam", "another dimension")}
"""Features may have any shape behind their samples."""
INTERNAL = re.compile(
    r"axis \d|broadcast|ufunc|dtype\('|_ArrayMemory|shapes \(|unhashable|has no attribute|index \d+ is out"
)


def questions() -> dict[str, Callable[..., Any]]:
    """Functions of the floor whose parameters without a default hold arrays."""
    asked = {name: getattr(floor, name) for name in dir(floor) if not name.endswith("_of")}
    return {
        name: ask
        for name, ask in asked.items()
        if any(
            ARRAYS.search(str(p.annotation)) for p in inspect.signature(ask).parameters.values() if p.default is p.empty
        )
    }


QUESTIONS = questions()
ASKED = [name for name in QUESTIONS if name in CALLS]


def places(name: str) -> list[tuple[int, str | None]]:
    """Where the call has arrays: the argument, and the key where it holds several."""
    found: list[tuple[int, str | None]] = []
    for at, (parameter, value) in enumerate(
        zip(inspect.signature(QUESTIONS[name]).parameters.values(), CALLS[name], strict=False)
    ):
        if not ARRAYS.search(str(parameter.annotation)):
            continue
        found += [(at, key) for key in value] if isinstance(value, dict) else [(at, None)]
    return found


def changed(name: str, at: int, key: str | None, change: Change) -> tuple[Any, ...]:
    arguments = list(CALLS[name])
    if key is None:
        arguments[at] = change(np.asarray(arguments[at]))
    else:
        arguments[at] = {**arguments[at], key: change(np.asarray(arguments[at][key]))}
    return tuple(arguments)


def trouble(ask: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
    """What is wrong with how a malformed call ends: it was accepted, or the error is not clear."""
    try:
        ask(*arguments)
    except (ValueError, TypeError, KeyError) as error:
        where, text = error.__traceback__, str(error)
        while where.tb_next:
            where = where.tb_next
        if not where.tb_frame.f_code.co_filename.startswith(ROOT):
            return f"raised outside: {text[:80]}"
        return f"internal words: {text[:80]}" if INTERNAL.search(text) or len(text) < 20 else ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:100]
    return "accepted"


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_of_arrays_is_tried(name: str) -> None:
    assert name in CALLS or name in ELSEWHERE, (
        f"write CALL = (arrays of a good call) into tests/diagnostics/{name}/examples.py"
    )


@pytest.mark.parametrize("name", ASKED)
def test_every_container_gives_the_same_answer(name: str) -> None:
    ask = QUESTIONS[name]
    expected = ask(*CALLS[name]).explain()
    for words, change in CONTAINERS.items():
        arguments = CALLS[name]
        for at, key in places(name):
            arguments = tuple(
                new if k == at else old
                for k, (new, old) in enumerate(zip(changed(name, at, key, change), arguments, strict=True))
            )
        assert ask(*arguments).explain() == expected, words


@pytest.mark.parametrize("name", ASKED)
def test_malformed_arrays_get_one_clear_error(name: str) -> None:
    found = {
        f"argument {at + 1}{f' {key}' if key else ''}, {words}": trouble(
            QUESTIONS[name], changed(name, at, key, change)
        )
        for at, key in places(name)
        for words, change in MALFORMED.items()
        if (name, words) not in FITTING
    }
    assert not {where: fault for where, fault in found.items() if fault}


@pytest.mark.parametrize("name", [each for each in ASKED if "labels" in inspect.signature(QUESTIONS[each]).parameters])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y: y[:, None], r"\[:, 0\]"),
        (lambda y: np.eye(C)[y], "one-hot"),
        (lambda y: np.array(list("abcd"))[y], "text"),
        (lambda y: y.astype(float), "integers"),
        (lambda y: y == 1, "True and False"),
        (lambda y: y[:-1], r"47|48"),
    ],
    ids=["column", "one-hot", "text", "floats", "booleans", "too few"],
)
def test_labels_in_another_form_are_refused_with_what_would_work(name: str, change: Change, words: str) -> None:
    at = list(inspect.signature(QUESTIONS[name]).parameters).index("labels")
    with pytest.raises((ValueError, TypeError), match=words):
        QUESTIONS[name](*changed(name, at, None, change))


def test_half_precision_integers_and_bfloat16_are_numbers() -> None:
    whole = np.round(4 * LOGITS)
    expected = floor.agreement(whole, OTHERS, LABELS).explain()
    for given in (
        whole.astype(np.int8),
        whole.astype(np.float16),
        torch.tensor(whole).bfloat16(),
        torch.tensor(whole).half(),
    ):
        assert floor.agreement(given, OTHERS, LABELS).explain() == expected


def test_probabilities_given_as_logits_are_warned_of() -> None:
    shares = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    assert any("probability distribution" in each for each in floor.agreement(shares, OTHERS, LABELS).warnings)
    assert not any("distribution" in each for each in floor.agreement(LOGITS, OTHERS, LABELS).warnings)


def test_other_numbers_of_samples_and_classes_are_named() -> None:
    with pytest.raises(ValueError, match=r"student logits \(47, 4\) and teacher logits \(48, 4\).*numbers of samples"):
        floor.agreement(LOGITS[:-1], OTHERS, LABELS)
    with pytest.raises(ValueError, match=r"\(48, 3\) and teacher logits \(48, 4\).*numbers of classes"):
        floor.agreement(LOGITS[:, :3], OTHERS, LABELS)
