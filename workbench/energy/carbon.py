"""Carbon, and only if the user says how clean the electricity is: no table of ours guesses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.energy.component import KWH_J


@dataclass(frozen=True)
class Grid:
    """How much carbon a kilowatt-hour brings; building the machines is in none of it.

    Attributes:
        g_per_kwh: grams of CO2 equivalents per kilowatt-hour at the plug.
        source: who says so.
        year: of the number.
        region: it holds for.
        pue: kilowatt-hours the whole site draws for one that reaches the machine: 1.0 for a laptop, 1.1 to 1.6 for a
            data centre.
        basis: of the ``location``, or of the ``market`` where the electricity was bought.

    Raises:
        ValueError: source, year or region are missing, or a number makes no sense.
    """

    g_per_kwh: float
    source: str
    year: int
    region: str
    pue: float = 1.0
    basis: Literal["location", "market"] = "location"

    def __post_init__(self) -> None:
        """Refuses a number that nobody could check."""
        lacking = [name for name in ("source", "year", "region") if not getattr(self, name)]
        if lacking:
            raise ValueError(f"the grid's intensity needs a {', '.join(lacking)}: it differs by place and year")
        if not 0 <= self.g_per_kwh < 5000:
            raise ValueError(f"{self.g_per_kwh:g} g/kWh: grids lie between about 10 and 1,000 g per kWh")
        if not 1 <= self.pue < 5:
            raise ValueError(f"a PUE of {self.pue:g}: it is 1 where nothing but the machine draws power, and more else")

    def carbon_g(self, energy_j: float) -> float:
        """Grams of CO2 equivalents of so many joules at the machine."""
        return energy_j / KWH_J * self.pue * self.g_per_kwh

    def __str__(self) -> str:
        """The number with what makes it checkable."""
        return (
            f"{self.g_per_kwh:g} g/kWh ({self.region} {self.year}, {self.basis}-based, {self.source}), PUE {self.pue:g}"
        )


def carbon_g(energy_j: float, grid: Grid | None) -> float | None:
    """Grams of CO2 equivalents; None where no grid was given."""
    return None if grid is None else grid.carbon_g(energy_j)
