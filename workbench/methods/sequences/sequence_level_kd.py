"""Learn what the teacher writes as if it were the truth.

Of all that could be said the student is shown only what its teacher says, which is simpler and more alike than the
texts of people. The teacher continues every prompt once; these texts are kept and take the place of the given ones.
The teacher is detached; nothing is learnt besides the student.

Formula:
    L = mean - log q(y_n | x, y_<n),   y: the teacher's text for the prompt x
    q: the student's distribution of the next token, softmax of s (B, L, V);  the mean is over the tokens of each text,
    then over texts.

Faithful to: Kim and Rush, EMNLP 2016, section 3.2, sequence-level knowledge distillation.
Departs from it: the teacher writes its likeliest token each time, a beam of one instead of five; the mean over tokens
takes the place of their sum, so that every text weighs the same.
Cost: one reading of the teacher for every token of a text when it is first asked for, later a look-up; memory for a
text of every sample, N W tokens of 8 bytes.
Setting: tiny_lm. On it we expect: the sequence term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from workbench.maths.tasks import cross_entropy
from workbench.maths.tokens import left_padded
from workbench.methods.parts.bank import SampleTable
from workbench.methods.parts.memory import refuse_larger
from workbench.methods.parts.writing import WritingMethod, about, prompts_of, room
from workbench.models.sampling import Generated, Sampling, generate
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class TextBank(SampleTable):
    """Texts of N samples, N x W tokens of 8 bytes and a byte each; W grows with the longest.

    Args:
        samples: N.
    """

    def __init__(self, samples: int) -> None:
        super().__init__(samples)
        self.register_buffer("tokens", torch.zeros(samples, 0, dtype=torch.int64))
        self.register_buffer("mask", torch.zeros(samples, 0, dtype=torch.bool))

    def missing(self, ids: Tensor) -> Tensor:
        """Which samples have no text yet, (B,) boolean."""
        return ~self._find(ids).any(1)

    def keep(self, ids: Tensor, tokens: Tensor, mask: Tensor) -> None:
        """Keep texts, (B, W) tokens and which of them are real."""
        rows, wider = self._rows(ids), tokens.shape[1] - self.tokens.shape[1]
        if wider > 0:
            refuse_larger("the texts that are kept", (len(self.ids), tokens.shape[1]), tokens, "let texts be shorter")
        self.tokens, self.mask = pad(self.tokens, (0, max(wider, 0))), pad(self.mask, (0, max(wider, 0)))
        short = (0, max(-wider, 0))
        self.tokens[rows], self.mask[rows] = pad(tokens, short), pad(mask, short)

    def recall(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """The texts of samples that have one, as wide as the longest of them."""
        rows = self._rows(ids)
        width = int(self.mask[rows].sum(1).max())
        return self.tokens[rows, :width], self.mask[rows, :width]

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *rest: Any) -> None:
        """Takes texts of whatever width."""
        for name in ("tokens", "mask"):
            if f"{prefix}{name}" in state_dict:
                setattr(self, name, torch.empty_like(state_dict[f"{prefix}{name}"]))
        super()._load_from_state_dict(state_dict, prefix, *rest)


class SequenceLevelKD(WritingMethod):
    """The teacher's texts instead of the given ones.

    Terms: ``sequence``, (B,).

    Example:
        >>> SequenceLevelKD().config()
        {}
    """

    citation = Citation("Sequence-Level Knowledge Distillation", "Kim, Rush", "EMNLP", 2016, "1606.07947")
    evidence = Evidence(
        "code",
        "microsoft/LMOps (not the authors), minillm/scripts/gpt2/tools/generate_data_seqkd.sh at "
        "3ede3e8f1f1b03babaa61c202969e00f9dfe82f6 and minillm/scripts/gpt2/seqkd/seqkd_base.sh, which draws the texts and adds "
        "half of word-level distillation; the paper, section 3.2, takes the teacher's mode alone",
        "length of the texts: that of the longest response of the batch in which a text is asked for",
    )
    progress = Progress("sequence")
    terms = ("sequence",)
    reads = Reads("the teacher's texts, kept for all N samples in N x W x 9 bytes; prompts in batch.extras")
    cost = "low"
    aliases = ("seq_kd",)

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes room for the teacher's texts."""
        super().build(student_model, teacher_model, example, facts)
        self.bank = TextBank(facts.samples)

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """The prompts with the teacher's texts, which are written the first time they are asked for."""
        prompts, new = prompts_of(self.name, batch), self.bank.missing(batch.ids)
        if new.any():
            sampling = Sampling(room(batch, [self._teacher]), temperature=0.0, end=self._end)
            asked = {name: part[new] for name, part in prompts.items()}
            made = generate(self._teacher, asked["input_ids"], asked["attention_mask"], sampling)
            self.bank.keep(batch.ids[new], *made.written)
        starts, mask = left_padded(prompts["input_ids"], prompts["attention_mask"])
        texts, real = self.bank.recall(batch.ids)
        nothing = torch.zeros_like(texts, dtype=torch.float32)
        return about(batch, Generated(torch.cat([starts, texts], 1), torch.cat([mask, real], 1), nothing))

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The cross-entropy with the teacher's tokens."""
        return {"sequence": cross_entropy(student.logits.transpose(1, 2), batch.labels)}
