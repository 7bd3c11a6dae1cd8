"""Which samples depend on luck? An arm of a study and two of its seeds, and the samples on which they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets

from workbench.diagnostics.agreement.measure_disagreement import disagreement_of
from workbench.diagnostics.run_cards import CardsPanel, hints
from workbench.diagnostics.seed_disagreement.measure import SeedDisagreement, seed_disagreement_of
from workbench.drawing.draw import draw
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.plot_view import PlotView


def panel(result: SeedDisagreement, setting: Setting | None = None, **state: Any) -> SeedDisagreementPanel:
    """The picture of an arm with the samples behind its dots.

    Args:
        result: what ``seed_disagreement_of`` gave.
        setting: of the study; made again from the catalogue if None.
        state: where the controls stand, as ``state()`` gives them.

    Raises:
        ValueError: it was computed from arrays, so there are no samples to show.
    """
    return SeedDisagreementPanel(result, setting, state)


class SeedDisagreementPanel(CardsPanel):
    """An arm and a pair of its seeds; a dot that is clicked is a pair.

    Args:
        result: shown first.
        setting: of the study; made again from the catalogue if None.
        state: of an earlier one, as ``state`` gives it.

    Attributes:
        result: of the arm that is shown.

    Raises:
        ValueError: the result was computed from arrays.
    """

    def __init__(
        self, result: SeedDisagreement, setting: Setting | None = None, state: Mapping[str, Any] | None = None
    ) -> None:
        """Shows the first pair."""
        if result.study is None:
            raise ValueError("these numbers came without their study; a panel needs it: seed_disagreement_of(study)")
        super().__init__(result, setting)
        self._study, state = result.study, dict(state or {})
        self._known = {result.arm: result}
        arms = [(name.replace("_", " "), name) for name, each in self._study.arms.items() if len(each.outcomes) > 1]
        self.arm = widgets.Dropdown(options=arms, value=state.get("arm", result.arm), description="arm")
        self.pair = widgets.Dropdown(description="seeds")
        self.picture = PlotView(label="Disagreement of seeds over their error")
        self.sentence = widgets.HTML()
        self.arm.observe(lambda _: self._change_arm(), "value")
        self.pair.observe(lambda _: self._moved(), "value")
        hint = widgets.HTML(hints(["Click a circle: the samples on which those two seeds differ."]))
        row = widgets.Box([self.arm, self.pair], layout={"flex_flow": "row wrap"})
        below = [row, self.picture, hint, self.sentence, self.cards]
        self._arrange("Which samples depend on the seed?", self.picture, below)
        self._change_arm()
        self.pair.value = tuple(state.get("pair", self.pair.value))

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same study."""
        return {"arm": self.arm.value, "pair": list(self.pair.value)}

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        first, second = self.pair.value
        return f"SeedDisagreementPanel({self.arm.value}, seeds {first} and {second}: {len(self.selection)} samples)"

    def _change_arm(self) -> None:
        arm = self.arm.value
        if arm not in self._known:
            self._known[arm] = seed_disagreement_of(self._study, arm)
        self.result = self._known[arm]
        made = draw(self.result)
        self.picture.height = int(made.layout.height)
        self.picture.show(made)
        self.sentence.value = hints([self.result.explain(), *(f"{each}." for each in self.result.warnings)])
        before, pairs = self.pair.value, [tuple(map(int, pair)) for pair in self.result.pairs]
        with self._moving():
            self.pair.options = [(f"{first} and {second}", (first, second)) for first, second in pairs]
            self.pair.value = before if before in pairs else pairs[0]

    def _clicked(self, point: Mapping[str, Any]) -> None:
        if "seeds" in point:
            self.pair.value = tuple(point["seeds"])

    def _show(self) -> None:
        first, second = self.pair.value
        runs = [self._study.run(self.arm.value, seed) for seed in (first, second)]
        differ = disagreement_of(*runs)
        name = f"seeds {first} and {second} differ"
        self.cards.show(runs[0], Selection(differ.ids, name), f"The cards show what seed {first} says of them.")
