"""Where do a net's weights go if its training goes on at a constant rate? The raw material of ``param_swag``.

How it is measured: plain SGD goes on from the final weights on the net's own loss, in evaluation mode; after each epoch
the weights are noted.
Reading it: their spread stands for that of training (Mandt et al. 2017; SWAG, Maddox et al. 2019).
When it misleads: it depends on the rate; the first epochs still drift.
Cost: one training epoch per row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.diagnostics.divergence.measure_alignment import Weights
from workbench.diagnostics.flatness.measure_objective import Loss, Piece
from workbench.models.copies import copied

if TYPE_CHECKING:
    from torch import nn

BATCH, RATE = 32, 0.01


def last_steps(
    model: nn.Module, weights: Weights, pieces: Sequence[Piece], loss: Loss, epochs: int, seed: int = 0
) -> np.ndarray:
    """The weights after each further epoch, (epochs, P) in the order of the parameters.

    Args:
        model: a net of that architecture; it is not changed.
        weights: where training goes on.
        pieces: batches of the training samples.
        loss: the net's own.
        epochs: how many.
        seed: of the order of the batches.
    """
    import torch

    from workbench.maths.hessian import flat
    from workbench.models.layers import call
    from workbench.models.tracing import tensor_of

    model, generator = copied(model).cpu().eval().requires_grad_(), torch.Generator().manual_seed(seed)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(torch.as_tensor(weights[name]))
    optimizer, rows = torch.optim.SGD(parameters.values(), RATE), []
    for _ in range(epochs):
        for k in torch.randperm(len(pieces), generator=generator).tolist():
            optimizer.zero_grad()
            loss.of(tensor_of(call(model, pieces[k].inputs), "the model"), pieces[k]).mean().backward()
            optimizer.step()
        rows.append(flat(p.detach() for p in parameters.values()).double().numpy())
    return np.stack(rows)
