"""Sentences with a mood, or with hidden words: a small encoder teaches a smaller one."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import torch
from torch import nn

from workbench.data.asymmetry import but
from workbench.data.text_corpus import MOODS, moods
from workbench.data.text_sets import hidden_words, sentences
from workbench.data.tokenizers_bpe import PairTokenizer
from workbench.models.encoder import Encoder, MaskedLanguageModel, SentenceClassifier
from workbench.records.annotations import Range
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe, Setting

POOL, TEST = 2000, 500
MERGES = 100
CONTEXT = 40


class TinyEncoder(Setting):
    """Tiny encoder: reads whole sentences and tells their mood, or the words that were hidden in them.

    Args:
        goal: Tell the mood of a sentence, or guess the tokens that are hidden in it.
        student_texts: Sentences the student has, validation included; the teacher has 2,000.
    """

    about = "generated film reviews of two clauses; encoder 2 x 64 wide teaches 1 x 32"

    def __init__(
        self,
        goal: Literal["mood", "hidden_words"] = "mood",
        student_texts: Annotated[int, Range(100, 2000, 100)] = 500,
    ) -> None:
        """Generates the sentences, the same ones every time."""
        self.goal, self.student_texts = goal, student_texts
        texts, labels = moods(POOL + TEST)
        tokenizer = PairTokenizer.train(texts[:POOL], MERGES)
        ids = torch.arange(POOL + TEST)
        words = goal == "hidden_words"
        every = hidden_words(texts, tokenizer, ids=ids) if words else sentences(texts, labels, tokenizer, ids)
        pool = every.subset(ids[:POOL])
        super().__init__(
            train=pool.subset(ids[:student_texts]),
            test=every.subset(ids[POOL:]),
            teacher=Recipe(partial(_model, goal, len(tokenizer), 64, 2), _budget(25, 1e-3)),
            student=partial(_model, goal, len(tokenizer), 32, 1),
            name="tiny_encoder",
            task="tokens" if words else "classification",
            budget=_budget(20, 5e-3),
            class_names=tokenizer.names if words else MOODS,
            look="text",
            threads=1,
        )
        self.teacher_train = but(pool, self.validation)


def _model(goal: str, vocabulary: int, width: int, depth: int) -> nn.Module:
    encoder = Encoder(vocabulary, width, depth, 4, CONTEXT)
    return SentenceClassifier(encoder, len(MOODS)) if goal == "mood" else MaskedLanguageModel(encoder)


def _budget(epochs: int, learning_rate: float) -> Budget:
    return Budget(epochs, optimizer="adamw", learning_rate=learning_rate, weight_decay=0.01, clip=1.0)
