"""A bit that flips in any file of the workbench is noticed when the file is read, and the error names the file."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.contracts.probes.world import setting
from workbench.engine.teacher.cache import TeacherCache
from workbench.engine.training import checkpoint
from workbench.findings.kept import keep
from workbench.findings.kept import read as read_finding
from workbench.records.arrays import load_arrays, save_arrays
from workbench.records.files import SEAL, Damaged, check, seal
from workbench.records.finding import Finding
from workbench.records.interval import Interval

FLIPS = 200
STATE = {"weights": torch.arange(60.0).reshape(6, 10), "bias": torch.ones(10, dtype=torch.bfloat16)}


def _teacher(folder: Path) -> tuple[Path, Callable[[], object]]:
    cache = TeacherCache(folder)
    cache.keep_weights("k" * 12, STATE)
    (path,) = folder.iterdir()
    return path, lambda: cache.weights("k" * 12)


def _outputs(folder: Path) -> tuple[Path, Callable[[], object]]:
    cache, data = TeacherCache(folder), setting().train
    cache.keep_outputs("1" * 16, data, torch.randn(96, 3))
    (path,) = folder.iterdir()
    return path, lambda: cache.outputs("1" * 16, data)


def _checkpoint(folder: Path) -> tuple[Path, Callable[[], object]]:
    path = folder / "run.safetensors"
    checkpoint.save({"stage": 0, "parties": {"student": STATE}, "lr": 0.1, "done": {"student": 3}}, path)
    return path, lambda: checkpoint.load(path)


def _arrays(folder: Path) -> tuple[Path, Callable[[], object]]:
    path = folder / "result.npz"
    save_arrays(path, {"a": np.arange(30.0), "__json__": np.array('{"n": 3}')})
    return path, lambda: load_arrays(path)


def _finding(folder: Path) -> tuple[Path, Callable[[], object]]:
    said = {"claim": "c", "source": "s", "outcome": "reproduced", "reading": "r"}
    numbers, per_seed = {"gain": Interval(1.0, 0.5, 1.5, 3, "t")}, {"gain": (0.5, 1.0, 1.5)}
    rest = {"setting": "digits", "seeds": (0, 1, 2), "controls": (), "notes": (), "made": {"code": "x"}}
    path = keep(Finding(name="n", **said, numbers=numbers, per_seed=per_seed, **rest), folder)
    return path, lambda: read_finding(path)


KINDS = {"teacher": _teacher, "outputs": _outputs, "checkpoint": _checkpoint, "arrays": _arrays, "finding": _finding}


def _lines(load: Callable[[], object]) -> int:
    """Of the error that reading gives; 0 if the file is accepted."""
    try:
        load()
    except ValueError as error:
        return len(str(error).splitlines())
    return 0


@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_bit_is_accepted(kind: str, tmp_path: Path) -> None:
    path, load = KINDS[kind](tmp_path)
    load()
    whole, generator, lines = path.read_bytes(), random.Random(0), []
    places = [generator.randrange(len(whole)) for _ in range(FLIPS)]
    for place in [*range(16), *places, *range(len(whole) - 120, len(whole))]:
        content = bytearray(whole)
        content[place] ^= 1 << generator.randrange(8)
        path.write_bytes(content)
        lines.append(_lines(load))
    assert set(lines) == {1}, "every flip is refused, in one line"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "damage",
    [lambda b: b"", lambda b: b[:-1], lambda b: b[: len(b) // 2], lambda b: b + b"\0", lambda b: b"%PDF-1.7\n" + b],
    ids=["empty", "one byte less", "half", "one byte more", "bytes before it"],
)
def test_what_is_cut_off_or_added_is_noticed(kind: str, damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path, load = KINDS[kind](tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"damaged|delete it"):
        load()


def test_a_file_without_a_seal_says_what_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "old.npz"
    np.savez(path, a=np.ones(3))
    with pytest.raises(Damaged, match=r"carries no checksum: .* or from an earlier workbench; delete it"):
        load_arrays(path)


def test_the_seal_is_the_hash_of_the_file_with_zeros_in_its_place(tmp_path: Path) -> None:
    from hashlib import sha256

    path = tmp_path / "a"
    path.write_text(f"before {SEAL} after")
    wanted = sha256(path.read_bytes()).hexdigest()
    seal(path)
    check(path)
    assert path.read_text() == f"before workbench-sha256:{wanted} after"
