"""Small language models and encoders learn end to end: with and without a teacher, across tokenizers, on-policy."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from workbench.data.text_corpus import answer_of
from workbench.engine.distill import collect, distill
from workbench.maths.tokens import check_vocabularies, exact_match
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.models.decoder import Decoder
from workbench.models.huggingface import HuggingFace
from workbench.models.sampling import Sampling, generate
from workbench.records.batch import Batch
from workbench.records.budget import Budget
from workbench.records.run import Run
from workbench.records.trace import Trace
from workbench.settings.setting import Recipe, Setting
from workbench.settings.tiny_encoder import TinyEncoder
from workbench.settings.tiny_lm import TinyLM

SHORT = Budget(2, optimizer="adamw", learning_rate=5e-3)


class TokenMatch(Method):
    """Word-level forward divergence over the positions that count."""

    tasks = ("tokens",)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        check_vocabularies(student.logits, teacher.logits)
        theirs, mine = teacher.logits.log_softmax(2), student.logits.log_softmax(2)
        divergence = (theirs.exp() * (theirs - mine)).sum(2) * batch.mask
        return {"soft": divergence.sum(1) / batch.mask.sum(1)}


class OnPolicy(TokenMatch):
    """The same on what the student writes."""

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        prompts, sampling = batch.extras["prompts"], Sampling(5, end=2)
        generator = torch.Generator().manual_seed(int(batch.ids.sum()))
        made = generate(students["student"], prompts["input_ids"], prompts["attention_mask"], sampling, generator)
        return batch.but(student_inputs=made.inputs, labels=made.labels, mask=made.labels >= 0)


class SortedMatch(Method):
    """Across tokenizers: sorted probabilities where both have read the same text."""

    tasks = ("tokens",)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        rows, places = (batch.mask & (batch.alignment >= 0)).nonzero(as_tuple=True)
        mine = student.logits[rows, places].softmax(1).sort(1, descending=True).values
        theirs = teacher.logits[rows, batch.alignment[rows, places]].softmax(1).sort(1, descending=True).values
        width = min(mine.shape[1], theirs.shape[1])
        return {"soft": (mine[:, :width] - theirs[:, :width]).abs().sum(1).mean()}


def with_teacher(setting: Setting, teacher: nn.Module) -> Setting:
    """A given teacher instead of one that has to be trained."""
    return setting.but(teacher=teacher)


def confident(vocabulary: int) -> nn.Module:
    """An untrained decoder with an opinion."""
    torch.manual_seed(1)
    teacher = Decoder(vocabulary, 16, 1, 2, 96)
    nn.init.normal_(teacher.classifier.weight, std=0.5)
    return teacher


def falls(run: Run, term: str) -> bool:
    """Whether a term is lower at the end than at the beginning, a quarter of the steps each."""
    values = run.curves[f"terms/{term}"].values
    quarter = len(values) // 4
    return values[-quarter:].mean() < values[:quarter].mean()


@pytest.mark.slow
def test_a_language_model_learns_from_labels_alone() -> None:
    setting = TinyLM(student_texts=400)
    run = collect(distill(with_teacher(setting, confident(setting.classes)), make("labels_only"), SHORT))
    assert falls(run, "labels")
    assert run.scores["student"].last > 100 / setting.classes
    assert run.predictions["student"].shape == (500, setting.test.labels.shape[1], setting.classes)


@pytest.mark.slow
@pytest.mark.parametrize("method", [TokenMatch, OnPolicy])
def test_a_language_model_learns_from_a_teacher(method: type[Method]) -> None:
    """On the texts there are, and on its own."""
    setting = TinyLM(student_texts=300, response="answer")
    run = collect(distill(with_teacher(setting, confident(setting.classes)), method(), SHORT))
    assert falls(run, "soft")
    assert run.facts["agreement"] is not None


@pytest.mark.slow
def test_hugging_face_models_teach_and_learn() -> None:
    """Two architectures, the teacher's matrix padded beyond the vocabulary; the student's own text included."""
    transformers = pytest.importorskip("transformers")
    setting = TinyLM(student_texts=200, response="answer")
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    llama = transformers.LlamaConfig(vocab_size=setting.classes + 14, **sizes)
    gpt2 = transformers.GPT2Config(vocab_size=setting.classes, n_embd=16, n_layer=1, n_head=2, n_positions=96)
    setting = with_teacher(setting, HuggingFace(transformers.LlamaForCausalLM(llama), setting.classes))
    nn.init.normal_(setting.teacher.model.lm_head.weight, std=0.5)
    setting = setting.but(student=lambda: HuggingFace(transformers.GPT2LMHeadModel(gpt2)))
    for method in (TokenMatch(), OnPolicy()):
        assert falls(collect(distill(setting, method, SHORT)), "soft")


def test_a_teacher_may_read_other_tokens() -> None:
    """Methods that compare tokens refuse it with both sizes, others can use the alignment."""
    setting = TinyLM(student_texts=300, teacher_tokens="characters")
    setting = with_teacher(setting, confident(int(setting.train.teacher_inputs["input_ids"].max()) + 1))
    assert falls(collect(distill(setting, SortedMatch(), SHORT)), "soft")
    with pytest.raises(ValueError, match=f"the student's vocabulary has {setting.classes} entries, the teacher's"):
        collect(distill(setting, TokenMatch(), SHORT))


@pytest.mark.slow
def test_a_teacher_of_other_tokens_is_trained_on_its_own() -> None:
    """Its recipe runs on the teacher's columns and labels."""
    setting = TinyLM(student_texts=100, teacher_tokens="characters")
    few = setting.teacher_train.subset(torch.arange(128))
    setting = setting.but(teacher_train=few, teacher=Recipe(setting.teacher.factory, Budget(1)))
    run = collect(distill(setting, SortedMatch(), Budget(1)))
    assert run.facts["parameters"]["teacher"] > run.facts["parameters"]["student"]


