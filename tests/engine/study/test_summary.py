"""What a study says: partial ones, quick ones, lower is better, and how it is shown and kept."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from workbench.engine.study.summary import Judge, filled
from workbench.records.arm import Arm, Outcome, Role
from workbench.records.study import Study

CONTROL = (80.0, 81.0, 82.5, 80.5)
BETTER = (84.0, 84.5, 86.0, 84.5)


def _arm(name: str, scores: dict[int, float], role: Role = "method", of: tuple[str, ...] = (), label: str = "") -> Arm:
    outcomes = [
        Outcome(seed, score, score - 1, 0.9, 2.0, {"student": 5}, f"{name}-{seed}") for seed, score in scores.items()
    ]
    return filled(Arm(name, role, of, label or name), outcomes)


def _study(*arms: Arm, quick: bool = False, higher_is_better: bool = True, **rest: object) -> Study:
    named = {arm.name: arm for arm in arms}
    judge = Judge(0.5, higher_is_better=higher_is_better, quick=quick)
    fields = {
        "id": "clouds-study-0",
        "setting": {"name": "clouds", "config": {}},
        "score": "accuracy",
        "higher_is_better": higher_is_better,
        "seeds": (0, 1, 2, 3),
        "control": "labels_only",
        "arms": named,
        "comparisons": judge.against_control(named, "labels_only"),
        "further": judge.against_own_controls(named),
        "quick": quick,
    }
    return Study(**(fields | rest))


def _seeded(scores: tuple[float, ...]) -> dict[int, float]:
    return dict(enumerate(scores))


def test_differences_are_paired_by_seed_whatever_the_order() -> None:
    shuffled = {seed: _seeded(BETTER)[seed] for seed in (2, 0, 3, 1)}
    found = _study(_arm("labels_only", _seeded(CONTROL), "control"), _arm("kd", shuffled)).comparisons["kd"]
    differences = np.subtract(BETTER, CONTROL)
    outcome = stats.ttest_1samp(differences, 0)
    low, high = outcome.confidence_interval(0.95)
    assert found.difference == pytest.approx(differences.mean())
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high))
    assert found.p == pytest.approx(outcome.pvalue)
    assert found.verdict == "better"


def test_several_arms_are_corrected_together_by_holm() -> None:
    other = tuple(score + 0.8 + 0.6 * (seed % 2) for seed, score in enumerate(CONTROL))
    found = _study(
        _arm("labels_only", _seeded(CONTROL), "control"), _arm("kd", _seeded(BETTER)), _arm("dkd", _seeded(other))
    ).comparisons
    raw = {name: stats.ttest_rel(scores, CONTROL).pvalue for name, scores in (("kd", BETTER), ("dkd", other))}
    small, large = sorted(raw, key=raw.get)
    assert found[small].p_adjusted == pytest.approx(2 * raw[small])
    assert found[large].p_adjusted == pytest.approx(max(2 * raw[small], raw[large]))


def test_a_partial_study_compares_the_seeds_both_have() -> None:
    partial = {0: BETTER[0], 1: BETTER[1], 3: BETTER[3]}
    found = _study(
        _arm("labels_only", {0: 80.0, 1: 81.0, 2: 82.5}, "control"),
        _arm("kd", partial),
        _arm("dkd", {}),
        _arm("x", {3: 1.0}),
    )
    assert found.comparisons["kd"].seeds == 2
    assert found.comparisons["kd"].difference == pytest.approx((4.0 + 3.5) / 2)
    assert set(found.comparisons) == {"kd"}
    assert found.arms["dkd"].interval is None
    assert math.isnan(found.arms["dkd"].seconds)
    assert "dkd" in repr(found)


@pytest.mark.parametrize(("seeds", "word"), [(1, "one seed, no verdict"), (2, "2 seeds, no verdict")])
def test_below_three_seeds_there_is_no_verdict(seeds: int, word: str) -> None:
    arms = [_arm(name, dict(enumerate(scores[:seeds]))) for name, scores in (("labels_only", CONTROL), ("kd", BETTER))]
    found = _study(replace(arms[0], role="control"), arms[1])
    assert found.comparisons["kd"].sentence == word
    assert found.verdicts == {}
    assert f"kd against labels_only: {word}" in repr(found)


def test_quick_gives_no_verdict_however_many_seeds() -> None:
    found = _study(_arm("labels_only", _seeded(CONTROL), "control"), _arm("kd", _seeded(BETTER)), quick=True)
    assert found.verdicts == {}
    assert found.comparisons["kd"].seeds_to_decide is None
    assert found.comparisons["kd"].difference == pytest.approx(3.75)


def test_where_lower_is_better_a_positive_difference_is_still_better() -> None:
    found = _study(
        _arm("labels_only", _seeded(BETTER), "control"), _arm("kd", _seeded(CONTROL)), higher_is_better=False
    )
    assert found.comparisons["kd"].difference == pytest.approx(3.75)
    assert found.verdicts == {"kd": "better"}
    assert found.arms["kd"].interval.mean == pytest.approx(np.mean(CONTROL))
    assert "lower is better" in repr(found)


@pytest.fixture
def rich() -> Study:
    permuted = tuple(score - 1 for score in CONTROL)
    return _study(
        _arm("labels_only", _seeded(CONTROL), "control", label="labels only"),
        _arm("labels_only@2x", _seeded(CONTROL), "equal_total", ("kd",), "labels only with 2 times the steps"),
        _arm("kd", _seeded(BETTER)),
        _arm("kd/permuted_targets", _seeded(permuted), "permuted_targets", ("kd",), "itself with permuted targets"),
        _arm("a_method_with_a_long_name(temperature=4.0, soft_weight=0.25, label_weight=0.75)", {0: 90.0}),
        teachers={0: 97.0, 1: 96.0},
        failures={"kd, seed 9": "OSError: <b>disk</b>"},
        notes=("Something to know.",),
    )


def test_rows_hold_plain_numbers(rich) -> None:
    rows = {row["arm"]: row for row in rich.rows()}
    assert list(rows) == list(rich.arms)
    assert {type(value) for row in rows.values() for value in row.values()} <= {str, int, float, type(None)}
    kd, permuted, twice = (rows[name] for name in ("kd", "kd/permuted_targets", "labels_only@2x"))
    assert (kd["mean"], kd["seeds"], kd["verdict"]) == (pytest.approx(84.75), 4, "better")
    assert (kd["selected"], kd["agreement"], kd["seconds"], kd["steps"]) == (pytest.approx(83.75), 0.9, 2.0, 5)
    assert permuted["compared"] == "kd with kd/permuted_targets"
    assert permuted["difference"] == pytest.approx(4.75)
    assert twice["difference"] == pytest.approx(3.75)
    assert rows["labels_only"]["difference"] is None
    assert len(rich.table()) == len(rows)


def test_the_text_fits_a_terminal_and_says_everything(rich) -> None:
    text = repr(rich)
    assert max(map(len, text.splitlines())) <= 100
    for part in (
        "clouds: accuracy on test after the last epoch, 4 seeds",
        "+3.75",
        "teacher: 96.50 (mean of 2 teachers)",
        "kd against labels only: better by 3.8",
        "kd against itself with permuted targets: better by 4.8",
        "failed: kd, seed 9: OSError",
        "Something to know.",
    ):
        assert part in " ".join(text.split()), part
    header, labels_only = text.splitlines()[2:4]
    assert header.index("mean") + len("mean") == labels_only.index("81.00") + len("81.00")


def test_the_page_fragment_is_escaped(rich) -> None:
    page = rich._repr_html_()
    assert "&lt;b&gt;disk" in page
    assert "<b>" not in page
    assert page.count("<tr>") == 1 + len(rich.arms)


def test_a_study_survives_json_and_file(rich, tmp_path) -> None:
    text = json.dumps(rich.to_dict(), allow_nan=False)
    assert repr(Study.from_dict(json.loads(text))) == repr(rich)
    loaded = Study.load(rich.save(tmp_path / "study"))
    assert loaded.to_dict() == rich.to_dict()
    assert loaded.comparisons["kd"] == rich.comparisons["kd"]
    assert loaded.arms["kd"] == rich.arms["kd"]
    assert loaded.teachers == {0: 97.0, 1: 96.0}
    (tmp_path / "other.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not a saved Study"):
        Study.load(tmp_path / "other.npz")


def test_without_a_store_a_run_can_only_be_named(rich) -> None:
    with pytest.raises(ValueError, match="load the run 'kd-2'"):
        rich.run("kd", 2)
    with pytest.raises(KeyError, match="no arm 'dkd'; there are labels_only"):
        rich.run("dkd")
    assert rich.with_runs(lambda name: f"run {name}").run("kd", 2) == "run kd-2"
