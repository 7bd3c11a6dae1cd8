"""Acquire the teacher of a run: trained from its recipe, taken from the cache, or given."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from torch import nn

from workbench.data.transfer import TransferSet
from workbench.energy.cost import Cost
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.evaluate import alike, answers, few
from workbench.engine.ledger.ledger import Ledger, running
from workbench.engine.protocols import run_stages
from workbench.engine.streams import Streams
from workbench.engine.teacher.cache import Entry, TeacherCache
from workbench.engine.training.keeper import Keeper
from workbench.engine.training.trial import Trial, trial_of
from workbench.methods.catalog import make
from workbench.models.copies import copied
from workbench.records import events
from workbench.records.plan import StagePlan
from workbench.settings.given_models import answering
from workbench.settings.setting import Recipe, Setting
from workbench.settings.signature import new_from

OTHERWISE = "the teacher that was kept does not answer as it did when it was trained; it is trained again"


def new_teacher(setting: Setting, conditions: Conditions) -> nn.Module:
    """The teacher before any training: a net of the recipe under the teacher's seed, or a copy of the one given."""
    device = conditions.where()
    if not isinstance(setting.teacher, Recipe):
        return answering(copied(setting.teacher), setting).to(device).eval()
    with Streams(conditions.teacher_seed, device).initialising("teacher"):
        return setting.in_precision(new_from(setting.teacher.factory, "teacher")).to(device).eval()


def teacher_of(setting: Setting, conditions: Conditions, key: str) -> Iterator[Any]:
    """The teacher in evaluation mode; yields the events of its training and returns it.

    Args:
        setting: whose teacher it is.
        conditions: its seed, the device, and where teachers are kept.
        key: the digest of its ``teacher_identity``.
    """
    model, ledger = new_teacher(setting, conditions), running() or Ledger()
    if not isinstance(setting.teacher, Recipe):
        ledger.bought("teacher", key, None, "given")
        return model
    cache = TeacherCache(conditions.home() / "teachers", conditions.trusts)
    kept, some = cache.weights(key), few(setting.teacher_train.as_teacher_sees().to(conditions.where()))
    tried = some.repeatable  # what is read otherwise each time tells nothing
    if kept is not None and _is_as_kept(model, kept, some if tried else None):
        ledger.bought("teacher", key, kept.cost, "earlier")
        return model.eval()
    if kept is not None:
        yield events.Warning(party="teacher", message=OTHERWISE)
        model = new_teacher(setting, conditions)
    path = conditions.home() / "checkpoints" / f"teacher-{key}.safetensors"
    keeper = Keeper(path if conditions.checkpoint else None, conditions.trusts)
    cost = yield from _train(setting, model, conditions, keeper)
    cache.keep_weights(key, model.state_dict(), cost, answers(model, some) if tried else None)
    ledger.bought("teacher", key, cost, "now")
    keeper.forget()
    return model.eval()


def _is_as_kept(model: nn.Module, kept: Entry, some: TransferSet | None) -> bool:
    """Load the weights; whether the teacher then answers what it did when they were kept."""
    try:
        model.load_state_dict(kept.found)
    except RuntimeError:
        return False
    return some is None or kept.said is None or alike(answers(model, some), kept.said)


def _train(
    setting: Setting, model: nn.Module, conditions: Conditions, keeper: Keeper
) -> Generator[events.Event, None, Cost]:
    trial, plan = teacher_trial(setting, model, conditions)
    trial.ledger = Ledger("teacher")
    stages = run_stages(trial, [plan], [trial.steps], conditions, keeper)
    yield from trial.ledger.watch(stages, lambda event: "teacher_training")
    return trial.ledger.total("teacher_training")


def teacher_trial(setting: Setting, model: nn.Module, conditions: Conditions) -> tuple[Trial, StagePlan]:
    """The state at the start of a teacher's training, and its one stage."""
    method, streams = make("labels_only"), Streams(conditions.teacher_seed, conditions.where())
    trial = trial_of(setting, method, setting.teacher.budget, streams, Controls(method))
    trial.train = setting.teacher_train.to(streams.device)
    trial.parties["teacher"] = model
    return trial, StagePlan(name="teacher", learner="teacher", teacher=None, inputs="teacher")
