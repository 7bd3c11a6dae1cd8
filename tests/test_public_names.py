"""The small public surface: every name resolves, an unknown one is answered with what exists."""

from __future__ import annotations

import ast
import importlib
import inspect
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

import workbench


@pytest.mark.parametrize("name", workbench.__all__)
def test_a_public_name_resolves_to_the_thing_of_that_name(name: str) -> None:
    value = getattr(workbench, name)
    assert value.__name__.rpartition(".")[2] == name
    assert inspect.getdoc(value)


def test_editors_are_told_the_same_names() -> None:
    tree = ast.parse(inspect.getsource(workbench))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    told = {(line.module, alias.name) for line in guarded.body for alias in line.names}
    homes = {
        tuple(home.split(":")) if ":" in home else tuple(home.rsplit(".", 1)) for home in workbench._HOMES.values()
    }
    assert told == homes


def test_dir_lists_the_public_names() -> None:
    assert dir(workbench) == sorted(workbench.__all__)


@pytest.mark.parametrize(("wrong", "meant"), [("Studdy", "study"), ("setings", "settings"), ("drow", "draw")])
def test_a_misspelt_name_is_answered_with_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(AttributeError, match=f"no '{wrong}'; did you mean .*{meant}"):
        getattr(workbench, wrong)


def test_a_name_like_no_other_is_answered_with_all_of_them() -> None:
    with pytest.raises(AttributeError, match=", ".join(workbench.__all__)):
        workbench.xyzzy  # noqa: B018


def test_every_question_can_be_reached_from_the_floor_of_diagnostics() -> None:
    asked = dir(workbench.diagnostics)
    assert {"agreement_of", "strata_of", "flips", "linear_gaussian", "energy_of"} <= set(asked)
    assert "models_of" not in asked
    for name in asked:
        assert getattr(workbench.diagnostics, name).__name__.rpartition(".")[2] == name
    with pytest.raises(AttributeError, match=r"no diagnostic is called 'flips_off'; dir"):
        workbench.diagnostics.flips_off  # noqa: B018


def test_every_question_of_arrays_can_be_called_under_its_own_name_also_where_a_folder_has_that_name() -> None:
    floor = Path(workbench.diagnostics.__file__).parent
    folders = {path.parent.name for path in floor.glob("*/measure.py")} & set(dir(workbench.diagnostics))
    assert len(folders) >= 30
    for name in folders:
        question = getattr(workbench.diagnostics, name)
        module = importlib.import_module(f"workbench.diagnostics.{name}.measure")
        assert inspect.signature(question) == inspect.signature(getattr(module, name))
        assert pickle.loads(pickle.dumps(question)) is question


def test_the_lab_opens_also_where_a_part_of_it_was_imported_before() -> None:
    importlib.import_module("workbench.lab.live")
    assert type(workbench.lab("digits", "kd")).__name__ == "LivePanel"
    assert list(inspect.signature(workbench.lab).parameters) == ["setting", "method", "seeds"]


def test_a_folder_that_is_a_question_answers_as_its_function_does() -> None:
    rng = np.random.default_rng(0)
    student, teacher, labels = rng.normal(size=(40, 3)), rng.normal(size=(40, 3)), rng.integers(0, 3, 40)
    from workbench.diagnostics.agreement.measure import agreement

    called = workbench.diagnostics.agreement(student, teacher, labels)
    assert called.to_frame().equals(agreement(student, teacher, labels).to_frame())
    assert called.top1.mean == pytest.approx((student.argmax(1) == teacher.argmax(1)).mean())


def test_a_module_that_is_no_question_cannot_be_called() -> None:
    importlib.import_module("workbench.diagnostics.arrays")
    assert not callable(sys.modules["workbench.diagnostics.arrays"])
