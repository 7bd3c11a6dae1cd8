"""Learn to give reasons as well as answers: an answer that comes with its reason is learnt from fewer examples.

A large model has written down why each answer is right. The student learns both as two tasks on the same prompt, told
apart by the first token; when it is used only the answer is asked for, so reasons cost nothing then. The teacher's
part is in the data: no teacher is asked, nothing is learnt besides the student.

Formula:
    L = mean CE(s, y) + rationale_weight * mean CE(r, z)
    s: logits (B, L, V) on prompt and answer y;  r: logits on the same prompt, behind the token ``prefix``, and its
    rationale z;  means are over the labelled positions of each text, then over texts.

Faithful to: Hsieh et al., Findings of ACL 2023, Eqs. 3 and 4, and the authors' code.
Departs from it: one token takes the place of the start in texts with a rationale, instead of a word before either
task; the student is a decoder; every text weighs the same, however long it is. A text without a label learns its
rationale only.
Setting: tiny_lm with response=answer. On it we expect: the rationale term falls below that of a student that does not
learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from workbench.maths.tasks import cross_entropy
from workbench.methods.method import Method
from workbench.methods.ranges import Weight
from workbench.records.annotations import Range
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class StepByStep(Method):
    """Answers and rationales.

    Args:
        rationale_weight: Weight of the rationales; 1 in the paper.
        prefix: Token that texts with a rationale begin with; 3 is the entry of our tokenizers for hidden tokens, which
            no text that is continued has.

    Terms: ``labels`` and ``rationale``, (B,) each.

    Example:
        >>> StepByStep().config()
        {'rationale_weight': 1.0, 'prefix': 3}
    """

    citation = Citation(
        "Distilling Step-by-Step! Outperforming Larger Language Models with Less Training Data and Smaller Model Sizes",
        "Hsieh, Li, Yeh, Nakhost, Fujii, Ratner, Krishna, Lee, Pfister",
        "Findings of ACL",
        2023,
        "2305.02301",
    )
    evidence = Evidence(
        "code",
        "google-research/distilling-step-by-step (authors), model_utils.py at "
        "4be900acc891ada109e68ed8a2133ba12c40d7e3, whose two weights of 0.5 are half of the paper's",
        "how a decoder tells the tasks apart; the mean over texts of the mean over tokens",
    )
    progress = Progress("rationale")
    terms = ("labels", "rationale")
    reads = Reads("the student's logits; rationales in batch.extras, read beside the texts in one pass of 2B rows")
    cost = "low"
    aliases = ("distilling_step_by_step", "step_by_step_rationales")
    tasks = ("tokens",)
    reads_teacher = False

    def __init__(self, rationale_weight: Weight = 1.0, prefix: Annotated[int, Range(0, 1_000_000, 1)] = 3) -> None:
        super().__init__()
        self.rationale_weight, self.prefix = rationale_weight, prefix

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage without a teacher."""
        return (StagePlan(teacher=None),)

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """The texts, and below them the same prompts with their rationales."""
        mine, reasons = batch.student_inputs, _rationales(batch)
        first = reasons["attention_mask"].int().argmax(1, keepdim=True)
        begun = reasons["input_ids"].scatter(1, first, self.prefix)
        tokens = _below(mine["input_ids"], begun)
        real = _below(mine["attention_mask"], reasons["attention_mask"])
        return batch.but(student_inputs={"input_ids": tokens, "attention_mask": real})

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """Both tasks."""
        answers, reasons = student.logits.chunk(2)
        width, targets = batch.student_inputs["input_ids"].shape[1], _rationales(batch)["labels"]
        labels = None if batch.labels is None else _wide(batch.labels, width, UNLABELLED)
        rationale = cross_entropy(reasons.transpose(1, 2), _wide(targets, width, UNLABELLED))
        return {
            "labels": self.label_loss(Trace(answers), batch.but(labels=labels)),
            "rationale": self.rationale_weight * rationale,
        }


def _rationales(batch: Batch) -> dict[str, Tensor]:
    if "rationales" not in batch.extras:
        raise ValueError(
            f"step_by_step needs rationales in the batch's extras, which has only {sorted(batch.extras)}; "
            "continuations(...) puts them there if every passage has one, as in the setting tiny_lm"
        )
    return batch.extras["rationales"]


def _below(upper: Tensor, lower: Tensor) -> Tensor:
    """Two blocks of rows of one width, filled up with 0 on the right, (B, L) and (B, M) -> (2B, max(L, M))."""
    width = max(upper.shape[1], lower.shape[1])
    return torch.cat([_wide(upper, width, 0), _wide(lower, width, 0)])


def _wide(rows: Tensor, width: int, filling: int) -> Tensor:
    return pad(rows, (0, width - rows.shape[1]), value=filling)
