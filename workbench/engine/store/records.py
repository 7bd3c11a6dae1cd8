"""The queries of a store."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, func, select

from workbench.engine.store.address import Address
from workbench.engine.store.checksum import UNREADABLE, check, checksum, damaged
from workbench.engine.store.database import Database
from workbench.engine.store.errors import CorruptRow, StoreError
from workbench.engine.store.packing import row_of, score_rows
from workbench.engine.store.tables import runs, scores, studies
from workbench.records.files import file_name
from workbench.records.run import Run

DAMAGED = {
    "runs": {
        **dict.fromkeys(("created", "setting", "method"), ""),
        **dict.fromkeys(("seed", "last", "selected", "teacher", "agreement", "seconds")),
        "config": {},
        "control": "none",
        "live_changes": 0,
        "leaks_test": False,
    },
    "studies": {"created": "", "setting": "", "arms": [], "seeds": []},
}
"""What stands for the values of a row that cannot be trusted."""


def entry(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it is listed; in place of a damaged one the ``error`` about it, among its warnings."""
    if "error" in row:
        return {"id": row["id"], **DAMAGED[kind], "warnings": [str(row["error"])]}
    return _run(row) if kind == "runs" else _study(row)


def _run(row: Mapping[str, Any]) -> dict[str, Any]:
    by_party = {each["party"]: each for each in row["scores"]}
    student, teacher = by_party.get("student", {}), by_party.get("teacher", {})
    return {
        "id": row["id"],
        "created": _when(row["created"]),
        "setting": row["identity"]["setting"]["name"],
        "method": row["identity"]["method"]["name"],
        "config": row["identity"]["method"].get("config", {}),
        "control": row["control"],
        "seed": row["seed"],
        "last": student.get("last"),
        "selected": student.get("selected"),
        "teacher": teacher.get("last"),
        "agreement": row["facts"].get("agreement"),
        "seconds": row["facts"].get("seconds"),
        "live_changes": len(row["changes"]),
        "leaks_test": row["leaks_test"],
        "warnings": row["facts"].get("warnings", []),
    }


def _study(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "created": _when(row["created"]),
        "setting": row["study"]["setting"]["name"],
        "arms": list(row["study"]["arms"]),
        "seeds": row["study"]["seeds"],
        "warnings": [],
    }


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


Forget = Callable[[str], None]
TABLES = {"runs": runs, "studies": studies}


