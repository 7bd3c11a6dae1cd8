"""Numbers that must be finite: loss terms, weights, buffers and outputs; and what to do where they are not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from workbench.records.batch import UNLABELLED, Batch
from workbench.records.trace import Trace

EVERY = 16
"""Steps between two looks at the weights; the loss terms are looked at in each. It costs as much as 2 % of a small step."""

SMALLER = "lower the learning rate or the term's weight, or set Budget(clip=1.0)"


class NotFinite(ArithmeticError):
    """A loss term, a weight, a buffer or an output is NaN or infinite.

    Args:
        what: the number, as the message calls it.
        advice: what may be the cause, and what helps.
        details: what is known as plain values; ``stage`` always.
    """

    def __init__(self, what: str, advice: str, **details: Any) -> None:
        """Says what happened and what helps."""
        at = f" at step {details['step']}" if "step" in details else ""
        stage = f" of stage {details['stage']!r}" if details["stage"] else ""
        super().__init__(f"{what} became {details['value']}{at}{stage}; {advice}")
        self.details = details


class Seen(NamedTuple):
    """What the terms of a step were made of."""

    student: Any
    teacher: Any
    batch: Batch


def numbers(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """The terms as numbers, finite or not; from an accelerator all in one piece."""
    if all(term.is_cpu for term in terms.values()):
        return {name: float(term.item()) for name, term in terms.items()}
    return dict(zip(terms, torch.stack([term.detach().float() for term in terms.values()]).tolist(), strict=True))


def first_of(values: Mapping[str, float]) -> str | None:
    """The name of the first value that is not finite; None if all are."""
    return next((name for name, value in values.items() if not math.isfinite(value)), None)


@torch.no_grad()
def all_finite(parameters: Sequence[Tensor]) -> bool:
    """Whether parameters are finite; one reduction over all of them, checked one by one only where it overflows."""
    norms = torch._foreach_norm(list(parameters))  # pyright: ignore[reportPrivateImportUsage] - as clip_grad_norm_ does
    total = torch.stack([norm.float() for norm in norms]).sum()
    return math.isfinite(float(total)) or all(bool(parameter.isfinite().all()) for parameter in parameters)


def broken(named: Iterable[tuple[str, Tensor]], *, infinite: bool = True) -> tuple[str, float] | None:
    """The first tensor that holds a number that is not finite, and that number; None if all are.

    Args:
        named: tensors by name.
        infinite: False looks for NaN only: masks may hold infinite values on purpose.
    """
    for name, tensor in named:
        wrong = _wrong(tensor, infinite=infinite)
        if wrong is not None and wrong.any():
            return name, float(tensor.detach()[wrong][0])
    return None


def states(models: Mapping[str, nn.Module]) -> Iterator[tuple[str, Tensor]]:
    """All parameters and buffers of some models, under the words in which a message names them."""
    for party, model in models.items():
        for kind, named in (("weight", model.named_parameters()), ("buffer", model.named_buffers())):
            yield from ((f"the {kind} {name!r} of the {party}", tensor.detach()) for name, tensor in named)


def check_outputs(party: str, outputs: Tensor, labels: Tensor, task: str) -> None:
    """Refuse outputs that cannot be scored.

    Outputs that are minus infinity rule a class out and are scored; positions without a label may hold anything.

    Args:
        party: whose outputs they are.
        outputs: of all samples, in the layout of the task.
        labels: of the same samples.
        task: name of the task.

    Raises:
        NotFinite: the outputs of a labelled sample or position are NaN, or infinite where the outputs are values.
    """
    if task == "regression":
        wrong = (~outputs.isfinite()).flatten(1).any(1)
    else:
        wrong = outputs.isnan()
        if wrong.any() and outputs.dim() > 1:
            wrong = wrong.any(-1 if task == "tokens" else 1)
            wrong = wrong & (labels != UNLABELLED) if labels.shape == wrong.shape else wrong
    if wrong.any():
        samples = int(wrong.reshape(len(outputs), -1).any(1).sum())
        raise NotFinite(
            f"the output of the {party} for {samples} of {len(outputs)} samples that are scored",
            f"look for a division by 0 or a batch norm without statistics in the {party}, or {SMALLER}",
            value="NaN" if outputs.isnan().any() else "infinite",
            stage="",
            party=party,
        )


def advice(seen: Iterable[Seen], weights: tuple[str, float] | None, rate: float) -> str:
    """What may be the cause of a number that is not finite, and what helps.

    Args:
        seen: what the terms of the last steps were made of, the latest first.
        weights: the first weight of a learner that is not finite, and its value.
        rate: the learning rate.
    """
    for _, teacher, batch in (seen := list(seen)):
        found = _inputs(batch) or _teacher(teacher, batch)
        if found:
            return found
    halved = _halved(seen)
    if halved:
        return halved
    if weights is not None:
        return (
            f"the loss terms of the step before were finite and its gradient was not: the learning rate ({rate:g}) is too "
            f"high ({SMALLER}), or a term has an infinite gradient, as a square root, a norm or a division has at 0"
        )
    if any(_wrong_outputs(student) for student, _, _ in seen):
        return f"the student's outputs are not finite while its weights are: they have grown too large; {SMALLER}"
    return (
        "inputs, outputs and weights are finite, so the term divides by 0, takes the logarithm or the root of 0, or has "
        f"grown too large; look at its formula, or {SMALLER}"
    )


def _inputs(batch: Batch) -> str:
    for party, given in (("student", batch.student_inputs), ("teacher", batch.teacher_inputs)):
        for part in _tensors(given):
            wrong = _wrong(part)
            if wrong is not None and wrong.any():
                return (
                    f"the inputs of the {party} hold NaN or infinite values{_where(wrong, batch)}: mend the augmentation, "
                    "the transform or the method that made them"
                )
    return ""


def _teacher(teacher: Any, batch: Batch) -> str:
    for trace in _traces(teacher):
        wrong = _wrong(trace.outputs)
        if wrong is not None and wrong.any():
            kind = "NaN" if trace.outputs.isnan().any() else "infinite"
            return (
                f"{int(wrong.sum())} of the teacher's {wrong.numel()} outputs in this batch are {kind}"
                f"{_where(wrong, batch)}: give it finite ones; a class that it rules out may have the logit -30"
            )
    return ""


def _halved(seen: list[Seen]) -> str:
    halves = [t.outputs.dtype for student, _, _ in seen for t in _traces(student) if t.outputs.dtype == torch.float16]
    return "float16 holds no number above 65,504: use Budget(precision='bfloat16') or 'float32'" if halves else ""


def _wrong_outputs(student: Any) -> bool:
    found = (_wrong(trace.outputs) for trace in _traces(student))
    return any(wrong is not None and bool(wrong.any()) for wrong in found)


def _wrong(tensor: Tensor, *, infinite: bool = True) -> Tensor | None:
    """Where a tensor is not finite; None for integers."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return None
    return ~tensor.detach().isfinite() if infinite else tensor.detach().isnan()


def _where(wrong: Tensor, batch: Batch) -> str:
    """The first sample concerned, where the rows are the samples of the batch."""
    if wrong.dim() == 0 or len(wrong) != len(batch.ids):
        return ""
    rows = wrong.reshape(len(wrong), -1).any(1).nonzero().flatten()
    return f" (sample {int(batch.ids[rows[0]])})"


def _traces(given: Trace | tuple[Trace, ...] | None) -> tuple[Trace, ...]:
    return () if given is None else (given,) if isinstance(given, Trace) else given


def _tensors(given: Any) -> list[Tensor]:
    if isinstance(given, Tensor):
        return [given]
    parts = given.values() if isinstance(given, Mapping) else given if isinstance(given, tuple | list) else ()
    return [part for part in parts if isinstance(part, Tensor)]
