"""Faults of public reference code: whoever inherits one breaks the test that stands for it.

Each trap is set on purpose, by putting the faulty line in place of ours, and its test must then fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.contracts.probes.world import play, setting, start
from tests.engine import test_honesty as honesty
from tests.engine.study import test_plan
from tests.maths import test_token_divergences as divergences
from tests.methods.case import check
from tests.methods.features import (
    test_activation_boundary,
    test_attention_transfer,
    test_crd,
    test_factor_transfer,
    test_mgd,
    test_nst,
    test_vid,
)
from tests.methods.logits import test_kd, test_logit_standardization, test_multi_level
from tests.methods.relations import (
    test_correlation_congruence,
    test_pkt,
    test_rkd,
    test_similarity_preserving,
)
from tests.methods.sequences import test_adaptive_kl, test_reverse_kl, test_word_level_kd
from workbench.engine import distill as scoring
from workbench.engine.study import arms as study_arms
from workbench.engine.teacher import kinds
from workbench.maths import attention
from workbench.maths import token_divergences as tokens
from workbench.methods.catalog import make
from workbench.methods.features import activation_boundary, attention_transfer, factor_transfer, mgd, nst, vid
from workbench.methods.logits import kd, logit_standardization, multi_level
from workbench.methods.parts import bank, tokenwise
from workbench.methods.relations import correlation_congruence, pkt, rkd, similarity_preserving
from workbench.methods.sequences import adaptive_kl, reverse_kl, word_level_kd
from workbench.models.mlp import MLP
from workbench.records import events


@dataclass(frozen=True)
class Trap:
    """One fault, as the list of methods of record numbers it.

    Attributes:
        name: the number and what goes wrong.
        where: module or class, and the name in it that is replaced.
        faulty: what it is replaced with.
        witness: the test that must notice.
        how: what it then raises.
    """

    name: str
    where: tuple[Any, str]
    faulty: Any
    witness: Callable[[], Any]
    how: type[BaseException] | tuple[type[BaseException], ...] = (AssertionError, pytest.fail.Exception)


def oracles(module: Any) -> Callable[[], None]:
    """All oracles of a method's test."""

    def witness() -> None:
        for case in module.ORACLES:
            check(case, case.make())

    return witness


def every(module: Any, test: str) -> Callable[[], None]:
    """A test that is asked for every method of tokens."""

    def witness() -> None:
        for mark in getattr(module, test).pytestmark:
            for cls in mark.args[1]:
                getattr(module, test)(cls)

    return witness


# --- 1. the mask of multi-level logits that only rescales -----------------------------------------------------------
def mean_masks(self: Any, teacher_logits: Tensor) -> tuple[Tensor, Tensor]:
    teacher = torch.softmax(teacher_logits, 1)
    masks = [(sure <= sure.median()).to(teacher) for sure in (teacher.amax(1), teacher.sum(0))]
    return tuple(mask.mean().expand_as(mask) for mask in masks)


# --- 2. a head in the order of probability, gaps in the order of the vocabulary --------------------------------------
def misaligned_head(student_logits: Tensor, teacher_logits: Tensor, head: float) -> Tensor:
    ordered = teacher_logits.softmax(-1).sort(-1, descending=True).values
    gaps = (teacher_logits.softmax(-1) - student_logits.softmax(-1)).abs()
    tail = ordered.cumsum(-1) > head
    tail[..., 0] = False
    return gaps.masked_fill(tail, 0).sum(-1) / gaps.sum(-1).clamp(min=1e-12)