@pytest.mark.parametrize(("goal", "method"), [("mood", "kd"), ("mood", "labels_only"), ("hidden_words", "labels_only")])
def test_an_encoder_learns(goal: str, method: str) -> None:
    setting = TinyEncoder(goal)
    torch.manual_seed(1)
    with_teacher(setting, setting.teacher.factory())
    assert falls(collect(distill(setting, make(method), SHORT)), "soft" if method == "kd" else "labels")


@pytest.mark.slow
def test_what_is_scored_is_what_greedy_decoding_writes() -> None:
    """Rows whose labels all have the highest logits are those whose greedy continuation is the reference."""
    setting = TinyLM(student_texts=200, response="answer")
    model, rows = setting.make_student(), torch.arange(200)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    whole = setting.train.batch(rows[: len(setting.train)])
    for _ in range(40):
        optimizer.zero_grad()
        setting.kind.label_loss(model(**whole.student_inputs), whole.labels).mean().backward()
        optimizer.step()
    with torch.no_grad():
        exact = exact_match(model(**whole.student_inputs), whole.labels)
    prompts = whole.extras["prompts"]
    made = generate(model, prompts["input_ids"], prompts["attention_mask"], Sampling(8, temperature=0.0, end=2))
    written = [setting.tokenizer.decode(row.tolist()) for row in made.written[0]]
    right = [text == reference for text, reference in zip(written, whole.extras["references"], strict=True)]
    assert exact.tolist() == right
    assert any(right)
    assert not all(right)
    assert all(answer_of(reference).isdigit() for reference in whole.extras["references"])


@pytest.mark.slow
@pytest.mark.parametrize(("setting", "bar"), [(TinyLM, 97.0), (TinyEncoder, 97.0)])
def test_a_teacher_knows_more_than_a_student_alone(setting: type[Setting], bar: float) -> None:
    """With the budgets as they come."""
    run = collect(distill(setting(), make("labels_only")))
    assert run.scores["teacher"].last > bar > run.scores["student"].last
