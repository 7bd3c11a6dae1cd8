"""Likeness of maps against literal loops and maps whose likeness is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.diagnostics.attribution.measure_similarity import MEASURES, similarity


def pair(shape: tuple[int, ...] = (3, 9, 8)) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    first = generator.normal(size=shape)
    return first, 0.6 * first + generator.normal(size=shape)


def test_a_map_is_like_itself_and_unlike_its_negative() -> None:
    first, _ = pair()
    same, scaled, negative = (similarity(first, each) for each in (first, 3 * first, -first))
    for name in MEASURES:
        assert same[name] == pytest.approx(1), name
        assert scaled[name] == pytest.approx(1), name
    assert negative["cosine"] == pytest.approx(-1)
    assert negative["spearman"] == pytest.approx(1)  # sizes only
    assert (negative["ssim"] < -0.8).all()


def test_unrelated_maps_are_near_what_the_docstring_says() -> None:
    generator = np.random.default_rng(1)
    found = similarity(generator.normal(size=(200, 20, 20)), generator.normal(size=(200, 20, 20)))
    for name, expected in (("cosine", 0), ("spearman", 0), ("ssim", 0), ("iou", 0.1 / 1.9)):
        assert abs(found[name].mean() - expected) < 0.03, name


def test_cosine_and_spearman_against_literal_loops() -> None:
    first, second = pair((4, 12))
    found = similarity(np.round(first, 1), np.round(second, 1))  # rounded, so that there are ties
    assert "ssim" not in found
    for n in range(4):
        a, b = np.round(first[n], 1).tolist(), np.round(second[n], 1).tolist()
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        size = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
        assert found["cosine"][n] == pytest.approx(dot / size)
        ra, rb = ranks([abs(x) for x in a]), ranks([abs(x) for x in b])
        ma, mb = sum(ra) / 12, sum(rb) / 12
        above = sum((x - ma) * (y - mb) for x, y in zip(ra, rb, strict=True))
        below = math.sqrt(sum((x - ma) ** 2 for x in ra) * sum((y - mb) ** 2 for y in rb))
        assert found["spearman"][n] == pytest.approx(above / below)


def ranks(values: list[float]) -> list[float]:
    """Mean rank of ties, counted one by one."""
    return [sum(w < v for w in values) + (sum(w == v for w in values) + 1) / 2 for v in values]


def test_iou_against_a_literal_loop() -> None:
    first, second = pair((5, 6, 5))
    found = similarity(first, second)["iou"]
    for n in range(5):
        tops = []
        for each in (first, second):
            sizes = [(abs(v), i) for i, v in enumerate(each[n].ravel().tolist())]
            tops.append({i for _, i in sorted(sizes, reverse=True)[:3]})  # a tenth of 30 places
        assert found[n] == pytest.approx(len(tops[0] & tops[1]) / len(tops[0] | tops[1]))


def test_ssim_against_a_literal_loop() -> None:
    first, second = pair((2, 9, 8))
    found = similarity(first, second)["ssim"]
    for n in range(2):
        a, b = ((each[n] / np.abs(each[n]).max() + 1) / 2 for each in (first, second))
        total, windows = 0.0, 0
        for top in range(3):  # 9 - 7 + 1
            for left in range(2):  # 8 - 7 + 1
                u = [a[top + i][left + j] for i in range(7) for j in range(7)]
                v = [b[top + i][left + j] for i in range(7) for j in range(7)]
                mu, mv = sum(u) / 49, sum(v) / 49
                vu, vv = sum((x - mu) ** 2 for x in u) / 49, sum((x - mv) ** 2 for x in v) / 49
                both = sum((x - mu) * (y - mv) for x, y in zip(u, v, strict=True)) / 49
                lightness = (2 * mu * mv + 0.0001) / (mu * mu + mv * mv + 0.0001)
                total += lightness * (2 * both + 0.0009) / (vu + vv + 0.0009)
                windows += 1
        assert found[n] == pytest.approx(total / windows)


def test_a_map_of_zeros_has_no_likeness() -> None:
    first, second = pair()
    first[1] = 0
    for name, values in similarity(first, second).items():
        assert np.isnan(values).tolist() == [False, True, False], name


def test_maps_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3, 4\) and \(3, 5\)"):
        similarity(np.ones((3, 4)), np.ones((3, 5)))
    with pytest.raises(ValueError, match="NaN"):
        similarity(np.full((1, 4), np.nan), np.ones((1, 4)))
