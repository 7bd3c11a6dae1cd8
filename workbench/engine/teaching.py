"""Where a run's teacher comes from: trained from its recipe, taken from the cache, or given."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.evaluate import predict, reported
from workbench.engine.guides import Cached, Fixed, Following, ShuffledNonTargets
from workbench.engine.identity import address, weights_digest
from workbench.engine.stage import StageRunner
from workbench.engine.streams import Streams
from workbench.engine.teacher_cache import TeacherCache
from workbench.engine.trial import Trial, trial_of
from workbench.methods.catalog import make
from workbench.models.learners import as_teacher
from workbench.records import events
from workbench.records.plan import StagePlan
from workbench.settings.setting import Recipe, Setting


def teacher_identity(setting: Setting, seed: int) -> str:
    """What makes two teachers the same: recipe, data and seed, or the answers of a given one."""
    given = setting.teacher
    if isinstance(given, Recipe):
        with torch.random.fork_rng(devices=[]):
            structure = repr(given.factory())
        data = setting.teacher_train.digest()
        return address({"net": structure, "budget": given.budget.to_dict(), "data": data, "seed": seed})
    return _fingerprint(as_teacher(given), setting.train)


def teacher_of(setting: Setting, conditions: Conditions) -> Iterator[Any]:
    """The teacher in evaluation mode; yields the events of its training and returns it."""
    device, seed = conditions.where(), conditions.teacher_seed
    if not isinstance(setting.teacher, Recipe):
        return as_teacher(copy.deepcopy(setting.teacher)).to(device).eval()
    cache, key = TeacherCache(conditions.home() / "teachers"), teacher_identity(setting, seed)
    streams = Streams(seed, device)
    with streams.initialising("teacher"):
        model = setting.teacher.factory().to(device)
    state = cache.weights(key)
    if state is None:
        yield from _train(setting, model, streams)
        cache.keep_weights(key, model.state_dict())
    else:
        model.load_state_dict(state)
    return model.eval()


def _train(setting: Setting, model: nn.Module, streams: Streams) -> Iterator[events.Event]:
    method = make("labels_only")
    trial = trial_of(setting, method, setting.teacher.budget, streams, Controls(method))
    trial.train = setting.teacher_train.to(streams.device)
    trial.parties["teacher"] = model
    trial.build(model, None)
    plan = StagePlan(name="teacher", learner="teacher", teacher=None)
    runner = StageRunner(trial, plan, trial.steps, None, None)
    yield from runner.run(save=lambda epochs: None)


def outputs_of(model: nn.Module, data: TransferSet, conditions: Conditions, *, asks_teacher: bool) -> Iterator[Any]:
    """A model's outputs on all samples, from the cache or computed and kept; yields probes and returns them."""
    cache = TeacherCache(conditions.home() / "teachers")
    digest = weights_digest(model.state_dict()) if len(model.state_dict()) else ""
    found = cache.outputs(digest, data) if digest else None
    if found is not None:
        return found.to(data.ids.device)
    pieces = predict(model, data, teacher=asks_teacher)
    outputs = yield from reported(pieces, party="teacher", name="asking the teacher", step=0)
    if digest:
        cache.keep_outputs(digest, data, outputs)
    return outputs


def guide_for(trial: Trial, plan: StagePlan, conditions: Conditions, partner: Tensor | None) -> Iterator[Any]:
    """The teacher of a stage as the method declares it; yields probes while a cache fills and returns it."""
    method, teachers = trial.method, trial.teachers_of(plan)
    if method.teacher_source != "fixed":
        student = trial.parties[plan.learner]
        decay = float(getattr(method, "decay", 0.99))
        return Following(student, method.teacher_layers, method.teacher_source, decay)
    if not teachers:
        return None
    if len(teachers) == 1 and _cacheable(trial):
        outputs = yield from outputs_of(teachers[0], trial.train, conditions, asks_teacher=True)
        guide: Fixed = Cached(outputs, partner)
    else:
        guide = Fixed(teachers, method.teacher_layers, gradient=method.teacher_input_gradient)
    if trial.control != "permuted_non_targets":
        return guide
    return ShuffledNonTargets(guide, len(trial.train), trial.classes, trial.streams["method"])


def _cacheable(trial: Trial) -> bool:
    method = trial.method
    live_inputs = method.stochastic_inputs or method.teacher_input_gradient or trial.augment is not None
    return not (method.teacher_layers or live_inputs or getattr(trial.train, "full_batch", False))


@torch.no_grad()
def _fingerprint(teacher: nn.Module, data: TransferSet) -> str:
    batch = data.batch(torch.arange(min(64, len(data))))
    answers = teacher.eval()(batch.for_teacher)
    return weights_digest({"answers": torch.as_tensor(getattr(answers, "logits", answers))})
