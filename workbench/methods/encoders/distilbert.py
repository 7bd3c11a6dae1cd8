"""Pretrain a small encoder beside a large one: guess hidden words, say what it says, and think in its direction.

Three losses are added: the guesses of hidden tokens, the teacher's softened probabilities at every token, and the
angle between the last hidden states. The teacher is detached; besides the student an adapter is learnt, where their
widths differ.

Formula:
    L = soft_weight * T^2 * mean KL( softmax(t / T) || softmax(s / T) ) + label_weight * mean CE(s, y)
        + hidden_weight * mean( 1 - cos( r(h), g ) )
    s, t: student and teacher logits (B, L, V);  y: hidden tokens (B, L);  h, g: last hidden states (B, L, D);  r:
    adapter, or nothing;  the means are over the real tokens of each text, for y over the labelled ones, then over
    texts.

Faithful to: Sanh et al., 2019, section 2, and the authors' code and command line.
Departs from it: the student does not begin as every second layer of its teacher, and may be narrower; every text
weighs the same, however long it is. A text without a label learns from the teacher only.
Setting: tiny_encoder with goal=hidden_words. On it we expect: the soft term falls below that of a student that does
not learn.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.parts.adapters import adapter
from workbench.methods.parts.layers import example_traces, last_stage_pair
from workbench.methods.parts.text_layers import real_tokens
from workbench.methods.parts.tokenwise import TokenwiseMethod, mean_over
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Reads
from workbench.records.trace import Trace


class DistilBERT(TokenwiseMethod):
    """Soft targets, hidden words and directions.

    Args:
        temperature: Softens both distributions; 2 in the authors' code.
        soft_weight: Weight of the soft term; 5 in the authors' command line.
        label_weight: Weight of the hidden words; 2 in the authors' command line.
        hidden_weight: Weight of the directions; 1 in the authors' command line.
        guided: Student layer; None is the last block.
        hint: Teacher layer; None is the last block.

    Terms: ``labels``, ``soft`` and ``hidden``, (B,) each.

    Example:
        >>> DistilBERT(hidden_weight=0.5).config()["hidden_weight"]
        0.5
    """

    citation = Citation(
        "DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter",
        "Sanh, Debut, Chaumond, Wolf",
        "NeurIPS EMC2 Workshop",
        2019,
        "1910.01108",
    )
    terms = ("labels", "soft", "hidden")
    reads = Reads(
        "logits, and one layer of each model, (B, L, D)", student=("layers", "logits"), partner=("layers", "logits")
    )
    learns = Learns("adapter between the layers, where their widths differ", between=("adapter",))
    evidence = Evidence(
        "code",
        "huggingface/transformers (authors), examples/research_projects/distillation/distiller.py at "
        "1607444705841ea5084ea2c37b22950175c7c84a, train.py and README.md beside it",
        "widths that differ: a linear adapter; the mean over texts of the mean over tokens",
    )
    cost = "low"

    def __init__(
        self,
        temperature: Temperature = 2.0,
        soft_weight: Weight = 5.0,
        label_weight: Weight = 2.0,
        hidden_weight: Weight = 1.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.temperature, self.soft_weight, self.label_weight = temperature, soft_weight, label_weight
        self.hidden_weight, self.guided, self.hint = hidden_weight, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Names the layers and makes the adapter."""
        super().build(student_model, teacher_model, example, facts)
        own, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (own,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((own,), (theirs,)), example)
        same = student[own].shape[-1] == teacher[theirs].shape[-1]
        self.adapter = nn.Identity() if same else adapter(student[own], teacher[theirs])

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The three losses."""
        real = real_tokens(batch)
        soft = forward_kl(*self.compared(student, teacher, batch.but(mask=real))[:2], self.temperature, dim=2)
        layers = student[self.student_layers[0]], teacher[self.teacher_layers[0]].detach()
        own, theirs = (features.masked_fill(~real[..., None], 0) for features in layers)
        own = self.adapter(own)
        angles = 1 - F.cosine_similarity(own, theirs, dim=2)
        return {
            "labels": self.label_weight * self.label_loss(student, batch),
            "soft": self.soft_weight * self.temperature**2 * mean_over(soft, real),
            "hidden": self.hidden_weight * mean_over(angles, real),
        }
