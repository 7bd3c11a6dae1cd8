"""Callbacks hear every event; the ready ones write what they hear to TensorBoard and MLflow."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import workbench as wb
from workbench.engine.distill import collect
from workbench.engine.tracking import MLflow, TensorBoard, heard
from workbench.methods.catalog import make
from workbench.records import events
from workbench.records.run import Run

EPOCHS = 2


def _run(*callbacks: object) -> Run:
    stream = wb.distill(wb.settings.Digits(student_labels=60), make("labels_only"), wb.Budget(epochs=EPOCHS, clip=5.0))
    return collect(heard(stream, callbacks))


def test_a_callback_hears_every_event_in_order() -> None:
    first, second = [], []
    run = _run(first.append, second.append)
    assert first == second
    assert isinstance(first[0], events.Started)
    assert first[-1].run.id == run.id
    epochs = [event.epoch for event in first if isinstance(event, events.Epoch) and event.party == "student"]
    assert epochs == [1, 2]


def test_what_cannot_be_called_is_refused_before_the_run_begins() -> None:
    with pytest.raises(TypeError, match=r"functions of one event; 3 is a int"):
        _run(3)


@pytest.mark.slow
def test_tensorboard_shows_the_curves_and_the_test_scores(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = _run(pickle.loads(pickle.dumps(TensorBoard(tmp_path))))
    seen = EventAccumulator(str(tmp_path / run.id))
    seen.Reload()
    curve = seen.Scalars("validation/student")
    assert [point.step for point in curve] == run.curves["validation/student"].steps.tolist()
    assert [point.value for point in curve] == pytest.approx(run.curves["validation/student"].values.tolist())
    assert seen.Scalars("test/student")[-1].value == pytest.approx(run.scores["student"].last)


@pytest.mark.slow
def test_mlflow_has_a_run_with_parameters_and_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # the slim client has no database of its own
    uri = tmp_path.as_uri()
    run = _run(pickle.loads(pickle.dumps(MLflow("digits", uri))))
    client = mlflow.MlflowClient(tracking_uri=uri)
    (kept,) = client.search_runs([client.get_experiment_by_name("digits").experiment_id])
    assert kept.info.status == "FINISHED"
    assert kept.data.params["method"] == "labels_only"
    assert kept.data.params["budget.epochs"] == str(EPOCHS)
    assert kept.data.metrics["test/student"] == pytest.approx(run.scores["student"].last)
    curve = client.get_metric_history(kept.info.run_id, "validation/student")
    assert [point.value for point in curve] == pytest.approx(run.curves["validation/student"].values.tolist())


@pytest.mark.parametrize("tracker", [TensorBoard("logs"), MLflow()])
def test_a_ready_callback_refuses_what_is_no_event_or_comes_before_its_run(tracker: TensorBoard | MLflow) -> None:
    with pytest.raises(TypeError, match=r"\(event\) needs an? Event, not the str 'epoch'"):
        tracker("epoch")
    with pytest.raises(ValueError, match=r"was given a Step before a Started"):
        tracker(events.Step(step=1, terms={"labels": 1.0}))
    tracker(events.Failed(message="the data cannot be read"))
