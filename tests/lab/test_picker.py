"""The picker without a kernel: what is chosen goes into a study, what does not fit is refused in words."""

from __future__ import annotations

import json
from functools import partial

import pytest
import torch

from workbench.engine.study.plan import plan_study
from workbench.lab.picker import Picker, pick
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.settings.setting import Setting


@pytest.fixture(scope="module")
def setting() -> Setting:
    """Random points: nothing is trained here."""
    torch.manual_seed(0)
    data = {part: (torch.randn(40, 4), torch.arange(40) % 4) for part in ("train", "test")}
    return Setting(**data, teacher=MLP(4, (6, 6), 4), student=partial(MLP, 4, (5,), 4), budget=Budget(epochs=1))


@pytest.fixture
def picker(setting) -> Picker:
    return pick(setting, ["kd", "wttm+crd"], seeds=4)


def test_what_is_chosen_can_be_run(picker, setting) -> None:
    assert [method.name for method in picker.methods] == ["kd", "wttm+crd"]
    plan = plan_study(setting, picker.methods, picker.seeds)
    controls = len(plan.arms) - 2
    assert f"2 methods and {controls} controls over 4 seeds: {len(plan.cells)} runs" in picker.summary.value
    assert picker.methods[0] is not picker.methods[0]


def test_buttons_add_and_remove(picker) -> None:
    picker.finder.found.value = "dkd"
    picker.add.click()
    assert picker.names == ["kd", "wttm+crd", "dkd"]
    assert picker.chosen.options == ("kd", "wttm+crd", "dkd")
    assert picker.chosen.value == "dkd"
    picker.add.click()
    assert "dkd is chosen already" in picker.problem.value
    picker.chosen.value = "kd"
    assert picker.names[0] == "kd"
    picker.remove.click()
    assert picker.names == ["wttm+crd", "dkd"]
    picker.count.value = 2
    assert picker.seeds == 2
    assert "over 2 seeds" in picker.summary.value


def test_nothing_chosen_is_said(picker) -> None:
    for name in list(picker.names):
        picker.drop(name)
    assert picker.methods == []
    assert "choose at least one method" in picker.summary.value
    picker.drop(None)
    picker.finder.words.value = "zzz"
    picker.add.click()
    assert "choose a method in the list first" in picker.problem.value


def test_what_does_not_fit_is_refused_in_words(picker) -> None:
    before = picker.names
    picker.take("gkd")
    assert picker.names == before
    assert "gkd does not fit here: gkd works on tokens" in picker.problem.value
    picker.take("no_such_<b>method</b>")
    assert "<b>" not in picker.problem.value
    assert "no method" in picker.problem.value


def test_only_methods_of_the_task_are_offered_and_the_control_is_none(picker) -> None:
    offered = [key for _, key in picker.finder.found.options]
    assert "kd" in offered
    assert not {"gkd", "labels_only"} & set(offered)


@pytest.mark.parametrize(("names", "error"), [(["nonsense"], KeyError), (["gkd"], ValueError)])
def test_a_bad_beginning_is_an_error(setting, names, error) -> None:
    with pytest.raises(error):
        pick(setting, names)


def test_its_state_rebuilds_it(picker, setting) -> None:
    picker.take("rkd")
    again = Picker.from_state(json.loads(json.dumps(picker.state())), setting)
    assert again.state() == picker.state() == {"methods": ["kd", "wttm+crd", "rkd"], "seeds": 4}
    assert repr(again) == "Picker(kd, wttm+crd, rkd; 4 seeds)"
