"""The pairing, intervals and verdicts of a study for anything else that depends on a seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from workbench.engine.identity import address
from workbench.engine.study.plan import jobs_of, seeds_of
from workbench.engine.study.summary import Judge, filled
from workbench.maths.intervals import UNBOUNDED, Bounds
from workbench.records.annotations import POSITIVE
from workbench.records.arguments import checked_arguments
from workbench.records.arm import Arm, Outcome, Role
from workbench.records.code import identity_of
from workbench.records.files import file_name
from workbench.records.measure import checked_bounds
from workbench.records.parameters import given
from workbench.records.study import Study

Trial = Callable[[int], float | Mapping[str, float]]
"""From a seed to a score, or to a dict of numbers among which is ``score``."""


@checked_arguments
def study_of(  # noqa: PLR0913 - the seven of ``study``, and what is known of the score
    trials: Mapping[str, Trial],
    control: str,
    seeds: int | Sequence[int] = 5,
    *,
    smallest_effect: float = 0.5,
    higher_is_better: bool = True,
    bounds: Bounds = UNBOUNDED,
    jobs: int | None = None,
    name: str = "study",
) -> Study:
    """Call each function with each seed and compare all with one of them.

    Nothing is stored and nothing comes from a store: every call computes everything anew, so there is no ``fresh``.

    Args:
        trials: functions of a seed by the name of their arm; the same seed must mean the same luck in every arm.
        control: name of the arm all others are compared with.
        seeds: how many, or which.
        smallest_effect: the least difference worth having, in the unit of the scores.
        higher_is_better: direction of the scores.
        bounds: lowest and highest possible score, such as (0, 100) for percent, in which intervals stay; a call that
            returns another score has failed.
        jobs: calls at the same time, as in ``study``.
        name: shown as that of the setting.

    Raises:
        KeyError: no arm is called like the control.
        ValueError: there is no other arm, or a number is not allowed, or the bounds are not two ascending numbers.
        RuntimeError: every call failed; otherwise ``Study.failures`` says which did.

    Example:
        >>> found = study_of({"plain": lambda seed: 80.0 + seed, "new": lambda seed: 83.0 + 1.1 * seed}, "plain", 3)
        >>> found.verdicts
        {'new': 'better'}
    """
    if control not in trials:
        raise KeyError(f"no arm {control!r} to be the control; there are {', '.join(trials)}")
    if len(trials) < 2:
        raise ValueError(f"{control!r} is the only arm; give something to compare it with")
    numbers, jobs = seeds_of(seeds), jobs_of(jobs)
    smallest_effect = given("smallest_effect", smallest_effect, Annotated[float, POSITIVE])
    low, high = checked_bounds(bounds)
    judge = Judge(smallest_effect, higher_is_better=higher_is_better, bounds=(low, high))
    digests = {arm: identity_of(trial).digest for arm, trial in trials.items()}
    outcomes, failures = _outcomes(trials, numbers, jobs, (low, high))
    ordered = [control, *(arm for arm in trials if arm != control)]
    roles: dict[str, Role] = {arm: "control" if arm == control else "method" for arm in ordered}
    arms = {arm: filled(Arm(arm, roles[arm], label=arm), outcomes[arm], (low, high)) for arm in ordered}
    rules = {"seeds": numbers, "control": control, "effect": smallest_effect, "higher": higher_is_better}
    rules |= {} if (low, high) == UNBOUNDED else {"bounds": [low, high]}
    return Study(
        id=f"{file_name(name)}-study-{address({'trials': digests} | rules)}",
        setting={"name": name, "config": {}},
        score="score",
        higher_is_better=higher_is_better,
        seeds=numbers,
        control=control,
        arms=arms,
        comparisons=judge.against_control(arms, control),
        smallest_effect=smallest_effect,
        failures=failures,
    )


def _outcomes(
    trials: Mapping[str, Trial], seeds: Sequence[int], jobs: int | None, bounds: Bounds
) -> tuple[dict[str, list[Outcome]], dict[str, str]]:
    outcomes: dict[str, list[Outcome]] = {arm: [] for arm in trials}
    failures: dict[str, str] = {}
    for arm, seed, found in _calls(trials, seeds, jobs):
        if not isinstance(found, Outcome):
            failures[f"{arm}, seed {seed}"] = found
        elif not bounds[0] <= found.last <= bounds[1]:
            failures[f"{arm}, seed {seed}"] = f"{found.last:g} is outside the bounds of {bounds[0]:g} to {bounds[1]:g}"
        else:
            outcomes[arm].append(found)
    if not any(outcomes.values()):
        where, why = next(iter(failures.items()))
        raise RuntimeError(f"every call failed; {where}: {why}")
    return outcomes, failures


def _calls(
    trials: Mapping[str, Trial], seeds: Sequence[int], jobs: int | None
) -> Iterator[tuple[str, int, Outcome | str]]:
    from joblib import Parallel, delayed

    work: Any = Parallel(n_jobs=jobs, return_as="generator_unordered")
    yield from work(delayed(_call)(arm, trial, seed) for seed in seeds for arm, trial in trials.items())


def _call(arm: str, trial: Trial, seed: int) -> tuple[str, int, Outcome | str]:
    """One call; what went wrong is returned as a text, so that one failure does not stop the rest."""
    began = time.monotonic()
    try:
        found = trial(seed)
        measures = (
            {key: float(value) for key, value in found.items()}
            if isinstance(found, Mapping)
            else {"score": float(found)}
        )
        score = measures.pop("score")
    except Exception as error:
        return arm, seed, f"{type(error).__name__}: {error}"
    return arm, seed, Outcome(seed, score, score, seconds=time.monotonic() - began, measures=measures)
