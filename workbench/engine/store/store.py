"""Where finished runs and studies are kept: saved whole or not at all, found by id, checked when loaded."""

from __future__ import annotations

import os
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.engine.home import home
from workbench.engine.store.artifacts import Artifacts

if TYPE_CHECKING:
    from workbench.engine.store.records import Records
    from workbench.records.run import Run
    from workbench.records.study import Study

ARRAYS = ("test/", "predictions/", "curves/")


class Store:
    """Runs and studies: rows in a database, tensors in ``folder/artifacts``.

    It is opened at its first use, may be used from several threads, and by several processes at the same time.

    Args:
        url: of the database; by default ``$WORKBENCH_DB``, else ``workbench.sqlite`` in the folder.
        folder: of the files; by default the workbench's home.
    """

    def __init__(self, url: str | None = None, folder: Path | None = None) -> None:
        """Nothing is opened yet."""
        self.folder = Path(folder) if folder is not None else home()
        self.url = url or (None if folder is not None else os.environ.get("WORKBENCH_DB")) or self._embedded
        self.artifacts = Artifacts(self.folder / "artifacts")

    @property
    def _embedded(self) -> str:
        return f"sqlite:///{self.folder.absolute() / 'workbench.sqlite'}"

    @cached_property
    def _records(self) -> Records:
        from workbench.engine.store.records import Records

        self.folder.mkdir(parents=True, exist_ok=True)
        return Records(self.url)

    def __reduce__(self) -> Any:
        """To another process it travels as two addresses."""
        return type(self), (self.url, self.folder)

    # --- runs ----------------------------------------------------------------------------------------------------
    def save(self, run: Run) -> str:
        """Store a run and return its id; saving the same id again replaces it.

        Raises:
            StoreError: it could not be written; nothing stored before is lost.
        """
        from workbench.engine.store.packing import tensors_of

        tensors = tensors_of(run)
        digest = self.artifacts.write(tensors)
        self._records.put_run(run, digest, self.artifacts.remove)
        if not self.artifacts.holds(digest):  # deleted by another process in between
            self.artifacts.write(tensors)
        return run.id

    def load(self, run_id: str, *, models: bool = True) -> Run:
        """A run by its id, or by the beginning of it if no other run begins so.

        Args:
            run_id: the id or its beginning.
            models: False leaves the trained tensors out.

        Raises:
            KeyError: none; the message names the nearest. Or several; it names them.
            CorruptArtifact: its file is missing or damaged; the message names it.
        """
        from workbench.engine.store.packing import run_of

        row, scores = self._records.run(self._resolve(run_id))
        tensors = self.artifacts.read(row["artifact"], ARRAYS + (("models/",) if models else ()))
        return replace(run_of(row, scores, tensors), reviver=partial(_revive, self.folder))

    def has(self, run_id: str) -> bool:
        """Whether a run of exactly this id is stored."""
        return self._records.has_run(run_id)

    def runs(self, setting: str | None = None, method: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Plain values of the newest runs, newest first, of one setting or method if asked."""
        return self._records.list_runs(setting, method, limit)

    def delete(self, run_id: str) -> None:
        """Forget a run; its file goes when no other run has the same content.

        Raises:
            KeyError: no such run, or several.
        """
        self._records.drop_run(self._resolve(run_id), self.artifacts.remove)

    # --- studies -------------------------------------------------------------------------------------------------
    def save_study(self, study: Study) -> str:
        """Store the numbers of a study and return its id; the runs are stored by themselves."""
        return self._records.put_study(study.id, study.to_dict())

    def load_study(self, study_id: str) -> Study:
        """A study by its id or the beginning of it.

        Raises:
            KeyError: no such study, or several.
        """
        from workbench.records.study import Study

        found = self._records.study(self._resolve(study_id, "studies"))
        return Study.from_dict(found).with_runs(self.load)

    def studies(self, limit: int = 100) -> list[dict[str, Any]]:
        """Plain values of the newest studies, newest first."""
        return self._records.list_studies(limit)

    def _resolve(self, wanted: str, kind: str = "runs") -> str:
        found = self._records.ids(kind, wanted)
        if wanted in found or len(found) == 1:
            return wanted if wanted in found else found[0]
        if found:
            shown = ", ".join(found[:5]) + (" ..." if len(found) > 5 else "")
            raise KeyError(f"{len(found)} {kind} begin with {wanted!r}: {shown}; give more of the id")
        known = self._records.ids(kind, "")
        near = get_close_matches(wanted, known, 3, 0.3)
        hint = f"nearest: {', '.join(near)}" if near else f"{len(known)} {kind} are stored"
        raise KeyError(f"no {kind[:-1] if kind == 'runs' else 'study'} {wanted!r} in {self.folder}; {hint}")


def _revive(folder: Path, run: Run, setting: Any) -> Any:
    from workbench.engine.revival import revive

    return revive(run, setting, folder=folder)


def open_store() -> Store:
    """The default store: ``$WORKBENCH_DB`` and the workbench's home."""
    return Store()
