"""From a finished run back to live models, for everything that asks them further questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.evaluate import predict, returned
from workbench.engine.identity import teacher_identity
from workbench.engine.streams import Streams
from workbench.engine.teacher.acquire import teacher_of
from workbench.engine.training.trial import Trial, trial_of
from workbench.methods.catalog import as_method, catalog, make, parts_of
from workbench.methods.method import Method
from workbench.models.copies import copied
from workbench.records.arguments import checked_arguments
from workbench.records.plan import StagePlan
from workbench.records.revived import Revived
from workbench.records.run import Run
from workbench.settings import catalog as settings
from workbench.settings.setting import Setting

if TYPE_CHECKING:
    from workbench.records.exported import Exported

ROWS, CLOSE = 64, 1e-3


@dataclass(frozen=True)
class Revival:
    """How the models of a run are made alive again; travels with the run.

    Attributes:
        folder: where its teacher is kept; a trained teacher that is not there is trained again. None is the default.
        setting: the one it was made with, None where only its name is known.
        method: the one it was made with, untrained; None where only its name is known.
    """

    folder: Path | None = None
    setting: Setting | None = None
    method: Method | None = None

    @checked_arguments
    def revive(
        self,
        run: Run,
        setting: Setting | type[Setting] | str | None = None,
        method: Method | type[Method] | str | None = None,
    ) -> Revived:
        """The models of a run with its weights; their outputs on some test samples are compared with those stored.

        Args:
            run: with its models.
            setting: of the run.
            method: of the run.

        Raises:
            ValueError: see ``Run.revive``.
        """
        setting = self.setting if setting is None else settings.as_setting(setting)
        method = self.method if method is None else as_method(method)
        if not run.models:
            raise ValueError(f"run {run.id} was loaded without its models; load it with store.load(id, models=True)")
        setting = _setting_of(run) if setting is None else setting
        if setting.identity()["data"] != run.setting["data"]:
            raise ValueError(f"run {run.id} was made on other data than this setting ({setting.name}) holds")
        conditions = Conditions(teacher_seed=run.facts.get("teacher_seed", 0), device="cpu", folder=self.folder)
        known = _method_of(run, method)
        used = make("labels_only") if known is None else known
        trial = trial_of(setting, used, run.budget, Streams(run.seed, torch.device("cpu")), Controls(used))
        trial.parties["teacher"] = _teacher(run, setting, conditions)
        parties = {party: state for party, state in run.models.items() if known or party in ("student", "teacher")}
        models = {party: _with_weights(trial, party, state, run) for party, state in parties.items()}
        models.setdefault("teacher", trial.parties["teacher"])
        _check(run, trial, setting, models)
        return Revived({party: model.eval() for party, model in models.items()}, setting, known)

    def export(self, run: Run, folder: Path, setting: Any = None, method: Any = None) -> Exported:
        """Write the deployed student of a run; see ``Run.export``."""
        from workbench.engine.export import export

        return export(run, self.revive(run, setting, method), folder)


def _setting_of(run: Run) -> Setting:
    name, config = run.setting["name"], run.setting["config"]
    if name not in settings.catalog():
        raise ValueError(f"run {run.id} was made on a setting of your own, {name!r}: give it, as in revive(setting)")
    return settings.make(name, config)


def _method_of(run: Run, known: Method | None) -> Method | None:
    """A copy of the known method, else the catalogue's; None for one of the user's own."""
    if known is not None:
        if known.name != run.method["name"]:
            raise ValueError(f"run {run.id} was made with {run.method['name']!r}, not with {known.name!r}")
        return copied(known)
    if set(parts_of(run.method["name"])) <= set(catalog()):  # by key: a class of one's own may share an alias
        return make(run.method["name"], dict(run.method["config"]))
    return None


def _teacher(run: Run, setting: Setting, conditions: Conditions) -> nn.Module:
    found = teacher_identity(setting, conditions.teacher_seed)
    key = found.digest
    if run.facts.get("teacher", key) != key and not found.unaddressed:
        raise ValueError(f"run {run.id} had another teacher than this setting makes: {run.facts['teacher']}, not {key}")
    return returned(teacher_of(setting, conditions, key))


def _with_weights(trial: Trial, party: str, state: Mapping[str, Tensor], run: Run) -> nn.Module:
    model = copied(trial.parties["teacher"]) if party == "teacher" else trial.method.deployed(_made(trial, party))
    try:
        model.load_state_dict(dict(state))
    except RuntimeError as error:
        why = " ".join(str(error).split())
        raise ValueError(
            f"the weights of {party!r} of run {run.id} do not fit the net of this setting: {why}{_hint(run, trial)}"
        ) from None
    return model


def _hint(run: Run, trial: Trial) -> str:
    if trial.method.name == run.method["name"]:
        return ""
    return f"; the run's method {run.method['name']!r} is not known here: give it, as in revive(method=...)"


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


def _check(run: Run, trial: Trial, setting: Setting, models: Mapping[str, nn.Module]) -> None:
    """A net that loads the weights may still compute something else: its outputs are compared."""
    rows = torch.arange(min(ROWS, len(setting.test)))
    for party in set(models) & set(run.predictions):
        stored = torch.as_tensor(run.predictions[party])
        if (
            party != "teacher"
            and len(stored) == len(setting.test)
            and not _alike(models[party], trial.seen_by(party, setting.test), rows, stored)
        ):
            raise ValueError(
                f"the revived {party!r} of run {run.id} does not say what was stored; its code has changed"
            )


def _alike(model: nn.Module, test: TransferSet, rows: Tensor, stored: Tensor) -> bool:
    said = returned(predict(model, test.subset(rows)))
    return torch.allclose(said, stored[rows], rtol=CLOSE, atol=CLOSE)
