"""Content addresses of runs and of models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from workbench.engine import threads
from workbench.engine.streams import repeatable
from workbench.methods.method import Method
from workbench.models.tracing import Tracer
from workbench.records.code import Identity, identity_of
from workbench.settings.given_models import answering
from workbench.settings.setting import Recipe, Setting
from workbench.settings.signature import factory_identity

ASKED = 64
"""Rows on which a function is asked what it answers, since it may know more than its code shows."""


@dataclass(frozen=True)
class Known:
    """The identity of a setting and its teacher, worked out once for all runs of a study.

    Attributes:
        setting: ``Setting.identity()``.
        teacher: digest of the teacher.
        unaddressed: what in them cannot be told apart, in words.
    """

    setting: Mapping[str, Any]
    teacher: str
    unaddressed: tuple[str, ...]


def address(parts: Mapping[str, Any]) -> str:
    """12 hexadecimal digits that differ when any part does."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def known(setting: Setting, teacher_seeds: Iterable[int]) -> dict[int, Known]:
    """The identity of a setting and its teacher, by the seed of the teacher.

    Raises:
        ValueError: student and teacher share weights, or a factory returns the same model again.
    """
    about, found = setting.identity(), {}
    for seed in set(teacher_seeds):
        teacher = teacher_identity(setting, seed)
        found[seed] = Known(about, teacher.digest, (*about.get("unaddressed", ()), *teacher.unaddressed))
    return found


def teacher_identity(setting: Setting, seed: int) -> Identity:
    """What makes two teachers the same: recipe, data and seed; or code and state of what was given.

    Raises:
        ValueError: the recipe's factory returns the same net again, or nets that share weights.
    """
    given = setting.teacher
    if not isinstance(given, Recipe):
        found = identity_of(given)
        return found if isinstance(given, nn.Module) else found._replace(digest=_with_answers(found.digest, setting))
    data = setting.teacher_train
    parts = {
        "net": factory_identity(given.factory, "teacher"),
        "data": identity_of((type(data), data.transform)),
        "augment": identity_of(setting.augment),
        "weights": identity_of(getattr(setting, "class_weights", None)),
    }
    plain = {"budget": given.budget.to_dict(), "samples": data.digest(), "task": setting.task, "seed": seed}
    digest = address({name: part.digest for name, part in parts.items()} | plain)
    unaddressed = tuple(words for part in parts.values() for words in part.unaddressed)
    return Identity(digest, any(part.own for part in parts.values()), unaddressed)


def asked(method: Method) -> dict[str, Any]:
    """Name and configuration of a method, and the digest of its code and state if they are more than these."""
    found, plain = identity_of(method), {"name": method.name, "config": method.config()}
    return plain | ({"code": found.digest} if found.own or found.unaddressed else {})


def model_digest(model: nn.Module) -> str:
    """16 hexadecimal digits that differ when code or state of a model do."""
    return identity_of(model).digest


@torch.no_grad()
def _with_answers(digest: str, setting: Setting) -> str:
    batch = setting.train.batch(torch.arange(min(ASKED, len(setting.train))))
    with repeatable(batch.ids.device), threads.using(1):
        answers = Tracer(answering(setting.teacher, setting).eval())(batch.for_teacher).outputs
    return address({"code": digest, "answers": answers.tolist()})
