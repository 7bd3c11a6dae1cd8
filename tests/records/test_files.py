"""Names become safe parts of paths, and files appear whole or not at all."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.probes.world import play, setting
from workbench.engine.conditions import Conditions
from workbench.engine.distill import Distillation
from workbench.methods.catalog import make
from workbench.records import events
from workbench.records.files import LONG, WriteFailed, file_name, is_old, replacing, write_text

ODD = [
    "../../outside",
    "/etc/passwd",
    "..",
    ".",
    "",
    ".hidden",
    "C:\\windows",
    "a:b",
    "a\0b",
    "a\nb",
    "rocket \N{ROCKET}",
    "größe",
    "x" * 5000,
    "x" * 5001,
    "CON",
    "nul.txt",
    "com1",
    "ends with a dot.",
    " begins with a space",
    "~",
    "*?<>|\"'",
    "a~b",
    "\ud800",
]


def test_plain_names_stay_as_they_are() -> None:
    for name in ("digits", "kd+crd", "labels_only@2x", "my setting", "kd(temperature=4.0, soft_weight=0.9)", "a.b-c"):
        assert file_name(name) == name


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_stays_in_its_folder(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{file_name(name)}.safetensors"
    assert path.parent == tmp_path
    assert path.resolve().parent == tmp_path.resolve()
    path.write_text("x")
    assert len(path.name.encode()) < 255 - 20
    assert path.name.isascii()
    assert path.name.isprintable()


def test_different_names_never_share_a_file() -> None:
    names = {file_name(name).lower() for name in ODD}
    assert len(names) == len(ODD)
    again = {file_name(file_name(name)) for name in ODD}
    assert again.isdisjoint(file_name(name) for name in ODD), "a shortened name given as a name is another one"


@given(st.lists(st.text(max_size=200), min_size=2, max_size=6, unique=True))
def test_any_names_are_short_safe_and_apart(names: list[str]) -> None:
    found = [file_name(name) for name in names]
    assert all(one != other for one, other in combinations(found, 2))
    assert all(0 < len(each) <= LONG and not set(each) & set('/\\:\0\n*?"<>|') for each in found)
    assert all(each[0] not in ". " and each[-1] not in ". " for each in found)


@pytest.mark.parametrize("name", ["../../outside", "x" * 3000, "a\nb", "a/b"])
def test_a_setting_of_an_odd_name_keeps_its_checkpoint_in_the_store(name: str, home: Path) -> None:
    where = setting(name=name)
    arm = Distillation(where, make("kd"), where.budget, 0, Conditions())
    going = play(arm)
    next(e for e in going if isinstance(e, events.Step) and e.step > 7)
    going.close()
    assert arm.checkpoint_path.parent == home / "checkpoints"
    assert arm.checkpoint_path.exists()
    assert list(home.parent.glob("*outside*")) == []
    assert len(arm.id) < 200
    assert arm.id.isprintable()


def _half(path: Path) -> None:
    with replacing(path) as part:
        part.write_text("half of it")
        raise OSError(28, os.strerror(28))


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(WriteFailed, match=rf"could not write {path}: No space left on device; nothing stored"):
        _half(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_again_sweeps_what_a_killed_process_left(tmp_path: Path) -> None:
    old, fresh, other = (tmp_path / name for name in ("a.txt.12ab.part", "a.txt.34cd.part", "b.txt.12ab.part"))
    for part in (old, fresh, other):
        part.write_text("half")
    for part in (old, other):
        os.utime(part, (0, 0))
    write_text(tmp_path / "a.txt", "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", fresh.name, other.name}
    assert not is_old(tmp_path / "not there")


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "words")
    assert os.read(reader, 100) == b"words"
    os.close(reader)
    assert pipe.is_fifo()
