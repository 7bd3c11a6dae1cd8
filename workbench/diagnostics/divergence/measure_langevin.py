"""Where would a net's weights be if its loss were the energy of a Gibbs distribution? The raw material of ``param_sgld``.

How it is measured: stochastic gradient Langevin dynamics from the final weights: half a step down the slope of the energy
on a random batch, and noise as wide as the step. A quarter of the chain is dropped before the rest is kept, every tenth
place of it.

Formula:
    U(w) = N L(w) + precision / 2 |w|^2;  w <- w - step / 2 grad U(w) + sqrt(step) xi,  step = 0.2 / (top eigenvalue of U)
    on a quadratic with curvature a its variance is 1 / (a (1 - step a / 4)): at most 5 % too large with that step
Reading it: with the number of effective samples beside it (``effective_samples``): below some dozens it says nothing.
When it misleads: a step that suits the steepest direction is slow in flat ones, so large nets never forget where they
started; batches add noise to that of the dynamics.
After: Welling and Teh 2011. Cost: 12.5 gradients of a batch per kept place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.diagnostics.divergence.measure_alignment import Weights
from workbench.diagnostics.flatness.measure_objective import Loss, Objective, Piece
from workbench.models.copies import copied

if TYPE_CHECKING:
    from torch import Tensor, nn

SHARE, THIN, DROPPED, PRODUCTS = 0.2, 10, 0.25, 12


def langevin(
    slope: Callable[[Tensor], Tensor], start: Tensor, step: float, draws: int, *, thin: int = THIN, seed: int = 0
) -> np.ndarray:
    """Places of a Langevin chain, (draws, P), after a quarter as many that are dropped.

    Args:
        slope: of the energy at (P,) weights; it may be random.
        start: (P,).
        step: of the chain.
        draws: how many places are kept.
        thin: steps from one kept place to the next.
        seed: of the noise.

    Raises:
        ValueError: the chain left for infinity.
    """
    import torch

    generator, weights, rows = torch.Generator().manual_seed(seed), start.clone(), []
    dropped = round(DROPPED * draws)
    for place in range(dropped + draws):
        for _ in range(thin):
            noise = torch.randn(weights.shape, generator=generator, dtype=weights.dtype)
            weights = weights - step / 2 * slope(weights) + step**0.5 * noise
        if place >= dropped:
            rows.append(weights.numpy().copy())
    if not np.isfinite(rows[-1]).all():
        raise ValueError(f"a chain with steps of {step:.3g} left for infinity; a smaller step does not")
    return np.stack(rows)


def langevin_chain(
    model: nn.Module, weights: Weights, pieces: Sequence[Piece], loss: Loss, draws: int, precision: float = 1.0
) -> np.ndarray:
    """A chain of a net's weights under its own loss, (draws, P) in the order of the parameters.

    Args:
        model: a net of that architecture; it is not changed.
        weights: where the chain starts.
        pieces: batches of the training samples.
        loss: the net's own.
        draws: how many places are kept.
        precision: of the prior around zero.
    """
    import torch

    model, generator = copied(model), torch.Generator().manual_seed(1)
    model.load_state_dict({name: torch.as_tensor(each) for name, each in weights.items()}, strict=False)
    whole, batches = Objective(model, pieces, loss), [Objective(model, [piece], loss) for piece in pieces]

    def slope(at: Tensor) -> Tensor:
        batch = batches[int(torch.randint(len(batches), (1,), generator=generator))]
        return whole.count * batch.slope(at) + precision * at

    return langevin(slope, whole.weights, SHARE / (whole.count * _steepest(whole) + precision), draws)


def _steepest(objective: Objective) -> float:
    """The largest eigenvalue of the Hessian, zero if none is positive."""
    import torch

    from workbench.maths.lanczos import lanczos, ritz

    start = torch.randn(objective.weights.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return max(0.0, float(ritz(*lanczos(objective.product, start, PRODUCTS))[0][-1]))
