"""Text sets: labels are next tokens, batches are narrow, two tokenizers meet where both have read the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from workbench.data.text import TextSet
from workbench.data.text_sets import Passage, Reading, continuations, hidden_words, sentences
from workbench.data.tokenizers import CharacterTokenizer
from workbench.data.tokenizers_bpe import PairTokenizer
from workbench.models.decoder import Decoder

PASSAGES = [
    Passage("2+3", "=5", " because"),
    Passage("1+1+1+1", "=4", " because of that"),
    Passage("", "nothing given", " so"),
]
TEXTS = [p.prompt + p.response + p.rationale for p in PASSAGES]
CHARACTERS, PAIRS = CharacterTokenizer.of(TEXTS), PairTokenizer.train([*TEXTS, *TEXTS], 20)
PLAIN = Reading(CHARACTERS)
BOTH = Reading(PAIRS, CHARACTERS)


@pytest.mark.parametrize("side", ["left", "right"])
def test_labels_are_the_next_tokens_of_the_response(side: str) -> None:
    """Read off as text, row by row; the prompt, the last token and padding have none, and so are not counted."""
    batch = continuations(PASSAGES, replace(PLAIN, side=side)).batch(torch.arange(3))
    for row, passage in enumerate(PASSAGES):
        tokens, real = batch.student_inputs["input_ids"][row], batch.student_inputs["attention_mask"][row]
        whole = [1, *CHARACTERS.encode(passage.prompt + passage.response), 2]
        assert tokens[real].tolist() == whole
        assert (tokens[~real] == 0).all()
        counted = batch.labels[row][batch.mask[row]].tolist()
        assert counted == [*CHARACTERS.encode(passage.response), 2]
        assert batch.labels[row][real].tolist() == [-1] * len(passage.prompt) + counted + [-1]
    assert batch.mask.equal(batch.labels != -1)
    edge = batch.student_inputs["attention_mask"][:, 0 if side == "right" else -1]
    assert edge.all()


def test_the_prompt_may_be_learnt_too() -> None:
    batch = continuations(PASSAGES, replace(PLAIN, learn_prompt=True)).batch(torch.tensor([0]))
    assert batch.labels[0].tolist() == [*CHARACTERS.encode("2+3=5"), 2, -1]


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_is_as_wide_as_its_longest_text(side: str) -> None:
    """Evaluation keeps the full width; the columns are the same ones."""
    data = continuations(PASSAGES, replace(BOTH, side=side))
    short, whole = data.batch(torch.tensor([0])), next(data.batches(3))
    assert short.student_inputs["input_ids"].shape == (1, 2 + len(PAIRS.encode("2+3")) + len(PAIRS.encode("=5")))
    assert short.teacher_inputs["input_ids"].shape == short.extras["teacher_labels"].shape == (1, 7)
    assert short.labels.shape == short.mask.shape == short.alignment.shape == short.student_inputs["input_ids"].shape
    assert whole.labels.equal(data.labels)
    real = whole.student_inputs["attention_mask"][0]
    assert whole.student_inputs["input_ids"][0][real].equal(short.student_inputs["input_ids"][0])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("rows", [[0], [0, 1, 2], [2, 0]])
def test_aligned_positions_have_read_the_same_text(side: str, rows: list[int]) -> None:
    """Spelt out: what stands up to the student's position is what stands up to the teacher's, with start and end."""
    batch = continuations(PASSAGES, replace(BOTH, side=side)).batch(torch.tensor(rows))

    def read(names: tuple[str, ...], inputs: dict[str, torch.Tensor], row: int, place: int) -> str:
        tokens, mask = inputs["input_ids"][row, : place + 1], inputs["attention_mask"][row, : place + 1]
        return "".join(names[token] for token in tokens[mask].tolist())

    for row in range(len(rows)):
        for place, other in enumerate(batch.alignment[row].tolist()):
            if not batch.student_inputs["attention_mask"][row, place]:
                assert other == -1
                continue
            mine = read(PAIRS.names, batch.student_inputs, row, place)
            assert read(CHARACTERS.names, batch.teacher_inputs, row, other) == mine
            assert (batch.labels[row, place] == -1) == (batch.extras["teacher_labels"][row, other] == -1)


def test_a_teacher_of_its_own_tokens_is_trained_on_them() -> None:
    data = continuations(PASSAGES, BOTH)
    expected, seen = continuations(PASSAGES, PLAIN), data.as_teacher_sees()
    assert seen.inputs["input_ids"].equal(expected.inputs["input_ids"])
    assert seen.labels.equal(expected.labels)
    assert seen.batch(torch.arange(3)).mask.equal(expected.batch(torch.arange(3)).mask)
    assert expected.as_teacher_sees() is expected


def test_extras_are_prompts_references_and_rationales() -> None:
    """Prompts end with their last token in every row; rationales are texts of their own with labels."""
    extras = continuations(PASSAGES, PLAIN).batch(torch.tensor([1, 0])).extras
    prompts = extras["prompts"]
    assert prompts["input_ids"][1].tolist() == [0] * 4 + [1, *CHARACTERS.encode("2+3")]
    assert prompts["attention_mask"][1].tolist() == [False] * 4 + [True] * 4
    assert extras["references"] == ["=4", "=5"]
    reasons = extras["rationales"]
    assert reasons["labels"][1][reasons["labels"][1] >= 0].tolist() == [*CHARACTERS.encode(" because"), 2]
    assert "rationales" not in continuations([Passage("1", "2")], PLAIN).batch(torch.tensor([0])).extras


def test_permuted_teachers_see_other_texts_of_the_same_width() -> None:
    """With one tokenizer, both sides keep as many columns as either needs."""
    data = continuations(PASSAGES, PLAIN)
    batch = data.batch(torch.tensor([0]), teacher_rows=torch.tensor([2]))
    assert batch.teacher_inputs["input_ids"].shape == batch.student_inputs["input_ids"].shape == batch.labels.shape
    assert batch.teacher_inputs["input_ids"].equal(data.inputs["input_ids"][[2]])
    other = continuations(PASSAGES, BOTH).batch(torch.tensor([2]), teacher_rows=torch.tensor([0]))
    assert other.alignment.max() < other.teacher_inputs["input_ids"].shape[1]


def test_parts_keep_everything_together() -> None:
    """A subset's batch is the batch of those rows; ids, digest and device go along."""
    data = continuations(PASSAGES, BOTH, ids=torch.tensor([7, 8, 9]))
    part = data.subset(torch.tensor([2, 0])).to("cpu")
    one, other = part.batch(torch.tensor([1])), data.batch(torch.tensor([0]))
    assert isinstance(part, TextSet)
    assert one.ids.tolist() == other.ids.tolist() == [7]
    assert one.alignment.equal(other.alignment)
    assert one.mask.equal(other.mask)
    assert one.extras["references"] == other.extras["references"]
    assert one.extras["prompts"]["input_ids"].equal(other.extras["prompts"]["input_ids"])
    assert data.digest() == continuations(PASSAGES, BOTH, ids=torch.tensor([7, 8, 9])).digest() != part.digest()


