"""A method that was changed is another method, though it goes by the same name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cloudpickle
import pytest

from workbench import methods
from workbench.engine.study.study import plan_study, study
from workbench.records.code import own_code

TEMPLATE = """
class Mine(methods.KD):
    scale = {scale}

    def forward(self, student, teacher, batch):
        {comment}
        terms = super().forward(student, teacher, batch)
        return {{name: {factor} * term for name, term in terms.items()}}
"""


def _mine(factor: float = 0.5, scale: int = 1, comment: str = "") -> type[methods.KD]:
    names = {"methods": methods, "__name__": "__main__"}
    exec(TEMPLATE.format(factor=factor, scale=scale, comment=comment), names)
    return names["Mine"]


def test_code_is_told_apart_by_what_it_does() -> None:
    first = own_code([_mine()])
    assert len(first) == 16
    assert own_code([_mine()]) == own_code([_mine(comment="# half of it")]) == first
    assert len({first, own_code([_mine(factor=0.6)]), own_code([_mine(scale=2)])}) == 3


def test_released_code_has_its_version_instead() -> None:
    assert own_code([methods.KD, int]) == ""


def test_functions_count_with_their_defaults() -> None:
    def made(default: int):
        def function(x, y=default):
            return [x + y for _ in range(2)]

        return function

    assert own_code([made(1)]) == own_code([made(1)])
    assert own_code([made(1)]) != own_code([made(2)])


def _chooses(word: str) -> bool:
    return word in {"labels", "soft", "hint", "attention", "distance"}


@pytest.mark.slow
@pytest.mark.parametrize("made", [_mine, lambda: _chooses], ids=["class", "set of words"])
def test_another_process_sees_the_same_code(made, tmp_path) -> None:
    path = tmp_path / "thing"
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    path.write_bytes(cloudpickle.dumps(made()))
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    script = "import pickle, sys; from workbench.records.code import own_code; "
    script += "print(own_code([pickle.load(open(sys.argv[1], 'rb'))]))"
    for seed in ("1", "2"):
        command = [sys.executable, "-c", script, str(path)]
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())}
        outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert outcome.stdout.strip() == own_code([made()])


def test_a_changed_method_is_not_served_from_the_store(setting, store) -> None:
    first = study(setting, [_mine(0.5)()], 1, quick=True, store=store)
    same = study(setting, [_mine(0.5)()], 1, quick=True, store=store)
    other = study(setting, [_mine(0.0)()], 1, quick=True, store=store)
    (arm,) = first.comparisons
    assert first.arms[arm].outcomes == same.arms[arm].outcomes
    assert first.arms[arm].outcomes[0].run != other.arms[arm].outcomes[0].run
    assert first.arms["labels_only"].outcomes == other.arms["labels_only"].outcomes
    assert plan_study(setting, [_mine(0.5)()], 1).id != plan_study(setting, [_mine(0.0)()], 1).id


@pytest.mark.parametrize("method", [methods.KD(), methods.KD() + methods.RKD()])
def test_methods_of_the_catalogue_keep_their_ids(setting, store, method) -> None:
    run = study(setting, [method], 1, quick=True, store=store).run(method.name)
    assert set(run.method) == {"name", "config"}
