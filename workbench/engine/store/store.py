"""Where finished runs and studies are kept: saved whole or not at all, found by id, checked when loaded."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.engine.home import home, make_folder
from workbench.engine.store.address import Address
from workbench.engine.store.artifacts import Artifacts
from workbench.engine.store.errors import StoreError
from workbench.records.arguments import checked_arguments
from workbench.records.files import file_name, is_old, sweep

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
        given = url or (None if folder is not None else os.environ.get("WORKBENCH_DB"))
        self.address = Address(given or self.folder / "workbench.sqlite")
        self.artifacts = Artifacts(self.folder / "artifacts")
        self._swept = False

    def __repr__(self) -> str:
        """Where it is, without passwords."""
        return f"Store({self.address}, {str(self.folder)!r})"

    @cached_property
    def _records(self) -> Records:
        from workbench.engine.store.records import Records

        make_folder(self.folder)
        return Records(self.address)

    def __reduce__(self) -> Any:
        """To another process it travels as two addresses; sweeping is left to this one."""
        given = self.address.given.value
        url = None if isinstance(given, Path) else given
        return type(self), (url, self.folder), {"_swept": True}

    def sweep(self) -> None:
        """Remove what killed processes left an hour ago or earlier; done once before the first run is saved.

        Gone are half-written files, tensors that belong to no run, and checkpoints of runs that are stored. What an
        unfinished run can go on from stays.
        """
        self._swept = True
        for part in ("artifacts", "checkpoints", "teachers"):
            for pattern in ("*.part", ".tmp*"):  # ours, and those that the safetensors library makes on its way
                sweep(self.folder / part, pattern)
        self._records.keep_only(self.artifacts.orphans)
        stored = {file_name(run_id) for run_id in self._records.ids("runs", "")}
        for path in (self.folder / "checkpoints").glob("*.safetensors"):
            if path.stem in stored and is_old(path):
                path.unlink(missing_ok=True)

    # --- runs ----------------------------------------------------------------------------------------------------
    @checked_arguments
    def save(self, run: Run) -> str:
        """Store a run and return its id; saving the same id again replaces it.

        Raises:
            StoreError: it could not be written; nothing stored before is lost.
        """
        from workbench.engine.store.packing import tensors_of

        if not self._swept:
            with suppress(StoreError, OSError):  # the run itself says what is wrong
                self.sweep()
        tensors = tensors_of(run)
        digest = self.artifacts.write(tensors)
        self._records.put_run(run, digest, self.artifacts.remove)
        if not self.artifacts.holds(digest):  # deleted by another process in between
            self.artifacts.write(tensors)
        return run.id

    @checked_arguments
    def load(self, run_id: str, *, models: bool = True) -> Run:
        """A run by its id, or by the beginning of it if no other run begins so.

        Args:
            run_id: the id or its beginning.
            models: False leaves the trained tensors out.

        Raises:
            KeyError: no id begins like that, and the message names the nearest; or several do, and it names them.
            CorruptArtifact: its file is missing or damaged; the message names it.
            CorruptRow: its row in the database is damaged; likewise.
        """
        from workbench.engine.revival import Revival
        from workbench.engine.store.packing import run_of

        row = self._records.run(self._resolve(run_id))
        tensors = self.artifacts.read(row["artifact"], ARRAYS + (("models/",) if models else ()))
        return replace(run_of(row, tensors), reviver=Revival(self.folder))

    @checked_arguments
    def has(self, run_id: str) -> bool:
        """Whether a run of exactly this id is stored."""
        return self._records.has_run(run_id)

    @checked_arguments
    def runs(self, setting: str | None = None, method: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Plain values of the newest runs, newest first, of one setting or method if asked.

        A run whose row is damaged comes last, with what is wrong among its ``warnings``.
        """
        return self._records.list_runs(setting, method, limit)

    @checked_arguments
    def delete(self, run_id: str) -> None:
        """Forget a run; its file goes when no other run has the same content.

        Raises:
            KeyError: no such run, or several.
        """
        self._records.drop_run(self._resolve(run_id), self.artifacts.remove)

    # --- studies -------------------------------------------------------------------------------------------------
    @checked_arguments
    def save_study(self, study: Study) -> str:
        """Store the numbers of a study and return its id; the runs are stored by themselves."""
        return self._records.put_study(study.id, study.to_dict())

    @checked_arguments
    def load_study(self, study_id: str) -> Study:
        """A study by its id or the beginning of it.

        Raises:
            KeyError: no such study, or several.
            CorruptRow: its row in the database is damaged.
        """
        from workbench.records.study import Study

        found = self._records.study(self._resolve(study_id, "studies"))
        return Study.from_dict(found).with_runs(self.load)

    @checked_arguments
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


def open_store() -> Store:
    """The default store: ``$WORKBENCH_DB`` and the workbench's home."""
    return Store()
