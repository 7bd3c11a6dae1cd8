"""What is explained and how: the choices of one attribution, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

Attributor = Literal[
    "integrated_gradients",
    "saliency",
    "smooth_grad",
    "deep_lift",
    "occlusion",
    "feature_ablation",
    "kernel_shap",
]
ScoreName = Literal["nckd_match", "kd_match", "tckd_match", "dark_logit", "dark_contrast", "teacher_dark_mass", "pair"]
Baseline = Literal["blur", "mean", "sampled"]
TeacherMode = Literal["frozen", "joint"]
DIVERGENCES = ("kd_match", "nckd_match", "tckd_match")
LOCAL = ("saliency", "smooth_grad")  # take gradients at the input alone
LEAST_DRAWS = 8
BLURRED = ("image", "series")


@dataclass(frozen=True)
class Plan:
    """The choices of one attribution.

    Attributes:
        score: what is explained; see ``attribution_scores``.
        attributor: how it is traced back to the inputs.
        baseline: what an input without information looks like: blurred, the mean of the training data, or several
            training samples drawn at random (integrated gradients then become expected gradients).
        temperature: softens teacher and student in the score.
        pair: classes j and k of the score ``pair``; None takes each sample's own.
        teacher: its logits are frozen per sample, or it is explained jointly with the student.
        steps: of the path of integrated gradients at first; noisy copies of ``smooth_grad``.
        draws: samples drawn as baselines where they are drawn.
        rows: most rows of one forward pass.
        seed: of everything random.

    Raises:
        ValueError: a choice that is not offered; the message lists what is.
    """

    score: ScoreName = "nckd_match"
    attributor: Attributor = "integrated_gradients"
    baseline: Baseline = "blur"
    temperature: float = 1.0
    pair: tuple[int, int] | None = None
    teacher: TeacherMode = "frozen"
    steps: int = 32
    draws: int = LEAST_DRAWS
    rows: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses what is not offered."""
        choices = {"score": ScoreName, "attributor": Attributor, "baseline": Baseline, "teacher": TeacherMode}
        for name, offered in choices.items():
            if getattr(self, name) not in get_args(offered):
                raise ValueError(f"no {name} {getattr(self, name)!r}; there are {', '.join(get_args(offered))}")
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"temperature = {self.temperature} must be positive")
        least = {"steps": 2, "draws": LEAST_DRAWS, "rows": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} = {getattr(self, name)} must be at least {low}")
        if self.teacher == "joint" and self.attributor == "deep_lift":
            raise ValueError("deep_lift follows one model, so it cannot explain both jointly; integrated_gradients can")

    @classmethod
    def of(cls, choices: Mapping[str, Any], look: str, temperature: float = 1.0) -> Self:
        """The choices given; what was not given fits how the samples look, and how the run was distilled.

        Raises:
            TypeError: a choice that does not exist; the message lists those that do.
        """
        known = [f.name for f in fields(cls)]
        if unknown := [name for name in choices if name not in known]:
            raise TypeError(f"an attribution has no choice {unknown[0]!r}; it has {', '.join(known)}")
        fitting = {"baseline": "blur" if look in BLURRED else "mean", "temperature": float(temperature)}
        return cls(**{**fitting, **choices})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``of`` takes them."""
        return asdict(self) | {"pair": None if self.pair is None else list(self.pair)}
