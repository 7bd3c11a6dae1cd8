"""The panel of the interaction tensor without a kernel: what moves when a slider does."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from tests import clicks
from tests.diagnostics.interaction.examples import tensor
from tests.examples import HOSTILE
from workbench.data.transfer import TransferSet
from workbench.diagnostics.interaction.measure import Construction, Interaction
from workbench.diagnostics.interaction.measure_again import Reconstruction
from workbench.diagnostics.interaction.panel import InteractionPanel
from workbench.drawing.draw import draw
from workbench.records.selection import Selection
from workbench.widgets.panel import panel


@pytest.fixture(scope="module")
def result() -> Interaction:
    return tensor()


def test_it_is_found_by_its_result_and_starts_where_that_stands(result: Interaction) -> None:
    made = panel(result)
    assert isinstance(made, InteractionPanel)
    assert made.result is result
    assert made.threshold.value == result.threshold
    assert made.picture.figure == draw(result)
    assert f"{result.features} features" in made.numbers.value
    assert f"{result.features} features" in repr(made)


def test_the_threshold_counts_features_again(result: Interaction) -> None:
    made = panel(result)
    made.threshold.value = 0.98
    assert made.result.threshold == 0.98
    strict = Reconstruction(result)(0.98, 4)
    assert made.result.features == strict.features
    assert made.picture.figure == draw(made.result)
    made.threshold.value = result.threshold
    assert made.result.features == result.features
    assert np.array_equal(made.result.frequency, result.frequency)
    assert np.array_equal(made.result.other_frequency, result.other_frequency)


def test_fewer_components_leave_fewer_features(result: Interaction) -> None:
    made = panel(result)
    made.components.value = 2
    assert made.result.rank.max() == 1
    assert made.result.features < result.features
    assert made.feature.max == made.result.features - 1
    made.components.value = 4
    assert made.result.features == result.features


def test_a_feature_that_is_gone_gives_way_to_the_last(result: Interaction) -> None:
    made = panel(result)
    made.feature.value = result.features - 1
    made.components.value = 1
    assert made.feature.value == made.result.features - 1
    assert f"Feature {made.feature.value}" in made.card.figure.layout.title.text


def test_choosing_a_feature_tells_its_samples(result: Interaction) -> None:
    made, told = panel(result), []
    made.on_selection(told.append)
    made.feature.value = 3
    assert told[-1].name == "feature 3, strongest"
    assert np.isin(told[-1].ids, result.ids).all()


def test_a_click_on_a_curve_chooses_its_feature(result: Interaction) -> None:
    made = panel(result)
    clicks.click(made.picture, 2, x=2)  # the second group's curve
    counts = result.frequency[1]
    assert counts[made.feature.value] == np.sort(counts)[-2]
    before = made.feature.value
    clicks.click(made.picture, 3, x=1)  # the other form has other features
    assert made.feature.value == before


def test_a_selection_chooses_the_feature_it_uses_most(result: Interaction) -> None:
    made = panel(result)
    active = result.omega.active[result.omega.feature == 5].any(axis=0)
    made.choose(Selection(result.ids[active]))
    assert made.feature.value == 5
    made.choose(Selection(np.array([-7])))
    assert made.feature.value == 0


def test_the_view_changes_the_picture(result: Interaction) -> None:
    made = panel(result)
    made.view.value = "network"
    assert made.picture.figure == draw(result, view="network")


def test_samples_bring_pictures(result: Interaction) -> None:
    made = panel(result, samples=TransferSet(torch.rand(90, 1, 4, 4)))
    assert any(trace.type == "heatmap" for trace in made.card.figure.data)


def test_a_table_tells_every_number_and_follows_the_sliders(result: Interaction) -> None:
    made = panel(result)
    assert "What this measures" in made.notes.value
    for moved in (False, True):
        if moved:
            made.threshold.value = 0.98
        read = [["".join(c.itertext()) for c in row] for row in ElementTree.fromstring(made.table.value)]
        assert read[0] == ["", "kd", "labels_only", "teacher"]
        cells = {row[0]: dict(zip(read[0], row, strict=True)) for row in read[1:]}
        for row in (row for row in made.result.rows() if row["group"]):
            shown = cells[row["quantity"]][row["group"]]
            value = np.nan if shown == "-" else float(shown.split(" (")[0].replace(",", ""))
            assert value == pytest.approx(row["value"], abs=0.0051 if abs(row["value"]) < 10 else 0.51, nan_ok=True)
            if np.isfinite(row.get("high", np.nan)):
                assert shown.endswith(f" to {row['high']:.2f})") or row["high"] >= 10
        assert cells["unique features, paper form"]["kd"] == str(made.result.other["unique"][0])
        assert f"{made.result.other['features']} in the paper form" in made.numbers.value
    assert "in random orders" in panel(result).numbers.value


def test_warnings_stand_beside_it_and_names_are_escaped() -> None:
    hostile = tensor((HOSTILE, "b", "teacher"))
    made = panel(hostile)
    assert "see rarefaction" in made.notes.value
    assert "<img" not in made.table.value + made.notes.value + made.numbers.value
    assert "&lt;img" in made.table.value


def test_a_click_on_a_common_feature_chooses_it(result: Interaction) -> None:
    made = panel(result)
    made.view.value = "common"
    clicks.click(made.picture, 1, x=1)
    common = np.flatnonzero(result.common)
    assert made.feature.value == common[np.argmax(result.frequency[1][common])]
    made.view.value = "per_sample"
    made.feature.value = 0
    clicks.click(made.picture, 1, x=2)
    assert made.feature.value == 0


def test_its_state_rebuilds_it(result: Interaction) -> None:
    made = panel(result)
    made.threshold.value, made.components.value, made.feature.value, made.view.value = 0.6, 3, 2, "samples"
    state = json.loads(json.dumps(made.state()))
    again = InteractionPanel.from_state(state, result)
    assert again.state() == state
    assert again.picture.figure == made.picture.figure
    assert again.card.figure == made.card.figure


def test_large_tensors_are_rebuilt_on_fewer_samples(result: Interaction) -> None:
    small = Reconstruction(result, most=result.scores.size // 3)
    found = small(result.threshold, 4)
    assert (small.every, found.n) == (3, 30)
    assert found.features == result.features
    assert np.array_equal(found.ids, result.ids[::3])
    assert found.frequency.sum() == pytest.approx(result.frequency.sum() / 3, rel=0.2)


def test_components_that_were_left_out_stay_out(result: Interaction) -> None:
    some = replace(result, construction=result.construction | {"least_share": 0.2})
    found = Reconstruction(some)(0.5, 4)
    assert len(found.owner) == (result.share >= 0.2).sum() < len(result.owner)
    assert Construction(**some.construction).least_share == 0.2
