"""Constructors refuse what their annotations exclude, and convert plain numbers, for every class with a configuration."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import sys
import types
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, Optional

import numpy as np
import pytest
import torch

from workbench.methods.catalog import catalog, find
from workbench.methods.logits.kd import KD
from workbench.methods.method import Method, Sum
from workbench.records.annotations import Range
from workbench.records.parameters import Checked, check, parameters
from workbench.settings.two_moons import TwoMoons


class Own(Method):
    """A user's method with annotations of every sort."""

    def __init__(  # noqa: PLR0913
        self,
        weight: Annotated[float, Range(0, 2, 0.1)] = 1,
        steps: Annotated[int, Range(1, 9, 1)] | None = None,
        rows: Optional[int] = 3,  # noqa: UP045 - as users write it
        kind: Literal["a", "b", 1] = "a",
        bold: bool = False,
        layer: str = None,  # noqa: RUF013 - as users write it
        mixed: float | str = 1.0,
        sizes: list[int] = (),
        unknown: NotImported = None,  # noqa: F821
        plain=0,
        function: Callable[[float], float] | None = None,
    ) -> None:
        super().__init__()
        self.weight, self.steps, self.rows, self.kind, self.bold, self.layer = weight, steps, rows, kind, bold, layer
        self.mixed, self.sizes, self.unknown, self.plain, self.function = mixed, sizes, unknown, plain, function


NOT_NUMBERS = ["4", "", None, True, np.True_, 1j, [1.0], (1,), {}, object(), float("nan"), float("inf"), -np.inf,
               10**400, 10**5000, np.array([1.0]), torch.ones(2), b"1", Decimal("NaN")]  # fmt: skip


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=lambda value: type(value).__name__)
def test_every_number_of_every_method_refuses_what_is_not_a_finite_number(value: Any) -> None:
    for cls in catalog().values():
        for key, parameter in parameters(cls).items():
            if parameter.kind in (int, float) and not (value is None and parameter.optional):
                with pytest.raises(ValueError, match=f"^{key} = "):
                    cls(**{key: value})


def test_every_number_of_every_method_refuses_values_outside_its_range() -> None:
    for cls in catalog().values():
        for key, parameter in parameters(cls).items():
            if parameter.range is not None:
                for value in (parameter.range.low - 1, parameter.range.high + 1, -1e30, 1e30):
                    with pytest.raises(ValueError, match=key):
                        cls(**{key: value})


@pytest.mark.parametrize("four", [4, np.float32(4), np.int64(4), np.array(4.0), torch.tensor(4), Fraction(8, 2)])
def test_numbers_of_other_libraries_become_python_numbers(four: Any) -> None:
    method = KD(temperature=four)
    assert type(method.temperature) is float
    assert json.loads(json.dumps(method.config()))["temperature"] == 4.0
    assert type(Own(steps=four).steps) is int


def test_choices_are_compared_with_their_type() -> None:
    assert Own(kind=np.str_("b")).kind == "b"
    assert Own(kind=np.int64(1)).kind == 1
    for wrong in ("c", True, 1.0, None, ["a"], np.array(["a", "b"])):
        with pytest.raises(ValueError, match=r"kind = .* is not one of 'a', 'b', 1"):
            Own(kind=wrong)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"weight": 3}, "weight = 3.0 is outside"),
        ({"steps": 2.5}, "steps = 2.5 is not an int .* or None"),
        ({"steps": 0}, "steps = 0 is outside"),
        ({"rows": "3"}, "rows = '3'"),
        ({"bold": 1}, "bold = 1 is not a bool"),
        ({"layer": 3}, "layer = 3 is not a str"),
        ({"function": 3}, "function = 3 must be a function or None"),
    ],
)
def test_a_users_own_method_is_checked_as_those_of_the_catalogue(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Own(**given)


def test_other_annotations_and_none_are_passed_on_as_they_are() -> None:
    things: dict[str, Any] = {"mixed": "x", "sizes": [1, 2], "unknown": object(), "plain": {"a": 1}, "function": abs}
    method = Own(**things)
    assert all(getattr(method, name) is thing for name, thing in things.items())
    assert Own(layer=None).layer is None  # the default, whatever is annotated
    assert Own(rows=None, steps=None).config()["rows"] is None


def test_methods_given_to_a_sum_are_the_same_objects() -> None:
    first, second = find("dkd")(), find("attention_transfer")()
    assert list(Sum(first, second).methods) == [first, second]


def test_unknown_arguments_are_named_with_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"KD has no parameter 'temprature'; nearest: temperature"):
        KD(temprature=4)
    with pytest.raises(TypeError, match="KD: too many positional arguments"):
        KD(1.0, 1.0, 1.0, 1.0)


