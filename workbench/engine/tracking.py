"""Ready callbacks: the events of distillations, written to TensorBoard or MLflow as they come.

A callback is any function of one event (``workbench.records.events``). A study calls it in the process that runs the cell,
so it must be picklable when there are several; both classes here open their files or connections at the first event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench.records import events
from workbench.records.arguments import checked_arguments
from workbench.records.files import file_name
from workbench.records.run import Run

Callback = Callable[[events.Event], object]


def checked(callbacks: Any) -> tuple[Callback, ...]:
    """The callbacks, or one of them, as a tuple.

    Raises:
        TypeError: one cannot be called.
    """
    found = tuple(callbacks) if isinstance(callbacks, Iterable) else (callbacks,)
    if wrong := [each for each in found if not callable(each)]:
        raise TypeError(f"callbacks are functions of one event; {wrong[0]!r} is a {type(wrong[0]).__name__}")
    return found


def heard(stream: Iterator[events.Event], callbacks: Sequence[Callback] | Callback) -> Iterator[events.Event]:
    """The same events; each callback is called with each of them before it is passed on.

    Raises:
        TypeError: a callback cannot be called; before the run begins.
    """
    return _heard(stream, checked(callbacks))


def _heard(stream: Iterator[events.Event], callbacks: Sequence[Callback]) -> Iterator[events.Event]:
    for event in stream:
        for callback in callbacks:
            callback(event)
        yield event


class _Tracker:
    """Numbers by tag and step, and the facts of the finished run; subclasses say where they go."""

    def __init__(self) -> None:
        """Nothing is opened before the first event."""
        self._open: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """What is open stays in this process."""
        return self.__dict__ | {"_open": None}

    @checked_arguments
    def __call__(self, event: events.Event) -> None:
        """Write one event down.

        Raises:
            TypeError: it is no event.
            ValueError: no run has started.
        """
        if isinstance(event, events.Started):
            self._begin(event)
        elif self._open is None:
            self._unopened(event)
        elif isinstance(event, events.Step):
            self._write(
                {f"terms/{self._prefix(event)}{name}": value for name, value in event.terms.items()}, event.step
            )
        elif isinstance(event, events.Epoch):
            self._write({f"validation/{party}": score for party, score in event.scores.items()}, event.step)
        elif isinstance(event, events.Probe) and event.name == "agreement":
            self._write({f"probe/{self._prefix(event)}agreement": event.value}, event.step)
        elif isinstance(event, events.Finished):
            self._end(event.run)
        elif isinstance(event, events.Failed):
            self._fail(event.message)

    def _unopened(self, event: events.Event) -> None:
        """What can be written down belongs to a run; a run may fail before it starts."""
        if not isinstance(event, events.Failed):
            raise ValueError(
                f"{type(self).__name__} was given a {type(event).__name__} before a Started, which opens the run"
            )

    @staticmethod
    def _prefix(event: events.Event) -> str:
        return "" if event.party == "student" else f"{event.party}/"

    def _begin(self, event: events.Started) -> None:
        raise NotImplementedError

    def _write(self, values: Mapping[str, float], step: int) -> None:
        raise NotImplementedError

    def _end(self, run: Run) -> None:
        raise NotImplementedError

    def _fail(self, message: str) -> None:
        raise NotImplementedError


class TensorBoard(_Tracker):
    """Loss terms, validation scores and agreement as scalars; the configuration with the test scores as ``hparams``.

    Args:
        folder: each run writes to a folder of its id below it.

    Raises:
        ImportError: tensorboard is not installed; when the first run starts.

    Example:
        >>> import workbench as wb
        >>> tracker = wb.TensorBoard("logs")  # wb.study(..., callbacks=[tracker]); then: tensorboard --logdir logs
    """

    @checked_arguments
    def __init__(self, folder: str | Path) -> None:
        """Remembers the folder."""
        super().__init__()
        self.folder = Path(folder)

    def _begin(self, event: events.Started) -> None:
        _needed("tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        self._open = SummaryWriter(str(self.folder / file_name(event.run_id)))

    def _write(self, values: Mapping[str, float], step: int) -> None:
        for tag, value in values.items():
            self._open.add_scalar(tag, value, step)

    def _end(self, run: Run) -> None:
        scores = {f"test/{party}": score.last for party, score in run.scores.items()}
        self._open.add_hparams(_flat(run), scores, run_name=".")
        self._open.close()

    def _fail(self, message: str) -> None:
        self._open.add_text("failed", message)
        self._open.close()


class MLflow(_Tracker):
    """The same as an MLflow run each, with the run's configuration as parameters and its id as a tag.

    Args:
        experiment: name of the experiment; made if it is not there.
        uri: of the tracking server or folder; None is MLflow's own default (``MLFLOW_TRACKING_URI``).

    Raises:
        ImportError: mlflow-skinny is not installed; when the first run starts.
    """

    @checked_arguments
    def __init__(self, experiment: str = "kd-workbench", uri: str | None = None) -> None:
        """Remembers where to."""
        super().__init__()
        self.experiment, self.uri = experiment, uri

    def _begin(self, event: events.Started) -> None:
        client = _needed("mlflow").MlflowClient(tracking_uri=self.uri)
        known = client.get_experiment_by_name(self.experiment)
        experiment = client.create_experiment(self.experiment) if known is None else known.experiment_id
        made = client.create_run(experiment, run_name=event.run_id, tags={"workbench.run": event.run_id})
        self._open = client, made.info.run_id

    def _write(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        client, name = self._open
        now = int(1000 * time.time())
        client.log_batch(name, metrics=[Metric(tag, value, now, step) for tag, value in values.items()])

    def _end(self, run: Run) -> None:
        client, name = self._open
        for key, value in _flat(run).items():
            client.log_param(name, key, value)
        self._write(
            {f"test/{party}": score.last for party, score in run.scores.items()}, sum(run.facts["steps"].values())
        )
        client.set_terminated(name)

    def _fail(self, message: str) -> None:
        client, name = self._open
        client.set_tag(name, "workbench.failed", message)
        client.set_terminated(name, "FAILED")


def _needed(package: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(f"{package} is not installed; pip install 'kd-workbench[track]' brings it") from error


def _flat(run: Run) -> dict[str, bool | int | float | str]:
    """What was asked, as names and plain values."""
    asked = {
        "setting": run.setting["name"],
        "method": run.method["name"],
        "seed": run.seed,
        "control": run.control,
        **{f"method.{name}": value for name, value in run.method["config"].items()},
        **{f"budget.{name}": value for name, value in run.budget.to_dict().items()},
    }
    return {name: value if isinstance(value, bool | int | float | str) else str(value) for name, value in asked.items()}
