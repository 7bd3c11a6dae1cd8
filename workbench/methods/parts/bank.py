"""What is kept of every sample, by sample id: slowly moving vectors, or the last answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.tasks import UNLABELLED
from workbench.methods.parts.draws import Dice
from workbench.methods.parts.memory import refuse_larger

SMALLER = "use a part of the data, or a smaller width"


class SampleTable(nn.Module):
    """Rows for N samples, given to ids as they first appear.

    Args:
        samples: N.
        shape: of what is kept of each.

    Raises:
        ValueError: there are no samples, or the table would take more than 4 GiB.
    """

    def __init__(self, samples: int, *shape: int) -> None:
        super().__init__()
        if samples < 1:
            raise ValueError(f"a memory bank of {samples} samples; it needs one or more")
        refuse_larger("the memory bank's rows", (samples, *shape), torch.empty(0), SMALLER)
        self.register_buffer("ids", torch.zeros(samples, dtype=torch.int64))
        self.register_buffer("known", torch.zeros(samples, dtype=torch.bool))

    def _find(self, ids: Tensor) -> Tensor:
        """Where each id is, (B, N) boolean; nowhere if it has not appeared."""
        return self.known & (self.ids == ids[:, None])

    def _rows(self, ids: Tensor) -> Tensor:
        """The rows of some samples, (B,); unknown samples are given one.

        Raises:
            ValueError: more samples than the table holds.
        """
        found = self._find(ids)
        new = ids[~found.any(1)].unique()
        if len(new):
            free = (~self.known).nonzero().squeeze(1)
            if len(new) > len(free):
                raise ValueError(f"the memory bank holds {len(self.ids)} samples and sees {len(new)} more; ids changed")
            self.ids[free[: len(new)]] = new
            self.known[free[: len(new)]] = True
            found = self._find(ids)
        return found.int().argmax(1)


def check_ids(method: nn.Module, data: Any) -> None:
    """Refuse a method that keeps something of every sample where samples have no ids that stay.

    Args:
        method: built.
        data: the student's, a ``TransferSet``.

    Raises:
        ValueError: the method has a bank and the ids of the samples are made anew in every pass.
    """
    if data.in_order and not data.repeatable and any(isinstance(part, SampleTable) for part in method.modules()):
        raise ValueError(
            f"{method.name} keeps something of every sample, by its id, but the items of this stream are others in each pass; "
            "give a Dataset, whose items have numbers, or a stream that is the same each time"
        )


class AnswerBank(SampleTable):
    """The last answer to each of N samples.

    Args:
        samples: N.
        classes: C.
    """

    def __init__(self, samples: int, classes: int) -> None:
        super().__init__(samples, classes)
        self.register_buffer("answers", torch.zeros(samples, classes))

    def recall(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """The answers (B, C) to some samples, and which of them have one, (B,) boolean; 0 where there is none."""
        found = self._find(ids)
        known = found.any(1)
        return self.answers[found.int().argmax(1)] * known[:, None], known

    def keep(self, ids: Tensor, answers: Tensor) -> None:
        """Put new answers, (B, C), in place of the old ones."""
        self.answers[self._rows(ids)] = answers.to(self.answers)


class MemoryBank(SampleTable):
    """Two vectors for each of N samples: the student's and the teacher's.

    Rows are given to ids as they first appear; only samples that have appeared serve as negatives. Which negatives a
    step draws depends on ``dice`` alone, so all state is in the buffers.

    Args:
        samples: N.
        width: of a vector.

    Raises:
        ValueError: there are no samples, or the bank would take more than 4 GiB.
    """

    def __init__(self, samples: int, width: int) -> None:
        super().__init__(samples, width, 2)
        bound = 1 / math.sqrt(width / 3)
        for side in ("student", "teacher"):
            self.register_buffer(side, torch.empty(samples, width).uniform_(-bound, bound))
        self.register_buffer("labels", torch.full((samples,), UNLABELLED))
        self.dice = Dice()
        self.dice.reseed()

    def rows(self, ids: Tensor, labels: Tensor | None) -> Tensor:
        """The rows of some samples, (B,); unknown samples are given one, and their labels are kept.

        Raises:
            ValueError: more samples than the bank holds.
        """
        rows = self._rows(ids)
        if labels is not None:
            self.labels[rows] = labels
        return rows

    def negatives(self, rows: Tensor, limit: int) -> Tensor:
        """Which samples are negatives of which row, (B, N) boolean.

        Negatives have another label than the row; where a label is missing, any other sample is one. At most ``limit``
        of each row's are drawn, all of them if there are no more.
        """
        own = self.labels[rows][:, None]
        candidates = self.known & ((own == UNLABELLED) | (self.labels != own))
        candidates[torch.arange(len(rows), device=rows.device), rows] = False
        if limit >= len(self.ids):
            return candidates
        order = torch.randperm(len(self.ids), generator=self.dice.thrown()).to(rows.device)
        shuffled = candidates[:, order]
        drawn = torch.zeros_like(candidates)
        drawn[:, order] = shuffled & (shuffled.cumsum(1) <= limit)
        return drawn

    def move(self, rows: Tensor, student: Tensor, teacher: Tensor, momentum: float) -> None:
        """Draw the rows' vectors towards new ones, (B, width), keep them at length 1, and count the step."""
        for bank, seen in ((self.student, student), (self.teacher, teacher)):
            bank[rows] = F.normalize(momentum * bank[rows] + (1 - momentum) * seen.to(bank), dim=1)
        self.dice.advance()


class Last(nn.Module):
    """Tensors of the last step by name, of whatever shape they have; part of the state."""

    def __contains__(self, name: str) -> bool:
        """Whether it has been kept."""
        return name in self._buffers

    def __getitem__(self, name: str) -> Tensor:
        """The one of a name."""
        return self._buffers[name]

    def tensors(self) -> dict[str, Tensor]:
        """All of them by name."""
        return dict(self._buffers)

    def keep(self, tensors: Mapping[str, Tensor]) -> None:
        """Copies of these, in place of what was kept under their names."""
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor.clone())

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *rest: Any) -> None:
        """Takes whatever is there: before the first step nothing has a shape."""
        self.keep({key[len(prefix) :]: tensor for key, tensor in state_dict.items() if key.startswith(prefix)})
        super()._load_from_state_dict(state_dict, prefix, *rest)
