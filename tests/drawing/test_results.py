"""The figures of results show the numbers of the result, at the right places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests import examples
from workbench.diagnostics.agreement.measure import OUTCOMES, agreement_of
from workbench.diagnostics.soft_labels.measure import soft_labels
from workbench.drawing import theme
from workbench.drawing.draw import draw
from workbench.drawing.text import escaped, label
from workbench.lab import decision


def test_agreement_shows_every_count_once() -> None:
    found = agreement_of(examples.run())
    differ, same = draw(found).data[:2]
    assert np.nansum(differ.z) + np.nansum(same.z) == found.n
    assert np.diag(same.z).tolist() == np.diag(found.confusion).tolist()
    assert differ.z[2, 1] == found.confusion[2, 1]
    assert same.text[3, 3] == str(found.confusion[3, 3])


def test_agreement_shows_outcomes_and_bounds() -> None:
    found = agreement_of(examples.run())
    *_, first, second, third, fourth, ends, point = draw(found).data
    assert [bar.x[0] for bar in (first, second, third, fourth)] == [found.shares[name].mean for name in OUTCOMES]
    assert [bar.marker.color for bar in (first, second, third, fourth)] == [theme.OUTCOMES[name] for name in OUTCOMES]
    assert list(ends.x) == [found.lowest, found.highest]
    assert point.x[0] - point.error_x.arrayminus[0] == pytest.approx(found.top1.low)
    assert point.x[0] + point.error_x.array[0] == pytest.approx(found.top1.high)


@pytest.mark.parametrize(("classes", "ticks", "written"), [(2, 2, True), (20, 20, True), (100, 20, False)])
def test_a_heat_map_stays_readable(classes: int, ticks: int, written: bool) -> None:
    made = draw(agreement_of(examples.run(classes=classes)))
    assert len(made.layout.xaxis.tickvals) == len(made.layout.yaxis.ticktext) == ticks
    assert (made.data[0].texttemplate is not None) == written


@pytest.mark.parametrize("count", [1, 2, 25])
def test_a_study_has_a_row_for_every_arm(count: int) -> None:
    found = examples.study(arms=count)
    made = draw(found)
    seeds, means = made.data
    assert list(made.layout.yaxis.ticktext) == list(found.arms)
    assert made.layout.yaxis2.ticktext[0] == "control"
    assert len(seeds.x) == 5 * count
    assert list(means.x) == [arm.interval.mean for arm in found.arms.values()]
    assert made.layout.height >= 36 * count
    low, high = made.layout.xaxis.range
    assert low < min(seeds.x)
    assert high > max(seeds.x)


def test_a_study_says_its_verdicts() -> None:
    found = examples.study(arms=4)
    words = [text.partition("<br>")[0] for text in draw(found).layout.yaxis2.ticktext]
    assert words == ["control", *(c.verdict for c in found.comparisons.values())]
    assert len(set(words)) == 4


def test_one_seed_has_no_interval_and_no_verdict() -> None:
    made = draw(examples.study(arms=2, seeds=1))
    assert made.layout.yaxis2.ticktext[1].startswith("no verdict")
    assert list(made.data[1].error_x.array) == [0, 0]


def test_controls_of_controls_have_no_verdict_of_their_own() -> None:
    found = examples.study(arms=2)
    shuffled = replace(found.arms["method_1"], name="shuffled", role="permuted_targets", of=("method_1",))
    made = draw(replace(found, arms={**found.arms, "shuffled": shuffled}))
    assert made.layout.yaxis2.ticktext[2] == ""
    assert made.data[1].marker.color[2] == theme.OTHER.color


def test_soft_labels_show_the_most_probable_classes_first() -> None:
    logits = np.log(np.arange(1.0, 31.0))
    made = draw(soft_labels(logits, logits[::-1], 29, class_names=[f"c{k}" for k in range(30)]))
    teacher, student = made.data
    assert (teacher.name, student.name) == ("teacher", "student")
    best = [max(pair) for pair in zip(teacher.x, student.x, strict=True)]
    assert best == sorted(best, reverse=True)
    assert len(best) == 10
    assert "<b>c29</b> (label)" in made.layout.yaxis.ticktext
    assert "10 of 30 classes" in made.layout.title.text


def test_decision_regions_keep_their_traces_while_shares_change() -> None:
    found = examples.regions(9)
    later = replace(found, classes={party: 1 - share for party, share in found.classes.items()})
    first, second = (decision.regions(each, ("upper", "lower")) for each in (found, later))
    assert [(t.type, t.name) for t in first.data] == [(t.type, t.name) for t in second.data]
    assert first.layout == second.layout
    assert [a.text for a in first.layout.annotations] == ["teacher", "student", "control"]
    heat = [t for t in first.data if t.type == "heatmap"]
    assert all(np.array_equal(t.z, share) for t, share in zip(heat, found.classes.values(), strict=True))
    counted = sum(len(t.x) for t in first.data if t.type == "scatter")
    assert counted == 3 * len(found.points)


def test_names_are_cut_in_the_middle_and_escaped_last() -> None:
    assert label("a" * 20 + "<" + "z" * 20, 11) == "aaaaa\u2026zzzzz"
    assert label("<b>", 28) == "&lt;b&gt;"
    assert escaped("a\n$x$ & b") == "a &#36;x&#36; &amp; b"
