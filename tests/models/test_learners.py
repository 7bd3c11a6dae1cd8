"""scikit-learn as teacher and student."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from torch import Tensor, nn

from workbench.models.learners import CallableTeacher, ProbabilityTeacher, as_teacher
from workbench.models.soft_fit import SoftFit
from workbench.models.tracing import Tracer
from workbench.records.code import identity_of

FLOOR = 1e-6


@pytest.fixture(scope="module")
def iris() -> tuple[Tensor, Tensor]:
    x, y = load_iris(return_X_y=True)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class Oracle:
    """A fitted classifier with these classes, and columns that say which class they are."""

    def __init__(self, classes: list) -> None:
        self.classes_ = np.array(classes)

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        weights = np.array([float(c) + 1 for c in self.classes_])
        return np.tile(weights / weights.sum(), (len(rows), 1))


def test_a_net_teaches_as_it_is() -> None:
    model = nn.Linear(2, 3)
    assert as_teacher(model) is model


def test_logits_are_the_floored_log_probabilities(iris: tuple[Tensor, Tensor]) -> None:
    x, y = iris
    forest = RandomForestClassifier(5, random_state=0).fit(x.numpy(), y.numpy())
    teacher = as_teacher(forest)
    assert isinstance(teacher, ProbabilityTeacher)
    logits = Tracer(teacher)(x.view(-1, 2, 2)).logits  # images are flattened
    expected = forest.predict_proba(x.numpy())
    assert (expected == 0).any()
    assert logits.dtype == torch.float32
    assert logits.shape == (150, 3)
    assert teacher.floor == FLOOR
    np.testing.assert_allclose(logits.exp(), np.maximum(expected, FLOOR), rtol=1e-5)
    np.testing.assert_allclose(logits.softmax(1), expected, atol=3 * FLOOR)


@pytest.mark.parametrize(
    ("known", "classes", "expected"),
    [
        ([0, 1, 2], None, [1 / 6, 2 / 6, 3 / 6]),
        ([2, 0, 1], None, [1 / 6, 2 / 6, 3 / 6]),
        ([3, 1], None, [FLOOR, 2 / 6, FLOOR, 4 / 6]),
        ([1], 3, [FLOOR, 1, FLOOR]),
    ],
)
def test_columns_are_put_in_the_order_of_the_classes(known: list, classes: int | None, expected: list[float]) -> None:
    logits = as_teacher(Oracle(known), classes)(torch.zeros(2, 4))
    torch.testing.assert_close(logits.exp(), torch.tensor([expected] * 2))


def test_teachers_are_told_apart_by_what_was_fitted(iris: tuple[Tensor, Tensor]) -> None:
    x, y = (part.numpy() for part in iris)
    one = identity_of(as_teacher(DecisionTreeClassifier(random_state=0).fit(x, y)))
    same = identity_of(as_teacher(DecisionTreeClassifier(random_state=0).fit(x, y)))
    other = identity_of(as_teacher(DecisionTreeClassifier(random_state=0).fit(x[:120], y[:120])))
    assert one == same
    assert one.digest != other.digest
    assert not one.unaddressed


def test_functions_that_an_estimator_holds_tell_it_apart() -> None:
    found = []
    for probability in (0.5, 0.25, 0.5):
        oracle = Oracle([0, 1])
        oracle.predict_proba = lambda rows, p=probability: np.full((len(rows), 2), p)
        found.append(identity_of(as_teacher(oracle)).digest)
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize(("known", "classes"), [([0.5, 1], None), ([-1, 1], None), ([0, 3], 3)])
def test_classes_that_are_no_indices_are_refused(known: list, classes: int | None) -> None:
    with pytest.raises(ValueError, match=r"was fitted on classes \[.*; fit it on integers in 0 \.\. "):
        as_teacher(Oracle(known), classes)


def test_names_as_classes_are_refused(iris: tuple[Tensor, Tensor]) -> None:
    x, y = iris
    tree = DecisionTreeClassifier().fit(x.numpy(), np.array(["a", "b", "c"])[y.numpy()])
    with pytest.raises(ValueError, match=r"\['a', 'b', 'c'\]"):
        as_teacher(tree)


def test_columns_must_match_the_classes() -> None:
    oracle = Oracle([0, 1])
    del oracle.classes_
    oracle.predict_proba = lambda rows: np.full((len(rows), 2), 0.5)
    assert as_teacher(oracle)(torch.zeros(3, 2)).shape == (3, 2)
    with pytest.raises(ValueError, match=r"shape \(3, 2\); \(N, 5\) is needed"):
        as_teacher(oracle, 5)(torch.zeros(3, 2))


def test_a_function_teaches() -> None:
    teacher = as_teacher(lambda a, b: a + 2 * b)
    assert isinstance(teacher, CallableTeacher)
    torch.testing.assert_close(teacher(torch.ones(2, 3), b=torch.ones(2, 3)), torch.full((2, 3), 3.0))
    assert "lambda" in repr(teacher)


@pytest.mark.parametrize("model", [nn.Linear, LinearSVC(), "resnet", None])
def test_what_cannot_teach_is_told_what_can(model: object) -> None:
    with pytest.raises(TypeError, match=r"cannot teach; what works: an nn.Module, a fitted classifier"):
        as_teacher(model)


def test_inputs_of_several_tensors_are_refused() -> None:
    with pytest.raises(TypeError, match="takes one tensor of inputs, not a tuple"):
        as_teacher(Oracle([0, 1]))((torch.zeros(1, 2), torch.zeros(1, 2)))


@pytest.mark.parametrize("depth", [2, None])
def test_a_tree_fitted_on_one_hot_targets_is_the_tree_of_the_labels(iris: tuple[Tensor, Tensor], depth) -> None:
    x, y = iris
    hard = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(x.numpy(), y.numpy())
    soft = SoftFit(DecisionTreeClassifier(max_depth=depth, random_state=0)).fit_soft(
        x, nn.functional.one_hot(y).float()
    )
    np.testing.assert_array_equal(soft.fitted.tree_.feature, hard.tree_.feature)
    np.testing.assert_array_equal(soft.fitted.tree_.threshold, hard.tree_.threshold)
    np.testing.assert_allclose(
        soft.predict_logits(x).exp(), np.maximum(hard.predict_proba(x.numpy()), FLOOR), rtol=1e-5
    )


@pytest.mark.parametrize("estimator", [DecisionTreeClassifier(), DecisionTreeRegressor()])
def test_a_full_tree_learns_the_soft_targets_of_distinct_samples(estimator) -> None:
    x, targets = torch.arange(20.0).view(20, 1), torch.rand(20, 4).softmax(1)
    student = SoftFit(estimator).fit_soft(x, targets)
    torch.testing.assert_close(student.predict_logits(x).exp(), targets, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("estimator", [DecisionTreeClassifier(), DecisionTreeRegressor()])
def test_one_leaf_holds_the_weighted_mean_of_the_targets(estimator) -> None:
    x, targets, weights = torch.zeros(6, 1), torch.rand(6, 3).softmax(1), torch.rand(6)
    student = SoftFit(estimator).fit_soft(x, targets, weights)
    expected = sum(w * t for w, t in zip(weights, targets, strict=True)) / weights.sum()
    torch.testing.assert_close(student.predict_logits(x[:1]).exp()[0], expected, rtol=1e-4, atol=1e-6)


def test_a_class_without_mass_gets_the_floor() -> None:
    targets = torch.tensor([[0.5, 0.0, 0.5], [1.0, 0.0, 0.0]])
    student = SoftFit(LogisticRegression()).fit_soft(torch.tensor([[0.0], [1.0]]), targets)
    logits = student.predict_logits(torch.tensor([[0.5]]))
    assert logits.shape == (1, 3)
    assert logits[0, 1].item() == pytest.approx(np.log(FLOOR))


def test_a_regressor_below_zero_gets_the_floor() -> None:
    student = SoftFit(Ridge(alpha=1e-6)).fit_soft(torch.tensor([[0.0], [1.0]]), torch.eye(2))
    logits = student.predict_logits(torch.tensor([[2.0]]))
    assert logits[0, 0].item() == pytest.approx(np.log(FLOOR))
    assert logits[0, 1].item() == pytest.approx(np.log(2), abs=1e-3)


def test_the_given_estimator_stays_unfitted(iris: tuple[Tensor, Tensor]) -> None:
    tree = DecisionTreeClassifier()
    SoftFit(tree).fit_soft(iris[0], nn.functional.one_hot(iris[1]).float())
    assert not hasattr(tree, "tree_")


def test_students_that_cannot_learn_are_refused() -> None:
    with pytest.raises(TypeError, match=r"KNeighborsClassifier.fit takes no sample_weight.*DecisionTreeClassifier"):
        SoftFit(KNeighborsClassifier())
    with pytest.raises(TypeError, match="Linear is neither a classifier nor a regressor"):
        SoftFit(nn.Linear(1, 1))
    with pytest.raises(RuntimeError, match="call fit_soft first"):
        SoftFit(Ridge()).predict_logits(torch.zeros(1, 1))


def test_a_regressor_of_one_output_is_told_its_wrapper() -> None:
    x, targets = torch.arange(6.0).view(6, 1), torch.rand(6, 3).softmax(1)
    with pytest.raises(
        ValueError, match=r"GradientBoostingRegressor was not fitted to 3 outputs.*MultiOutputRegressor"
    ):
        SoftFit(GradientBoostingRegressor()).fit_soft(x, targets)
    wrapped = SoftFit(MultiOutputRegressor(GradientBoostingRegressor(n_estimators=300, learning_rate=0.5)))
    torch.testing.assert_close(wrapped.fit_soft(x, targets).predict_logits(x).exp(), targets, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(
    ("targets", "weights", "message"),
    [
        (torch.ones(3), None, r"shape \(3,\); \(3, C\) is needed"),
        (torch.eye(4), None, r"shape \(4, 4\); \(3, C\) is needed"),
        (2 * torch.eye(3), None, "every row with sum 1"),
        (torch.tensor([[2.0, -1.0]] * 3), None, "no entry below 0"),
        (torch.full((3, 2), float("nan")), None, "must be probabilities"),
        (torch.eye(3), torch.ones(2), r"shape \(2,\); \(3,\) numbers"),
        (torch.eye(3), -torch.ones(3), r">= 0 are needed"),
    ],
)
def test_soft_targets_and_weights_are_checked(targets: Tensor, weights: Tensor | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SoftFit(DecisionTreeClassifier()).fit_soft(torch.zeros(3, 2), targets, weights)