def test_settings_are_checked_before_they_make_data() -> None:
    for given in ({"student_labels": 0}, {"noise": np.nan}, {"noise": "0.2"}, {"student_labels": True}):
        with pytest.raises(ValueError, match=next(iter(given))):
            TwoMoons(**given)


def test_a_subclass_is_checked_by_its_own_signature_only() -> None:
    class Warm(KD):
        def __init__(self, temperature: Annotated[float, Range(20, 99, 1)] = 50.0) -> None:
            super().__init__()
            self.temperature = temperature

    assert Warm(temperature=60).temperature == 60.0
    with pytest.raises(ValueError, match=r"temperature = 4\.0"):
        Warm(temperature=4)


def test_signature_copies_pickles_and_abstract_bases_are_as_without_the_check() -> None:
    assert [*inspect.signature(KD).parameters] == ["temperature", "soft_weight", "label_weight"]
    method = KD(temperature=3)
    method.temperature = 99.0  # set past the check: a copy is no new construction
    assert copy.deepcopy(method).temperature == pickle.loads(pickle.dumps(method)).temperature == 99.0

    class Base(Method, ABC):
        @abstractmethod
        def pull(self) -> None: ...

    with pytest.raises(TypeError, match="abstract"):
        Base()


def test_change_takes_the_same_values_and_texts_that_spell_them() -> None:
    method = KD()
    method.change("temperature", np.float64(3))
    assert type(method.temperature) is float
    method.change("temperature", "5")
    assert method.temperature == 5.0
    for wrong in (0, "warm", "nan", True, None, "1e400", "1" * 5000):
        with pytest.raises(ValueError, match="temperature"):
            method.change("temperature", wrong)
    assert (check(Own, "steps", "3"), check(Own, "bold", "yes")) == (3, True)


def test_an_argument_that_is_not_stored_is_said_in_words() -> None:
    class Forgetful(Method):
        def __init__(self, alpha: float = 1.0) -> None:
            super().__init__()

    with pytest.raises(TypeError, match=r"Forgetful does not store its argument 'alpha'.*self.alpha = alpha"):
        Forgetful().config()


def test_any_class_can_be_checked() -> None:
    class Thing(metaclass=Checked):
        def __init__(self, size: Annotated[int, Range(1, 3, 1)], *rest: float, **more: Any) -> None:
            self.size, self.rest, self.more = size, rest, more

    thing = Thing(np.int8(2), "a", name="b")
    assert (thing.size, thing.rest, thing.more) == (2, ("a",), {"name": "b"})
    assert [*parameters(Thing)] == ["size"]


def test_a_field_is_checked_by_the_annotation_where_its_class_stands() -> None:
    """A dataclass of another module need not know the names that its parent's annotations use."""
    source = (
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from typing import Literal as OneOf\n"
        "from workbench.records.parameters import Checked\n"
        "@dataclass\n"
        "class Parent(metaclass=Checked):\n"
        "    look: OneOf['image', 'table'] = 'table'\n"
    )
    module = types.ModuleType("module_of_the_parent")
    sys.modules[module.__name__] = module
    try:
        exec(source, vars(module))
        child = dataclass(type("Child", (module.Parent,), {"__annotations__": {"size": "int"}, "size": 3}))
        assert parameters(child)["look"].choices == ("image", "table")
        with pytest.raises(ValueError, match="look"):
            child(look="picture")
    finally:
        del sys.modules[module.__name__]
