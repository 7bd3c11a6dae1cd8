"""From a finished run back to live models, for everything that asks them further questions."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.evaluate import predict, returned
from workbench.engine.streams import Streams
from workbench.engine.teacher.teaching import teacher_identity, teacher_of
from workbench.engine.training.trial import Trial, trial_of
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.records.plan import StagePlan
from workbench.records.revived import Revived
from workbench.records.run import Run
from workbench.settings import catalog
from workbench.settings.setting import Setting

ROWS, CLOSE = 64, 1e-3


def revive(run: Run, setting: Setting | None = None, *, folder: Path | None = None) -> Revived:
    """The models of a run with its weights; what they say about some test samples is compared with what was stored.

    Args:
        run: with its models.
        setting: of the run; from the catalogue if None.
        folder: where its teacher is kept; a trained teacher that is not there is trained again.

    Raises:
        ValueError: see ``Run.revive``.
    """
    if not run.models:
        raise ValueError(f"run {run.id} was loaded without its models; load it with store.load(id, models=True)")
    setting = _setting_of(run) if setting is None else setting
    if setting.identity()["data"] != run.setting["data"]:
        raise ValueError(f"run {run.id} was made on other data than this setting ({setting.name}) holds")
    conditions = Conditions(teacher_seed=run.facts.get("teacher_seed", 0), device="cpu", folder=folder)
    method = _method_of(run)
    trial = trial_of(setting, method, run.budget, Streams(run.seed, torch.device("cpu")), Controls(method))
    trial.parties["teacher"] = _teacher(run, setting, conditions)
    models = {party: _with_weights(trial, party, state, run) for party, state in run.models.items()}
    models.setdefault("teacher", trial.parties["teacher"])
    _check(run, setting, models)
    return Revived({party: model.eval() for party, model in models.items()}, setting, method)


def _setting_of(run: Run) -> Setting:
    name, config = run.setting["name"], run.setting["config"]
    if name not in catalog.catalog():
        raise ValueError(f"run {run.id} was made on a setting of your own, {name!r}: give it, as in revive(setting)")
    return catalog.make(name, config)


def _method_of(run: Run) -> Method:
    try:
        return make(run.method["name"], dict(run.method["config"]))
    except KeyError as error:
        raise ValueError(f"run {run.id} used a method that is not in the catalogue: {error.args[0]}") from error


def _teacher(run: Run, setting: Setting, conditions: Conditions) -> nn.Module:
    key = teacher_identity(setting, conditions.teacher_seed)
    if run.facts.get("teacher", key) != key:
        raise ValueError(f"run {run.id} had another teacher than this setting makes: {run.facts['teacher']}, not {key}")
    return returned(teacher_of(setting, conditions, key))


def _with_weights(trial: Trial, party: str, state: Mapping[str, Tensor], run: Run) -> nn.Module:
    model = (
        copy.deepcopy(trial.parties["teacher"]) if party == "teacher" else trial.method.deployed(_made(trial, party))
    )
    try:
        model.load_state_dict(dict(state))
    except RuntimeError as error:
        raise ValueError(
            f"the weights of {party!r} of run {run.id} do not fit the net of this setting: {error}"
        ) from None
    return model


def _made(trial: Trial, party: str) -> nn.Module:
    """A learner as it was before it learnt: the student built for its teacher, its peers, or an assistant of a stage."""
    if party not in trial.parties:
        plans = {plan.learner: plan for plan in trial.method.stages(trial.facts)}
        made = trial.students_of(plans.get(party, StagePlan()))
        if not isinstance(made.get(party), nn.Module):
            raise ValueError(f"{party!r} is {type(made.get(party)).__name__}, not a net; only nets are revived")
    if party == "student":
        trial.build(trial.parties[party], trial.parties["teacher"] if trial.method.reads_teacher else None)
    return trial.parties[party]


def _check(run: Run, setting: Setting, models: Mapping[str, nn.Module]) -> None:
    """A net that loads the weights may still compute something else: its outputs are compared."""
    rows = torch.arange(min(ROWS, len(setting.test)))
    for party in set(models) & set(run.predictions):
        stored = torch.as_tensor(run.predictions[party])
        if party != "teacher" and len(stored) == len(setting.test) and not _alike(models[party], setting, rows, stored):
            raise ValueError(
                f"the revived {party!r} of run {run.id} does not say what was stored; its code has changed"
            )


def _alike(model: nn.Module, setting: Setting, rows: Tensor, stored: Tensor) -> bool:
    said = returned(predict(model, setting.test.subset(rows)))
    return torch.allclose(said, stored[rows], rtol=CLOSE, atol=CLOSE)
