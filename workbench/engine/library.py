"""What is in the default store: runs and studies by their id, and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.engine.store import open_store
from workbench.records.arguments import checked_arguments

if TYPE_CHECKING:
    import pandas as pd

    from workbench.records.run import Run
    from workbench.records.study import Study


@checked_arguments
def load(wanted: str) -> Run | Study:
    """A run, else a study, by its id or the beginning of it.

    Args:
        wanted: the id, or as much of it as no other one begins with.

    Raises:
        KeyError: neither a run nor a study, or several; the message names the nearest.
        StoreError: what is stored is damaged.
    """
    store = open_store()
    try:
        return store.load(wanted)
    except KeyError as no_run:
        try:
            return store.load_study(wanted)
        except KeyError:
            raise no_run from None


@checked_arguments
def runs(setting: str | None = None, method: str | None = None, limit: int = 100) -> pd.DataFrame:
    """The newest runs as a table, newest first.

    Args:
        setting: only runs on the setting of this name.
        method: only runs of the method of this name.
        limit: rows at most.
    """
    import pandas as pd

    return pd.DataFrame(open_store().runs(setting, method, limit))
