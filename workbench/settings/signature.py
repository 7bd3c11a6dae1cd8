"""Models and factories of models: what tells them apart, and that nothing is trained which belongs to somebody else."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from workbench.maths.randomness import all_kept, seed_all
from workbench.models.copies import copied, own_state
from workbench.records.code import Identity, identity_of, read_from

_made: weakref.WeakSet[Any] = weakref.WeakSet()
"""Every model that a factory has made in this process, as long as it lives."""

_drawn_by: dict[tuple[Any, ...], frozenset[str]] = {}
"""By code and state of a factory and the shapes it makes, the names of the tensors that the seed draws."""


def is_model(thing: Any) -> bool:
    """Whether it is a model already, a net or a scikit-learn estimator, and no factory of one."""
    return isinstance(thing, nn.Module) or (hasattr(thing, "get_params") and not isinstance(thing, type))


def new_from(factory: Callable[[], Any], party: str) -> Any:
    """A new model from a factory, under the current random state, whose plain attributes are its own.

    Args:
        factory: makes it.
        party: ``student`` or ``teacher``, for the message.

    Raises:
        ValueError: the factory has returned this model before, so that training would go on where it stopped.
    """
    made = factory()
    if not is_model(made):
        return made
    if made in _made:
        raise ValueError(
            f"the {party}'s factory returns the same {type(made).__name__} again, so that each run would go on training it; "
            f"give the model itself, {party}=model, of which each run takes a copy, or a factory that makes a new one each "
            "time it is called"
        )
    _made.add(made)
    own_state(made)
    return made


def factory_identity(factory: Callable[[], Any], party: str, teacher: Any = None) -> Identity:
    """The identity of a factory: its code and state, and the model it makes, but for the weights that the seed draws.

    The factory is called under one seed, and the first time under another one too; the random state stays as it was.

    Args:
        factory: makes a model.
        party: ``student`` or ``teacher``, for the message.
        teacher: a model that is not to be changed by training what the factory makes.

    Raises:
        ValueError: two of these models share memory, so that training one changes the other.
    """
    code = identity_of(factory)
    first = _made_under(0, factory, party)
    if isinstance(teacher, nn.Module):
        _refuse_shared(first, teacher, f"the {party} shares {{}} with the teacher, which training would change")
    key = (code.digest, *((name, tensor.shape) for name, tensor in _tensors(first)))
    if key not in _drawn_by:
        second = _made_under(1, factory, party)
        words = f"the models that the {party}'s factory makes share {{}}, so training one changes all"
        _refuse_shared(first, second, words)
        _drawn_by[key] = frozenset(_drawn(first, second))
    made = identity_of(first, [tensor for name, tensor in _tensors(first) if name in _drawn_by[key]])
    return Identity(
        identity_of((code.digest, made.digest)).digest,
        code.own or made.own,
        tuple(dict.fromkeys(code.unaddressed + made.unaddressed)),
    )


def _made_under(seed: int, factory: Callable[[], Any], party: str) -> Any:
    with all_kept():
        seed_all(seed)
        return new_from(factory, party)


def copy_of(model: Any, party: str) -> Any:
    """A copy of a model that was given, to be trained.

    Raises:
        ValueError: the copy would still compute with the weights of the original, through a function or hook it holds.
    """
    made = copied(model)
    if _shares(read_from(made)[1], model):
        raise ValueError(
            f"a copy of the {party} would still compute with the weights of the one you gave, through a function or hook that "
            "refers to it by name; write it as a method of the class, with self, or give a factory"
        )
    return made


def _shares(places: set[int], model: Any) -> bool:
    """Whether the weights of a net are at some of these places in memory."""
    return isinstance(model, nn.Module) and not places.isdisjoint(map(_place, model.parameters()))


def _refuse_shared(one: Any, other: Any, words: str) -> None:
    """Raises ValueError if two models hold a tensor at the same place in memory."""
    places = {_place(tensor) for _, tensor in _tensors(other)}
    for name, tensor in _tensors(one):
        if tensor.numel() and not tensor.is_meta and _place(tensor) in places:
            raise ValueError(
                f"{words.format(repr(name))}; make a new one each time, or copy it with copy.deepcopy(...)"
            )


def _tensors(model: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(model, nn.Module):
        yield from model.named_parameters()
        yield from model.named_buffers()


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr() if tensor.layout is torch.strided else id(tensor)


def _drawn(first: Any, second: Any) -> Iterator[str]:
    """The names of the tensors in which two models of one factory differ, since the seed decides them."""
    others = dict(_tensors(second))
    for name, tensor in _tensors(first):
        other = others.get(name)
        if other is None or other.shape != tensor.shape or not torch.equal(tensor, other):
            yield name
