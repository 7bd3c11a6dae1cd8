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

import torch
from torch import Tensor, nn

from workbench.maths.tasks import cross_entropy
from workbench.maths.tokens import left_padded
from workbench.methods.text_bank import TextBank
from workbench.methods.writing import WritingMethod, about, prompts_of, room
from workbench.models.sampling import Generated, Sampling, generate
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class SequenceLevelKD(WritingMethod):
    """The teacher's texts instead of the given ones.

    Terms: ``sequence``, (B,).
    Reads: the teacher's texts, kept for all N samples in N x W x 9 bytes; prompts in ``batch.extras``.
    Learns: nothing besides the student.

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
