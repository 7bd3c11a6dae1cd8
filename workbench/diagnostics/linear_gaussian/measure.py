"""What does a linear student lose to a teacher whose every quantity is known: bias, bottleneck, misalignment, variance?

How it is measured: in a made-up world. A Bayesian linear teacher has learnt k outputs from a fixed sample. It labels n
further inputs by its own softened prediction, and a ridge student of at most r directions learns from these alone. The
divergence of the student's prediction from the teacher's, on probes neither has seen, is split in closed form, and
averaged over draws of what the student learns on.

Formula:
    labels     Y = W X + noise * E, W (k, d);  teacher: the posterior N(M_t, I_k x V_t) under the prior precision ``ridge``
    softened   N(M_t X, T S_t) with T the temperature: a Gaussian to the power 1/T
    student    ridge on n such labels, cut to the r leading directions of its fit; it takes the noise to be T * noise^2
    costs      those of ``divergence_costs``, in nats
Reading it: a rank below the effective rank of the whitened predictions costs the tail of their spectrum, however many
samples there are. More samples lower the bias, but not to zero: all labels share one draw of the teacher's weights. A
temperature above one makes the labels noisier and the student less certain, one below makes it overconfident.
When it misleads: nets are neither linear nor Gaussian; here the formulas are exact, there they are a picture.
After: the linear Gaussian case of Li & He 2026. Their decomposition was not readable: reconstruction; not the paper's
theorem. Cost: 0.05 s for 12 places of a slider with 12 draws each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np

from workbench.diagnostics.divergence.measure_source import provenance
from workbench.diagnostics.linear_gaussian.measure_costs import PARTS, LinearTeacher, effective_rank
from workbench.maths.intervals import t_interval
from workbench.records.annotations import Range, Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, estimate
from workbench.records.parameters import Checked
from workbench.records.result import Result
from workbench.records.wording import number, plural

OUTPUTS, WIDTH, TAUGHT, PROBES, MOST, DRAWS = 6, 16, 120, 40, 400, 12
DECAY = 0.65
"""Each direction of the inputs varies by this much less than the one before; the teacher's weights do not decay."""
Along = Literal["rank", "samples", "noise", "temperature", "ridge"]
GRIDS: dict[str, tuple[float, ...]] = {
    "rank": tuple(range(1, OUTPUTS + 1)),
    "samples": (10, 20, 30, 40, 60, 80, 110, 150, 200, 260, 320, 400),
    "noise": (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.2, 1.6, 2.0),
    "temperature": (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0),
    "ridge": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
}


@dataclass(frozen=True)
class Laboratory(metaclass=Checked):
    """What can be turned in the linear-Gaussian world.

    Args:
        rank: Directions the student's weights may have; the teacher has 6.
        samples: Inputs the student is taught on.
        noise: Standard deviation of the labels around their mean.
        temperature: Softens the teacher; 1 leaves it as it is.
        ridge: Precision of the prior of teacher and student; larger shrinks both.
        doubt: What a prediction's variance holds: what the posterior does not know of the weights, too, or noise alone.

    Raises:
        ValueError: a value is outside its range, or not a number.
    """

    rank: Annotated[int, Range(1, OUTPUTS, 1)] = 3
    samples: Annotated[int, Range(10, MOST, 10)] = 60
    noise: Annotated[float, Range(0.1, 2.0, 0.1)] = 0.5
    temperature: Annotated[float, Range(0.25, 4.0, 0.25)] = 1.0
    ridge: Annotated[float, Range(0.01, 100.0, 0.01)] = 1.0
    doubt: Literal["posterior", "plug_in"] = "posterior"


@dataclass(frozen=True)
class LinearGaussian(Result):
    """The four costs of a student, in nats, here and along one of the sliders.

    Attributes:
        laboratory: where the sliders stand.
        along: the slider that is swept.
        grid: (G,) its places.
        bias, bottleneck, misalignment, variance: (G, D) costs at each place, for each draw of what is learnt on.
        parts: mean of each of them where the sliders stand, with intervals over draws.
        total: of their sum.
        spectrum: (k,) singular values of the teacher's whitened predictions.
        weight_spectrum: (k,) those of its weights.
        n: draws.
        seed: of the world.
        warnings: what weakens the numbers.
        provenance: that it is a reconstruction.
    """

    laboratory: dict[str, Any]
    along: str
    grid: np.ndarray
    bias: np.ndarray
    bottleneck: np.ndarray
    misalignment: np.ndarray
    variance: np.ndarray
    parts: dict[str, Interval]
    total: Interval
    spectrum: np.ndarray
    weight_spectrum: np.ndarray
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """A row per part and one for their sum."""
        found = {**self.parts, "total": self.total}
        return [{"quantity": name, "value": i.mean, "low": i.low, "high": i.high} for name, i in found.items()]

    def explain(self) -> str:
        """What the student loses, in one paragraph."""
        rank, needed = self.laboratory["rank"], effective_rank(self.spectrum)
        parts = {name: part.mean for name, part in self.parts.items() if np.isfinite(part.mean)}
        largest = max(parts, key=parts.__getitem__, default="")
        most = f"; the largest part is {largest}, {number(parts[largest])} nats" if largest else ""
        text = (
            f"A student of rank {rank}, trained on {plural(self.laboratory['samples'], 'label')} of its teacher, diverges from it by "
            f"{estimate(self.total)} nats on {PROBES} probes, mean over {self.n} draws{most}. Effective rank of the teacher's "
            f"weights: {number(effective_rank(self.weight_spectrum))}; of its whitened predictions: {number(needed)}"
        )
        if rank < needed:
            text += f", above the student's rank of {rank}"
        return f"{text}. ({self.provenance['ours']}.)"


