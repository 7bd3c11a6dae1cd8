"""What is written comes back as it was, whole or not at all."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workbench.engine.training import checkpoint
from workbench.engine.training.checkpoint import CorruptCheckpoint

PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool])


@st.composite
def tensors(draw):
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    whole = torch.arange(math.prod(shape)).reshape(shape).to(draw(DTYPES))
    return whole.T if draw(st.booleans()) and whole.dim() == 2 else whole


ARRAYS = st.builds(np.array, st.lists(st.floats(allow_nan=False, width=32), max_size=4)) | st.builds(
    lambda n: np.arange(n)[::-1], st.integers(0, 4)
)
KEYS = st.text(max_size=5) | st.integers(-9, 9)
STATES = st.recursive(
    PLAIN | tensors() | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=12,
)


def alike(left, right) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, torch.Tensor):
        return left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    if isinstance(left, dict):
        return list(left) == list(right) and all(alike(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(alike(a, b) for a, b in zip(left, right, strict=True))
    return left == right


@given(state=STATES)
def test_nested_states_come_back_as_they_were(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("states") / "state.safetensors"
    checkpoint.save(state, path)
    assert alike(checkpoint.load(path), state)


def test_infinities_and_nan_come_back(tmp_path):
    path = tmp_path / "a.safetensors"
    checkpoint.save({"a": float("inf"), "b": float("nan")}, path)
    back = checkpoint.load(path)
    assert back["a"] == math.inf
    assert math.isnan(back["b"])


def test_tensors_that_share_memory_do_not_share_it_on_disk(tmp_path):
    path, base = tmp_path / "a.safetensors", torch.arange(6.0)
    checkpoint.save({"whole": base, "part": base[2:4], "tied": base}, path)
    back = checkpoint.load(path)
    assert back["part"].tolist() == [2.0, 3.0]
    back["tied"].zero_()
    assert back["whole"].tolist() == base.tolist()


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "a.safetensors"
    checkpoint.save({"step": 1}, path)

    def full_disk(*_args, **_named):
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save({"step": 2}, path)
    assert checkpoint.load(path) == {"step": 1}
    assert [p.name for p in path.parent.iterdir()] == ["a.safetensors"]


def test_what_cannot_be_kept_without_pickle_is_refused_and_the_old_file_stays(tmp_path):
    path = tmp_path / "a.safetensors"
    checkpoint.save({"step": 1}, path)
    with pytest.raises(TypeError, match="not JSON serializable"):
        checkpoint.save({"step": object()}, path)
    assert checkpoint.load(path) == {"step": 1}


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 8, b"{}", b"\xff" * 100, b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "]
)
def test_anything_else_is_one_clear_error(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(CorruptCheckpoint, match=r"a\.safetensors is damaged"):
        checkpoint.load(path)


@given(cut=st.floats(0, 0.999))
def test_a_truncated_file_is_an_error_wherever_it_is_cut(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "a.safetensors"
    checkpoint.save({"weights": torch.randn(30), "step": 3}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(cut * len(whole))])
    with pytest.raises(CorruptCheckpoint):
        checkpoint.load(path)
