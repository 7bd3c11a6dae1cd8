"""Two prompts, two models that know one word at a time, and what they write, worked out token by token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from tests.methods.case import trace
from tests.methods.literal import softmax
from workbench.records.batch import Batch
from workbench.records.plan import Facts

END = 3
FACTS = Facts(samples=4, classes=4, steps=100, epochs=10, task="tokens")
PROMPTS = {8: [0], 5: [1, 2]}
"""By id; the batch has the larger id first, so that the order of writing is not that of the batch."""
TEXTS = {8: [0, 1, 2, END], 5: [1, 2, 0, 1, END]}
LABELS = [[1, 2, END, -1, -1], [-1, 0, 1, END, -1]]
MOST, WIDTH = 3, 5

OWN = [[0.875, 0.25, -0.25, -2.0], [-0.5, 0.375, 1.125, -1.5], [0.75, -0.25, 0.25, -1.0], [0.0, 0.0, 0.0, 0.0]]
THEIRS = [[-0.5, 1.5, 0.375, -1.75], [-1.25, 0.125, 1.625, -0.375], [1.25, 0.625, -0.875, 0.25], [0.0, 0.0, 0.0, 0.0]]
"""Eighths, which single precision holds exactly."""


class Bigram(nn.Module):
    """Logits of the next token from the present one."""

    def __init__(self, table: list[list[float]]) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(torch.tensor(table))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.table(input_ids)


def rows(width: int, texts: Sequence[list[int]], *, left: bool) -> dict[str, Tensor]:
    filled = [[0] * (width - len(t)) + t if left else t + [0] * (width - len(t)) for t in texts]
    real = [[False] * (width - len(t)) + [True] * len(t) for t in texts]
    mask = torch.tensor(real if left else [row[::-1] for row in real])
    return {"input_ids": torch.tensor(filled), "attention_mask": mask}


GIVEN = Batch(
    torch.tensor([8, 5]),
    rows(WIDTH, list(TEXTS.values()), left=False),
    torch.tensor(LABELS),
    mask=torch.tensor(LABELS) >= 0,
    extras={"prompts": rows(2, list(PROMPTS.values()), left=True)},
)

STUDENT = trace(
    [
        [[0.1, 0.2, -0.4, 0.3], [0.3, -1.2, 0.8, 0.0], [1.5, 0.2, -0.7, -0.3], [-0.4, 0.9, 0.1, 0.6], [0.2, 0.7, -0.5, 0.1]],
        [[-0.1, 0.5, 0.4, -0.3], [0.0, 0.5, -0.9, 0.2], [2.0, -0.3, 0.4, -0.8], [1.1, 1.4, -1.6, 0.3], [0.5, -0.6, 0.8, 0.0]],
    ]
)  # fmt: skip
TEACHER = trace(
    [
        [[0.4, -0.2, 0.6, 0.1], [-0.5, 0.4, 1.1, 0.6], [0.1, 1.7, -1.1, 0.2], [1.2, -1.0, 0.3, 0.9], [0.8, 0.1, 0.0, -0.7]],
        [[0.3, 0.1, -0.2, 0.5], [1.9, -0.6, 0.2, 0.7], [-0.2, 0.8, 0.5, 0.1], [0.6, 1.4, -0.1, -0.9], [-0.3, 0.9, 0.2, 0.4]],
    ]
)  # fmt: skip


def nucleus(p: list[float], top_p: float) -> list[float]:
    """The likeliest until they suffice, among themselves."""
    kept, total = [0.0] * len(p), 0.0
    for token in sorted(range(len(p)), key=lambda token: -p[token]):
        if total < top_p:
            kept[token] = p[token]
            total += p[token]
    return [x / total for x in kept]


def written(next_tokens: Callable[[int], list[float]], generator: Generator) -> dict[int, list[tuple[int, float]]]:
    """By id, each token and its probability; rows take their chance in the order of their ids, done or not."""
    found: dict[int, list[tuple[int, float]]] = {key: [] for key in sorted(PROMPTS)}
    for _ in range(MOST):
        chances = torch.rand(len(found), 1, generator=generator, dtype=torch.float64).flatten().tolist()
        for (key, text), chance in zip(found.items(), chances, strict=True):
            last = text[-1][0] if text else PROMPTS[key][-1]
            if last == END:
                continue
            p = next_tokens(last)
            token = next(token for token in range(len(p)) if sum(p[: token + 1]) > chance)
            text.append((token, p[token]))
    return found


def labels_of(texts: dict[int, list[tuple[int, float]]]) -> list[list[int]]:
    """Each word is the label of the position before it; prompts are two wide, padded on the left."""
    return [
        [-1, *(token for token, _ in texts[key])] + [-1] * (WIDTH - 1 - len(texts[key])) for key in GIVEN.ids.tolist()
    ]


class Watched:
    """A method that is asked about what it lets be written, and what is written must be this."""

    def __init__(self, method: Any, seed: int, labels: list[list[int]]) -> None:
        self.method, self.seed, self.labels, self.stages = method, seed, labels, method.stages

    def __call__(self, student: Any, teacher: Any, batch: Batch) -> dict[str, Tensor]:
        batch = self.seen(batch)
        assert batch.labels.tolist() == self.labels
        return self.method(student, teacher, batch)

    def seen(self, batch: Batch) -> Batch:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return self.method.inputs(batch, {"student": Bigram(OWN)})


def watched(method: type, seed: int, labels: list[list[int]]) -> Callable[..., Watched]:
    """Makes built methods of a class, in double precision."""

    def make(**parameters: Any) -> Watched:
        made = method(**parameters)
        made.build(Bigram(OWN), Bigram(THEIRS), GIVEN, FACTS)
        return Watched(made.double(), seed, labels)

    return make


def generator_at(seed: int, before: int = 0) -> Generator:
    """The generator a method makes from the run's randomness, after so many single numbers were drawn from it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(before):
            torch.rand(())
        return Generator().manual_seed(int(torch.randint(2**31, ())))


def own(token: int, temperature: float = 1.0) -> list[float]:
    return softmax(OWN[token], temperature)


def theirs(token: int, temperature: float = 1.0) -> list[float]:
    return softmax(THEIRS[token], temperature)
