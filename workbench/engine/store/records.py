"""The queries of a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from workbench.engine.store.database import Database
from workbench.engine.store.packing import row_of, score_rows
from workbench.engine.store.tables import runs, scores, studies
from workbench.records.run import Run

Forget = Callable[[str], None]


class Records:
    """Rows of runs and studies.

    Args:
        url: of the database.
    """

    def __init__(self, url: str) -> None:
        """Opens it."""
        self.database = Database(url)

    def put_run(self, run: Run, artifact: str, forget: Forget) -> None:
        """Insert a run, or replace the one of the same id; ``forget`` is told of a file nobody needs any more."""
        with self.database.writing() as connection:
            old = self._remove(connection, run.id)
            connection.execute(runs.insert().values(**row_of(run), created=time.time(), artifact=artifact))
            if rows := score_rows(run):
                connection.execute(scores.insert(), rows)
            self._sweep(connection, old, forget)

    def drop_run(self, run_id: str, forget: Forget) -> None:
        """Delete a run."""
        with self.database.writing() as connection:
            self._sweep(connection, self._remove(connection, run_id), forget)

    def run(self, run_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The row of a run that is there, and the rows of its scores."""
        with self.database.reading() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().one()
            found = connection.execute(select(scores).where(scores.c.run == run_id)).mappings().all()
            return dict(row), [dict(s) for s in found]

    def has_run(self, run_id: str) -> bool:
        """Whether there is a run of exactly this id."""
        with self.database.reading() as connection:
            return connection.execute(select(runs.c.id).where(runs.c.id == run_id)).first() is not None

    def ids(self, kind: str, beginning: str) -> list[str]:
        """The ids of all runs or studies that begin so, in alphabetical order."""
        column = {"runs": runs, "studies": studies}[kind].c.id
        query = select(column).where(func.substr(column, 1, len(beginning)) == beginning).order_by(column)
        with self.database.reading() as connection:
            return list(connection.execute(query).scalars())

    def list_runs(self, setting: str | None, method: str | None, limit: int) -> list[dict[str, Any]]:
        """Plain values of the newest runs with the student's and teacher's scores."""
        query = select(runs).order_by(runs.c.created.desc(), runs.c.id).limit(limit)
        for column, wanted in ((runs.c.setting, setting), (runs.c.method, method)):
            query = query if wanted is None else query.where(column == wanted)
        with self.database.reading() as connection:
            rows = connection.execute(query).mappings().all()
            found = connection.execute(select(scores).where(scores.c.run.in_([row["id"] for row in rows]))).mappings()
            by_run: dict[str, dict[str, Any]] = {}
            for s in found:
                by_run.setdefault(s["run"], {})[s["party"]] = s
        return [_listed(row, by_run.get(row["id"], {})) for row in rows]

    def put_study(self, study_id: str, study: dict[str, Any]) -> str:
        """Insert a study, or replace the one of the same id."""
        with self.database.writing() as connection:
            connection.execute(delete(studies).where(studies.c.id == study_id))
            connection.execute(studies.insert().values(id=study_id, created=time.time(), study=study))
        return study_id

    def study(self, study_id: str) -> dict[str, Any]:
        """The plain values of a study that is there."""
        with self.database.reading() as connection:
            return connection.execute(select(studies.c.study).where(studies.c.id == study_id)).scalar_one()

    def list_studies(self, limit: int) -> list[dict[str, Any]]:
        """Plain values of the newest studies."""
        with self.database.reading() as connection:
            rows = connection.execute(select(studies).order_by(studies.c.created.desc()).limit(limit)).mappings().all()
        return [
            {
                "id": row["id"],
                "created": _when(row["created"]),
                "setting": row["study"]["setting"]["name"],
                "arms": list(row["study"]["arms"]),
                "seeds": row["study"]["seeds"],
            }
            for row in rows
        ]

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


def _listed(row: Any, by_party: dict[str, Any]) -> dict[str, Any]:
    student, teacher = by_party.get("student", {}), by_party.get("teacher", {})
    return {
        "id": row["id"],
        "created": _when(row["created"]),
        "setting": row["setting"],
        "method": row["method"],
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


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
