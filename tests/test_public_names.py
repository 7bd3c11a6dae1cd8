"""The small public surface: every name resolves, an unknown one is answered with what exists."""

from __future__ import annotations

import ast
import inspect

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
        assert getattr(workbench.diagnostics, name).__name__ == name
    with pytest.raises(AttributeError, match=r"no diagnostic is called 'flips_off'; dir"):
        workbench.diagnostics.flips_off  # noqa: B018
