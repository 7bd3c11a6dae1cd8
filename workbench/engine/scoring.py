"""Where test data is read: after training, to score what was trained; earlier only by a method that ``leaks_test``."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.engine.evaluate import predict, reported, score
from workbench.engine.identity import address
from workbench.engine.ledger.ledger import metered
from workbench.engine.measuring import measured
from workbench.engine.revival import Revival
from workbench.engine.teacher.guiding import outputs_of
from workbench.engine.training.finiteness import NotFinite
from workbench.engine.training.trial import Trial
from workbench.methods.method import Method
from workbench.models.learners import as_teacher
from workbench.models.size import parameters
from workbench.records import events
from workbench.records.run import Run, Scores

if TYPE_CHECKING:
    from workbench.engine.distill import Distillation


def finish(distillation: Distillation, trial: Trial) -> Iterator[Any]:
    """Score every party on test, at its last epoch and at the one validation chose; returns the run.

    A teacher whose outputs have another layout than the student's cannot be scored on the student's labels.
    """
    everything = distillation.setting.test.to(trial.device)
    scores, predictions, models = {}, {}, {}
    for party in [name for name in trial.parties if name != "teacher" or name in trial.learners]:
        model, test = _scored(distillation.method, trial, party), trial.seen_by(party, everything)
        outputs, cost = yield from metered(_outputs(model, test, party), "evaluation", _who(party))
        trial.ledger.served(party, cost, new=True)
        models[party] = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        selected = yield from _selected(trial, party, model, test, outputs)
        last = float(trial.history.points[f"validation/{party}"][1][-1])
        epoch = trial.best[party]["epoch"] if party in trial.best else trial.epochs[party]
        scores[party] = Scores(score(trial.kind, outputs, test.labels, party), selected, last, epoch)
        predictions[party] = outputs.cpu().numpy()
    if "teacher" not in scores and everything.paired:
        outputs = yield from outputs_of(trial.parties["teacher"], everything, distillation.conditions, serving=True)
        if outputs.shape == predictions["student"].shape:
            try:
                scores["teacher"] = yield from _score_of_teacher(distillation, trial, outputs)
                predictions["teacher"] = outputs.cpu().numpy()
            except NotFinite as error:
                yield events.Warning(party="teacher", message=f"the teacher has no score: {error}")
    deployed = {party: _scored(distillation.method, trial, party) for party in trial.parties}
    measures = yield from measured(distillation.setting, deployed, distillation.seed)
    return _run(distillation, trial, scores, predictions, models, measures)


def _score_of_teacher(distillation: Distillation, trial: Trial, outputs: Tensor) -> Iterator[Any]:
    teacher, labels = trial.parties["teacher"], distillation.setting.test.labels
    valid = yield from outputs_of(teacher, trial.validation, distillation.conditions, serving=True)
    value = score(trial.kind, outputs, labels.to(outputs.device), "teacher")
    return Scores(value, value, score(trial.kind, valid, trial.validation.labels, "teacher"), 0)


def _scored(method: Method, trial: Trial, party: str) -> nn.Module:
    """What is scored, counted and saved of a party."""
    model = as_teacher(trial.parties[party])
    return method.deployed(model) if party in trial.learners else model


def _selected(trial: Trial, party: str, model: nn.Module, test: Any, outputs: Tensor) -> Iterator[Any]:
    best = trial.best.get(party)
    if best is None or best["epoch"] == trial.epochs[party]:
        return score(trial.kind, outputs, test.labels, party)
    last = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(best["state"])
    chosen = yield from _outputs(model, test, party)
    model.load_state_dict(last)
    return score(trial.kind, chosen, test.labels, party)


def _outputs(model: nn.Module, data: Any, party: str) -> Iterator[Any]:
    return reported(predict(model, data), party=party, name="scoring", step=0)


def _run(distillation: Distillation, trial: Trial, scores: Any, predictions: Any, models: Any, measures: Any) -> Run:
    identity, changes, test = distillation.identity, tuple(trial.changes), distillation.setting.test
    moved = f"-live-{address({'changes': changes})}" if changes else ""
    return Run(
        id=distillation.id + moved,
        setting=identity["setting"],
        method=identity["method"],
        budget=distillation.budget,
        seed=distillation.seed,
        control=distillation.conditions.control,
        scores=scores,
        curves=trial.history.curves(),
        predictions=predictions,
        test_ids=test.ids.cpu().numpy(),
        test_labels=test.labels.cpu().numpy(),
        models=models,
        changes=changes,
        facts={**_facts(distillation, trial, predictions), "measures": measures},
        leaks_test=distillation.method.leaks_test,
        reviver=Revival(distillation.conditions.folder, distillation.setting, distillation.untrained),
    )


def _facts(distillation: Distillation, trial: Trial, predictions: dict[str, np.ndarray]) -> dict[str, Any]:
    agreement = None
    if "teacher" in predictions:
        student, teacher = (torch.from_numpy(predictions[party]) for party in ("student", "teacher"))
        agreement = float(trial.kind.agreement(student, teacher, distillation.setting.test.labels.cpu()))
    sizes = {party: parameters(_scored(distillation.method, trial, party)) for party in trial.parties}
    return {
        "teacher": distillation.identity["teacher"],
        "teacher_seed": distillation.conditions.teacher_seed,
        "agreement": agreement,
        "parameters": sizes,
        "steps": dict(trial.done),
        "epochs": dict(trial.epochs),
        "batch_size": trial.budget.batch_size,
        "seconds": time.monotonic() - distillation.started,
        "score": trial.kind.score,
        "class_names": list(distillation.setting.class_names),
        "device": str(trial.device),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "workbench": version("kd-workbench"),
        "finished": time.time(),
        "warnings": list(trial.warnings),
        "energy": _energy(distillation, trial),
    }


def _energy(distillation: Distillation, trial: Trial) -> dict[str, Any]:
    trial.ledger.charge("evaluation")
    return trial.ledger.record(reads_teacher=distillation.method.reads_teacher)


def _who(party: str) -> str:
    return "teacher" if party == "teacher" else "student"
