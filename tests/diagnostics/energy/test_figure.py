"""The pictures of energy against sums over the rows they show."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.diagnostics.energy import examples
from tests.diagnostics.energy.ledgers import book, measured, pair
from workbench.diagnostics.energy.measure import Energy, energy
from workbench.drawing import theme
from workbench.drawing.draw import draw
from workbench.energy.component import Component


def streams(result: Energy) -> tuple[list[str], Counter[str], Counter[str]]:
    """Names of the nodes, and what flows into and out of each."""
    (found,) = [trace for trace in draw(result).data if trace.type == "sankey"]
    into, out = Counter[str](), Counter[str]()
    for source, target, value in zip(found.link.source, found.link.target, found.link.value, strict=True):
        out[found.node.label[source]] += value
        into[found.node.label[target]] += value
    return list(found.node.label), into, out


def test_as_much_flows_out_of_a_node_as_into_it_and_the_ends_are_the_totals() -> None:
    package = Component("cpu 0", 300.0, 290.0, 310.0, "rapl", "socket", "measured")
    shown = energy({"kd": [measured(book(4.0, 3.0, 20.0), "student", package)]}, allocation=0.5)
    names, into, out = streams(shown)
    assert set(names) >= {
        "student",
        "teacher training",
        "cpu of the socket",
        "cpu of the process",
        "measured",
        "estimated",
    }
    for name in set(into) & set(out):
        assert into[name] == pytest.approx(out[name])
    totals = {row["status"]: row["energy_j"] for row in shown.totals}
    assert {name: into[name] for name in totals} == pytest.approx(totals)
    assert out["teacher training"] == pytest.approx(
        0.5 * {r["stage"]: r for r in shown.stages}["teacher_training"]["energy_j"]
    )


def test_several_arms_have_a_column_of_their_own() -> None:
    shown = energy(pair())
    names, into, out = streams(shown)
    assert {arm: out[arm] for arm in shown.arms} == pytest.approx({r["arm"]: r["energy_j"] for r in shown.totals})
    assert into["estimated"] == pytest.approx(sum(row["energy_j"] for row in shown.totals))
    assert names.count("student") == 1


def test_where_nothing_is_known_nothing_flows() -> None:
    assert not [trace for each in examples.incomplete()[1:2] for trace in draw(each).data if trace.type == "sankey"]


def test_a_stored_trace_of_a_sensor_is_drawn_over_the_shades_of_the_stages() -> None:
    kept = {"part": "gpu 0", "method": "nvml_power", "seconds": [0.0, 2.0, 6.0], "joules": [0.0, 100.0, 500.0]}
    made = draw(energy({"kd": [book(4.0, 3.0, sensed=[kept])]}))
    traces = {trace.name: trace for trace in made.data}
    np.testing.assert_allclose(traces["gpu 0 (nvml_power), W"].y, [50.0, 50.0, 100.0])
    so_far = traces["gpu 0 (nvml_power), joules so far (to the scale of the watts)"]
    assert list(so_far.customdata) == kept["joules"]
    assert max(so_far.y) == pytest.approx(100.0)
    (shades,) = [trace for trace in made.data if trace.type == "bar" and not trace.orientation]
    assert list(shades.marker.color) == [theme.STAGES[stage] for stage in ("preparation", "student", "evaluation")]
    assert any(axis.title.text == "W, measured" for axis in made.select_yaxes())
    assert any(axis.title.text == "W, estimated" for axis in draw(energy(pair())).select_yaxes())