def test_a_digest_sees_what_only_extras_hold() -> None:
    """The rationale is in no input."""
    other = [replace(passage, rationale=" so") for passage in PASSAGES]
    assert continuations(PASSAGES, PLAIN).digest() != continuations(other, PLAIN).digest()


def test_sentences_begin_with_the_start_and_have_a_class() -> None:
    data = sentences(["2+3", "that"], [1, 0], CHARACTERS)
    batch = data.batch(torch.tensor([0]))
    assert batch.student_inputs["input_ids"].tolist() == [[1, *CHARACTERS.encode("2+3")]]
    assert batch.labels.tolist() == [1]
    assert batch.mask.all()
    assert batch.extras["texts"] == ["2+3"]
    assert (data.varying, continuations(PASSAGES, PLAIN).varying) == (False, True)


def test_hidden_words_are_the_labels() -> None:
    """A share of the tokens, at least one, never the start or padding; put back, the text is whole again."""
    texts = ["nothing given because of that", "so", "that of that"]
    data = hidden_words(texts, CHARACTERS, share=0.25)
    tokens, mask, labels = data.inputs["input_ids"], data.inputs["attention_mask"], data.labels
    hidden = tokens == CHARACTERS.hidden
    assert hidden.equal(labels != -1)
    assert hidden.sum(1).tolist() == [8, 1, 3]
    assert not (hidden & ~mask).any()
    assert (tokens[:, 0] == CHARACTERS.start).all()
    whole = torch.where(hidden, labels, tokens)
    assert [CHARACTERS.decode(row.tolist()) for row in whole] == texts
    assert data.batch(torch.arange(3)).mask.equal(hidden)
    assert data.digest() == hidden_words(texts, CHARACTERS, share=0.25).digest()


def test_what_cannot_be_read() -> None:
    """Each is refused with what was wrong."""
    with pytest.raises(ValueError, match="there are no passages"):
        continuations([], PLAIN)
    with pytest.raises(ValueError, match=r"passages \[1\] have an empty response"):
        continuations([PASSAGES[0], Passage("1", "")], PLAIN)
    with pytest.raises(ValueError, match="a text of 15 tokens is longer than the context of 14"):
        continuations(PASSAGES, replace(PLAIN, context=14))
    with pytest.raises(ValueError, match=r"characters \['9'\] are unknown"):
        continuations([Passage("9", "=9")], PLAIN)
    with pytest.raises(ValueError, match=r"texts \[1\] are empty"):
        sentences(["so", " "], [0, 1], CHARACTERS)
    with pytest.raises(ValueError, match="there are no texts"):
        hidden_words([], CHARACTERS)
    with pytest.raises(ValueError, match=r"inputs have columns \['input_ids'\]; input_ids and attention_mask are"):
        TextSet({"input_ids": torch.zeros(2, 3)})
    ones = torch.ones(2, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match="lengths differ: references has 1, ids has 2"):
        TextSet({"input_ids": ones.long(), "attention_mask": ones}, strings={"references": ["one"]})


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_side_of_the_padding_does_not_matter_to_a_model(side: str) -> None:
    """The same logits at the labelled positions as for each text alone."""
    decoder, data = Decoder(len(CHARACTERS), 8, 1, 2, 32), continuations(PASSAGES, replace(PLAIN, side=side))
    together = data.batch(torch.arange(3))
    logits = decoder(**together.student_inputs)
    for row in range(3):
        alone = data.batch(torch.tensor([row]))
        torch.testing.assert_close(logits[row][together.mask[row]], decoder(**alone.student_inputs)[alone.mask])
