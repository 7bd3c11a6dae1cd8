"""The released construction, written again as slow and literal loops that share no line with ours."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.diagnostics.interaction.measure import Construction, Interaction, interaction
from workbench.diagnostics.interaction.measure_components import Components

MODELS, SAMPLES, COUNT = 8, 30, 22
GROUPS = {"a": (0, 1, 2), "b": (3, 4, 5, 6, 7)}

Table = list[list[float]]


def scores(seed: int = 0) -> list[np.ndarray]:
    """(N, K) per model: noisy views of a few common directions, with signs at random."""
    generator = np.random.default_rng(seed)
    common = generator.standard_t(4, size=(SAMPLES, 30))
    chosen = [generator.permutation(30)[:COUNT] for _ in range(MODELS)]
    noise = [0.4 * generator.normal(size=(SAMPLES, COUNT)) for _ in range(MODELS)]
    signs = [generator.choice([-1, 1], COUNT) for _ in range(MODELS)]
    made = [common[:, each] * sign + off for each, sign, off in zip(chosen, signs, noise, strict=True)]
    return [each.astype(np.float32) for each in made]


def ours(tables: list[np.ndarray], construction: Construction | None = None) -> Interaction:
    equal, gap = np.full(COUNT, 1 / COUNT), np.full(COUNT, 0.5)
    models = {f"m{m}": Components(p, equal, gap, np.eye(COUNT), np.zeros(COUNT)) for m, p in enumerate(tables)}
    groups = {name: [f"m{m}" for m in members] for name, members in GROUPS.items()}
    return interaction(models, groups, mode="paper", construction=construction)


def correlations(tables: list[np.ndarray]) -> dict[tuple[int, int, int, int], float]:
    columns = {}
    for m, table in enumerate(tables):
        for k in range(COUNT):
            values = [float(row[k]) for row in table]
            mean = sum(values) / SAMPLES
            deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (SAMPLES - 1))
            columns[m, k] = [(v - mean) / deviation for v in values]
    found = {}
    for (m, k), x in columns.items():
        for (p, q), y in columns.items():
            found[m, p, k, q] = sum(a * b for a, b in zip(x, y, strict=True)) / SAMPLES
    return found


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def assignment(found: dict, gamma: float, *, whole_numbers: bool) -> list[list[int]]:
    """The greedy scan; the release keeps the best value so far in whole numbers, so that it forgets it."""
    assigned, best = [[0] * COUNT for _ in range(MODELS)], [[-1.0] * COUNT for _ in range(MODELS)]
    current = 1
    for i in range(MODELS):
        for j in range(COUNT):
            if assigned[i][j] != 0:
                continue
            assigned[i][j] = current
            for p in range(MODELS):
                for q in range(COUNT):
                    value = abs(found[i, p, j, q])
                    if value > best[p][q] and value > gamma:
                        assigned[p][q] = current
                        best[p][q] = int(value) if whole_numbers else value
            current += 1
    return assigned


def mask(table: np.ndarray) -> list[list[bool]]:
    largest = [max(abs(float(row[k])) for row in table) for k in range(COUNT)]
    scaled = [[float(row[k]) / largest[k] for k in range(COUNT)] for row in table]
    limit = percentile([value for row in scaled for value in row], 0.9)
    return [[value > limit for value in row] for row in scaled]


def tensor(assigned: list[list[int]], tables: list[np.ndarray]) -> list[list[list[bool]]]:
    """(M, N, T) of any component in the cluster that is active."""
    features = max(max(row) for row in assigned)
    found = []
    for m, table in enumerate(tables):
        active = mask(table)
        owned = [[k for k in range(COUNT) if assigned[m][k] == t + 1] for t in range(features)]
        found.append([[any(active[n][k] for k in owned[t]) for t in range(features)] for n in range(SAMPLES)])
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_the_whole_released_construction(seed: int) -> None:
    tables = scores(seed)
    found, lambdas = ours(tables), correlations(tables)
    gamma = percentile([abs(value) for value in lambdas.values()], 0.99)
    assigned = assignment(lambdas, gamma, whole_numbers=True)
    assert found.threshold == pytest.approx(gamma, rel=1e-5)
    assert (found.feature + 1).tolist() == [t for row in assigned for t in row]
    assert 60 < found.features == max(map(max, assigned)) < 150  # some joined, some not

    omega = np.array(tensor(assigned, tables))
    dense = np.zeros_like(omega)
    dense[found.omega.model, :, found.omega.feature] = found.omega.active
    assert np.array_equal(dense, omega)

    for g, members in enumerate(GROUPS.values()):
        features = range(found.features)
        union = [[any(omega[m][n][t] for m in members) for t in features] for n in range(SAMPLES)]
        often = [sum(union[n][t] for n in range(SAMPLES)) for t in features]
        used = [count for count in often if count > 0]
        assert found.frequency[g].tolist() == often
        assert found.unique[g] == len(used)
        assert found.mean_frequency[g] == pytest.approx(sum(used) / len(used))
        assert found.per_sample[g].tolist() == [sum(row) for row in union]
        assert found.summed[g].tolist() == [sum(int(omega[m][n].sum()) for m in members) for n in range(SAMPLES)]
        singly = [sum(omega[m][n][t] for m in members for n in range(SAMPLES)) / len(members) for t in features]
        assert found.model_frequency[g] == pytest.approx(singly)


def test_the_last_claim_wins_in_the_release_and_the_closest_in_the_mended_form() -> None:
    tables = scores(2)
    lambdas = correlations(tables)
    for assign, whole_numbers in (("last", True), ("best", False)):
        found = ours(tables, Construction(0.3, "paper", assign, least_share=0.0, orders=0))
        expected = assignment(lambdas, 0.3, whole_numbers=whole_numbers)
        assert (found.feature + 1).tolist() == [t for row in expected for t in row]
    last, best = (ours(tables, Construction(0.3, "paper", a, least_share=0.0, orders=0)) for a in ("last", "best"))
    assert last.features == best.features
    assert (last.feature != best.feature).any()


def test_common_features_are_those_of_every_group() -> None:
    found = ours(scores())
    used = found.frequency > 0
    assert found.common.tolist() == [bool(used[0][t] and used[1][t]) for t in range(found.features)]
    assert 0 < found.common.sum() < found.features
