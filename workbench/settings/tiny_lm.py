"""Little sums told as stories: a language model that can do them teaches a smaller one that has seen few."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import torch

from workbench.data.asymmetry import but
from workbench.data.text_corpus import stories
from workbench.data.text_sets import Reading, continuations
from workbench.data.tokenizers import CharacterTokenizer
from workbench.data.tokenizers_bpe import PairTokenizer
from workbench.models.decoder import Decoder
from workbench.records.annotations import Range
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe, Setting

POOL, TEST = 4000, 500
MERGES = 150
CONTEXT = 96
"""Most tokens of one text: a story spelt in characters has some 80."""


class TinyLM(Setting):
    """Tiny LM: a small decoder learns to continue stories with a sum, from a larger one that has seen more of them.

    The score is the accuracy of the next token over the responses, each token after the true ones before it.

    Args:
        student_texts: Stories the student has, validation included; the teacher has 4,000.
        response: What stands after a story: the steps and the answer, or the answer alone.
        teacher_tokens: The teacher cuts text up as the student does, or into characters, for methods that can bridge it.
    """

    about = "generated stories with a sum; decoder 2 x 64 wide teaches 1 x 48, or one that reads in characters"

    def __init__(
        self,
        student_texts: Annotated[int, Range(100, 4000, 100)] = 1000,
        response: Literal["steps", "answer"] = "steps",
        teacher_tokens: Literal["same", "characters"] = "same",
    ) -> None:
        """Generates the stories, the same ones every time."""
        self.student_texts, self.response, self.teacher_tokens = student_texts, response, teacher_tokens
        passages = stories(POOL + TEST, steps=response == "steps")
        texts = [passage.prompt + passage.rationale + passage.response for passage in passages]
        self.tokenizer = own = PairTokenizer.train(texts[:POOL], MERGES)
        theirs = CharacterTokenizer.of(texts) if teacher_tokens == "characters" else None
        reading = Reading(own, theirs, context=CONTEXT)
        pool = continuations(passages[:POOL], reading, ids=torch.arange(POOL))
        super().__init__(
            train=pool.subset(torch.arange(student_texts)),
            test=continuations(passages[POOL:], reading, ids=torch.arange(POOL, POOL + TEST)),
            teacher=Recipe(
                partial(Decoder, len(theirs or own), 64, 2, 4, CONTEXT), _budget(8 if response == "steps" else 16, 4e-3)
            ),
            student=partial(Decoder, len(own), 48, 1, 4, CONTEXT),
            name="tiny_lm",
            task="tokens",
            budget=_budget(10, 5e-3),
            class_names=own.names,
            look="text",
            threads=1,
        )
        self.teacher_train = but(pool, self.validation)


def _budget(epochs: int, learning_rate: float) -> Budget:
    return Budget(epochs, optimizer="adamw", learning_rate=learning_rate, weight_decay=0.01, clip=1.0)
