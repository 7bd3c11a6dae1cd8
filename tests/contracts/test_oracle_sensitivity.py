"""Every oracle test fails when its method is made slightly wrong."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from tests.methods.case import Case, check
from workbench.methods.catalog import catalog, family_of
from workbench.records.parameters import Parameter, parameters

METHODS = catalog()
FILES = {key: Path(__file__).parents[1] / "methods" / family_of(cls) / f"test_{key}.py" for key, cls in METHODS.items()}
WITH_ORACLES = [key for key, path in FILES.items() if path.exists()]
every_oracle = pytest.mark.parametrize("key", WITH_ORACLES)


class Wrong:
    """A method with another forward."""

    def __init__(self, method: Any, forward: Callable[..., dict[str, Tensor]]) -> None:
        self.stages, self.forward = method.stages, forward

    def __call__(self, *traces_and_batch: Any) -> dict[str, Tensor]:
        return self.forward(*traces_and_batch)


def oracles(key: str) -> Any:
    """The test module of a method."""
    return importlib.import_module(f"tests.methods.{family_of(METHODS[key])}.test_{key}")


def notices(case: Case, method: Any) -> bool:
    try:
        check(case, method)
    except AssertionError:
        return True
    return False


def scaled(method: Any, term: str, factor: float) -> Wrong:
    def forward(*given: Any) -> dict[str, Tensor]:
        terms = method(*given)
        return terms | {term: factor * terms[term]} if term in terms else terms

    return Wrong(method, forward)


def swapped(method: Any) -> Wrong:
    def forward(student: Any, teacher: Any, batch: Any) -> dict[str, Tensor]:
        if isinstance(student, tuple):
            return method(student[::-1], teacher, batch)
        if isinstance(teacher, tuple):
            first, *others = teacher
            mine, theirs = _renamed(student, first.features), _renamed(first, student.features)
            return method(theirs, (mine, *others), batch)
        mine, theirs = _renamed(student, teacher.features), _renamed(teacher, student.features)
        return method(theirs, mine, batch)

    return Wrong(method, forward)


def _renamed(trace: Any, names: Any) -> Any:
    """The same features under the other side's names, so that only the roles change."""
    return type(trace)(trace.outputs, dict(zip(names, trace.features.values(), strict=True)))


def another(parameter: Parameter) -> float:
    """A visibly different value in range: five per cent, or one."""
    if parameter.kind is int:
        value = parameter.default + 1
        return value if parameter.range is None or value <= parameter.range.high else parameter.default - 1
    value = 1.05 * parameter.default if parameter.default else 0.1
    return value if parameter.range is None or value <= parameter.range.high else 0.95 * parameter.default


def terms_of(key: str) -> list[str]:
    cases = oracles(key).ORACLES
    return sorted({name for case in cases for name in case.make()(case.student, case.teacher, case.batch)})


def numeric() -> Iterator[tuple[str, str]]:
    for key, cls in METHODS.items():
        for name, parameter in parameters(cls).items():
            if parameter.kind in (int, float) and key in WITH_ORACLES:
                yield key, name


def test_every_method_has_a_file_of_oracles() -> None:
    missing = [str(path.relative_to(path.parents[3])) for path in FILES.values() if not path.exists()]
    assert missing == [], f"write {', '.join(missing)}; what it must offer stands in tests/methods/case.py"


@every_oracle
def test_a_method_has_oracles_of_all_its_terms(key: str) -> None:
    named = {name.replace("peer_k", "peer_1") for name in METHODS[key].terms}
    assert not named - set(terms_of(key)), "terms without an oracle"


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1.01, -1.0], ids=["scaled", "negated"])
@every_oracle
def test_a_wrong_term_is_noticed(key: str, factor: float) -> None:
    cases, terms = oracles(key).ORACLES, terms_of(key)
    survived = [t for t in terms if not any(notices(case, scaled(case.make(), t, factor)) for case in cases)]
    assert terms
    assert survived == [], f"no oracle of {key} fails when these terms are multiplied by {factor}"


@every_oracle
def test_student_and_teacher_swapped_are_noticed(key: str) -> None:
    cases = [case for case in oracles(key).ORACLES if case.teacher is not None or isinstance(case.student, tuple)]
    assert cases or not METHODS[key].reads_teacher
    survived = [] if terms_of(key) == ["labels"] else [c.name for c in cases if not notices(c, swapped(c.make()))]
    assert survived == [], f"these oracles of {key} hold with student and teacher swapped, too"


@pytest.mark.slow
@pytest.mark.parametrize(("key", "name"), list(numeric()))
def test_another_default_is_noticed(key: str, name: str) -> None:
    module = oracles(key)
    value = getattr(module, "VISIBLE", {}).get(name, another(parameters(METHODS[key])[name]))
    assert any(notices(case, case.make(**{name: value})) for case in module.ORACLES), (
        f"no oracle of {key} fails at {name}={value}; add one, or name a value that shows in VISIBLE"
    )


@pytest.mark.parametrize("key", ["kd", "rkd", "deep_mutual_learning"])
def test_the_wrapping_alone_is_not_noticed(key: str) -> None:
    case = oracles(key).ORACLES[0]
    assert not notices(case, scaled(case.make(), "labels", 1.0))
