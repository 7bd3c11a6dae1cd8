"""Small text models, a batch of texts and a setting of texts on which any method of tokens can be played."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from workbench.data.text_sets import Passage, Reading, continuations
from workbench.data.tokenizers import CharacterTokenizer
from workbench.models.decoder import Decoder
from workbench.models.encoder import Encoder, MaskedLanguageModel
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.budget import Budget
from workbench.records.plan import Facts
from workbench.settings.setting import Setting

TOKENIZER = CharacterTokenizer("abcde")
CONTEXT = 16
FACTS = Facts(samples=12, classes=len(TOKENIZER), steps=100, epochs=10, task="tokens")
UNREAD = (3, 7)
"""Rows of the batch of which nothing counts and no token has a label."""


def decoder(width: int, depth: int) -> Decoder:
    return opinionated(Decoder(len(TOKENIZER), width, depth, 2, CONTEXT))


def encoder(width: int, depth: int) -> MaskedLanguageModel:
    return opinionated(MaskedLanguageModel(Encoder(len(TOKENIZER), width, depth, 2, CONTEXT)))


TEXT_MODELS = {
    "decoder": (partial(decoder, 4, 1), partial(decoder, 6, 2)),
    "encoder": (partial(encoder, 4, 2), partial(encoder, 6, 2)),
}


def opinionated(model: nn.Module) -> nn.Module:
    """The model with matrices large enough to prefer some tokens to others."""
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.7)
    return model


def passages(count: int, seed: int = 0) -> list[Passage]:
    """Runs of letters, their reasons and their continuations, which go on in the alphabet; of unequal length."""
    random, made = Random(seed), []
    for _ in range(count):
        start, given, asked = random.randrange(5), random.randint(1, 3), random.randint(2, 4)
        run = "".join("abcde"[(start + place) % 5] for place in range(given + asked))
        made.append(Passage(run[:given], run[given:], run[given - 1] + run[given]))
    return made


def text_batch() -> Batch:
    """Eight texts; of two of them nothing counts."""
    ids = torch.tensor([3, 14, 15, 92, 65, 35, 89, 79])
    batch = continuations(passages(8), Reading(TOKENIZER), ids=ids).batch(torch.arange(8))
    labels, mask = batch.labels.clone(), batch.mask.clone()
    labels[list(UNREAD)], mask[list(UNREAD)] = UNLABELLED, False
    return batch.but(labels=labels, mask=mask)


def text_setting(**changes: Any) -> Setting:
    """96 texts, a decoder of two blocks that was never trained, and a student of one."""
    sizes = {"train": 96, "validation": 30, "test": 60}
    parts = {
        name: continuations(passages(size, seed), Reading(TOKENIZER)) for seed, (name, size) in enumerate(sizes.items())
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        teacher = decoder(8, 2)
    given = {
        "teacher": teacher,
        "student": partial(Decoder, len(TOKENIZER), 8, 1, 2, CONTEXT),
        "task": "tokens",
        "name": "letters",
        "budget": Budget(epochs=3, batch_size=16, optimizer="adamw", learning_rate=0.01),
    }
    return Setting(**(parts | given | changes))


def reads_text(cls: Any) -> bool:
    """Whether the first task of a method is one of tokens."""
    return getattr(cls, "tasks", ("classification",))[0] == "tokens"


def rows_of(given: Any, rows: Tensor) -> Any:
    """Some rows of whatever a batch is made of."""
    if isinstance(given, dict):
        return {name: rows_of(part, rows) for name, part in given.items()}
    if isinstance(given, list):
        return [given[row] for row in rows.tolist()]
    return given if given is None else given[rows]


def parts_of(batch: Batch) -> Iterator[tuple[str, Any]]:
    """The fields of a batch that have rows."""
    return ((name, part) for name, part in vars(batch).items() if part is not None)