@checked_arguments
def linear_gaussian(laboratory: Laboratory | None = None, along: Along = "rank", *, seed: Seed = 0) -> LinearGaussian:
    """Teach linear students in a made-up world and split what they lose.

    Args:
        laboratory: where the sliders stand; their defaults if None.
        along: which of them is swept for the picture.
        seed: of the world.

    Raises:
        ValueError: ``along`` is none of the sliders.
    """
    here = laboratory or Laboratory()
    if along not in GRIDS:
        raise ValueError(f"along = {along!r} is none of {', '.join(GRIDS)}")
    places = sorted({*GRIDS[along], getattr(here, along)})
    found = _swept(asdict(here), along, places, seed)  # (G, D, 4)
    at = found[places.index(getattr(here, along))]
    teacher = _Teacher(_world(seed), asdict(here))
    return LinearGaussian(
        laboratory=asdict(here),
        along=along,
        grid=np.array(places, float),
        **{name: found[..., part] for part, name in enumerate(PARTS)},
        parts={name: t_interval(at[:, part]) for part, name in enumerate(PARTS)},
        total=t_interval(at.sum(1)),
        spectrum=teacher.probed.spectrum,
        weight_spectrum=np.linalg.svd(teacher.mean, compute_uv=False),
        n=DRAWS,
        seed=seed,
        warnings=(),
        provenance=provenance("closed-form split of the divergence of linear-Gaussian predictions"),
    )


def _swept(here: Mapping[str, Any], along: str, places: Sequence[float], seed: int) -> np.ndarray:
    if along == "rank":
        return np.moveaxis(_costs(here, [int(rank) for rank in places], seed), 1, 0)
    return np.stack([_costs({**here, along: place}, [here["rank"]], seed)[:, 0] for place in places])


def _costs(here: Mapping[str, Any], ranks: Sequence[int], seed: int) -> np.ndarray:
    """(D, R, 4) costs of students that differ in their draws and in their ranks."""
    world = _world(seed)
    teacher = _Teacher(world, here)
    believed = here["temperature"] * here["noise"] ** 2
    found = np.empty((DRAWS, len(ranks), len(PARTS)))
    for draw, (inputs, labels) in enumerate(teacher.lessons(here["samples"], here["temperature"])):
        scatter = np.linalg.inv(inputs @ inputs.T / believed + here["ridge"] * np.eye(WIDTH))
        mean = labels @ inputs.T / believed @ scatter
        fit = mean @ inputs
        leading = np.linalg.eigh(fit @ fit.T)[1][:, ::-1]
        spread = world.spread(believed, scatter, here["doubt"])
        for row, rank in enumerate(ranks):
            kept = leading[:, :rank]
            found[draw, row] = list(teacher.probed.costs(kept @ (kept.T @ mean), spread, rank))
    return found


class _Teacher:
    """The posterior of a Bayesian linear regression, and what it teaches."""

    def __init__(self, world: _World, here: Mapping[str, Any]) -> None:
        noise, ridge = here["noise"], here["ridge"]
        inputs, labels = world.taught, world.truth @ world.taught + noise * world.taught_noise
        self._world, self._noise = world, noise
        self.scatter = np.linalg.inv(inputs @ inputs.T / noise**2 + ridge * np.eye(WIDTH))
        self.mean = labels @ inputs.T / noise**2 @ self.scatter
        covariance = world.spread(noise**2, self.scatter, here["doubt"])
        self.probed = LinearTeacher(self.mean, world.probes, covariance)

    def lessons(self, samples: int, temperature: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Inputs (d, n) and softened labels (k, n) of each draw; all labels of a draw share one draw of the weights."""
        factor = np.linalg.cholesky(self.scatter)
        for inputs, weights, noise in self._world.draws:
            shown = inputs[:, :samples]
            moved = (weights @ factor.T) @ shown + self._noise * noise[:, :samples]
            yield shown, self.mean @ shown + temperature**0.5 * moved


class _World:
    """Every random number there is, drawn once: moving a slider changes what is done with them, not their luck."""

    def __init__(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        scale = 2 * DECAY ** np.arange(WIDTH)[:, None]
        self.truth = generator.normal(size=(OUTPUTS, WIDTH))
        self.taught = scale * generator.normal(size=(WIDTH, TAUGHT))
        self.taught_noise = generator.normal(size=(OUTPUTS, TAUGHT))
        self.probes = scale * generator.normal(size=(WIDTH, PROBES))
        self.draws = [
            (
                scale * generator.normal(size=(WIDTH, MOST)),
                generator.normal(size=(OUTPUTS, WIDTH)),
                generator.normal(size=(OUTPUTS, MOST)),
            )
            for _ in range(DRAWS)
        ]

    def spread(self, variance: float, scatter: np.ndarray, doubt: str) -> np.ndarray:
        """(n, n) covariance of a prediction on the probes, the same for each output."""
        noise = variance * np.eye(PROBES)
        return noise if doubt == "plug_in" else noise + self.probes.T @ scatter @ self.probes


@lru_cache(maxsize=4)
def _world(seed: int) -> _World:
    return _World(seed)
