"""Samples in memory, addressed by ids."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.augment import CropFlip, Normalise
from workbench.data.transfer import TransferSet


def ten(**changes: Any) -> TransferSet:
    """Ten samples whose every part can be told from its number."""
    number = torch.arange(10)
    parts = {"ids": number + 100, "teacher_inputs": -number[:, None].float(), "weight": number.float() + 1}
    return TransferSet(number[:, None].float(), number % 3, **(parts | changes))


def test_a_batch_holds_the_asked_rows_of_everything() -> None:
    """Inputs, labels, ids, weights and what the teacher sees."""
    batch = ten().batch(torch.tensor([7, 2]))
    assert batch.student_inputs.tolist() == [[7.0], [2.0]]
    assert batch.for_teacher.tolist() == [[-7.0], [-2.0]]
    assert batch.labels.tolist() == [1, 2]
    assert batch.ids.tolist() == [107, 102]
    assert batch.weight.tolist() == [8.0, 3.0]


def test_the_teacher_may_see_other_rows() -> None:
    """As in the controls that permute its answers."""
    data = ten(teacher_inputs=None)
    batch = data.batch(torch.tensor([7, 2]), teacher_rows=torch.tensor([0, 1]))
    assert batch.for_teacher.tolist() == [[0.0], [1.0]]
    assert data.batch(torch.tensor([7])).teacher_inputs is None


def test_augmentation_comes_before_the_transform() -> None:
    """The teacher of the same inputs sees the augmented view."""
    data = TransferSet(torch.tensor([[1.0], [2.0]]), transform=lambda x: 10 * x)
    batch = data.batch(torch.arange(2), augment=lambda x, _: x + 1, generator=torch.Generator())
    assert batch.for_teacher.tolist() == batch.student_inputs.tolist() == [[20.0], [30.0]]


@given(st.integers(1, 12))
def test_batches_cover_everything_once(size: int) -> None:
    """In order."""
    ids = torch.cat([batch.ids for batch in ten().batches(size)])
    assert ids.tolist() == list(range(100, 110))


@given(st.lists(st.integers(0, 9), unique=True, min_size=1))
def test_a_subset_is_what_a_batch_of_its_rows_shows(rows: list[int]) -> None:
    """Subsets and batches agree."""
    whole, part = ten(), ten().subset(torch.tensor(rows))
    seen, all_of = whole.batch(torch.tensor(rows)), part.batch(torch.arange(len(rows)))
    for name in ("ids", "student_inputs", "labels", "teacher_inputs", "weight"):
        assert torch.equal(getattr(seen, name), getattr(all_of, name))


def test_inputs_of_several_parts() -> None:
    """Tuples and dicts are indexed part by part, and all parts count for the digest."""
    first, second = torch.arange(4.0), torch.arange(4.0) * 2
    pair, named = TransferSet((first, second)), TransferSet({"a": first, "b": second})
    assert [part.tolist() for part in pair.batch(torch.tensor([3])).student_inputs] == [[3.0], [6.0]]
    assert named.subset(torch.tensor([1])).inputs["b"].tolist() == [2.0]
    assert named.to("cpu").inputs["a"].tolist() == first.tolist()
    assert pair.digest() != TransferSet((first, first)).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"ids": torch.arange(10)},
        {"weight": torch.ones(10)},
        {"weight": None},
        {"teacher_inputs": None},
        {"teacher_inputs": torch.zeros(10, 1)},
    ],
)
def test_the_digest_sees_every_part(change: dict[str, Any]) -> None:
    """A change anywhere is another set; the same again is the same."""
    assert ten().digest() == ten().digest()
    assert ten(**change).digest() != ten().digest()


@pytest.mark.parametrize("part", ["inputs", "labels", "weight", "ids", "teacher_inputs"])
def test_the_digest_sees_what_is_written_into_a_set_after_it_was_asked_for(part: str) -> None:
    data = ten()
    before, tensor = data.digest(), getattr(data, part)
    first = tensor[0].clone()
    tensor[0] += 1
    assert data.digest() != before
    tensor[0] = first
    assert data.digest() == before


def test_derived_sets_have_digests_of_their_own() -> None:
    """Also if that of the whole was asked for first."""
    data = ten()
    whole = data.digest()
    assert len({whole, data.subset(torch.arange(9)).digest(), data.numbered_from(0).digest()}) == 3
    assert data.subset(torch.arange(10)).digest() == whole == data.to("cpu").digest()


def test_which_samples_have_a_label() -> None:
    """One per sample, none at all, real targets, or any position of a sequence."""
    inputs = torch.zeros(3, 1)
    assert TransferSet(inputs, torch.tensor([0, -1, 2])).labelled.tolist() == [0, 2]
    assert TransferSet(inputs).labelled.tolist() == []
    assert TransferSet(inputs, torch.tensor([0.5, -1.0, 2.0])).labelled.tolist() == [0, 1, 2]
    assert TransferSet(inputs, torch.tensor([[-1, 4], [-1, -1], [2, -1]])).labelled.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"weight": torch.ones(9)}, "weight has 9"),
        ({"teacher_inputs": torch.zeros(3, 1)}, "teacher_inputs 0 has 3"),
        ({"ids": torch.zeros(10)}, "ids repeat"),
        ({"teacher_inputs": torch.full((10, 1), torch.nan)}, "teacher_inputs 0 hold NaN"),
        ({"weight": torch.full((10,), torch.inf)}, "weight hold NaN or infinite"),
        ({"weight": torch.arange(-1.0, 9.0)}, "between -1 and 8; one number per sample is needed, none below 0"),
        ({"weight": torch.zeros(10)}, "between 0 and 0; .* one above"),
        ({"weight": torch.ones(10, 2)}, r"shape \(10, 2\)"),
    ],
)
def test_parts_that_do_not_fit(parts: dict[str, Any], words: str) -> None:
    """Are refused with the name of the part."""
    with pytest.raises(ValueError, match=words):
        ten(**parts)


def test_only_tensors_go_in() -> None:
    """Anything else is pointed to the converter."""
    with pytest.raises(TypeError, match=r"inputs\) needs a Tensor .*, not a list.*; as_transfer_set"):
        TransferSet(([1.0, 2.0],))


@pytest.mark.parametrize("part", ["ids", "weight", "teacher_inputs"])
def test_sparse_tensors_are_refused(part: str) -> None:
    """Rows cannot be taken from them."""
    with pytest.raises(TypeError, match=r"a sparse tensor was given; its to_dense\(\)"):
        ten(**{part: torch.arange(1, 11).to_sparse()})


# --- augmentation ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("flip", [True, False])
def test_crop_and_flip_pixel_by_pixel(dtype: torch.dtype, padding: int, flip: bool) -> None:
    """Against loops over every pixel of every image, for the offsets that the generator draws."""
    images = torch.randint(1, 256, (6, 3, 5, 7)).to(dtype)
    cropped = CropFlip(padding, flip)(images, torch.Generator().manual_seed(3))
    again = torch.Generator().manual_seed(3)
    offsets = torch.randint(2 * padding + 1, (2, 6), generator=again).tolist()
    mirrored = torch.randint(2, (6,), generator=again).tolist()
    expected = torch.zeros_like(images)
    for n in range(6):
        for channel in range(3):
            for row in range(5):
                for column in range(7):
                    from_row = row + offsets[0][n] - padding
                    from_column = (6 - column if flip and mirrored[n] else column) + offsets[1][n] - padding
                    if 0 <= from_row < 5 and 0 <= from_column < 7:
                        expected[n, channel, row, column] = images[n, channel, from_row, from_column]
    assert cropped.dtype == dtype
    assert torch.equal(cropped, expected)
    assert any(mirrored)
    assert not all(mirrored)


def test_normalise_by_hand() -> None:
    """Bytes are divided by 255 first; each channel has its mean and deviation."""
    pixels = torch.tensor([[[[0, 255]], [[51, 102]]]], dtype=torch.uint8)
    seen = Normalise((0.5, 0.2), (0.25, 0.1))(pixels)
    expected = [[(0 - 0.5) / 0.25, (1 - 0.5) / 0.25], [(0.2 - 0.2) / 0.1, (0.4 - 0.2) / 0.1]]
    assert torch.allclose(seen[0, :, 0], torch.tensor(expected), atol=1e-6)
    assert torch.allclose(Normalise((0.5, 0.2), (0.25, 0.1))(pixels.float() / 255), seen)
    assert pixels.dtype == torch.uint8
