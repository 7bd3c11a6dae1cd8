"""How long and how a model is trained."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Self

from workbench.records.annotations import NOT_NEGATIVE, POSITIVE, Limit
from workbench.records.arguments import checked_arguments
from workbench.records.code import own_code
from workbench.records.parameters import Checked, parameters

Epochs = Annotated[int, Limit("positive, and 100 million at most", lambda value: 0 < value <= 100_000_000)]
Momentum = Annotated[float, Limit("0 or more and below 1", lambda value: 0 <= value < 1)]
OwnOptimizer = Callable[[list[Any]], Any]
OwnSchedule = Callable[[float], float]


@dataclass(frozen=True)
class NameOnly:
    """A function that a stored budget was run with: of it a run keeps the name and a digest, not the code."""

    name: str

    def __call__(self, *_: Any) -> Any:
        """Refuse, since there is nothing to call.

        Raises:
            ValueError: Always; the message says which function to give again.
        """
        raise ValueError(
            f"{self.name} is known by name only, from a stored run; "
            "give the function itself, as in replace(run.budget, optimizer=...)"
        )


@dataclass(frozen=True)
class Budget(metaclass=Checked):
    """Optimiser steps and how they are taken; equal budgets make arms comparable.

    Attributes:
        epochs: passes over the transfer set; the number of steps is ``epochs * max(1, n // batch_size)``.
        batch_size: samples per step.
        optimizer: ``sgd`` (with momentum), ``adam`` or ``adamw``, or a function of a list of parameters to a
            ``torch.optim.Optimizer``, such as ``partial(torch.optim.RMSprop, lr=0.01)``. The learning rates of its
            groups are then the highest ones, which the schedule and a method's players scale; ``learning_rate``,
            ``momentum`` and ``weight_decay`` are not used.
        learning_rate: at its highest.
        momentum: of ``sgd`` only.
        weight_decay: L2 (decoupled for ``adamw``).
        schedule: ``cosine`` to zero, ``multistep`` (x0.1 at 62.5, 75 and 87.5 %, as 150/180/210 of 240), ``constant``,
            or a function of the share of the run that is done, in [0, 1), to a factor of the learning rate, 0 or more.
        clip: largest gradient norm; None does not clip.
        precision: ``auto`` is bfloat16 autocast on CUDA and float32 elsewhere.

    Raises:
        ValueError: A value is not of its type, not a choice, not finite or out of bounds.
        TypeError: An argument is unknown.
    """

    epochs: Epochs = 30
    batch_size: Annotated[int, POSITIVE] = 64
    optimizer: Literal["sgd", "adam", "adamw"] | OwnOptimizer = "sgd"
    learning_rate: Annotated[float, POSITIVE] = 0.05
    momentum: Momentum = 0.9
    weight_decay: Annotated[float, NOT_NEGATIVE] = 5e-4
    schedule: Literal["cosine", "multistep", "constant"] | OwnSchedule = "cosine"
    clip: Annotated[float | None, POSITIVE] = None
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; a function by its name and a digest of its code."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _named(value) if callable(value) else value for name, value in values.items()}

    @classmethod
    @checked_arguments
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of ``to_dict``; a function comes back as a ``NameOnly``, which cannot be called."""
        known = parameters(cls)
        given = {
            name: NameOnly(value)
            if name in known and known[name].function and value not in known[name].choices
            else value
            for name, value in values.items()
        }
        return cls(**given)


def budget_of(given: Any, default: Budget) -> Budget:
    """The budget that was given, the default for None.

    Raises:
        TypeError: It is something else.
    """
    if given is None or isinstance(given, Budget):
        return default if given is None else given
    raise TypeError(f"budget = {given!r} is not a Budget; give Budget(epochs=30) or replace(setting.budget, epochs=30)")


def _named(function: Callable[..., Any]) -> str:
    if isinstance(function, NameOnly):
        return function.name
    code = own_code([function])
    return f"{_name(function)} [code {code}]" if code else _name(function)


def _name(thing: Any) -> str:
    """How a person would write it; the same in every process, so without addresses."""
    if isinstance(thing, functools.partial):
        words = [*map(_name, thing.args), *(f"{key}={_name(value)}" for key, value in thing.keywords.items())]
        return f"{_name(thing.func)}({', '.join(words)})"
    if not callable(thing):
        return repr(thing)
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}.{named.__qualname__}"
