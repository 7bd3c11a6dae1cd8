"""Methods added up: terms with prefixed names and one ``labels`` term."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from workbench.methods.method import Method, Traces
from workbench.records.arguments import checked_arguments
from workbench.records.batch import Batch
from workbench.records.plan import Facts

SEAMS = ("stages", "players", "inputs", "prepare", "deployed", "update", "students", "teacher_source")
"""What only a method that stands alone may bring."""

PUBLISHED: Mapping[frozenset[str], Mapping[str, float]] = {
    frozenset({"kd", "crd"}): {"kd.label_weight": 1.0, "kd.soft_weight": 1.0, "crd.weight": 0.8},
    frozenset({"kd", "norm_direction"}): {"kd.label_weight": 1.0, "kd.soft_weight": 1.0, "norm_direction.weight": 1.0},
}
"""The weights of what was published as a sum, whose parts alone have others.

- CRD+KD: HobbitLong/RepDistiller (authors), scripts/run_cifar_distill.sh at b0722bc8ae38f374958797e73e04ab0ec9b1b69d.
- KD++: WangYZ1608/Knowledge-Distillation-via-ND (authors), CIFAR/train_cifar_kd.py at
  3b2ff1be19ad17a7a08e6a056478a590a7a76a82, its defaults; CIFAR/README.md has 2 for norm and direction from ResNet-56 to
  ResNet-20, and CIFAR/train_cifar.sh others for other pairs.
"""


class Sum(Method):
    """``kd + crd``: the first method's labels term, and every method's other terms under its name.

    The order says whose labels term there is, with that method's own weight, and how the sum is called; nothing else depends
    on it. A pair in ``PUBLISHED`` whose methods both have their default configuration gets the weights of that publication.

    Args:
        methods: two or more methods of one stage and one student each.

    Raises:
        ValueError: more than one has a gradient rule, or one has stages, players or inputs of its own.
    """

    def __init__(self, *methods: Method) -> None:
        """Keeps the methods; nested sums are flattened."""
        super().__init__()
        flat = [m for given in methods for m in (given.methods if isinstance(given, Sum) else [given])]
        self.methods = nn.ModuleList(_as_published(flat))
        if len({m.name for m in flat}) < len(flat):
            raise ValueError(f"each method once in a sum; given: {', '.join(m.name for m in flat)}")
        rules = [m for m in flat if m.gradient_rule is not None]
        if len(rules) > 1:
            raise ValueError(f"at most one gradient rule in a sum; given: {', '.join(m.name for m in rules)}")
        self.gradient_rule = rules[0].gradient_rule if rules else None
        for seam in SEAMS:
            owners = [m.name for m in flat if getattr(type(m), seam) is not getattr(Method, seam)]
            if owners:
                raise ValueError(f"{', '.join(owners)} brings its own {seam} and cannot be added to another method")
        self.tasks = tuple(t for t in flat[0].tasks if all(t in m.tasks for m in flat))
        self.reads_teacher = any(m.reads_teacher for m in flat)
        self.reads_outputs = any(m.reads_teacher and m.reads_outputs for m in flat)
        self.relates_samples = any(m.relates_samples for m in flat)
        self.own_inputs = any(m.own_inputs for m in flat)
        self.teacher_input_gradient = any(m.teacher_input_gradient for m in flat)

    @property
    def name(self) -> str:
        """The names joined by a plus."""
        return "+".join(m.name for m in self.methods)

    @property
    def leaks_test(self) -> bool:
        """Whether one of them does."""
        return any(m.leaks_test for m in self.methods)

    def config(self) -> dict[str, Any]:
        """Every method's configuration, keys prefixed by its name."""
        return {f"{m.name}.{key}": value for m in self.methods for key, value in m.config().items()}

    def __repr__(self) -> str:
        """The methods joined by a plus."""
        return " + ".join(map(repr, self.methods))

    @checked_arguments
    def checked(self, name: str, value: Any) -> Any:
        """A value for ``method.parameter``."""
        owner, parameter = self._owner(name)
        return owner.checked(parameter, value)

    @checked_arguments
    def change(self, name: str, value: Any) -> None:
        """Move ``method.parameter``."""
        owner, parameter = self._owner(name)
        owner.change(parameter, value)

    def _owner(self, name: str) -> tuple[Method, str]:
        owner, _, parameter = name.partition(".")
        found = [m for m in self.methods if m.name == owner]
        if not found:
            raise KeyError(f"no parameter {name!r}; known: {', '.join(self.config())}")
        return found[0], parameter

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Builds each and unites the layers they read."""
        super().build(student_model, teacher_model, example, facts)
        for method in self.methods:
            method.build(student_model, teacher_model, example, facts)
        self.student_layers = tuple(dict.fromkeys(layer for m in self.methods for layer in m.student_layers))
        self.teacher_layers = tuple(dict.fromkeys(layer for m in self.methods for layer in m.teacher_layers))

    def schedule(self, progress: float) -> None:
        """Passed on."""
        for method in self.methods:
            method.schedule(progress)

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """Passed on."""
        for method in self.methods:
            method.after_step(student, batch)

    def after_epoch(self, student: nn.Module, confusion: Tensor | None) -> None:
        """Passed on."""
        for method in self.methods:
            method.after_epoch(student, confusion)

    def forward(self, student: Traces, teacher: Traces, batch: Batch) -> dict[str, Tensor]:
        """The united terms."""
        terms: dict[str, Tensor] = {}
        for method in self.methods:
            for key, value in method(student, teacher if method.reads_teacher else None, batch).items():
                if key == "labels":
                    terms.setdefault("labels", value)
                else:
                    terms[f"{method.name}.{key}"] = value
        return terms


def _as_published(methods: Sequence[Method]) -> Sequence[Method]:
    """The methods; if they were published together and stand at their defaults, copies with the weights of that."""
    weights = PUBLISHED.get(frozenset(m.name for m in methods), {})
    if not weights or any(m.config() != type(m)().config() for m in methods):
        return methods
    made = {m.name: copy.deepcopy(m) for m in methods}
    for key, value in weights.items():
        name, _, parameter = key.partition(".")
        made[name].change(parameter, value)
    return [*made.values()]
