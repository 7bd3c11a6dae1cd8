"""Does the student look where its teacher looks, when it takes over what the teacher says beyond the label?

How it is measured: a number F about teacher and student (such as how well the student matches the teacher's other
classes) is traced back to the inputs, for the student, for the teacher itself and for a control student that learnt
from labels only. Their maps are compared sample by sample.

Formula: F: see ``attribution_scores``; maps: see ``attributors``; likeness: see ``map_similarity``.
    transfer gain = likeness(student, teacher) - likeness(control, teacher), paired by sample, bootstrap over samples.
    T^2 KL(teacher || student) = target part + rest part (DKD); attributions of the two add up to that of the whole.

Reading it: a gain above zero says that distillation, and not the data alone, made the student look there. ``divergence``
says how much of the teacher's answer is still missed, at the label and among the other classes, and how much was missed
at the baseline already.
When it misleads: without a control, likeness mostly says that all nets look at the same ink. The maps are of one run
against one control: other seeds differ. Where student and teacher agree, divergences are flat and their gradients
vanish; use ``dark_logit`` there. A map that depends little on the weights says nothing: see ``faithfulness``.
After: the scores, their split and the gain are ours; integrated gradients are Sundararajan et al. 2017, through captum;
the question whether a student inherits where its teacher looks is that of Ojha et al. 2023.
Cost: steps x N forward and backward passes per model; 64 images of 28 x 28, 32 steps and three small ConvNets in 4 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_summary import (
    class_pairs,
    dark_classes,
    intervals,
    left,
    similarities,
    warnings,
)
from workbench.diagnostics.outputs import names_of
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, estimate
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.records.wording import number, plural

if TYPE_CHECKING:
    from workbench.diagnostics.attribution.measure_maps import Maps, Tell
    from workbench.settings.setting import Setting

SAMPLES = 64
PARTS = ("target", "rest")
PROVENANCE = {
    "paper": "Sundararajan et al.: Axiomatic Attribution for Deep Networks, ICML 2017, arXiv:1703.01365",
    "fidelity": "proposed",
    "ours": "distillation scores as what is attributed, their split, transfer gain and its interval",
}


@dataclass(frozen=True)
class Attribution(Result):
    """Maps of P parties for N samples of C classes, and how alike they are.

    Attributes:
        plan: what was explained and how; see ``Plan``.
        parties: P names: ``teacher``, ``student``, and ``control`` if there is one.
        look: how the samples look.
        inputs: (N, ...) samples as they came.
        maps: (P, N, ...) attributions; channels are added up.
        part_maps: (2, N, ...) the student's maps of both parts of the divergence, for ``kd_match``; empty otherwise.
        values: (P, N) the score at the inputs.
        references: (P, N) the score at the baselines.
        gaps: (P, N) what the sums of the maps miss of the difference, as a share; NaN where no sum is promised.
        steps: (P, N) of the path.
        divergence: (P, N, 2, 2) T^2 KL of the teacher in two parts (target, rest), at the baselines and at the inputs.
        measures: M names of ``map_similarity``.
        similarity: (M, P - 1, N) of each other party's map to the teacher's.
        numbers: by measure the means over samples for ``student`` and ``control``, and the transfer ``gain``.
        left: by party the mean of both parts of the divergence at the inputs.
        pairs: by label and the teacher's first other class: how many samples, likeness (cosine) and what is left.
        labels: (N,) the classes explained for.
        dark: (N,) the teacher's first other class.
        ids: (N,) sample ids.
        class_names: C names.
        columns: names of the columns of a table; empty otherwise.
        n: samples.
        seed: of the bootstrap, and of what is drawn.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    plan: dict[str, Any]
    parties: tuple[str, ...]
    look: str
    inputs: np.ndarray
    maps: np.ndarray
    part_maps: np.ndarray
    values: np.ndarray
    references: np.ndarray
    gaps: np.ndarray
    steps: np.ndarray
    divergence: np.ndarray
    measures: tuple[str, ...]
    similarity: np.ndarray
    numbers: dict[str, dict[str, Interval]]
    left: dict[str, dict[str, Interval]]
    pairs: tuple[dict[str, Any], ...]
    labels: np.ndarray
    dark: np.ndarray
    ids: np.ndarray
    class_names: tuple[str, ...]
    columns: tuple[str, ...]
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    @property
    def gain(self) -> Interval:
        """How much closer the student's maps are to the teacher's than the control's, as cosines."""
        return self.numbers["cosine"]["gain"]

    def rows(self) -> list[dict[str, Any]]:
        """The usual numbers, then likeness and what is left of the divergence."""
        found = {f"{measure}, {what}": i for measure, each in self.numbers.items() for what, i in each.items()}
        found |= {
            f"divergence left, {party}, {part}": i for party, each in self.left.items() for part, i in each.items()
        }
        more = [{"quantity": name, "value": i.mean, "low": i.low, "high": i.high} for name, i in found.items()]
        return super().rows() + more

    def row_of(self, id: int) -> int:
        """Where a sample stands.

        Raises:
            KeyError: it was not explained.
        """
        found = np.flatnonzero(self.ids == id)
        if not len(found):
            raise KeyError(f"sample {id} was not explained; {self.n} were, such as {self.ids[:3].tolist()}")
        return int(found[0])

    def of_pair(self, label: int, other: int) -> Selection:
        """The samples of a label for which the teacher's first other class is ``other``."""
        chosen = (self.labels == label) & (self.dark == other)
        return Selection(self.ids[chosen], f"{self.class_names[label]}, confused with {self.class_names[other]}")

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        likeness, score = self.numbers["cosine"], self.plan["score"].replace("_", " ")
        text = (
            f"Over {plural(self.n, 'sample')}, the cosine of the student's and the teacher's maps of {score} is "
            f"{estimate(likeness['student'])}."
        )
        if "control" in self.parties:
            text += (
                f" The control's is {estimate(likeness['control'])}; the transfer gain, student minus control, is "
                f"{estimate(self.gain)}."
            )
        else:
            text += " Without a control this is no evidence of a transfer: nets trained apart have similar maps, too."
        missed = self.left["student"]
        return (
            f"{text} The divergence of the student from its teacher is {number(missed['target'].mean)} nats at the label and "
            f"{number(missed['rest'].mean)} nats among the other classes (T^2 KL at temperature "
            f"{number(self.plan['temperature'])})."
        )


