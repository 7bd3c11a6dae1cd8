"""The one verb finds the figure by the name of the data's module."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests import examples
from workbench.diagnostics.agreement.measure import Agreement, agreement_of
from workbench.drawing.draw import draw, drawable


@dataclass(frozen=True)
class _Closer(Agreement):
    """A subclass from elsewhere."""


def test_a_subclass_is_drawn_as_its_parent() -> None:
    found = agreement_of(examples.run())
    assert draw(_Closer(**vars(found))) == draw(found)


@pytest.mark.parametrize("thing", [[1, 2], "run", None, examples.run().budget, examples.run().scores["student"].last])
def test_anything_else_is_refused_with_what_can_be_drawn(thing: object) -> None:
    listed = f"cannot draw a {type(thing).__name__}; what can be drawn: {', '.join(drawable())}"
    with pytest.raises(TypeError, match=f"^{re.escape(listed)}$"):
        draw(thing)


def test_helpers_of_the_floor_are_not_subjects() -> None:
    assert {"agreement", "run", "soft_labels", "study"} <= set(drawable())
    assert not {"theme", "text", "curves", "draw", "embedded", "live", "decision"} & set(drawable())
