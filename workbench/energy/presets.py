"""How many watts a processor core draws where nothing measures it: low, central and high, never one number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Range = tuple[float, float, float]


@dataclass(frozen=True)
class Preset:
    """Watts of one logical core, each as (low, central, high).

    Attributes:
        name: ``laptop``, ``server``, or your own.
        idle_w: drawn while it does nothing.
        core_w: drawn on top of that while it computes.
        source: where the numbers come from.
    """

    name: str
    idle_w: Range
    core_w: Range
    source: str

    def __post_init__(self) -> None:
        """Refuses ranges that are none."""
        for name in ("idle_w", "core_w"):
            low, central, high = getattr(self, name)
            if not 0 <= low <= central <= high:
                raise ValueError(f"{name} = {(low, central, high)}: need 0 <= low <= central <= high, in watts")


@dataclass(frozen=True)
class Efficiency:
    """What a chip makes of its energy.

    Attributes:
        name: ``processor``, ``accelerator``, or your own.
        gflops_per_w: (low, central, high) achieved, not advertised.
        source: where the numbers come from.
    """

    name: str
    gflops_per_w: Range
    source: str

    def __post_init__(self) -> None:
        """Refuses a range that is none."""
        low, central, high = self.gflops_per_w
        if not 0 < low <= central <= high:
            raise ValueError(f"gflops_per_w = {self.gflops_per_w}: need 0 < low <= central <= high")


PRESETS = {
    "laptop": Preset(
        "laptop",
        (0.2, 0.45, 1.1),
        (1.7, 4.2, 10.0),
        "a package of 15, 28 or 45 W under load, a tenth of it idle, shared by 8, 6 or 4 busy cores; ours",
    ),
    "server": Preset("server", (0.5, 1.5, 3.0), (2.0, 5.0, 8.0), "2 to 8 W per busy core, 0.5 to 3 W idle; ours"),
}
EFFICIENCIES = {
    "processor": Efficiency("processor", (1.0, 5.0, 25.0), "small nets to large matrix products in float32; ours"),
    "accelerator": Efficiency("accelerator", (20.0, 150.0, 600.0), "small batches to saturated tensor cores; ours"),
}


def preset(name: str) -> Preset:
    """A preset by its name.

    Raises:
        KeyError: there is none; the message lists them.
    """
    if name not in PRESETS:
        raise KeyError(f"no preset {name!r}; there are {', '.join(PRESETS)}, or give a Preset of your own")
    return PRESETS[name]


def likely_preset(power_supply: Path = Path("/sys/class/power_supply")) -> str:
    """``laptop`` where there is a battery, else ``server``."""
    has_battery = power_supply.is_dir() and any(path.name.startswith("BAT") for path in power_supply.iterdir())
    return "laptop" if has_battery else "server"
