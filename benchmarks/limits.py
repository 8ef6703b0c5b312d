"""The limits that this project sets itself, held against what was measured in the same run."""

from collections.abc import Sequence
from statistics import median

from .harness import Series, quantity, ratio
from .page import DEMO, Section
from .training import OURS, OWN

TWO, MOONS = "Two inputs, one person a step", "Moons, full batch"
DIGITS, MNIST = "Digits 8×8, 50 images a step", "MNIST 784-300-100-10, 50 images a step"
IN_C, IN_JAX, OWN_LOOP = "micrograd_nn, C backend", "micrograd_nn, JAX backend", "micrograd_nn, own loop"
LARGE = "784-300-100-10"
SCAN, JIT, TORCH = "JAX, lax.scan", "JAX, jit a step", "PyTorch, eager"
LIMITS: dict[tuple[str, str], dict[str, float]] = {  # our time over theirs, at most
    (TWO, IN_C): {SCAN: 0.6},
    (MOONS, IN_C): {SCAN: 0.65},
    (DIGITS, IN_C): {SCAN: 0.85},
    (MNIST, OURS): {JIT: 1.0, f"{JIT}, no flags": 1.15, TORCH: 0.9},
    (MNIST, OWN_LOOP): {OURS: 1.5},
    (MNIST + OWN, OURS): {TORCH: 0.8},
    (TWO, IN_JAX): {SCAN: 1.1},
    (MOONS, IN_JAX): {SCAN: 1.1},
    (DIGITS, IN_JAX): {SCAN: 1.1},
    (MNIST, IN_JAX): {SCAN: 1.1},
    (DEMO, "micrograd_nn"): {"micrograd": 1 / 25},
    (TWO, OURS): {"micrograd": 1 / 50, TORCH: 1 / 120, "NumPy, textbook": 1 / 8, "Python, by hand": 1.3},
    (MOONS, OURS): {TORCH: 0.2, "NumPy, by hand": 1.1},
}


def section(sections: Sequence[Section]) -> Section:
    """A row for each limit whose two engines were measured."""
    table = Section(
        "Held to limits",
        "What we take over what they take, round by round, beside the limit that this project sets itself. "
        "Where a limit is not kept, it says so.",
        ("a step", "ours", "theirs", "our time over theirs", "at most", ""),
    )
    bars = {section.title: section.bars for section in sections}
    for (title, ours), limits in LIMITS.items():
        for theirs, limit in limits.items():
            found = bars.get(title, {})
            if ours in found and theirs in found:
                table.rows.append(_row(title, ours, theirs, found, limit))
    for cost in (section.data[LARGE] for section in sections if LARGE in section.data):
        ready = median(map(sum, zip(cost["record"], cost["compile"], strict=True)))
        for what, number, limit, unit in (("ready", ready, 1.5, "s"), ("memory", cost["bytes"], 350e6, "B")):
            shown = f"{LARGE} recorded and compiled: {what}", quantity(number, unit), "–", "–", quantity(limit, unit)
            table.rows.append((*shown, _verdict(number, limit)))
    return table


def _row(title: str, ours: str, theirs: str, bars: dict[str, Series], limit: float) -> tuple[str, ...]:
    share = ratio(bars[ours], bars[theirs])
    names = (f"{who}: {quantity(bars[who].median, 's')}" for who in (ours, theirs))
    return title, *names, f"{share.median:.3f}", f"{limit:.3g}", _verdict(share.median, limit)


def _verdict(number: float, limit: float) -> str:
    return "kept" if number <= limit else "**over**"