class Records:
    """Rows of runs and studies; each carries a checksum, so that one that has changed is named and not taken for whole.

    Args:
        address: of the database.
    """

    def __init__(self, address: Address) -> None:
        """Opens it."""
        self.database = Database(address)

    def put_run(self, run: Run, artifact: str, forget: Forget) -> None:
        """Insert a run, or replace the one of the same id; ``forget`` is told of a file nobody needs any more."""
        row, parties = {**row_of(run), "created": time.time(), "artifact": artifact}, score_rows(run)
        with self.database.writing() as connection:
            old = self._remove(connection, run.id)
            connection.execute(runs.insert().values(**row, checksum=checksum(row, parties)))
            if parties:
                connection.execute(scores.insert(), parties)
            self._sweep(connection, old, forget)

    def drop_run(self, run_id: str, forget: Forget) -> None:
        """Delete a run."""
        with self.database.writing() as connection:
            self._sweep(connection, self._remove(connection, run_id), forget)

    def run(self, run_id: str) -> dict[str, Any]:
        """The row of a run that is there, with the rows of its ``scores``.

        Raises:
            CorruptRow: one of them is not what was stored.
        """
        return self._one("runs", run_id)

    def has_run(self, run_id: str) -> bool:
        """Whether there is a run of exactly this id."""
        with self.database.reading() as connection:
            return connection.execute(select(runs.c.id).where(runs.c.id == run_id)).first() is not None

    def ids(self, kind: str, beginning: str) -> list[str]:
        """The ids of all runs or studies that begin so, in alphabetical order."""
        column = TABLES[kind].c.id
        query = select(column).where(func.substr(column, 1, len(beginning)) == beginning).order_by(column)
        with self.database.reading() as connection:
            return list(connection.execute(query).scalars())

    def list_runs(self, setting: str | None, method: str | None, limit: int) -> list[dict[str, Any]]:
        """Plain values of the newest runs with the student's and teacher's scores."""
        query = select(runs)
        for column, wanted in ((runs.c.setting, setting), (runs.c.method, method)):
            query = query if wanted is None else query.where(column == file_name(wanted))
        return self._newest("runs", query, limit)

    def put_study(self, study_id: str, study: dict[str, Any]) -> str:
        """Insert a study, or replace the one of the same id."""
        row = {"id": study_id, "created": time.time(), "study": study}
        with self.database.writing() as connection:
            connection.execute(delete(studies).where(studies.c.id == study_id))
            connection.execute(studies.insert().values(**row, checksum=checksum(row)))
        return study_id

    def study(self, study_id: str) -> dict[str, Any]:
        """The plain values of a study that is there.

        Raises:
            CorruptRow: they are not what was stored.
        """
        return self._one("studies", study_id)["study"]

    def list_studies(self, limit: int) -> list[dict[str, Any]]:
        """Plain values of the newest studies."""
        return self._newest("studies", select(studies), limit)

    def keep_only(self, artifacts: Callable[[set[str]], None]) -> None:
        """Tell which files are needed, while nobody else can begin or cease to need one."""
        with self.database.writing() as connection:
            artifacts(set(connection.execute(select(runs.c.artifact)).scalars()))

    def _newest(self, kind: str, query: Select[Any], limit: int) -> list[dict[str, Any]]:
        """The newest rows as they are listed; damaged ones, which hide no other, come last and say what they are."""
        table = TABLES[kind]
        newest = query.order_by(table.c.created.desc(), table.c.id).limit(limit)
        try:
            return [entry(kind, row) for row in self._rows(table, newest)]
        except (StoreError, *UNREADABLE):
            pass
        found, errors = [], []
        for name in self.ids(kind, ""):
            try:
                found += self._rows(table, query.where(table.c.id == name))
            except (StoreError, *UNREADABLE) as error:
                errors.append({"id": name, "error": error if isinstance(error, CorruptRow) else damaged(name, error)})
        found.sort(key=lambda row: (-row["created"], row["id"]))
        return [entry(kind, row) for row in (*found[:limit], *errors)]

    def _one(self, kind: str, name: str) -> dict[str, Any]:
        table = TABLES[kind]
        try:
            (row,) = self._rows(table, select(table).where(table.c.id == name))
        except UNREADABLE as error:
            raise damaged(name, error) from error
        return row

    def _rows(self, table: Table, query: Select[Any]) -> list[dict[str, Any]]:
        """The rows of a query, those of runs with their ``scores``, after each was checked.

        Raises:
            CorruptRow: one is not what was stored.
        """
        with self.database.reading() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
            if table is runs:
                of_these = select(scores).where(scores.c.run.in_([row["id"] for row in rows]))
                parties = [dict(each) for each in connection.execute(of_these).mappings()]
                for row in rows:
                    row["scores"] = [each for each in parties if each["run"] == row["id"]]
        for row in rows:
            check(row)
        return rows

    @staticmethod
    def _remove(connection: Connection, run_id: str) -> str | None:
        """Delete a run's row, and its scores with it; returns the file it had."""
        old = connection.execute(select(runs.c.artifact).where(runs.c.id == run_id)).scalar()
        connection.execute(delete(runs).where(runs.c.id == run_id))
        return old

    @staticmethod
    def _sweep(connection: Connection, artifact: str | None, forget: Forget) -> None:
        """Inside the transaction, so that nobody can begin to need the file in between."""
        needed = select(func.count()).select_from(runs).where(runs.c.artifact == artifact)
        if artifact is not None and not connection.execute(needed).scalar():
            forget(artifact)
