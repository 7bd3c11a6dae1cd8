"""What methods say about themselves is found by their template, whatever stands in it."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from tests.contracts.scene import scene
from workbench.cli.methods import _entry
from workbench.methods.catalog import catalog
from workbench.methods.declared import declared
from workbench.methods.matched import matched
from workbench.methods.method import Method

METHODS = catalog()
every_method = pytest.mark.parametrize("cls", METHODS.values(), ids=METHODS)

MODULE = """An idea,
over two lines.

What it means. A step costs more
than 3 times one of kd. It is "quoted".

Second paragraph. Memory grows with the square of the batch; nothing else.

Formula:
    L = a * b
        + c
    a: one

Faithful to: Somebody et al., 2020,
Eq. 1.
Departs from it: nothing.
Setting: digits. On it we expect: less. It takes memory for all.
Cost: twice the passes.
"""
CLASS = """The method.

    Args:
        weight: Of it.

    Terms: ``labels`` and ``own``, (B,) each,
        of the student; ``peer_1.own`` too.
"""


@pytest.fixture
def made(monkeypatch):
    """A method in a file that is written by the template."""
    module = ModuleType("workbench.methods.made.up", MODULE)
    cls = type("Made", (Method,), {"__module__": module.__name__, "__doc__": CLASS})
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return cls


def test_every_part_is_found(made) -> None:
    said = declared(made)
    assert (said.summary, said.idea) == ("The method.", "An idea, over two lines.")
    assert said.intuition.startswith("What it means. A step costs more than 3 times")
    assert said.intuition.endswith("nothing else.")
    assert said.formula == "L = a * b\n    + c\na: one"
    assert said.faithful == "Somebody et al., 2020, Eq. 1."
    assert said.departs == "nothing."
    assert said.terms == "``labels`` and ``own``, (B,) each, of the student; ``peer_1.own`` too."
    assert said.cost == "Twice the passes."
    assert (said.code, said.path) == ("", "workbench.methods.made.up.Made")  # there is no such file


class Own(Method):
    """Somebody's own."""


def test_ones_own_method_need_not_follow_the_template() -> None:
    said = declared(Own)
    assert (said.summary, said.idea, said.formula, said.terms) == ("Somebody's own.", "Somebody's own.", "", "")
    assert said.code.startswith("class Own(Method):")
    assert said.path.endswith("test_declared.Own")


@every_method
def test_a_method_of_the_catalogue_lacks_nothing(cls) -> None:
    said = declared(cls)
    empty = [name for name, value in vars(said).items() if not value and name != "cost"]
    assert empty == []
    assert said.code.splitlines()[0].startswith('"""')
    assert f"class {cls.__name__}(" in said.code
    assert said.path == f"workbench/methods/{'/'.join(cls.__module__.split('.')[2:])}.py"


@every_method
def test_the_terms_it_declares_are_those_it_returns(cls) -> None:
    """Peers may be named by one letter, and terms may depend on parameters."""
    found = {name.rpartition("/")[2] for name in scene(cls).terms()}
    assert cls.terms
    assert found <= {name.replace("peer_k", f"peer_{k}") for name in cls.terms for k in range(1, cls.students + 1)}


@every_method
def test_nothing_but_words_is_read_from_docstrings(cls, monkeypatch) -> None:
    """Pictures and tables are the same whatever the docstrings say."""
    before = matched(cls), _entry("it", cls, "family")
    monkeypatch.setattr(cls, "__doc__", "Reworded. Reads: the moon. Learns: ``everything``. Terms: ``none``.")
    monkeypatch.setattr(sys.modules[cls.__module__], "__doc__", "Reworded.")
    after = matched(cls), _entry("it", cls, "family")
    for _, entry in (before, after):
        for parameter in entry["parameters"].values():
            del parameter["about"]
    assert after == before
