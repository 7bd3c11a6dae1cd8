"""Match a transformer layer by layer, from the embeddings through attention and hidden states, and its answers at last.

Each of the student's blocks is paired with one of the teacher's, evenly spread. In a first stage the embeddings, the
attention scores and the hidden states of the pairs are matched; in a second one the logits. The teacher is detached;
besides the student one adapter is learnt, from its width to the teacher's.

Formula:
    stage layers:  L = mean |r(E) - E'|^2 + sum_m ( mean |r(H_m) - H'_g(m)|^2 + mean |A_m - A'_g(m)|^2 )
    stage answers: L = mean KL( softmax(t / T) || softmax(s / T) )
    E, H_m, A_m: student's embeddings (B, L, D), hidden states and attention scores (B, H, L, L) of block m;  ': the
    teacher's;  r: adapter;  g(m) = ceil(m N / M), M and N blocks;  s, t: logits;  means are over the entries and the
    real tokens of each text, for logits of tokens over the positions that count, then over texts.

Faithful to: Jiao et al., Findings of EMNLP 2020, Eqs. 7 to 11, and the authors' code.
Departs from it: one run on one set of data, not after general distillation, and without augmented texts; a KL at last
(a constant apart); no padding; attention after the softmax where a model hides its scores. Labels are not used.
Setting: tiny_encoder. On it we expect: the hidden term falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.maths.token_relations import score_gap
from workbench.methods.method import Method
from workbench.methods.parts.adapters import adapter
from workbench.methods.parts.layers import example_traces
from workbench.methods.parts.text_layers import check_head_counts, real_tokens, scores_of, spread_pairs
from workbench.methods.parts.tokenwise import check_tokenizer, mean_over
from workbench.methods.ranges import Layer, Temperature
from workbench.models.tracing import stages_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class TinyBERT(Method):
    """Layers first, answers last.

    Args:
        layers_share: Share of the run spent on the layers; 20 of 23 epochs in the paper.
        temperature: Softens the answers; 1 in the paper.
        guided: Student blocks, several with commas; None is all of them.
        hint: Teacher blocks, as many; None is an even spread.

    Terms: ``embeddings``, ``hidden`` and ``attention`` in the first stage; ``soft`` in the second, (B,) each.

    Example:
        >>> [plan.share for plan in TinyBERT(layers_share=0.75).stages(Facts(100, 2, 1000, 10))]
        [0.75, 0.25]
    """

    citation = Citation(
        "TinyBERT: Distilling BERT for Natural Language Understanding",
        "Jiao, Yin, Shang, Jiang, Chen, Li, Wang, Liu",
        "Findings of EMNLP",
        2020,
        "1909.10351",
    )
    evidence = Evidence(
        "code",
        "huawei-noah/Pretrained-Language-Model (authors), TinyBERT/task_distill.py at "
        "008b180bfb25c73554ecd89563a8be829e5f4fa0, general_distill.py and transformer/modeling.py beside it",
        "blocks that do not divide evenly; outputs of tokens: their mean over the positions that count",
    )
    progress = Progress("hidden")
    terms = ("embeddings", "hidden", "attention", "soft")
    reads = Reads(
        "all blocks of the student and as many of the teacher, their attention (B, H, L, L), embeddings, and logits",
        student=("layers", "logits"),
        partner=("layers", "logits"),
    )
    learns = Learns("adapter from the student's width to the teacher's", between=("adapter",))
    cost = "low"
    tasks = ("tokens", "classification")

    def __init__(
        self,
        layers_share: Annotated[float, Range(0.05, 0.95, 0.05)] = 20 / 23,
        temperature: Temperature = 1.0,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.layers_share, self.temperature, self.guided, self.hint = layers_share, temperature, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Pairs the blocks, finds their attention, and makes the adapter."""
        super().build(student_model, teacher_model, example, facts)
        check_tokenizer(self.name, example)
        blocks = spread_pairs(student_model, teacher_model, self.guided, self.hint)
        models = student_model, teacher_model
        scores = [scores_of(models, pair) for pair in zip(*blocks, strict=True)]
        first = tuple(f"{stages_of(model)[0]}:input" for model in models)
        self.blocks, self.scores, self.embeddings = blocks, tuple(zip(*scores, strict=True)), first
        self.student_layers, self.teacher_layers = ((*blocks[side], *self.scores[side], first[side]) for side in (0, 1))
        student, teacher = example_traces(*models, (self.student_layers, self.teacher_layers), example)
        self.adapter = adapter(student[blocks[0][0]], teacher[blocks[1][0]])
        check_head_counts(self.name, student, teacher, scores)

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """Layers, then answers."""
        return StagePlan("layers", self.layers_share), StagePlan("answers", 1 - self.layers_share)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The terms of the stage."""
        if self.stage == "answers":
            return {"soft": self._soft(student.logits, teacher.logits.detach(), batch)}
        real = real_tokens(batch)
        return {
            "embeddings": self._gap(student[self.embeddings[0]], teacher[self.embeddings[1]], real),
            "hidden": sum(self._gap(student[m], teacher[g], real) for m, g in zip(*self.blocks, strict=True)),
            "attention": sum(
                score_gap(student[own], teacher[theirs].detach(), real)
                for own, theirs in zip(*self.scores, strict=True)
            ),
        }

    def _soft(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        if student.dim() == 2:
            return forward_kl(student, teacher, self.temperature)
        counted = real_tokens(batch) if batch.mask is None else batch.mask
        student, teacher = (side.masked_fill(~counted[..., None], 0) for side in (student, teacher))
        return mean_over(forward_kl(student, teacher, self.temperature, dim=2), counted)

    def _gap(self, student: Tensor, teacher: Tensor, real: Tensor) -> Tensor:
        student, teacher = (side.masked_fill(~real[..., None], 0) for side in (student, teacher))
        return mean_over((self.adapter(student) - teacher.detach()).square().mean(2), real)
