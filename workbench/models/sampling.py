"""Lets a language model write: greedily or by chance, each row until its end, with or without a key-value cache.

The log-probabilities that come with the text are those of the distribution it was drawn from (the behaviour), after
temperature and nucleus; so they are 0 for greedy text, of which nothing was left to chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from workbench.maths.tokens import UNLABELLED, left_padded, next_tokens
from workbench.models.huggingface import HuggingFace
from workbench.models.layers import call, evaluating
from workbench.models.tracing import tensor_of

Choose = Callable[[Sequence[Tensor]], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Sampling:
    """How to write.

    Attributes:
        new_tokens: most tokens to write.
        temperature: of the softmax; 0 takes the most likely token.
        top_p: the likeliest tokens that together have at least this probability are drawn from (the nucleus of
            Holtzman et al., ICLR 2020).
        end: token after which a row is done, None if there is none; it counts as written.
        pad: token that fills a row after its end.

    Raises:
        ValueError: a number is out of its bounds.
    """

    new_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    end: int | None = None
    pad: int = 0

    def __post_init__(self) -> None:
        """Checks the numbers."""
        if self.new_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"{self}: new_tokens must be positive, temperature at least 0, top_p in (0, 1]")


@dataclass(frozen=True)
class Generated:
    """Prompts and what was written after them.

    Attributes:
        tokens: (B, P + N), prompts padded on the left, then N written tokens.
        mask: (B, P + N) bool, False for padding on either side.
        log_probabilities: (B, N) of the written tokens under the behaviour; 0 after the end.
    """

    tokens: Tensor
    mask: Tensor
    log_probabilities: Tensor

    @property
    def written(self) -> tuple[Tensor, Tensor]:
        """(B, N) written tokens and which of them count."""
        start = self.tokens.shape[1] - self.log_probabilities.shape[1]
        return self.tokens[:, start:], self.mask[:, start:]

    @property
    def inputs(self) -> dict[str, Tensor]:
        """What a model is called with to read all of it."""
        return {"input_ids": self.tokens, "attention_mask": self.mask}

    @property
    def labels(self) -> Tensor:
        """(B, P + N) next tokens where they were written, -1 elsewhere."""
        labels = next_tokens(self.tokens, self.mask)
        labels[:, : self.tokens.shape[1] - self.log_probabilities.shape[1] - 1] = UNLABELLED
        return labels


class Reader:
    """A model that reads token by token; several can read the same text, as mixed and speculative sampling need.

    Args:
        model: a ``Decoder``, a Hugging Face causal model, or any module of (B, L) ``input_ids`` and ``attention_mask``
            to (B, L, V) logits; the last one reads everything again at each token.
        tokens: (B, P) to begin with, padded on the left.
        mask: (B, P) bool.
        cached: False reads everything again with any model.

    Attributes:
        logits: (B, V) of the next token.
    """

    def __init__(self, model: nn.Module, tokens: Tensor, mask: Tensor, *, cached: bool = True) -> None:
        """Reads the beginning."""
        self.model = _readable(model)
        self.cached = cached and hasattr(self.model, "forward_cached")
        self.tokens, self.mask, self.cache = tokens, mask, None
        self.logits = self._read(tokens, mask)

    def append(self, tokens: Tensor, mask: Tensor) -> None:
        """Read one more token in each row, (B,); ``mask`` is False for rows that are done."""
        self.tokens = torch.cat([self.tokens, tokens[:, None]], 1)
        self.mask = torch.cat([self.mask, mask[:, None]], 1)
        self.logits = self._read(tokens[:, None], mask[:, None])

    @torch.no_grad()
    def _read(self, tokens: Tensor, mask: Tensor) -> Tensor:
        with evaluating(self.model):
            if self.cached:
                logits, self.cache = self.model.forward_cached(tokens, mask, self.cache)
            else:
                inputs = {"input_ids": self.tokens, "attention_mask": self.mask}
                logits = tensor_of(call(self.model, inputs), "the model")
        return logits[:, -1].float()


def draw(logits: Tensor, sampling: Sampling, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
    """One token per row, (B, V) -> (B,), and its log-probability under the distribution it was drawn from, (B,).

    Raises:
        ValueError: something is left to chance, but there is no generator.
    """
    if sampling.temperature == 0:
        return logits.argmax(1), logits.new_zeros(len(logits))
    if generator is None:
        raise ValueError("drawing tokens needs a generator; temperature=0 takes the most likely ones without one")
    probabilities = distribution(logits, sampling)
    cumulative = probabilities.cumsum(1)
    chance = torch.rand(len(logits), 1, generator=generator, device=generator.device, dtype=torch.float64)
    tokens = torch.searchsorted(cumulative, chance.to(logits.device) * cumulative[:, -1:], right=True)
    return tokens.squeeze(1), probabilities.gather(1, tokens).log().squeeze(1).to(logits.dtype)


def distribution(logits: Tensor, sampling: Sampling) -> Tensor:
    """The probabilities that tokens are drawn with at a temperature above 0, (B, V) -> (B, V) in double precision."""
    return _nucleus((logits.double() / sampling.temperature).softmax(1), sampling.top_p)


def generate(
    model: nn.Module,
    prompts: Tensor,
    mask: Tensor | None,
    sampling: Sampling,
    generator: Generator | None = None,
    *,
    cached: bool = True,
) -> Generated:
    """Continue prompts; the model's modes and the global random state stay as they are, no gradients are kept.

    Args:
        model: as for ``Reader``.
        prompts: (B, P) tokens, padded on either side.
        mask: (B, P), which of them are real; None is all.
        sampling: how to write.
        generator: draws the tokens; needed unless the temperature is 0.
        cached: False reads everything again for each token.

    Raises:
        ValueError: a prompt is empty, or too long for the model's context together with what is to be written.
    """
    return generate_together(
        [model], prompts, mask, sampling, lambda expected: draw(expected[0], sampling, generator), cached=cached
    )


def generate_together(
    models: Sequence[nn.Module],
    prompts: Tensor,
    mask: Tensor | None,
    sampling: Sampling,
    choose: Choose,
    *,
    cached: bool = True,
) -> Generated:
    """Continue prompts with tokens that are chosen from what several models expect; otherwise as ``generate``.

    Args:
        models: each as for ``Reader``; all of them read every token.
        prompts: (B, P) tokens, padded on either side.
        mask: (B, P), which of them are real; None is all.
        sampling: when to stop, and what fills the rows that have.
        choose: from the models' logits of the next token, (B, V) each, makes the tokens (B,) and their log-probabilities
            under the behaviour, (B,).
        cached: False reads everything again for each token.

    Raises:
        ValueError: a prompt is empty, or too long for a model's context together with what is to be written.
    """
    mask = torch.ones_like(prompts, dtype=torch.bool) if mask is None else mask.bool()
    models = [_readable(model) for model in models]
    for model in models:
        _check(mask, sampling, getattr(model, "context", None))
    readers = [Reader(model, *left_padded(prompts, mask), cached=cached) for model in models]
    going = torch.ones(len(prompts), dtype=torch.bool, device=prompts.device)
    behaviour = []
    for number in range(1, sampling.new_tokens + 1):
        tokens, log_probabilities = choose([reader.logits for reader in readers])
        tokens = tokens.masked_fill(~going, sampling.pad)
        behaviour.append(log_probabilities.masked_fill(~going, 0))
        further = going if sampling.end is None else going & (tokens != sampling.end)
        if number == sampling.new_tokens or not further.any():
            break
        for reader in readers:
            reader.append(tokens, going)
        going = further
    whole, real = torch.cat([readers[0].tokens, tokens[:, None]], 1), torch.cat([readers[0].mask, going[:, None]], 1)
    return Generated(whole, real, torch.stack(behaviour, 1))


def _nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """The distribution over the likeliest tokens; the one that crosses ``top_p`` still belongs to them."""
    if top_p == 1:
        return probabilities
    ordered, order = probabilities.sort(1, descending=True)
    ordered = ordered.masked_fill(ordered.cumsum(1) - ordered >= top_p, 0)
    kept = torch.zeros_like(probabilities).scatter(1, order, ordered)
    return kept / kept.sum(1, keepdim=True)


def _check(mask: Tensor, sampling: Sampling, context: int | None) -> None:
    lengths = mask.sum(1)
    if not len(lengths) or not lengths.min():
        raise ValueError("a prompt is empty; each needs at least one token, such as the tokenizer's start")
    longest = int(lengths.max())
    if context is not None and longest + sampling.new_tokens > context:
        raise ValueError(
            f"a prompt of {longest} tokens and {sampling.new_tokens} new ones are longer than the model's context of "
            f"{context}; shorten the prompts or write less"
        )


def _readable(model: nn.Module) -> nn.Module:
    return HuggingFace(model) if hasattr(model, "can_generate") else model
