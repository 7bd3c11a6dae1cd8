"""Opening a store: where it is, which layouts it knows, and what it says when it cannot."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.engine.store import Store, StoreError, open_store


def test_the_default_store_is_at_home(home, make_run) -> None:
    open_store().save(make_run())
    assert (home / "workbench.sqlite").exists()
    assert len(list((home / "artifacts").glob("*.safetensors"))) == 1


def test_the_environment_names_another_database(home, tmp_path, monkeypatch, make_run) -> None:
    monkeypatch.setenv("WORKBENCH_DB", f"sqlite:///{tmp_path / 'elsewhere.sqlite'}")
    open_store().save(make_run())
    assert (tmp_path / "elsewhere.sqlite").exists()
    assert not (home / "workbench.sqlite").exists()


def test_nothing_is_made_before_it_is_used(tmp_path) -> None:
    Store(folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_sqlite_writes_ahead(tmp_path, make_run) -> None:
    Store(folder=tmp_path).save(make_run())
    with sqlite3.connect(tmp_path / "workbench.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_another_layout_is_refused(tmp_path, make_run) -> None:
    Store(folder=tmp_path).save(make_run())
    connection = sqlite3.connect(tmp_path / "workbench.sqlite")
    connection.execute("UPDATE workbench_meta SET value = 99")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=r"has layout 99, this workbench knows layout 2"):
        Store(folder=tmp_path).runs()


def test_a_file_that_is_no_database_is_left_alone(tmp_path) -> None:
    path = tmp_path / "workbench.sqlite"
    path.write_bytes(b"my holiday pictures" * 100)
    with pytest.raises(StoreError, match=r"could not open the store .*workbench.sqlite: .*not a database"):
        Store(folder=tmp_path).runs()
    assert path.read_bytes() == b"my holiday pictures" * 100


def test_an_unreachable_server_is_one_clear_error(tmp_path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="could not open the store postgresql") as caught:
        Store("postgresql+psycopg://someone:secret@127.0.0.1:1/none", tmp_path).runs()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "nothing://here/x"])
def test_a_wrong_address_says_what_is_right(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match=r"WORKBENCH_DB looks like postgresql\+psycopg"):
        Store(url, tmp_path).runs()


def test_sqlalchemy_is_loaded_when_it_is_needed() -> None:
    script = "import sys; from workbench.engine.store import Store; Store(); print('sqlalchemy' in sys.modules)"
    outcome = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert outcome.stdout.split() == ["False"]
