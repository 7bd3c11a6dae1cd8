"""Controls from signatures, for everything in both catalogues."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import ipywidgets as widgets
import pytest

from workbench.methods.catalog import catalog as methods
from workbench.records.annotations import Range
from workbench.records.parameters import parameters
from workbench.settings.catalog import catalog as settings
from workbench.widgets.controls import Controls

EVERY = {**methods(), **settings()}


class Example:
    """Every kind of parameter.

    Args:
        weight: A weight.
        count: How many.
        wide: Over many sizes.
        many: Whole numbers over many sizes.
        few: Perhaps how many.
        way: Which way.
        both: Whether.
        layer: A name.
        bare: A number.
    """

    def __init__(  # noqa: PLR0913 - one of each kind
        self,
        weight: Annotated[float, Range(0.0, 1.0, 0.1)] = 0.3,
        count: Annotated[int, Range(1, 9, 1)] = 2,
        wide: Annotated[float, Range(1e-4, 10.0, 0.1)] = 0.07,
        many: Annotated[int, Range(1, 65536, 1)] = 16384,
        few: Annotated[int | None, Range(20, 200, 10)] = None,
        way: Literal["up", "down"] = "up",
        both: bool = True,
        layer: str | None = None,
        bare: float = 1.5,
    ) -> None: ...


@pytest.fixture
def moved() -> list[tuple[str, Any]]:
    return []


@pytest.fixture
def controls(moved: list[tuple[str, Any]]) -> Controls:
    return Controls(Example, {"count": 3}, lambda name, value: moved.append((name, value)))


@pytest.mark.parametrize("cls", EVERY.values(), ids=EVERY)
def test_every_parameter_of_the_catalogue_has_a_control_that_stands_at_its_default(cls: type) -> None:
    moved: list[tuple[str, Any]] = []
    shown = Controls(cls, None, lambda name, value: moved.append((name, value)))
    known = parameters(cls)
    assert shown.values == {name: p.default for name, p in known.items()}
    assert list(shown.fields) == list(known)
    assert all(p.about for p in known.values()), "a control without a word about it"
    assert {name: p.check(shown.fields[name].value) for name, p in known.items()} == shown.values
    assert moved == []


@pytest.mark.parametrize("cls", EVERY.values(), ids=EVERY)
def test_both_ends_of_every_slider_are_allowed(cls: type) -> None:
    shown = Controls(cls)
    for name, p in parameters(cls).items():
        for end in (p.range.low, p.range.high) if p.range else ():
            shown.fields[name].value = end
            assert shown.values[name] == end
            assert shown.fields[name].slider.value == pytest.approx(end)


def inner(field: Any) -> widgets.Widget:
    """The slider or box that the user touches."""
    return getattr(field, "slider", getattr(field, "box", field))


@pytest.mark.parametrize(
    ("name", "kind", "value", "heard"),
    [
        ("weight", widgets.FloatSlider, 0.1 + 0.2 + 0.4, 0.7),
        ("count", widgets.IntSlider, 5, 5),
        ("wide", widgets.FloatLogSlider, 0.0123456, 0.0123),
        ("many", widgets.FloatLogSlider, 1000.4, 1000),
        ("way", widgets.Dropdown, "down", "down"),
        ("both", widgets.Checkbox, False, False),
        ("layer", widgets.Text, "layer1", "layer1"),
        ("bare", widgets.Text, "2.5", 2.5),
    ],
)
def test_each_kind_is_heard_as_a_clean_value(
    controls: Controls, moved: list[tuple[str, Any]], name: str, kind: type, value: Any, heard: Any
) -> None:
    touched = inner(controls.fields[name])
    assert isinstance(touched, kind)
    touched.value = value
    assert moved == [(name, heard)]
    assert type(moved[0][1]) is type(heard)
    assert controls.values[name] == heard


def test_a_slider_that_may_be_unset_is_none_until_its_box_is_ticked(
    controls: Controls, moved: list[tuple[str, Any]]
) -> None:
    few = controls.fields["few"]
    assert (few.value, few.slider.disabled) == (None, True)
    few.box.value = True
    few.slider.value = 60
    few.box.value = False
    assert moved == [("few", 20), ("few", 60), ("few", None)]


def test_a_box_that_may_be_empty_is_none(controls: Controls, moved: list[tuple[str, Any]]) -> None:
    controls.fields["layer"].box.value = "layer1"
    controls.fields["layer"].box.value = " "
    assert moved == [("layer", "layer1"), ("layer", None)]


def test_what_is_not_allowed_is_refused_in_words(controls: Controls, moved: list[tuple[str, Any]]) -> None:
    controls.fields["bare"].box.value = "<b>two</b>"
    assert moved == []
    assert controls.values["bare"] == 1.5
    assert "bare = &#x27;&lt;b&gt;two&lt;/b&gt;&#x27; is not a float" in controls.problem.value
    controls.fields["bare"].box.value = "2"
    assert controls.problem.layout.display == "none"


def test_while_a_run_goes_on_only_its_numbers_can_be_moved(controls: Controls) -> None:
    controls.lock(running=True)
    free = {name for name, field in controls.fields.items() if not field.disabled}
    assert free == {"weight", "wide", "bare"}
    assert inner(controls.fields["count"]).disabled
    controls.lock(running=False)
    assert not any(field.disabled for field in controls.fields.values())
    assert controls.fields["few"].slider.disabled  # unset
    controls.lock_all(locked=True)
    assert all(field.disabled for field in controls.fields.values())


def test_what_stands_in_the_docstring_is_the_tooltip(controls: Controls) -> None:
    assert inner(controls.fields["weight"]).tooltip == "A weight."


def test_the_text_of_a_saved_notebook_names_the_values(controls: Controls) -> None:
    assert repr(controls).startswith("Controls(weight=0.3, count=3, ")


def test_a_class_without_parameters_has_no_controls() -> None:
    assert Controls(type("Bare", (), {})).fields == {}
