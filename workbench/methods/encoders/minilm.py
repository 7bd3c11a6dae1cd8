"""Let the student's last block relate the tokens of a text to each other as its teacher's last block does.

Which token attends to which, and which tokens have similar values, says how a text is understood, whatever the width
of the model and however many blocks came before. First both relations of the last blocks are matched; then the student
is trained on the labels, as any pretrained encoder. The teacher is detached; nothing is learnt besides the student.

Formula:
    stage relations: L = mean_hn KL( A'_hn || A_hn ) + mean_hn KL( R'_hn || R_hn ),   R = softmax( V V^T / sqrt(d) )
    stage finetune:  L = mean CE(s, y)
    A: attention of the last block, rows of (B, H, L, L);  V: its values (B, H, L, d);  ': the teacher's;  means are
    over the heads h and the real tokens n of each text, then over texts.

Faithful to: Wang et al., NeurIPS 2020, Eqs. 6 to 10.
Departs from it: both stages are one run on one set of data, instead of a large corpus and then a task; every text
weighs the same, however long it is. For a much larger teacher the paper trains an assistant in between. A text without
a label takes part in the relations only.
Cost: memory for the relations of all pairs of tokens, B H L^2 numbers a side.
Setting: tiny_encoder. On it we expect: the term of the values falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn

from workbench.maths.token_relations import relation_kl, value_relations
from workbench.methods.method import Method
from workbench.methods.parts.layers import example_traces, last_stage_pair
from workbench.methods.parts.memory import SMALLER_BATCHES, refuse_larger
from workbench.methods.parts.text_layers import attention_of, check_head_counts, real_tokens, values_of
from workbench.methods.parts.tokenwise import check_tokenizer, mean_over
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Progress, Reads
from workbench.records.trace import Trace


class MiniLM(Method):
    """Relations of attention and of values.

    Args:
        relations_share: Share of the run spent on the relations, the rest on labels; the paper counts steps of two
            corpora that cannot be compared.
        guided: Student block; None is the last one.
        hint: Teacher block; None is the last one.

    Terms: ``attention`` and ``values`` in the first stage; ``labels`` in the second, (B,) each.

    Example:
        >>> [(plan.name, plan.teacher) for plan in MiniLM().stages(Facts(100, 2, 1000, 10))]
        [('relations', 'teacher'), ('finetune', None)]
    """

    citation = Citation(
        "MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers",
        "Wang, Wei, Dong, Bao, Yang, Zhou",
        "NeurIPS",
        2020,
        "2002.10957",
    )
    evidence = Evidence(
        "formula",
        "Eqs. 6 to 10, the losses of attention transfer and of value relations",
        "share of the stages; the mean over texts of the mean over tokens",
    )
    progress = Progress("values")
    terms = ("attention", "values", "labels")
    reads = Reads(
        "attention (B, H, L, L) and values (B, L, D) of one block of each model, with the same number of heads",
        student=("layers",),
        partner=("layers",),
    )
    cost = "low"
    tasks = ("tokens", "classification")
    reads_outputs = False

    def __init__(
        self,
        relations_share: Annotated[float, Range(0.05, 0.95, 0.05)] = 0.5,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.relations_share, self.guided, self.hint = relations_share, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Finds attention and values of both blocks; the second stage needs nothing."""
        super().build(student_model, teacher_model, example, facts)
        if teacher_model is None:
            return
        check_tokenizer(self.name, example)
        models = student_model, teacher_model
        blocks = last_stage_pair(*models, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (
            (f"{attention_of(model, block)}:attention", values_of(model, block))
            for model, block in zip(models, blocks, strict=True)
        )
        student, teacher = example_traces(*models, (self.student_layers, self.teacher_layers), example)
        check_head_counts(self.name, student, teacher, [(self.student_layers[0], self.teacher_layers[0])])

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """Relations, then labels."""
        finetune = StagePlan("finetune", 1 - self.relations_share, teacher=None)
        return StagePlan("relations", self.relations_share), finetune

    def forward(self, student: Trace, teacher: Trace | None, batch: Batch) -> dict[str, Tensor]:
        """The terms of the stage."""
        if self.stage == "finetune":
            return {"labels": self.label_loss(student, batch)}
        real = real_tokens(batch)
        own, values = (student[layer] for layer in self.student_layers)
        theirs, their_values = (teacher[layer].detach() for layer in self.teacher_layers)
        heads = own.shape[1]
        refuse_larger("relations of all pairs of tokens", own.shape, own, f"{SMALLER_BATCHES} or texts")
        relations = value_relations(values, heads, real), value_relations(their_values, heads, real)
        return {
            "attention": mean_over(relation_kl(own, theirs, real), real),
            "values": mean_over(relation_kl(*relations, real), real),
        }
