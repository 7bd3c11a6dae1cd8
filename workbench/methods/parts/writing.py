"""What all methods share whose texts are written while training: by the student, its teacher, or both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import pad

from workbench.methods.parts.tokenwise import TokenwiseMethod
from workbench.models.sampling import Choose, Generated, Sampling, generate_together
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Reads
from workbench.records.trace import Trace


class WritingMethod(TokenwiseMethod):
    """Prompts are continued, and student and teacher compared on what was written; no label is needed.

    A text is as long as the longest response of its batch at most, or as the models' contexts allow, and ends with
    the token that all texts of the setting end with, if there is one. The teacher is held without being a part: neither
    saved nor trained.
    """

    terms = ("soft",)
    reads = Reads("logits; prompts in batch.extras")
    own_inputs = True

    def __init__(self) -> None:
        """Nobody to write yet."""
        super().__init__()
        self._end: int | None = None
        self._teacher: nn.Module | None = None

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Finds out how texts end, and holds on to the teacher."""
        super().build(student_model, teacher_model, example, facts)
        self._end = _shared_end(example)
        object.__setattr__(self, "_teacher", teacher_model)

    def written(self, batch: Batch, models: Sequence[nn.Module], choose: Choose) -> Batch:
        """The batch with its prompts continued, ``labels`` and ``mask`` about what was written.

        ``extras["behaviour"]`` are the log-probabilities of the labels when they were written, (B, L), 0 elsewhere.
        Rows are written in the order of their ids, so that the order of the batch does not matter.

        Raises:
            ValueError: the batch has no prompts, or the teacher's inputs are its own.
        """
        order = batch.ids.argsort()
        prompts = {name: part[order] for name, part in prompts_of(self.name, batch).items()}
        sampling = Sampling(room(batch, models), end=self._end)
        made = generate_together(models, prompts["input_ids"], prompts["attention_mask"], sampling, choose)
        back = order.argsort()
        return about(batch, Generated(made.tokens[back], made.mask[back], made.log_probabilities[back]))

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """``soft``: the mean divergence of each text."""
        return {"soft": self.soft(student, teacher, batch)}


def chance() -> Generator:
    """A generator that continues the run's own randomness."""
    return Generator().manual_seed(int(torch.randint(2**31, ())))


def about(batch: Batch, made: Generated) -> Batch:
    """The batch with other texts."""
    before = made.tokens.shape[1] - made.log_probabilities.shape[1] - 1
    extras: dict[str, Any] = {**batch.extras, "behaviour": pad(made.log_probabilities, (before, 1))}
    labels = made.labels
    return batch.but(student_inputs=made.inputs, labels=labels, mask=labels != UNLABELLED, extras=extras)


def prompts_of(name: str, batch: Batch) -> dict[str, Tensor]:
    """The prompts of a batch, ready to be continued.

    Raises:
        ValueError: it has none, or the teacher's inputs are its own; ``name`` is the method that needs them.
    """
    if "prompts" not in batch.extras:
        raise ValueError(
            f"{name} lets texts be written, but the batch has no prompts in its extras, only {sorted(batch.extras)}; "
            "continuations(...) makes data with prompts, as in the setting tiny_lm"
        )
    if batch.teacher_inputs is not None:
        raise ValueError(
            f"{name} shows both models what was written, but here the teacher has inputs of its own (another "
            "tokenizer, or permuted targets); give both models the same tokenizer, and use another control"
        )
    return batch.extras["prompts"]


def room(batch: Batch, models: Sequence[nn.Module]) -> int:
    """How many tokens are written at most: as many as the longest response has, if the models' contexts allow it."""
    counted = batch.student_inputs["attention_mask"] if batch.mask is None else batch.mask
    longest = int(batch.extras["prompts"]["attention_mask"].sum(1).max())
    contexts = [context - longest for model in models if (context := getattr(model, "context", None)) is not None]
    return max(1, min([int(counted.sum(1).max()), *contexts]))


def _shared_end(example: Batch) -> int | None:
    """The token that all texts end with, None if they end in different ways."""
    if not isinstance(example.student_inputs, dict):
        return None
    tokens, mask = example.student_inputs["input_ids"], example.student_inputs["attention_mask"]
    places = torch.arange(mask.shape[1], device=mask.device)
    last = tokens.gather(1, (places * mask).argmax(1, keepdim=True)).unique()
    return int(last) if len(last) == 1 else None
