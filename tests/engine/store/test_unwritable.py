"""A store on a full disk, or where nothing may be written, is still read; what cannot be written is one clear error."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from workbench.engine.store import Store, StoreError
from workbench.engine.training import checkpoint
from workbench.records.arrays import save_arrays
from workbench.records.files import WriteFailed, write_text

LARGE = np.random.default_rng(0).random(1 << 20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.name != "posix" or _mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)):
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _mount(*arguments: str) -> int:
    if shutil.which("mount") is None:
        return 1
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode


def _fill(place: Path) -> None:
    with (place / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 512):
                pass
        except OSError:
            return


def test_a_full_disk_is_one_clear_error_and_what_is_there_is_listed(small_disk, make_run) -> None:
    folder = small_disk / "store"
    Store(folder=folder).save(make_run("old"))
    _fill(small_disk)
    with pytest.raises(StoreError, match=rf"could not write {folder}.*No space left on device"):
        Store(folder=folder).save(make_run("new", seed=2))
    store = Store(folder=folder)
    assert [row["id"] for row in store.runs()] == ["old"]
    assert store.load("old").test_labels.tolist() == [0, 1, 2, 3, 0]
    with pytest.raises(StoreError, match=rf"could not write to the store sqlite:///{folder}"):
        store.delete("old")
    assert not list(small_disk.rglob("*.part"))


@pytest.mark.parametrize(
    "write",
    [
        lambda path: checkpoint.save({"a": LARGE}, path),
        lambda path: save_arrays(path, {"a": LARGE}),
        lambda path: write_text(path, "x" * (8 << 20)),
    ],
    ids=["checkpoint", "arrays", "text"],
)
def test_every_kind_of_file_names_itself_when_the_disk_is_full(small_disk: Path, write: Callable) -> None:
    path = small_disk / "deep" / "file"
    write_text(path, "what was there before")
    with pytest.raises(WriteFailed, match=rf"could not write {path}: .*No space left on device"):
        write(path)
    assert path.read_text() == "what was there before"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_a_disk_that_is_mounted_read_only_is_read(small_disk, make_run) -> None:
    folder = small_disk / "store"
    Store(folder=folder).save(make_run("old"))
    assert _mount("-o", "remount,ro", str(small_disk)) == 0
    store = Store(folder=folder)
    assert [row["id"] for row in store.runs()] == ["old"]
    assert store.load("old").seed == 0
    for write in (lambda: store.save(make_run("new", seed=1)), lambda: store.delete("old")):
        with pytest.raises(StoreError, match=rf"(?i)could not write .*{folder}.*read-?only"):
            write()


def test_what_a_killed_process_wrote_last_is_read_there(small_disk, make_run) -> None:
    folder = small_disk / "store"
    Store(folder=folder).save(make_run("old"))
    script = (
        "import sqlite3, os, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('DELETE FROM workbench_scores'); c.execute('DELETE FROM workbench_runs'); c.commit();"
        f"os.kill(os.getpid(), {int(signal.SIGKILL)})"
    )
    subprocess.run([sys.executable, "-c", script, str(folder / "workbench.sqlite")], check=False)
    (folder / "workbench.sqlite-shm").unlink()
    assert (folder / "workbench.sqlite-wal").stat().st_size
    assert _mount("-o", "remount,ro", str(small_disk)) == 0
    assert Store(folder=folder).runs() == []


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs another user to be")
def test_another_user_who_may_only_read_reads(tmp_path, make_run) -> None:
    folder = Path("/tmp") / f"workbench-{os.getpid()}-store"
    try:
        Store(folder=folder).save(make_run("old"))
        folder.chmod(0o755)
        script = (
            "import sys; from pathlib import Path; from workbench.engine.store import Store;"
            "s = Store(folder=Path(sys.argv[1])); print(s.runs()[0]['id'], s.load('old').seed)"
        )
        command = ["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c", script, str(folder)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[3])
        assert done.stdout.split() == ["old", "0"], done.stderr
    finally:
        shutil.rmtree(folder)
