"""The same study gives the same numbers wherever its runs are computed."""

from __future__ import annotations

import warnings
from pathlib import Path

import joblib
import pytest

from workbench import methods
from workbench.engine.store import Store
from workbench.engine.study.study import study
from workbench.records.study import Study
from workbench.settings.two_moons import TwoMoons

pytestmark = pytest.mark.slow


def _numbers(found: Study) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: [(o.seed, o.last, o.selected, o.agreement, o.run, o.steps) for o in arm.outcomes]
        for name, arm in found.arms.items()
    }


def _study(folder: Path, **rest: object) -> Study:
    from workbench.records.budget import Budget

    given = [methods.KD(), methods.CRD(), methods.DeepMutualLearning()]
    found = study(TwoMoons(), given, 2, budget=Budget(epochs=4, batch_size=32), store=Store(folder=folder), **rest)
    assert found.failures == {}
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Study:
    return _study(tmp_path_factory.mktemp("alone"))


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_joblib_backends_agree(alone, tmp_path, backend: str) -> None:
    with joblib.parallel_config(backend=backend, n_jobs=2):
        found = _study(tmp_path)
    assert _numbers(found) == _numbers(alone)


def test_jobs_mean_processes(alone, tmp_path) -> None:
    found = _study(tmp_path, jobs=2)
    assert _numbers(found) == _numbers(alone)
    assert {found.run("kd", seed).facts["threads"] for seed in (0, 1)} == {1}


def test_a_dask_cluster_agrees(alone, tmp_path) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra [scale] is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dask's own, about ports and deprecations
        with (
            distributed.LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                host="127.0.0.1",
                local_directory=tmp_path,
            ) as cluster,
            distributed.Client(cluster),
            joblib.parallel_config(backend="dask"),
        ):
            found = _study(tmp_path / "store")
    assert _numbers(found) == _numbers(alone)