@checked_arguments
def attribution(
    maps: Maps,
    plan: Plan,
    *,
    class_names: Sequence[str] = (),
    look: str = "table",
    columns: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Attribution:
    """Compare maps that were collected.

    Args:
        maps: of ``teacher``, ``student`` and, if there is one, ``control``.
        plan: with which they were made.
        class_names: C names; the numbers by default.
        look: of the samples.
        columns: names of the columns of a table.
        notes: further warnings.

    Raises:
        KeyError: the maps of teacher or student are missing.
        ValueError: maps differ in shape or are not finite, or another number of names.
    """
    for party in ("teacher", "student"):
        if party not in maps.maps:
            raise KeyError(f"no maps of the {party}; there are those of {', '.join(maps.maps)}")
    names = names_of(class_names, maps.teacher_logits.shape[1])
    parties = tuple(name for name in ("teacher", "student", "control") if name in maps.maps)
    per_sample = similarities(maps, parties)
    dark = dark_classes(maps.teacher_logits, maps.labels)
    divergence = np.stack([maps.divergence[party] for party in parties])
    return Attribution(
        plan=plan.to_dict(),
        parties=parties,
        look=look,
        inputs=maps.inputs,
        maps=np.stack([maps.maps[party] for party in parties]).astype(np.float32),
        part_maps=np.moveaxis(maps.part_maps, 1, 0).astype(np.float32) if maps.part_maps.size else np.zeros(0),
        values=np.stack([maps.values[party] for party in parties]),
        references=np.stack([maps.references[party] for party in parties]),
        gaps=np.stack([maps.gaps[party] for party in parties]),
        steps=np.stack([maps.steps[party] for party in parties]),
        divergence=divergence,
        measures=tuple(per_sample),
        similarity=np.stack(list(per_sample.values())),
        numbers={name: intervals(found, parties, plan.seed) for name, found in per_sample.items()},
        left=left(divergence, parties, plan.seed),
        pairs=class_pairs(maps.labels, dark, per_sample["cosine"], divergence, parties),
        labels=maps.labels,
        dark=dark,
        ids=maps.ids,
        class_names=names,
        columns=tuple(map(str, columns)),
        n=len(maps.ids),
        seed=plan.seed,
        warnings=(*notes, *warnings(maps, plan, per_sample)),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def attribution_of(
    run: Run,
    setting: Setting | None = None,
    *,
    control: Run | None = None,
    samples: int | Selection | Sequence[int] = SAMPLES,
    tell: Tell | None = None,
    **choices: Any,
) -> Attribution:
    """Explain a run's student and its teacher on test samples, beside a control's student.

    Args:
        run: a finished run of a classification, with its models.
        setting: it was run on; made again if None and it is one of the catalogue.
        control: a run of the same student on labels only, of the same seed.
        samples: how many, drawn at random, or which, by id.
        tell: called with the share done in [0, 1] and a message; ``StopIteration`` from it keeps what is done.
        **choices: of the ``Plan``: score, attributor, baseline, temperature (by default the run's own), pair, teacher,
            steps, draws, rows, seed.

    Raises:
        ValueError: the run has no teacher, or its samples or models cannot be explained so; the message says what can.
        KeyError: a sample is not one of the test samples.
        TypeError: there is no such choice.
    """
    from workbench.diagnostics.attribution.measure_maps import collected
    from workbench.diagnostics.attribution.measure_source import Source

    source = Source.of(run, setting, control)
    plan = source.plan(choices)
    maps = collected(source.models, source.samples(samples, plan.seed), source.pool, plan, source.setting.look, tell)
    return attribution(maps, plan, **source.words)
