"""Settings and methods of one's own, from a file or an installed package, by name."""

from __future__ import annotations

import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import workbench.records.plugins as plugins
from workbench.engine.study.plan import plan_study
from workbench.methods import catalog as methods
from workbench.methods.logits.kd import KD
from workbench.settings import catalog as settings
from workbench.settings.two_moons import TwoMoons

METHOD = """
from typing import Annotated
from workbench.methods.method import Method
from workbench.methods.logits.kd import KD
from workbench.records.annotations import Range
import {helper}

class Mine(Method):
    def __init__(self, strength: Annotated[float, Range(0, 9, 1)] = 2.0) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, student, teacher, batch):
        gap = (student.logits - teacher.logits.detach()).square().mean(1)
        return {{"labels": self.label_loss(student, batch), "gap": self.strength * {helper}.SCALE * gap}}

made = KD(temperature=2.0)
number = 3
"""
SETTING = """
from workbench.settings.two_moons import TwoMoons

class Noisy(TwoMoons):
    def __init__(self, noise: float = 0.3) -> None:
        super().__init__(noise=noise)
        self.name = "noisy"

small = TwoMoons(student_labels=30)

def factory():
    return TwoMoons(noise=0.4)

def broken():
    return 1 / 0
"""
RUN = ("--seeds", "1", "--epochs", "1", "--quick", "--json")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """A file of methods and one of settings, with names no other test has."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    tag = f"{abs(hash(request.node.nodeid))}"
    (tmp_path / f"helper_{tag}.py").write_text("SCALE = 0.5")
    ours, stages = tmp_path / f"ours_{tag}.py", tmp_path / f"stages_{tag}.py"
    ours.write_text(METHOD.format(helper=f"helper_{tag}"))
    stages.write_text(SETTING)
    return ours, stages


def test_a_study_runs_a_method_and_a_setting_of_files(call, folder: tuple[Path, Path]) -> None:
    ours, stages = folder
    study = ("distill", "-s", f"{stages}:Noisy", "--with", "noise=0.2", "-m", f"{ours}:Mine", "--set", "strength=3")
    found = call(*study, *RUN)
    assert found.status == 0, found.err
    assert found.json["method"]["config"] == {"strength": 3.0}
    assert found.json["setting"] == {"name": "noisy", "config": {"noise": 0.2}}


def test_objects_and_factories_of_files_are_used_and_one_method_of_each_flag_is_run(
    call, folder: tuple[Path, Path]
) -> None:
    ours, stages = folder
    found = call("compare", "-s", f"{stages}:factory", "-m", f"{ours}:made", "-m", f"{ours}:Mine,label_smoothing", *RUN)
    assert found.status == 0, found.err
    assert [arm["name"] for arm in found.json["arms"] if arm["role"] == "method"] == ["kd", "Mine", "label_smoothing"]


def test_compare_runs_every_repeated_method(call) -> None:
    found = call("compare", "-s", "two_moons", "-m", "kd", "-m", "label_smoothing", *RUN)
    assert [arm["name"] for arm in found.json["arms"]] == ["labels_only", "kd", "label_smoothing"]


def test_of_two_methods_distill_does_not_silently_take_the_last(call) -> None:
    found = call("distill", "-s", "two_moons", "-m", "kd", "-m", "dkd")
    assert (found.status, found.out) == (2, "")
    assert found.err == "workbench: --method is given 2 times; give one, or use `workbench compare`\n"


def test_what_is_wrong_with_a_file_is_one_line(call, folder: tuple[Path, Path]) -> None:
    ours, stages = folder
    failing, syntax = ours.with_name(f"failing_{ours.name}"), ours.with_name(f"syntax_{ours.name}")
    failing.write_text("import math\n\nmath.no_such_thing\n")
    syntax.write_text("def (:\n")
    for flag, given, words in (
        ("-m", "nowhere.py:Mine", "no file 'nowhere.py'"),
        ("-m", f"{ours}:Yours", "has no 'Yours'; it has"),
        ("-m", f"{ours}:number", "is a int; a subclass of workbench.methods.Method"),
        ("-m", f"{failing}:Mine", f"{failing}:3: AttributeError: module 'math' has no attribute"),
        ("-m", f"{syntax}:Mine", "SyntaxError"),
        ("-m", str(ours), "say which method in it"),
        ("-s", f"{stages}:broken", f"{stages}:15: ZeroDivisionError"),
        ("-s", f"{ours}:number", "gives a int; a workbench.Setting is needed"),
    ):
        other = ("-s", "two_moons") if flag == "-m" else ("-m", "kd")
        found = call("distill", flag, given, *other, *RUN)
        assert (found.status, found.out, found.err.count("\n")) == (2, "", 1), found.err
        assert words in found.err


@pytest.mark.slow
def test_objects_of_files_reach_the_worker_processes(call, folder: tuple[Path, Path]) -> None:
    ours, stages = folder
    study = ("compare", "-s", f"{stages}:Noisy", "-m", f"{ours}:Mine,{ours}:made", "--fresh", *RUN)
    one, two = (call(*study, "--jobs", jobs) for jobs in ("1", "2"))
    assert (one.status, two.status) == (0, 0), two.err
    scores = [{arm["name"]: arm["scores"]["per_seed"] for arm in found.json["arms"]} for found in (one, two)]
    assert scores[0] == scores[1]


def test_a_study_is_computed_afresh_only_if_asked(call) -> None:
    study = ("compare", "-s", "two_moons", "-m", "kd", "--with", "noise=0.21", *RUN)
    found = [call(*study, *flags) for flags in ((), (), ("--fresh",))]
    assert [answer.status for answer in found] == [0, 0, 0]
    assert [[arm["scores"]["stored"] for arm in answer.json["arms"]] for answer in found] == [
        [[], []],
        [[0], [0]],
        [[], []],
    ]


@pytest.mark.parametrize("name", ["dkd(temperature=2)", "kd+dkd(alpha=1)", "kd temperature=2"])
def test_parameters_in_a_name_are_answered_with_how_they_are_set(call, name: str) -> None:
    found = call("distill", "-s", "two_moons", "-m", name, *RUN)
    assert (found.status, found.out, found.err.count("\n")) == (2, "", 1)
    assert "a name has no parameters: `workbench distill -m dkd --set temperature=2`" in found.err
    assert "methods.DKD(temperature=2.0)" in found.err
    with pytest.raises(KeyError, match=r"a name has no options: .* --with student_labels=60"):
        settings.make("digits(student_labels=60)")


def test_an_installed_package_takes_no_name_of_the_workbench(call, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {"method": {"kd": "theirs:KD", "K-D": "theirs:Other"}, "setting": {"two_moons": "theirs:Moons"}}
    entries = {
        kind: {name: EntryPoint(name, value, f"kd_workbench.{kind}s") for name, value in found.items()}
        for kind, found in taken.items()
    }
    monkeypatch.setattr(plugins, "installed", entries.get)
    for name, theirs in taken["method"].items():
        with pytest.warns(UserWarning, match=f"the method '{name}' is the workbench's own; {theirs}"):
            assert type(methods.make(name)) is KD
    with pytest.warns(UserWarning, match="the setting 'two_moons' is the workbench's own; theirs:Moons"):
        assert isinstance(settings.make("two_moons"), TwoMoons)
    listed = call("methods", "--json")
    assert [entry["name"] for entry in listed.json].count("kd") == 1
    assert "theirs:KD" in listed.err
    assert "theirs:Moons" in call("settings", "--json").err


def test_a_file_that_was_changed_is_read_again(folder: tuple[Path, Path]) -> None:
    ours, _ = folder
    first = methods.make(f"{ours}:Mine")
    assert type(methods.make(f"{ours}:Mine")) is type(first)
    ours.write_text(ours.read_text().replace("= 2.0", "= 4.0"))
    assert methods.make(f"{ours}:Mine").config() == {"strength": 4.0}


def test_names_are_accepted_where_objects_are() -> None:
    plan = plan_study("two_moons", ["kd", "kd+at", KD(temperature=2.0), methods.find("dkd")], 3, quick=True)
    assert isinstance(plan.setting, TwoMoons)
    assert [arm.method.name for arm in plan.arms][1:] == ["kd", "kd+attention_transfer", "kd", "dkd"]
    with pytest.raises(KeyError, match="no setting 'digitz'"):
        plan_study("digitz", ["kd"])
    with pytest.raises(KeyError, match="no method 'kdd'"):
        plan_study("two_moons", ["kdd"])
    for wrong in ("kd", KD(), None, 3):
        with pytest.raises(ValueError, match="give a list of one or more methods"):
            plan_study("two_moons", wrong)
    for given in (None, 3, KD()):
        with pytest.raises(TypeError, match=r"study\(setting\) needs a Setting"):
            plan_study(given, ["kd"])


def test_installed_packages_are_found_and_listed(
    call, folder: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, stages = folder
    monkeypatch.syspath_prepend(ours.parent)
    announced = {
        "method": {"their_method": f"{ours.stem}:Mine", "lost": "no_such_package:X"},
        "setting": {"their_setting": f"{stages.stem}:small"},
    }
    entries = {
        kind: {name: EntryPoint(name, value, f"kd_workbench.{kind}s") for name, value in found.items()}
        for kind, found in announced.items()
    }
    monkeypatch.setattr(plugins, "installed", entries.get)
    listed = call("methods", "--json")
    assert listed.json[-1]["name"] == "their_method"
    assert listed.json[-1]["parameters"]["strength"]["range"] == [0, 9]
    assert "no_such_package" in listed.err
    assert json.loads(call("settings", "--json").out)[-1]["name"] == "their_setting"
    assert methods.make("their_method", {"strength": "3"}).config() == {"strength": 3.0}
    assert isinstance(settings.make("their_setting"), TwoMoons)
    assert "their_method" in call("methods").out
