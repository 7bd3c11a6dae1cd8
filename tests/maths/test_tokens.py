"""What every reader of padded text needs."""

from __future__ import annotations

import pytest
import torch

from workbench.maths.tokens import check_vocabularies, exact_match, left_padded, next_tokens, positions_of

MASK = torch.tensor([[False, True, True, True], [True, True, False, False]])
TOKENS = torch.tensor([[9, 1, 2, 3], [4, 5, 9, 9]])


def test_places_are_counted_over_real_tokens() -> None:
    assert positions_of(MASK)[MASK].tolist() == [0, 1, 2, 0, 1]
    assert (positions_of(MASK) >= 0).all()


def test_the_label_is_the_next_real_token() -> None:
    assert next_tokens(TOKENS, MASK).tolist() == [[-1, 2, 3, -1], [5, -1, -1, -1]]


def test_padding_moves_to_the_left() -> None:
    """The text keeps its order."""
    tokens, mask = left_padded(TOKENS, MASK)
    assert mask.tolist() == [[False, True, True, True], [False, False, True, True]]
    assert tokens[mask].tolist() == [1, 2, 3, 4, 5]


def test_an_exact_match_has_every_labelled_token_right() -> None:
    labels = torch.tensor([[1, 2], [1, 0], [-1, 2]])
    logits = torch.nn.functional.one_hot(torch.tensor([[1, 2], [1, 2], [0, 2]]), 3).float()
    assert exact_match(logits, labels).tolist() == [True, False, True]


def test_vocabularies_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="the student's vocabulary has 13 entries, the teacher's 16"):
        check_vocabularies(torch.zeros(2, 3, 13), torch.zeros(2, 3, 16))
    check_vocabularies(torch.zeros(2, 3, 13), torch.zeros(2, 3, 13))
