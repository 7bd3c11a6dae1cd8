"""What every setting of the catalogue must be, found by walking the package: adding one needs no line here."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import cloudpickle
import pytest
import torch

from tests.data.archives import ARCHIVES, pack
from workbench.data.download import DataUnavailable
from workbench.data.sources import SOURCES
from workbench.records.budget import Budget
from workbench.records.parameters import parameters
from workbench.settings.catalog import catalog, find, make
from workbench.settings.checks import check_models
from workbench.settings.setting import Setting

KEYS = sorted(catalog())


@pytest.fixture(params=KEYS, scope="module")
def setting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """Each setting as it comes; on small archives in the published format, or skipped, where its data are not here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_OFFLINE", "1")
        try:
            made = make(request.param)
        except DataUnavailable:
            if request.param not in ARCHIVES:
                pytest.skip(f"the data of {request.param} are neither in WORKBENCH_DATA nor in the cache")
            name, members = ARCHIVES[request.param]
            folder = tmp_path_factory.mktemp(request.param)
            patch.setitem(SOURCES, request.param, pack(members(), folder / name))
            patch.setenv("WORKBENCH_DATA", str(folder))
            made = make(request.param)
        yield made


@pytest.mark.parametrize("key", KEYS)
def test_its_signature_describes_it(key: str) -> None:
    """Defaults are allowed values, each argument has a line, and a line says what it is."""
    cls = catalog()[key]
    assert cls.about
    assert "\n" not in cls.about
    for parameter in parameters(cls).values():
        assert parameter.check(parameter.default) == parameter.default
        assert parameter.about.endswith((".", ";")), f"{key}: no line about {parameter.name}"
        assert parameter.choices or parameter.range or parameter.kind is bool, f"{key}.{parameter.name} has no bounds"


@pytest.mark.parametrize("key", KEYS)
def test_it_is_found_by_key_and_by_class_name(key: str) -> None:
    """Ignoring case and underscores."""
    cls = catalog()[key]
    assert find(key) is find(cls.__name__) is find(key.upper().replace("_", "-")) is cls


def test_unknown_names_have_neighbours() -> None:
    """The message names the nearest setting and the nearest parameter."""
    with pytest.raises(KeyError, match="no setting 'digit'; nearest: digits"):
        make("digit")
    with pytest.raises(KeyError, match="has no parameter 'student_label'; nearest: student_labels"):
        make("digits", {"student_label": 60})
    with pytest.raises(ValueError, match="student_labels = 5 is outside"):
        make("digits", {"student_labels": 5})


def test_no_sample_is_in_two_places(setting: Setting) -> None:
    """Validation is apart from train and teacher, and test from all of them."""
    parts = {
        name: set(getattr(setting, name).ids.tolist()) for name in ("train", "validation", "teacher_train", "test")
    }
    assert all(parts.values())
    for one, other in (("validation", "train"), ("validation", "teacher_train")):
        assert not parts[one] & parts[other]
    assert not parts["test"] & (parts["train"] | parts["validation"] | parts["teacher_train"])


def test_validation_is_stratified(setting: Setting) -> None:
    """A tenth of every class, at least one."""
    if setting.task != "classification":
        pytest.skip("targets are no classes")
    kept = setting.train.labels[setting.train.labelled].bincount(minlength=setting.classes)
    taken = setting.validation.labels.bincount(minlength=setting.classes)
    expected = (0.1 * (kept + taken)).clamp(min=1)
    assert (taken >= 1).all()
    assert ((taken - expected).abs() <= 1).all()


def test_test_data_are_labelled_with_known_classes(setting: Setting) -> None:
    """Every sample, and every class occurs."""
    assert len(setting.test.labelled) == len(setting.test)
    if setting.task == "classification":
        assert setting.test.labels.unique().tolist() == list(range(setting.classes))
        assert len(setting.class_names) == setting.classes


def test_it_is_the_same_every_time(setting: Setting) -> None:
    """Whatever the random state, here, through pickle and through cloudpickle; its configuration is plain."""
    torch.manual_seed(1234)
    identity = setting.identity()
    assert type(setting)(**setting.config()).identity() == identity
    assert pickle.loads(pickle.dumps(setting)).identity() == identity
    assert cloudpickle.loads(cloudpickle.dumps(setting)).identity() == identity
    assert len(pickle.dumps(setting)) < 10_000, "it should travel without its data"
    assert all(value is None or isinstance(value, (bool, int, float, str)) for value in setting.config().values())


def test_changes_made_to_it_travel_too(setting: Setting) -> None:
    """Such as another budget."""
    changed = setting.but(budget=Budget(epochs=3))
    assert pickle.loads(pickle.dumps(changed)).budget == Budget(epochs=3)


def test_its_models_fit_its_data(setting: Setting) -> None:
    """Outputs are as wide as there are classes, for teacher and student."""
    check_models(setting, setting.teacher.factory(), setting.make_student())


def test_students_differ_by_seed_only(setting: Setting) -> None:
    """The same seed gives the same weights; another seed, others."""

    def weights(seed: int) -> dict[str, Any]:
        torch.manual_seed(seed)
        return setting.make_student().state_dict()

    first, again, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_batches_are_finite_and_augmentation_keeps_their_shape(setting: Setting) -> None:
    """The same draw for the same seed."""
    rows = torch.arange(4)
    plain = setting.train.batch(rows).student_inputs
    if isinstance(plain, dict):
        assert plain["input_ids"].dtype == torch.int64, "text comes as tokens"
        return
    assert plain.dtype == torch.float32
    assert plain.isfinite().all()
    if setting.augment is not None:
        views = [
            setting.train.batch(
                rows, augment=setting.augment, generator=torch.Generator().manual_seed(seed)
            ).student_inputs
            for seed in (0, 0, 1)
        ]
        assert views[0].shape == plain.shape
        assert torch.equal(views[0], views[1])
        assert not torch.equal(views[0], views[2])
