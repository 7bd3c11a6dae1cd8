"""Writing is the same with and without a cache, stops at each row's end, and leaves nothing else to chance."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor, nn

from tests.models.causal_models import CONTEXT, KINDS, VOCABULARY
from workbench.models.huggingface import HuggingFace
from workbench.models.sampling import Reader, Sampling, draw, generate

PROMPTS = torch.tensor([[0, 0, 5, 6], [3, 4, 5, 6], [0, 7, 7, 9]])
MASK = torch.tensor([[False, False, True, True], [True] * 4, [False, True, True, True]])
GREEDY = Sampling(new_tokens=10, temperature=0.0)


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> nn.Module:
    made = KINDS[request.param]()
    return made if request.param == "decoder" else HuggingFace(made, VOCABULARY)


def greedy_by_hand(model: nn.Module, prompt: list[int], count: int) -> list[int]:
    """One row alone, no padding, no cache."""
    text = list(prompt)
    for _ in range(count):
        text.append(int(model(torch.tensor([text]))[0, -1].argmax()))
    return text[len(prompt) :]


@torch.no_grad()
def test_greedy_with_and_without_cache_is_greedy_by_hand(model: nn.Module) -> None:
    """Token by token, rows of different length side by side."""
    by_hand = [greedy_by_hand(model, row[mask].tolist(), 10) for row, mask in zip(PROMPTS, MASK, strict=True)]
    assert len(set(map(tuple, by_hand))) == 3, "the models say different things"
    for cached in (True, False):
        made = generate(model, PROMPTS, MASK, GREEDY, cached=cached)
        assert made.written[0].tolist() == by_hand
        assert made.mask[:, :4].equal(MASK)
        assert (made.log_probabilities == 0).all()


def test_padding_on_the_right_is_moved(model: nn.Module) -> None:
    """The same texts, however they came."""
    right = torch.tensor([[5, 6, 0, 0], [3, 4, 5, 6], [7, 7, 9, 0]])
    made = generate(model, right, torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]]), GREEDY)
    expected = generate(model, PROMPTS, MASK, GREEDY)
    assert made.tokens[made.mask].equal(expected.tokens[expected.mask])
    assert made.mask.equal(expected.mask)


@torch.no_grad()
@pytest.mark.parametrize("cached", [True, False])
def test_rows_end_by_themselves(model: nn.Module, *, cached: bool) -> None:
    """What a row writes first as its second token ends it; the others go on as if nothing had happened."""
    free = generate(model, PROMPTS, MASK, GREEDY).written[0].tolist()
    end = free[0][1]
    made = generate(model, PROMPTS, MASK, Sampling(10, temperature=0.0, end=end, pad=11), cached=cached)
    tokens, counts = made.written
    for row, expected in enumerate(free):
        length = expected.index(end) + 1 if end in expected else 10
        assert tokens[row][counts[row]].tolist() == expected[:length]
        assert (tokens[row][length:] == 11).all()
        assert made.labels[row, 3 : 3 + length].tolist() == expected[:length]
        assert (made.labels[row, :3] == -1).all()
        assert (made.labels[row, 3 + length :] == -1).all()


@torch.no_grad()
def test_log_probabilities_are_those_of_the_drawn_tokens(model: nn.Module) -> None:
    """Recomputed by reading what was written at once."""
    made = generate(model, PROMPTS, MASK, Sampling(6, temperature=1.7), Generator().manual_seed(1))
    logits = model(**made.inputs)[:, 3:-1]
    expected = (logits / 1.7).log_softmax(2).gather(2, made.written[0][..., None]).squeeze(2)
    torch.testing.assert_close(made.log_probabilities, expected, atol=1e-4, rtol=1e-4)
    assert (made.log_probabilities < 0).all()


def test_the_seed_decides_and_nothing_else(model: nn.Module) -> None:
    """Neither the global state matters nor does it move; modes stay as they are."""
    sampling = Sampling(8)
    model.train()
    before = torch.get_rng_state()
    first = generate(model, PROMPTS, MASK, sampling, Generator().manual_seed(1)).tokens
    assert torch.get_rng_state().equal(before)
    assert all(part.training for part in model.modules())
    torch.manual_seed(99)
    assert generate(model, PROMPTS, MASK, sampling, Generator().manual_seed(1)).tokens.equal(first)
    assert not generate(model, PROMPTS, MASK, sampling, Generator().manual_seed(2)).tokens.equal(first)
    assert not generate(model, PROMPTS, MASK, sampling, Generator().manual_seed(1)).log_probabilities.requires_grad


def test_any_other_module_can_write_without_a_cache() -> None:
    """It only has to take the columns of a text set."""

    class Counts(nn.Module):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            return nn.functional.one_hot((input_ids + 1) % 13, 13).float()

    assert generate(Counts(), torch.tensor([[4]]), None, Sampling(3, temperature=0.0)).tokens.tolist() == [[4, 5, 6, 7]]


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_an_unwrapped_hugging_face_model_can_write(kind: str) -> None:
    raw = KINDS[kind]()
    made = generate(raw, PROMPTS, MASK, GREEDY)
    assert made.tokens.equal(generate(HuggingFace(raw), PROMPTS, MASK, GREEDY).tokens)
    with pytest.raises(ValueError, match=f"model's context of {CONTEXT}"):
        generate(raw, PROMPTS, MASK, Sampling(21, temperature=0.0))


@torch.no_grad()
def test_two_readers_can_share_a_text() -> None:
    """As mixed sampling needs: both read each token, whoever chose it."""
    student, teacher = KINDS["decoder"](), KINDS["decoder"]()
    nn.init.normal_(teacher.classifier.weight, generator=Generator().manual_seed(9))
    readers = [Reader(model, PROMPTS, MASK) for model in (student, teacher)]
    for token in (4, 8):
        for reader in readers:
            reader.append(torch.full((3,), token), torch.ones(3, dtype=torch.bool))
    for reader in readers:
        torch.testing.assert_close(reader.logits, reader.model(reader.tokens, reader.mask)[:, -1])
    assert not torch.allclose(readers[0].logits, readers[1].logits)


def test_draws_follow_the_probabilities() -> None:
    """20,000 draws: each share within four standard errors of the probability; impossible tokens never."""
    probabilities = torch.tensor([0.5, 0.3, 0.0, 0.15, 0.05])
    tokens, log_probabilities = draw(probabilities.log().expand(20_000, -1), Sampling(1), Generator().manual_seed(0))
    shares = tokens.bincount(minlength=5) / 20_000
    errors = (probabilities * (1 - probabilities) / 20_000).sqrt()
    assert ((shares - probabilities).abs() <= 4 * errors).all()
    torch.testing.assert_close(log_probabilities, probabilities[tokens].log())


@pytest.mark.parametrize(("top_p", "kept"), [(0.5, [0]), (0.51, [0, 1]), (0.79, [0, 1]), (0.81, [0, 1, 3])])
def test_the_nucleus_is_the_likeliest_tokens_that_suffice(top_p: float, kept: list[int]) -> None:
    """Renormalised among themselves."""
    probabilities = torch.tensor([0.5, 0.3, 0.05, 0.15], dtype=torch.float64)
    tokens, log_probabilities = draw(
        probabilities.log().expand(2000, -1), Sampling(1, top_p=top_p), Generator().manual_seed(0)
    )
    assert tokens.unique().tolist() == kept
    torch.testing.assert_close(log_probabilities.exp(), probabilities[tokens] / probabilities[kept].sum())


def test_a_low_temperature_is_nearly_greedy() -> None:
    logits = torch.tensor([[0.0, 1.0, 0.5]]).expand(500, -1)
    assert (draw(logits, Sampling(1, temperature=0.01), Generator().manual_seed(0))[0] == 1).all()
    share = (draw(logits, Sampling(1, temperature=100.0), Generator().manual_seed(0))[0] == 1).float().mean()
    assert math.isclose(share, 1 / 3, abs_tol=0.1)


def test_what_cannot_be_written() -> None:
    decoder = KINDS["decoder"]()
    with pytest.raises(
        ValueError, match="a prompt of 4 tokens and 21 new ones are longer than the model's context of 24"
    ):
        generate(decoder, PROMPTS, MASK, Sampling(21, temperature=0.0))
    with pytest.raises(ValueError, match="a prompt is empty"):
        generate(decoder, PROMPTS, MASK & torch.tensor([[True], [True], [False]]), GREEDY)
    with pytest.raises(ValueError, match="drawing tokens needs a generator"):
        generate(decoder, PROMPTS, MASK, Sampling(2))
    for wrong in ({"new_tokens": 0}, {"new_tokens": 1, "temperature": -1.0}, {"new_tokens": 1, "top_p": 0.0}):
        with pytest.raises(ValueError, match="new_tokens must be positive, temperature at least 0, top_p in"):
            Sampling(**wrong)
