"""What an attribution of a run needs: its models, its control's student, and its test samples by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.attribution.measure_baselines import pool_of
from workbench.diagnostics.attribution.measure_maps import form_of
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings.setting import Setting


@dataclass(frozen=True)
class Source:
    """A run made ready to be asked, as often as one likes.

    Attributes:
        models: ``teacher``, ``student`` and, if there is one, ``control``, in evaluation mode.
        setting: data and names.
        pool: training inputs, for the baselines.
        temperature: the run was distilled at; 1 where it had none.
        notes: what a reader of the numbers must know.
    """

    models: Mapping[str, nn.Module]
    setting: Setting
    pool: Tensor
    temperature: float
    notes: tuple[str, ...]

    @classmethod
    def of(cls, run: Run, setting: Setting | None = None, control: Run | None = None) -> Self:
        """Bring a run and its control back to life.

        Raises:
            ValueError: it is no classification, has no teacher, or shows texts; the message says what works.
        """
        revived = run.revive(setting)
        setting = revived.setting
        if setting.task != "classification":
            raise ValueError(f"attribution explains classifications; {setting.name!r} is of the task {setting.task!r}")
        form_of(setting.test, setting.look)
        if "teacher" not in revived.models:
            raise ValueError(f"run {run.id} has no teacher, so there is nothing its student took over")
        models = {"teacher": revived.teacher, "student": revived.student}
        notes = []
        if control is not None:
            models["control"] = control.revive(setting).student
            if control.seed != run.seed:
                notes.append(f"the control has seed {control.seed} and the run {run.seed}: they started differently")
        distilled_at = run.method["config"].get("temperature", 1.0)
        warm = float(distilled_at) if isinstance(distilled_at, (int, float)) else 1.0
        return cls(models, setting, pool_of(setting.train), warm, tuple(notes))

    @property
    def form(self) -> str:
        """Whether samples are explained as an ``image``, a ``series`` or a ``table``."""
        return form_of(self.setting.test, self.setting.look)

    @property
    def words(self) -> dict[str, Any]:
        """What ``attribution`` is told beside the maps: names, how samples look, and notes."""
        setting = self.setting
        columns = setting.train.encoding.names
        return {"class_names": setting.class_names, "look": setting.look, "columns": columns, "notes": self.notes}

    def plan(self, choices: Mapping[str, Any]) -> Plan:
        """The choices, filled up with what fits these samples and this run.

        Raises:
            TypeError: there is no such choice.
            ValueError: a value that is not offered, or a score that says nothing here.
        """
        classes = self.setting.classes
        first = {"score": "kd_match"} if classes == 2 else {}
        plan = Plan.of(first | dict(choices), self.form, self.temperature)
        if plan.score == "nckd_match" and classes == 2:
            raise ValueError(
                "with two classes there is one class beside the label, so nckd_match is always 0; kd_match, tckd_match "
                "and pair say something"
            )
        if plan.pair is not None and not all(0 <= k < classes for k in plan.pair):
            raise ValueError(f"pair = {plan.pair} must be two classes from 0 to {classes - 1}")
        return plan

    def samples(self, wanted: int | Selection | Sequence[int], seed: int = 0) -> TransferSet:
        """Test samples: so many drawn at random, or those of these ids, in their order.

        Raises:
            ValueError: none is wanted.
            KeyError: one is not a test sample.
        """
        test = self.setting.test
        if isinstance(wanted, int):
            if wanted < 1:
                raise ValueError(f"samples = {wanted}; one or more are needed")
            drawn = np.random.default_rng(seed).permutation(len(test))[:wanted]
            return test.subset(torch.from_numpy(np.sort(drawn)))
        ids = np.asarray(wanted.ids if isinstance(wanted, Selection) else wanted, np.int64)
        if not len(ids):
            raise ValueError("no samples are chosen; one or more are needed")
        rows = {int(id): row for row, id in enumerate(test.ids.tolist())}
        if missing := [int(id) for id in ids if int(id) not in rows]:
            raise KeyError(f"{self.setting.name!r} has no test sample {missing[0]}; it has {len(test)} of them")
        return test.subset(torch.tensor([rows[int(id)] for id in ids]))
