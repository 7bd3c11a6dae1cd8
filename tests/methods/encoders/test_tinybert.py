"""Embeddings, attention and hidden states block by block, then the answers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import Case, check, trace
from tests.methods.encoders.board import BATCH, FACTS, REAL, adapted, adapter, mean_over_real, numbers
from tests.methods.literal import kl, softmax
from workbench.methods.encoders.tinybert import TinyBERT
from workbench.models.encoder import Encoder, MaskedLanguageModel, SentenceClassifier
from workbench.records.batch import Batch
from workbench.records.plan import Facts

PAIRS = {"one": "two", "two": "four"}


def model(width, names):
    features = {name: numbers(2, 3, width) for name in ("in", *names)}
    return trace(numbers(2, 3, 3), **features, **{f"{name}.scores": numbers(2, 2, 3, 3) for name in names})


STUDENT, TEACHER = model(3, PAIRS), model(3, PAIRS.values())
CLASSES = trace(numbers(2, 3)), trace(numbers(2, 3))
EVERYWHERE = BATCH.but(mask=BATCH.student_inputs["attention_mask"])


def at(stage):
    def make(**parameters):
        method = TinyBERT(**parameters)
        method.blocks = tuple(PAIRS), tuple(PAIRS.values())
        method.scores = tuple(f"{x}.scores" for x in PAIRS), tuple(f"{x}.scores" for x in PAIRS.values())
        method.embeddings, method.adapter, method.stage = ("in", "in"), adapter(), stage
        return method

    return make


def squares(own, theirs):
    """Of each token, the mean over the entries."""
    rows = [[adapted(x) for x in text] for text in own]
    return [
        [sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) / 3 for x, y in zip(rows[b], theirs[b], strict=True)]
        for b in range(2)
    ]


def score_gap(own, theirs, text):
    """Over both heads and all pairs of real tokens."""
    pairs = [(n, k) for n in range(3) for k in range(3) if REAL[text][n] and REAL[text][k]]
    found = [(own[text][h][n][k] - theirs[text][h][n][k]) ** 2 for h in range(2) for n, k in pairs]
    return sum(found) / len(found)


def layers(student, constants):
    teacher = constants.teacher
    gaps = [mean_over_real(squares(student[own], teacher[theirs])) for own, theirs in PAIRS.items()]
    return {
        "embeddings": mean_over_real(squares(student["in"], teacher["in"])),
        "hidden": [sum(gap[b] for gap in gaps) for b in range(2)],
        "attention": [
            sum(score_gap(student[f"{own}.scores"], teacher[f"{theirs}.scores"], b) for own, theirs in PAIRS.items())
            for b in range(2)
        ],
    }


def words(student, constants):
    pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
    return {"soft": mean_over_real([[kl(softmax(t[n]), softmax(s[n])) for n in range(3)] for s, t in pairs])}


def classes(student, constants):
    pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
    return {"soft": [kl(softmax(t), softmax(s)) for s, t in pairs]}


PLAN = (("layers", "student", "teacher", 20 / 23), ("answers", "student", "teacher", 3 / 23))
ORACLES = [
    Case("layers", at("layers"), STUDENT, TEACHER, BATCH, layers, PLAN),
    Case("words", at("answers"), STUDENT, TEACHER, EVERYWHERE, words, PLAN),
    Case("classes", at("answers"), *CLASSES, Batch(torch.arange(2), torch.ones(2, 3)), classes, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [(2, 4, (2, 4)), (4, 12, (3, 6, 9, 12)), (2, 3, (2, 3)), (1, 2, (2,)), (3, 3, (1, 2, 3))]
)  # fmt: skip
def test_blocks_are_spread_evenly_up_to_the_last(mine, theirs, expected):
    models = [MaskedLanguageModel(Encoder(4, 4, depth, 2, 8)) for depth in (mine, theirs)]
    method = TinyBERT()
    method.build(*models, BATCH, FACTS)
    assert method.blocks[1] == tuple(f"encoder.layer{number}" for number in expected)
    assert method.scores[0] == tuple(f"encoder.layer{k}.attention.scores" for k in range(1, mine + 1))
    assert method.embeddings == ("encoder.layer1:input",) * 2


def test_a_sentence_classifier_of_other_width_is_built_for():
    student, teacher = (SentenceClassifier(Encoder(4, size, 2, 2, 8), 3) for size in (4, 6))
    method, batch = TinyBERT(), BATCH.but(labels=torch.tensor([0, 1]), mask=None)
    method.build(student, teacher, batch, Facts(6, 3, 10, 1))
    assert isinstance(method.adapter, nn.Linear)


class HidesItsScores(nn.Module):
    """A transformer of PyTorch's own."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(4, 4)
        self.layers = nn.ModuleList([nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)])
        self.feature_layers = ("layers.0",)

    def forward(self, input_ids, attention_mask):
        return self.layers[0](self.embed(input_ids), src_key_padding_mask=~attention_mask)


def test_weights_take_the_place_of_scores_where_one_model_hides_them():
    models = HidesItsScores(), MaskedLanguageModel(Encoder(4, 4, 1, 2, 8))
    method = TinyBERT()
    method.build(*models, BATCH, FACTS)
    assert method.scores == (("layers.0.self_attn:attention",), ("encoder.layer1.attention:attention",))


def test_other_numbers_of_heads_and_other_tokenizers_are_refused():
    student, teacher = (MaskedLanguageModel(Encoder(4, 4, 1, heads, 8)) for heads in (2, 4))
    with pytest.raises(
        ValueError, match="tinybert compares attention head by head, but the student has 2 heads and the"
    ):
        TinyBERT().build(student, teacher, BATCH, FACTS)
    with pytest.raises(ValueError, match=r"tinybert compares token by token, but .* teacher_labels"):
        TinyBERT().build(student, student, BATCH.but(extras={"teacher_labels": BATCH.labels}), FACTS)
    plain = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    with pytest.raises(ValueError, match="layer '0' of Sequential has no attention to compare"):
        TinyBERT(guided="0", hint="0").build(plain, plain, Batch(torch.arange(2), torch.ones(2, 3)), FACTS)
