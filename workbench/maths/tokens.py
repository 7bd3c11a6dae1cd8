"""What every reader of padded text needs: next tokens, padding on the left, exact answers, one vocabulary."""

from __future__ import annotations

import torch
from torch import Tensor

UNLABELLED = -1


def positions_of(mask: Tensor) -> Tensor:
    """Number of each token in its text, counted over real tokens, (B, L) bool -> (B, L); 0 before the first one."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def next_tokens(tokens: Tensor, mask: Tensor) -> Tensor:
    """The label of each position is the token after it, (B, L); -1 where it or the next one is padding.

    Args:
        tokens: (B, L).
        mask: (B, L) bool, True for real tokens, which stand together.

    Example:
        >>> next_tokens(torch.tensor([[7, 8, 9, 0]]), torch.tensor([[True, True, True, False]]))
        tensor([[ 8,  9, -1, -1]])
    """
    labels = torch.full_like(tokens, UNLABELLED)
    follows = mask[:, 1:] & mask[:, :-1]
    labels[:, :-1][follows] = tokens[:, 1:][follows]
    return labels


def left_padded(tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The same texts with all padding before them, so that every row ends with its last token."""
    order = mask.int().argsort(dim=1, stable=True)
    return tokens.gather(1, order), mask.gather(1, order)


def exact_match(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether every labelled token is the most likely one, (B, L, V) with (B, L) -> (B,) bool.

    That is so exactly where greedy decoding from the prompt writes the labels.
    """
    return ((logits.argmax(2) == labels) | (labels == UNLABELLED)).all(1)


def check_vocabularies(student_logits: Tensor, teacher_logits: Tensor) -> None:
    """Refuse two vocabularies, (..., V) each: token by token they cannot be compared.

    Raises:
        ValueError: the last axes differ; both sizes are named.
    """
    student, teacher = student_logits.shape[-1], teacher_logits.shape[-1]
    if student != teacher:
        raise ValueError(
            f"the student's vocabulary has {student} entries, the teacher's {teacher}; give both models the same "
            "tokenizer, leave padded entries out (vocabulary=...), or use a method that works across tokenizers"
        )
