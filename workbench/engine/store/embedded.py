"""Connecting to an SQLite file, also where it cannot be written."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN}


def connected(path: Path, patience: float) -> sqlite3.Connection:
    """A connection that reads and writes, or one that only reads where the disk is full or may not be written.

    SQLite makes two files beside the database even to read it; where it cannot, the database is read as it lies there.

    Args:
        path: made if it is not there.
        patience: seconds to wait for another process that is writing.
    """
    connection = sqlite3.connect(path, timeout=patience, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in UNWRITABLE or not path.is_file():
            raise
        connection = _read_only(path)
        connection.execute("PRAGMA query_only = ON")
    return connection


def _read_only(path: Path) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not log.stat().st_size:
        return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, check_same_thread=False)
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    with TemporaryDirectory() as folder:  # what a killed process wrote last stands in the log
        for file in (path, log):
            shutil.copy(file, folder)
        copy = sqlite3.connect(Path(folder) / path.name)
        copy.backup(memory)
        copy.close()
    return memory
