"""A method beside its formula, and the check that both say the same.

``tests/methods/<family>/test_<name>.py``, the file of oracles of a method, offers

- ``ORACLES``: a list of ``Case``; together they hold every term of the method, and every number in its constructor shows in
  one of them. ``tests/contracts/test_oracle_sensitivity.py`` makes the method slightly wrong and wants one to fail;
- ``VISIBLE`` (if needed): by parameter, a value whose effect an oracle shows, where five per cent more, or one, does not;
- a test that calls ``check(case, case.make())`` for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.trace import Trace

Numbers = Mapping[str, np.ndarray]
STEP = 1e-5


@dataclass(frozen=True)
class Constants:
    """What counts as a constant when a formula is differentiated: the teacher, and the students as they stand."""

    teacher: Any
    student: Any


@dataclass(frozen=True)
class Case:
    """One situation in which a method's terms are known.

    Attributes:
        name: shown in the test's id.
        make: a built method of these parameters, in the state the case is about, in float64.
        student: trace, or tuple of traces, of leaf tensors.
        teacher: trace, or None.
        expected: the formula: (numbers of the student(s), constants) -> numbers of each term, one per sample.
        plan: what ``stages`` must say, as (name, learner, teacher, share) each.
    """

    name: str
    make: Callable[..., Any]
    student: Any
    teacher: Trace | None
    batch: Batch
    expected: Callable[[Any, Constants], dict[str, list[float]]]
    plan: tuple[tuple[Any, ...], ...] = (("distill", "student", "teacher", 1.0),)


FACTS = Facts(samples=6, classes=3, steps=1000, epochs=10)


def trace(logits: Any, **features: Any) -> Trace:
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in features.items()}
    return Trace(torch.tensor(logits, dtype=torch.float64), tensors)


def batch(labels: list[int], ids: list[int] | None = None) -> Batch:
    return Batch(torch.tensor(ids or list(range(len(labels)))), torch.zeros(len(labels), 1), torch.tensor(labels))


def check(case: Case, method: Any) -> None:
    """Values, the gradient with respect to the student, none for the teacher, and the plan."""
    plan = [(p.name, p.learner, p.teacher, p.share) for p in method.stages(FACTS)]
    assert plan == [(*stage[:3], pytest.approx(stage[3])) for stage in case.plan]
    student, teacher = _leaves(case.student), _leaves(case.teacher)
    terms = method(student, teacher, case.batch)
    constants = Constants(_numbers(case.teacher), _numbers(case.student))
    expected = case.expected(_numbers(case.student), constants)
    assert set(terms) == set(expected)
    for name, values in expected.items():
        assert terms[name].shape == (len(values),), name
        np.testing.assert_allclose(terms[name].detach().numpy(), values, rtol=1e-9, atol=1e-11, err_msg=name)
    sum(term.mean() for term in terms.values()).backward()
    _check_gradient(case, student, constants)
    assert all(tensor.grad is None for tensor in _tensors(teacher)), "a gradient reaches the teacher"


def _check_gradient(case: Case, student: Any, constants: Constants) -> None:
    """Against central differences of the formula, entry by entry."""
    numbers = _numbers(case.student)
    for index, (own, numbers_of_one) in enumerate(zip(_several(student), _several(numbers), strict=True)):
        for name, array in numbers_of_one.items():
            tensor = own.outputs if name == "logits" else own.features[name]
            found = np.zeros_like(array) if tensor.grad is None else tensor.grad.numpy()
            slopes = np.zeros_like(array)
            for entry in np.ndindex(array.shape):
                high, low = (_total(case, numbers, index, name, entry, sign * STEP, constants) for sign in (1, -1))
                slopes[entry] = (high - low) / (2 * STEP)
            scale = max(1.0, np.abs(slopes).max())
            np.testing.assert_allclose(found, slopes, rtol=1e-4, atol=1e-5 * scale, err_msg=f"gradient of {name}")


def _total(
    case: Case, numbers: Any, index: int, name: str, entry: tuple[int, ...], change: float, constants: Constants
) -> float:
    moved = [{key: array.copy() for key, array in one.items()} for one in _several(numbers)]
    moved[index][name][entry] += change
    terms = case.expected(tuple(moved) if isinstance(numbers, tuple) else moved[0], constants)
    return sum(float(np.mean(values)) for values in terms.values())


def _several(given: Any) -> list[Any]:
    return list(given) if isinstance(given, tuple) else [given]


def _leaves(given: Any) -> Any:
    """The same traces on fresh tensors that take gradients."""
    if given is None:
        return None
    if isinstance(given, tuple):
        return tuple(_leaves(one) for one in given)
    fresh = {name: tensor.clone().requires_grad_() for name, tensor in given.features.items()}
    return Trace(given.outputs.clone().requires_grad_(), fresh)


def _tensors(given: Any) -> list[torch.Tensor]:
    return [] if given is None else [t for one in _several(given) for t in (one.outputs, *one.features.values())]


def _numbers(given: Any) -> Any:
    if given is None:
        return None
    if isinstance(given, tuple):
        return tuple(_numbers(one) for one in given)
    return {"logits": given.outputs.numpy().copy()} | {name: t.numpy().copy() for name, t in given.features.items()}
