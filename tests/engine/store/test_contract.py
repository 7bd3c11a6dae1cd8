"""What every store does, whatever database it is on."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from workbench.engine.store import CorruptArtifact, Store, StoreError
from workbench.records.run import Run
from workbench.records.study import Study


def _files(store: Store) -> list[Path]:
    return sorted((store.folder / "artifacts").iterdir())


def _same(one: Run, other: Run) -> None:
    for name in ("id", "budget", "seed", "control", "scores", "changes", "leaks_test"):
        assert getattr(one, name) == getattr(other, name), name
    assert dict(one.setting) == dict(other.setting)
    assert dict(one.method) == dict(other.method)
    assert {k: v for k, v in one.facts.items() if v == v} == {k: v for k, v in other.facts.items() if v == v}
    for name in ("test_ids", "test_labels"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    assert one.curves.keys() == other.curves.keys()
    for name, curve in one.curves.items():
        np.testing.assert_array_equal(curve.steps, other.curves[name].steps, strict=True)
        np.testing.assert_array_equal(curve.values, other.curves[name].values, strict=True)
    assert one.predictions.keys() == other.predictions.keys()
    for party, outputs in one.predictions.items():
        np.testing.assert_array_equal(outputs, other.predictions[party], strict=True)


def test_what_is_saved_is_loaded(store, make_run) -> None:
    run = make_run()
    assert store.save(run) == run.id
    loaded = store.load(run.id)
    _same(run, loaded)
    assert np.isnan(loaded.facts["odd"])
    assert run.models["student"].keys() == loaded.models["student"].keys()
    for name, tensor in run.models["student"].items():
        assert loaded.models["student"][name].dtype == tensor.dtype
        assert torch.equal(loaded.models["student"][name], tensor)


def test_names_with_slashes_and_percent_signs_come_back(store, make_run) -> None:
    run = make_run(predictions={"a/b %2F <c>": np.ones((2, 3), np.float32)}, models={"p/q": {"x/y.z": torch.ones(2)}})
    loaded = store.load(store.save(run))
    _same(run, loaded)
    assert torch.equal(loaded.models["p/q"]["x/y.z"], torch.ones(2))


def test_a_missing_score_comes_back_as_nan(store, make_run) -> None:
    from workbench.records.run import Scores

    loaded = store.load(store.save(make_run(scores={"student": Scores(float("nan"), 1.0, 2.0, 1)})))
    assert np.isnan(loaded.scores["student"].last)
    assert loaded.scores["student"].selected == 1.0


def test_models_can_be_left_out(store, make_run) -> None:
    loaded = store.load(store.save(make_run()), models=False)
    assert loaded.models == {}
    _same(make_run(), loaded)


def test_a_unique_beginning_is_enough(store, make_run) -> None:
    for run_id in ("digits-kd-s0-aa", "digits-kd-s1-bb"):
        store.save(make_run(run_id))
    assert store.load("digits-kd-s1").id == "digits-kd-s1-bb"
    with pytest.raises(KeyError, match=r"2 runs begin with 'digits-kd'.*digits-kd-s0-aa, digits-kd-s1-bb"):
        store.load("digits-kd")


def test_an_id_that_begins_another_is_still_found(store, make_run) -> None:
    for run_id in ("digits-kd-s1", "digits-kd-s10"):
        store.save(make_run(run_id))
    assert store.load("digits-kd-s1").id == "digits-kd-s1"


def test_an_unknown_id_names_the_nearest(store, make_run) -> None:
    store.save(make_run("digits-dkd-s0-aa"))
    assert not store.has("digits-dkd")
    with pytest.raises(KeyError, match=r"no run 'digits-dkt-s0-aa'.*nearest: digits-dkd-s0-aa"):
        store.load("digits-dkt-s0-aa")
    with pytest.raises(KeyError, match="no run '%'"):  # a wildcard of SQL is only a character here
        store.load("%")


def test_runs_are_listed_newest_first(store, make_run, monkeypatch) -> None:
    clock = iter(range(1_000_000, 1_000_010))
    monkeypatch.setattr("workbench.engine.store.records.time", SimpleNamespace(time=lambda: next(clock)))
    for run_id, method in (("b", "kd"), ("a", "dkd"), ("c", "kd")):
        store.save(make_run(run_id, method={"name": method, "config": {"temperature": 2.0}}))
    assert [row["id"] for row in store.runs()] == ["c", "a", "b"]
    assert [row["id"] for row in store.runs(method="kd", limit=1)] == ["c"]
    assert store.runs(setting="fashion") == []
    row = store.runs(method="dkd")[0]
    assert (row["setting"], row["seed"], row["last"], row["teacher"]) == ("digits", 0, 90.25, 97.0)
    assert row["config"] == {"temperature": 2.0}
    assert row["created"] == "1970-01-12T13:46:41+00:00"


def test_saving_twice_keeps_one(store, make_run) -> None:
    store.save(make_run())
    store.save(make_run())
    assert len(store.runs()) == 1
    assert len(_files(store)) == 1


def test_saving_other_content_replaces_it(store, make_run) -> None:
    store.save(make_run())
    store.save(make_run(test_labels=np.zeros(5, np.int64)))
    assert store.load(make_run().id).test_labels.tolist() == [0] * 5
    assert len(_files(store)) == 1


def test_a_file_stays_while_another_run_needs_it(store, make_run) -> None:
    for run_id in ("one", "two"):
        store.save(make_run(run_id))
    assert len(_files(store)) == 1
    store.delete("one")
    assert not store.has("one")
    _same(make_run("two"), store.load("two"))
    store.delete("two")
    assert _files(store) == []
    with pytest.raises(KeyError, match="no run 'two'"):
        store.delete("two")


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
def test_a_damaged_file_is_named_and_nothing_else_is_lost(store, make_run, damage: str) -> None:
    store.save(make_run("good", seed=1))
    before = set(_files(store))
    store.save(make_run("bad", seed=2))
    (path,) = set(_files(store)) - before
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    {
        "truncate": lambda: path.write_bytes(content[: len(content) // 2]),
        "flip": lambda: path.write_bytes(content),
        "remove": path.unlink,
    }[damage]()
    with pytest.raises(CorruptArtifact, match=path.name):
        store.load("bad")
    _same(make_run("good", seed=1), store.load("good"))
    assert store.has("bad")
    store.save(make_run("bad", seed=2))  # running it again mends it
    _same(make_run("bad", seed=2), store.load("bad"))


def test_a_full_disk_is_one_clear_error(store, make_run, monkeypatch) -> None:
    store.save(make_run("old", seed=1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StoreError, match=r"No space left on device.*nothing stored before is lost"):
            store.save(make_run("new", seed=2))
    assert not store.has("new")
    assert [row["id"] for row in store.runs()] == ["old"]
    assert len(_files(store)) == 1
    _same(make_run("old", seed=1), store.load("old"))


def test_a_run_is_visible_only_when_whole(store, make_run, monkeypatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("killed between file and scores")

    with monkeypatch.context() as patch:
        patch.setattr("workbench.engine.store.records.score_rows", fail)
        with pytest.raises(RuntimeError, match="killed"):
            store.save(make_run())
    assert not store.has(make_run().id)
    store.save(make_run())
    _same(make_run(), store.load(make_run().id))


def test_ids_cannot_leave_the_folder(store, make_run, tmp_path) -> None:
    store.save(make_run("../../outside"))
    assert store.load("../../outside").id == "../../outside"
    outside = list(tmp_path.rglob("*outside*"))
    assert outside == []


def test_a_file_name_from_the_database_cannot_leave_the_folder(store) -> None:
    with pytest.raises(CorruptArtifact, match="not the name of an artifact"):
        store.artifacts.read("../../etc/passwd")


def test_many_threads_share_one_store(store, make_run) -> None:
    threads = [threading.Thread(target=lambda k=k: store.save(make_run(f"run-{k}", seed=k % 3))) for k in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.runs()) == 12
    assert len(_files(store)) == 3


def _save_many(store: Store, name: str, runs: list[Run]) -> None:
    for run in runs:
        store.save(run)
        assert store.load(run.id).id == run.id, name


@pytest.mark.slow
def test_two_processes_write_one_new_store(store, make_run) -> None:
    context = multiprocessing.get_context("spawn")
    both = [make_run(f"both-{k}", seed=k) for k in range(5)]
    workers = []
    for name in ("a", "b"):
        own = [make_run(f"{name}-{k}", seed=100 + k) for k in range(5)]
        workers.append(context.Process(target=_save_many, args=(store, name, both + own)))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(store.runs()) == 15
    for row in store.runs():
        assert store.load(row["id"]).id == row["id"]


def test_a_store_travels_by_its_address(store, make_run) -> None:
    store.save(make_run())
    again = pickle.loads(pickle.dumps(store))
    _same(make_run(), again.load(make_run().id))


def test_a_study_comes_back_with_its_runs(store, make_run, study: Study) -> None:
    store.save(make_run("kd-0"))
    store.save_study(study)
    store.save_study(study)
    loaded = store.load_study(study.id[:12])
    assert loaded.to_dict() == study.to_dict()
    _same(make_run("kd-0"), loaded.run("kd", 0))
    (row,) = store.studies()
    assert (row["id"], row["setting"], row["arms"]) == (study.id, "digits", ["labels_only", "kd"])
    with pytest.raises(KeyError, match="no study 'nothing'"):
        store.load_study("nothing")


@pytest.fixture
def study() -> Study:
    from workbench.engine.study.summary import Judge, filled
    from workbench.records.arm import Arm, Outcome

    scores = {"labels_only": (80.0, 81.0, 82.5), "kd": (84.0, 84.5, 86.0)}
    arms = {
        name: filled(
            Arm(name, "control" if name == "labels_only" else "method"),
            [Outcome(seed, value, value, run=f"{name}-{seed}") for seed, value in enumerate(values)],
        )
        for name, values in scores.items()
    }
    compared = Judge(0.5, higher_is_better=True).against_control(arms, "labels_only")
    return Study("digits-study-1", {"name": "digits"}, "accuracy", True, (0, 1, 2), "labels_only", arms, compared)
