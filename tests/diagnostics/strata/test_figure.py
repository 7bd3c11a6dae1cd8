"""The scale of the strata fits what is shown: whole for shares, from zero up for what is rare, with its temperature."""

from __future__ import annotations

import pytest

from tests.examples import run
from workbench.diagnostics.strata.measure import strata_of
from workbench.drawing.draw import draw


@pytest.mark.parametrize(
    ("measure", "title", "whole"),
    [
        ("agreement", "agreement", True),
        ("teacher_only", "only the teacher is right", False),
        ("kendall", "order of the classes (tau)", False),
        ("hellinger", "hellinger<br>at temperature 2", False),
    ],
)
def test_a_measure_has_its_scale(measure: str, title: str, whole: bool) -> None:
    found = strata_of(run(), "class", (measure,), temperature=2.0)
    made = draw(found, measure=measure)
    dots, counts = made.data
    assert made.layout.yaxis.title.text == title
    assert (made.layout.yaxis.range == (-0.03, 1.03)) is whole
    assert list(dots.y) == found.means[0].tolist()
    assert list(counts.y) == found.counts.tolist()
    assert (counts.xaxis, counts.yaxis, made.layout.xaxis.matches) == ("x2", "y2", "x2")
    assert made.layout.yaxis2.domain[1] < made.layout.yaxis.domain[0]


def test_every_share_has_a_line_at_its_mean() -> None:
    found = strata_of(run(), "confidence")
    lines = draw(found).layout.shapes
    assert [line.y0 for line in lines] == [line.y1 for line in lines] == found.overall[:3].tolist()