# --- 3. cross-entropies that are called divergences, and one of the wrong sign ---------------------------------------
def without_entropy(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    return -((teacher_logits / temperature).softmax(-1) * (student_logits / temperature).log_softmax(-1)).sum(-1)


def minus_reverse(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    student, teacher = student_logits.log_softmax(-1), teacher_logits.log_softmax(-1)
    return (student.exp() * (teacher - student)).sum(-1)


# --- 4. to 7. relations and features --------------------------------------------------------------------------------
def neighbours_only(features: Tensor, width: float, order: int) -> Tensor:
    kernel = right_kernel(features, width, order)
    return kernel * torch.ones_like(kernel).diagonal(1).diag(1)


def norm_of_maps(student: Tensor, teacher: Tensor, power: float = 2.0) -> Tensor:
    maps = (F.normalize(attention.energy_map(side, power).flatten(1), dim=1) for side in (student, teacher))
    first, second = maps
    return (first - second).norm(dim=1)


def whole_matrix_at_length_1(features: Tensor) -> Tensor:
    gram = features.flatten(1) @ features.flatten(1).T
    return gram / gram.norm()


def zeros_in_the_mean(features: Tensor) -> Tensor:
    distances = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
    return distances / distances.mean()


def held_mean(features: Tensor) -> Tensor:
    distances = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
    return distances / (distances.sum() / (distances > 0).sum()).detach()


right_kernel, right_boundary = correlation_congruence.taylor_kernel, activation_boundary.boundary_distance
right_selectivity, right_neighbourhood = nst.selectivity_distance, pkt.neighbourhood_divergence


# --- 8. standardised logits -----------------------------------------------------------------------------------------
def z_scores(*, unbiased: bool, epsilon: float) -> Callable[[Tensor], Tensor]:
    def faulty(logits: Tensor) -> Tensor:
        return (logits - logits.mean(1, keepdim=True)) / (epsilon + logits.std(1, keepdim=True, unbiased=unbiased))

    return faulty


def without_square(self: Any, student_logits: Tensor, teacher_logits: Tensor, batch: Any) -> dict[str, Tensor]:
    return {"soft": self.soft_weight * kd.forward_kl(student_logits, teacher_logits, self.temperature)}


# --- 9. the ends of the generalised Jensen-Shannon divergence --------------------------------------------------------
def jumping(student_logits: Tensor, teacher_logits: Tensor, beta: float) -> Tensor:
    if beta < 1e-6:
        return tokens.word_kl(student_logits, teacher_logits)
    return (
        tokens.reverse_kl(student_logits, teacher_logits)
        if beta > 1 - 1e-6
        else right_jsd(student_logits, teacher_logits, beta)
    )


right_jsd = divergences.jensen_shannon


# --- 10. a teacher that learns --------------------------------------------------------------------------------------
def attached(forward: Callable[..., dict[str, Tensor]]) -> Callable[..., dict[str, Tensor]]:
    def faulty(*given: Any) -> dict[str, Tensor]:
        with patch.object(Tensor, "detach", lambda tensor: tensor):
            return forward(*given)

    return faulty


# --- 12. the best epoch on test -------------------------------------------------------------------------------------
def best_on_test(trial: Any, party: str, model: Any, test: Any, outputs: Tensor) -> Any:
    yield from ()
    return 100.0


TRAPS = [
    Trap("1 a mask that only rescales", (multi_level.MultiLevel, "_masks"), mean_masks, oracles(test_multi_level)),
    Trap("2 a misaligned head", (adaptive_kl, "head_share"), misaligned_head, oracles(test_adaptive_kl)),
    Trap(
        "2 the numbering counts",
        (adaptive_kl, "head_share"),
        misaligned_head,
        test_adaptive_kl.test_the_numbering_of_the_vocabulary_changes_nothing,
    ),
    Trap("3 kd without the entropy", (kd, "forward_kl"), without_entropy, oracles(test_kd)),
    Trap(
        "3 tokens without the entropy",
        (word_level_kd, "word_kl"),
        without_entropy,
        every(test_word_level_kd, "test_it_is_a_divergence_0_from_the_teacher_itself_and_not_shifted_by_an_entropy"),
    ),
    Trap("3 minus the reverse divergence", (reverse_kl, "reverse_kl"), minus_reverse, oracles(test_reverse_kl)),
    Trap(
        "4 neighbours for all pairs",
        (correlation_congruence, "taylor_kernel"),
        neighbours_only,
        oracles(test_correlation_congruence),
    ),
    Trap(
        "5 a norm for a mean",
        (attention_transfer, "attention_distance"),
        norm_of_maps,
        oracles(test_attention_transfer),
    ),
    Trap(
        "5 attention of any length",
        (attention, "_unit"),
        lambda energy: energy.flatten(1),
        oracles(test_attention_transfer),
    ),
    Trap(
        "5 factors of any length",
        (factor_transfer, "F"),
        SimpleNamespace(normalize=lambda factors, dim: factors, leaky_relu=F.leaky_relu),
        oracles(test_factor_transfer),
    ),
    Trap(
        "5 the whole matrix at length 1",
        (similarity_preserving, "row_normalised_gram"),
        whole_matrix_at_length_1,
        oracles(test_similarity_preserving),
    ),
    Trap(
        "6 a sum over pairs",
        (pkt, "neighbourhood_divergence"),
        lambda student, teacher: len(student) * right_neighbourhood(student, teacher),
        oracles(test_pkt),
    ),
    Trap(
        "6 boundaries weighed by 3/1000",
        (activation_boundary, "boundary_distance"),
        lambda *given: 0.003 * right_boundary(*given),
        oracles(test_activation_boundary),
    ),
    Trap(
        "6 a sum over channels",
        (nst, "selectivity_distance"),
        lambda student, teacher: student.shape[1] * right_selectivity(student, teacher),
        oracles(test_nst),
    ),
    Trap("6 a variance by its exponential", (vid, "F"), SimpleNamespace(softplus=torch.exp), oracles(test_vid)),
    Trap("6 a variance that may vanish", (vid, "EPSILON"), 0.0, oracles(test_vid)),
    Trap(
        "7 a point is its own neighbour",
        (rkd, "relative_distances"),
        zeros_in_the_mean,
        oracles(test_rkd),
    ),
    Trap("7 a mean that is held", (rkd, "relative_distances"), held_mean, oracles(test_rkd)),
    Trap(
        "7 squares for Huber",
        (rkd, "F"),
        SimpleNamespace(smooth_l1_loss=F.mse_loss, normalize=F.normalize),
        oracles(test_rkd),
    ),
    Trap(
        "8 a biased deviation",
        (logit_standardization, "standardize"),
        z_scores(unbiased=False, epsilon=1e-7),
        oracles(test_logit_standardization),
    ),
    Trap(
        "8 no epsilon",
        (logit_standardization, "standardize"),
        z_scores(unbiased=True, epsilon=0.0),
        oracles(test_logit_standardization),
    ),
    Trap("8 no squared temperature", (kd.KD, "match"), without_square, oracles(test_logit_standardization)),
    Trap(
        "9 a jump at the ends",
        (divergences, "jensen_shannon"),
        jumping,
        divergences.test_jensen_shannon_vanishes_at_its_ends_where_others_jump_to_a_plain_divergence,
    ),
    Trap(
        "9 a padded vocabulary is cut off, another tokenizer's ids are taken",
        (tokenwise, "check_vocabularies"),
        lambda *sides: None,
        every(test_word_level_kd, "test_another_vocabulary_or_tokenizer_is_refused_by_all_that_compare_tokens"),
        RuntimeError,
    ),
    Trap("10 gradients into the teacher", (mgd.MGD, "forward"), attached(mgd.MGD.forward), oracles(test_mgd)),
    Trap(
        "10 a teacher out of evaluation",
        (kinds.Fixed, "__call__"),
        lambda self, batch: self.tracers[0](batch.for_teacher),
        honesty.test_a_teacher_never_receives_gradients_and_stays_in_evaluation,
    ),
    Trap(
        "11 student and teacher swapped",
        (study_arms, "larger_student_of"),
        lambda setting: "",
        test_plan.test_a_student_that_is_larger_than_its_teacher_is_noted_where_a_teacher_is_read,
        ValueError,
    ),
    Trap(
        "12 the best epoch on test",
        (scoring, "_selected"),
        best_on_test,
        honesty.test_last_and_selected_scores_are_those_of_their_epochs,
    ),
    Trap(
        "a bank that never moves",
        (bank.MemoryBank, "move"),
        lambda *given: None,
        test_crd.test_what_a_sample_was_in_an_earlier_step_changes_the_loss_of_another,
    ),
]


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_whoever_inherits_a_trap_is_noticed(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    trap.witness()
    monkeypatch.setattr(*trap.where, trap.faulty)
    with pytest.raises(trap.how):
        trap.witness()


@pytest.mark.parametrize(("width", "warned"), [(8, 0), (64, 1)])
def test_a_run_warns_of_a_student_that_is_larger_than_its_teacher(width: int, warned: int) -> None:
    arm = start(setting(student=partial(MLP, 4, (width,), 3)), make("kd"))
    said = [event.message for event in play(arm) if isinstance(event, events.Warning)]
    assert [message for message in said if "were they swapped?" in message] == said[:warned]
