"""What is damaged in a database is named, and hides nothing else; what killed processes left is swept."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from workbench.engine.store import CorruptRow, Store, StoreError

COLUMNS = {
    "budget": '{"epochs": 4}',
    "facts": "{",
    "identity": '{"setting": {"name": "other"}, "method": {"name": "kd"}}',
    "changes": "null",
    "seed": 7,
    "created": "yesterday",
    "leaks_test": 1,
    "control": "permuted_targets",
    "artifact": "0" * 64,
    "checksum": "",
}


def _change(store: Store, table: str, column: str, value: object, where: str = "id = 'bad'") -> None:
    with closing(sqlite3.connect(store.folder / "workbench.sqlite")) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value,))


@pytest.fixture
def store(tmp_path: Path, make_run) -> Store:
    """With two good runs and one that the tests damage."""
    store = Store(folder=tmp_path / "store")
    for seed, name in enumerate(("good", "bad", "better")):
        store.save(make_run(name, seed=seed))
    return store


@pytest.mark.parametrize("column", COLUMNS)
def test_a_damaged_row_is_named_and_hides_no_other(store: Store, make_run, column: str) -> None:
    _change(store, "workbench_runs", column, COLUMNS[column])
    better, good, bad = store.runs()
    assert (better["id"], good["id"], bad["id"]) == ("better", "good", "bad")
    assert better["last"] == 90.25
    assert bad["last"] is None
    (said,) = bad["warnings"]
    assert said.startswith("the row of bad in the database is damaged: ")
    with pytest.raises(CorruptRow, match=r"the row of bad in the database is damaged: .*; delete it"):
        store.load("bad")
    assert store.load("good").id == "good"
    store.save(make_run("bad", seed=1))
    assert store.load("bad").seed == 1


def test_a_damaged_row_can_be_deleted(store: Store) -> None:
    _change(store, "workbench_runs", "artifact", "../../etc/passwd")
    store.delete("bad")
    assert {row["id"] for row in store.runs()} == {"good", "better"}


def test_a_changed_score_is_noticed(store: Store) -> None:
    _change(store, "workbench_scores", "last", 99.0, "run = 'bad' AND party = 'student'")
    with pytest.raises(CorruptRow, match="its content has changed"):
        store.load("bad")
    _change(store, "workbench_scores", "last", 90.25, "run = 'bad' AND party = 'student'")
    assert store.load("bad").scores["student"].last == 90.25


def _listed(folder: Path) -> list[dict]:
    """The runs, or none where the file as a whole is refused."""
    try:
        return Store(folder=folder).runs()
    except StoreError:
        return []


def test_flipped_bits_in_the_database_never_change_what_is_read(store: Store) -> None:
    path, generator = store.folder / "workbench.sqlite", random.Random(0)
    whole = path.read_bytes()
    expected = {row["id"]: row for row in store.runs()}
    for _ in range(150):
        content = bytearray(whole)
        content[generator.randrange(len(whole))] ^= 1 << generator.randrange(8)
        path.write_bytes(content)
        for row in _listed(store.folder):
            assert row == expected.get(row["id"]) or "is damaged" in row["warnings"][0]
        for extra in store.folder.glob("workbench.sqlite-*"):
            extra.unlink()


def test_numbers_that_a_database_writes_otherwise_are_the_same(store: Store, make_run) -> None:
    from workbench.records.run import Scores

    scores = {"student": Scores(90, -0.0, float("inf"), 1)}
    store.save(make_run("odd", scores=scores, facts={"by": {2: 1, 10: 2}, "both": (1, 2)}))
    assert store.load("odd").scores["student"].selected == 0.0
    assert store.load("odd").facts["by"] == {"2": 1, "10": 2}


def test_a_store_of_the_layout_before_is_taken_over(store: Store) -> None:
    with closing(sqlite3.connect(store.folder / "workbench.sqlite")) as connection, connection:
        for table in ("workbench_runs", "workbench_studies"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN checksum")
        connection.execute("UPDATE workbench_meta SET value = 1")
        connection.execute("UPDATE workbench_runs SET facts = '{' WHERE id = 'bad'")
    again = Store(folder=store.folder)
    assert again.load("good").scores == store.load("good").scores
    assert [row["id"] for row in again.runs()][-1] == "bad"
    with pytest.raises(CorruptRow):
        again.load("bad")


def _left(folder: Path) -> dict[str, Path]:
    """What processes may leave when they are killed."""
    left = {
        "part": folder / "artifacts" / "new.ab12.part",
        "library": folder / "artifacts" / ".tmpXy12",
        "orphan": folder / "artifacts" / f"{'a' * 64}.safetensors",
        "checkpoint part": folder / "checkpoints" / "x.safetensors.ab12.part",
        "teacher part": folder / "teachers" / "x.safetensors.ab12.part",
        "stored": folder / "checkpoints" / "good.safetensors",
    }
    for path in left.values():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    return left


def test_what_was_left_is_swept_when_it_is_old(store: Store, make_run) -> None:
    left = _left(store.folder)
    resumable = store.folder / "checkpoints" / "unfinished.safetensors"
    resumable.write_bytes(b"x")
    Store(folder=store.folder).save(make_run("new", seed=5))
    assert all(path.exists() for path in left.values()), "what is fresh may be another process's"
    for path in store.folder.rglob("*"):
        os.utime(path, (0, 0))
    Store(folder=store.folder).save(make_run("newer", seed=6))
    assert [name for name, path in left.items() if path.exists()] == []
    assert resumable.exists()
    for name in ("good", "bad", "better", "new", "newer"):
        assert store.load(name).id == name


def test_a_home_of_any_name_is_a_store(tmp_path: Path, make_run, monkeypatch) -> None:
    for name in ("a?b", "50%", "a#b", 'it\'s "mine"', "two words", "größe", "a%20b", "x=1&y=2", "-", "new\nline"):
        monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / name))
        Store().save(make_run())
        assert Store().load(make_run().id).seed == 0
        assert (tmp_path / name / "workbench.sqlite").is_file()
        shutil.rmtree(tmp_path / name)
    assert list(tmp_path.iterdir()) == [] or [each.name for each in tmp_path.iterdir()] == ["store"]
