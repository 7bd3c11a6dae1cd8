"""A net of the same design as another one, before it has learnt anything."""

from __future__ import annotations

from torch import nn

from workbench.models.copies import copied


def untrained(model: nn.Module) -> nn.Module:
    """A copy whose layers are initialised anew, each as PyTorch does by default, under the current random state.

    Raises:
        ValueError: parts of the model have parameters and no ``reset_parameters``, or nothing has parameters.
    """
    made = copied(model).requires_grad_()
    parts = {name or type(part).__name__: part for name, part in made.named_modules()}
    owners = {name: part for name, part in parts.items() if [*part.parameters(recurse=False)]}
    stuck = [name for name, part in owners.items() if not hasattr(part, "reset_parameters")]
    if stuck or not owners:
        why = f"give {', '.join(stuck)} a method reset_parameters" if stuck else "it has no parameters"
        raise ValueError(f"no untrained copy of this {type(model).__name__} can be made: {why}")
    for part in owners.values():
        part.reset_parameters()
    return made
