"""Where a run's teacher comes from: trained from its recipe, taken from the cache, or given."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator
from typing import Any

import torch
from torch import nn

from workbench.energy.cost import Cost
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.identity import address, model_digest
from workbench.engine.ledger.ledger import Ledger, running
from workbench.engine.protocols import run_stages
from workbench.engine.streams import Streams, repeatable
from workbench.engine.teacher.cache import TeacherCache
from workbench.engine.training.keeper import Keeper
from workbench.engine.training.trial import Trial, trial_of
from workbench.methods.catalog import make
from workbench.models.learners import as_teacher
from workbench.models.tracing import Tracer
from workbench.records import events
from workbench.records.plan import StagePlan
from workbench.settings.setting import Recipe, Setting
from workbench.settings.signature import factory_signature, signature


def teacher_identity(setting: Setting, seed: int) -> str:
    """What makes two teachers the same: recipe, data and seed; the net that was given; or a function's answers."""
    given = setting.teacher
    if not isinstance(given, Recipe):
        return model_digest(given) if isinstance(given, nn.Module) else _answers(_given(given, setting), setting)
    data = setting.teacher_train
    return address(
        {
            "net": factory_signature(given.factory),
            "budget": given.budget.to_dict(),
            "data": f"{data.digest()} {signature(data.transform)}",
            "augment": signature(setting.augment),
            "task": setting.task,
            "class_weights": setting.class_weights,
            "seed": seed,
        }
    )


def new_teacher(setting: Setting, conditions: Conditions) -> nn.Module:
    """The teacher before any training: a net of the recipe under the teacher's seed, or a copy of the one given."""
    device = conditions.where()
    if not isinstance(setting.teacher, Recipe):
        return _given(copy.deepcopy(setting.teacher), setting).to(device).eval()
    with Streams(conditions.teacher_seed, device).initialising("teacher"):
        return setting.in_precision(setting.teacher.factory()).to(device).eval()


def _given(teacher: Any, setting: Setting) -> nn.Module:
    """A teacher that was given, as a net that answers in the order of the setting's classes."""
    return setting.in_precision(as_teacher(teacher, setting.classes or None, setting.class_numbers))


def teacher_of(setting: Setting, conditions: Conditions, key: str) -> Iterator[Any]:
    """The teacher in evaluation mode; yields the events of its training and returns it.

    Args:
        setting: whose teacher it is.
        conditions: its seed, the device, and where teachers are kept.
        key: its ``teacher_identity``.
    """
    model, ledger = new_teacher(setting, conditions), running() or Ledger()
    if not isinstance(setting.teacher, Recipe):
        ledger.bought("teacher", key, None, "given")
        return model
    cache = TeacherCache(conditions.home() / "teachers")
    kept = cache.weights(key)
    if kept is None:
        keeper = Keeper(
            conditions.home() / "checkpoints" / f"teacher-{key}.safetensors" if conditions.checkpoint else None
        )
        cost = yield from _train(setting, model, conditions, keeper)
        cache.keep_weights(key, model.state_dict(), cost)
        ledger.bought("teacher", key, cost, "now")
        keeper.forget()
    else:
        model.load_state_dict(kept.found)
        ledger.bought("teacher", key, kept.cost, "earlier")
    return model.eval()


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


@torch.no_grad()
def _answers(teacher: nn.Module, setting: Setting) -> str:
    batch = setting.train.batch(torch.arange(min(64, len(setting.train))))
    with repeatable(batch.ids.device):
        answers = Tracer(teacher.eval())(batch.for_teacher).outputs
    return address({"answers": answers.tolist()})
