"""How everything is measured: by turns, in short rounds, as medians with ranges.

Promise: engines that are compared take turns, A B A B, each in a process of its own, so that a busy machine slows all
of them and none meets another's threads or heap; a ratio is taken round by round. With one thread all are pinned to one
core and processor time is compared, which neighbours take the least from; with everybody's own threads it is the time
on the wall; the other one stands beside it. The cyclic collector is on, as users have it. What the machine is called
and where its files lie is never written down.

    Worker            a process for one engine
    by_turns(timers)  seconds a step, one figure a round, by two clocks
    Series            a list of such figures and its median and range
    check_agree       engines must have computed the same numbers
    machine()         CPU model, cores, load, versions
"""

import gc
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Container, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple


class Turn(NamedTuple):
    """Seconds for each step."""

    wall: float
    processor: float  # of all threads


Timer = Callable[[int], Turn]  # do so many steps


class MissingError(Exception):
    """A peer can't take part; the text says why, in one line without a path of this machine."""

    def __init__(self, why: str) -> None:
        line = next(iter(why.strip().splitlines()), "no reason was given")
        super().__init__(re.sub(r"\(?[~\w.]*[/\\][^\s)]*[/\\][^\s)]*\)?", "…", line)[:160])


@dataclass(frozen=True)
class Effort:
    """How much is measured: the full run, or ``--quick``."""

    rounds: int = 11
    turn: float = 0.1  # seconds that an engine runs before the next has its turn
    least: int = 300  # steps in a turn, so that what an engine does once a turn does not count
    slow_least: int = 1  # the same of a slow engine
    quick: bool = False
    mnist: str | None = None  # the folder with MNIST's four files, if there is one
    epochs: int = 2  # of the whole training on MNIST
    threads: int | None = 1  # of each engine that has threads; None: its own default


SLOW = 1.0  # seconds of a turn from which three turns must do
QUICK = Effort(rounds=2, turn=0.01, least=100, quick=True)


# ---- figures ----


@dataclass(frozen=True)
class Series:
    """Figures of one kind, one a round."""

    values: list[float]
    unit: str = "s"
    clock: str = "wall"
    beside: "Series | None" = None  # by the other clock

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        low, high = (quantity(end, self.unit) for end in (min(self.values), max(self.values)))
        return quantity(self.median, self.unit) + (f" ({low} – {high})" if low != high else "")


def ratio(theirs: Series, ours: Series) -> Series:
    """How many times theirs is ours, round by round."""
    pairs = zip(theirs.values, ours.values, strict=False)
    return Series([a / b for a, b in pairs], "×")


PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def quantity(number: float, unit: str) -> str:
    """Three digits and a unit: 4.12 µs, 264 B, 12.3 ×."""
    if number == 0:
        return f"0 {unit}".strip()
    if unit == "×":
        return f"{number:,.0f}×" if number >= 1000 else f"{number:.3g}×" if number >= 0.001 else f"{number:.1e}×"
    for scale, prefix in PREFIXES:
        if abs(number) >= scale * 0.9995 or scale == 1e-9:
            digits = 0 if abs(number) >= 100 * scale else 1 if abs(number) >= 10 * scale else 2
            whole = unit in ("B", "") and scale == 1.0 and number == int(number)
            return f"{number / scale:,.{0 if whole else digits}f} {prefix}{unit}".strip()
    raise AssertionError("the last prefix takes whatever is left")


# ---- time ----


class Worker:
    """A fresh process for one engine: what it imports, allocates and starts stays there."""

    def __init__(self, threads: int | None = 1, flags: bool = True) -> None:
        settings = (threads, flags)
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=limit_threads, initargs=settings)

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """function(*arguments), over there. Raises what it raises, and MissingError if the process dies of it."""
        try:
            return self._pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise MissingError("its process was ended by the system, mostly for want of memory") from error

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


def by_turns(timers: Mapping[str, Timer], effort: Effort, slow: Container[str] = ()) -> dict[str, Series]:
    """Seconds a step, one figure a round, for each engine. Each has warmed up before the first round.

    A turn takes about ``effort.turn`` seconds and holds at least ``effort.least`` steps, of a ``slow`` engine
    ``effort.slow_least``. An engine whose turn takes longer than SLOW seconds has three turns only.
    """
    least = {who: effort.slow_least if who in slow else effort.least for who in timers}
    clock = effort.threads is not None  # of a turn: 0 is the wall's, 1 the processor's
    steps = {who: steps_for(lambda n, t=timer: t(n)[clock], effort.turn, least[who]) for who, timer in timers.items()}
    turns: dict[str, list[Turn]] = {who: [] for who in timers}
    for number in range(effort.rounds):
        for who, timer in timers.items():
            if number < 3 or turns[who][0][clock] * steps[who] < SLOW:
                turns[who].append(timer(steps[who]))
    return {who: series_of(taken, effort) for who, taken in turns.items()}


def series_of(turns: list[Turn], effort: Effort) -> Series:
    """By the clock that is compared, and by the other."""
    wall = Series([turn.wall for turn in turns])
    processor = Series([turn.processor for turn in turns], clock="processor")
    return replace(wall, beside=processor) if effort.threads is None else replace(processor, beside=wall)


def steps_for(seconds_each: Callable[[int], float], seconds: float, least: int = 1) -> int:
    """About how many steps fill that time, and at least the least. The engine is warm at that number afterwards."""
    steps, each = least, seconds_each(least)
    if each * steps < SLOW:
        each = seconds_each(steps)  # the first may have been compiling
    while each * steps < seconds / 2:
        steps = max(steps + 1, int(min(seconds / each, steps * 1000)))
        seconds_each(steps)  # who compiles for a number of steps does it here
        each = seconds_each(steps)
    return steps


def timed(run: Callable[[int], Any], steps: int, collect: bool = True) -> Turn:
    """How long a step takes, over a few steps on end, in this process."""
    if collect:
        gc.collect()
    wall, processor = perf_counter(), process_time()
    run(steps)
    return Turn((perf_counter() - wall) / steps, (process_time() - processor) / steps)


def limit_threads(threads: int | None, flags: bool) -> None:
    """So many threads and cores for what runs in this process from here on; None leaves everybody's defaults.

    ``flags`` also tells XLA, which costs it 15 to 20 %: where a process can be pinned to its cores it need not know.
    """
    if threads is None:
        return
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[name] = str(threads)
    if threads == 1 and flags:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def check_agree(results: Mapping[str, Any], tolerance: float) -> float:
    """The largest distance between two engines' numbers, relative to their size. Raises AssertionError beyond it."""
    import numpy as np

    arrays = {who: np.asarray(numbers, dtype=float) for who, numbers in results.items()}
    scale = max((float(np.abs(numbers).max()) for numbers in arrays.values()), default=0.0) or 1.0
    middle = np.median(list(arrays.values()), axis=0)
    off = {who: float(np.abs(numbers - middle).max()) / scale for who, numbers in arrays.items()}
    astray = {who: distance for who, distance in off.items() if not distance <= tolerance}
    if astray:
        named = ", ".join(f"{who} by {distance:.1e}" for who, distance in astray.items())
        raise AssertionError(f"engines must agree within {tolerance:.0e} of the largest number; off are {named}")
    return max(off.values(), default=0.0)


# ---- the machine ----

LIBRARIES = (
    "micrograd-nn", "numpy", "micrograd", "scalargrad", "minigrad", "simplegrad", "torch", "jax", "jaxlib", "autograd",
    "mpmath",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """What ran this: processor, cores, load, Python, libraries, compiler. No names, no paths."""
    from micrograd_nn.compiler.c.library import found  # a worker sets its threads before it imports anything

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load when it began": "unknown" if load is None else f"{load:.1f}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": compiler_version(compiler()),
        "the C backend's compiler": compiler_version(next(iter(found(os.environ.get("CC"))[0]), None)),
        **{name: version(name) for name in LIBRARIES},
    }


def processor() -> str:
    """The processor's model as the system names it."""
    table = Path("/proc/cpuinfo")
    if table.is_file():
        named = re.search(r"^model name\s*:\s*(.+)$", table.read_text(errors="replace"), re.MULTILINE)
        if named:
            return named[1].strip()
    if sys.platform == "darwin":
        asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        if asked.returncode == 0:
            return asked.stdout.strip()
    return platform.processor() or "unknown"


def compiler() -> str | None:
    """The system's C compiler, if there is one."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def compiler_version(command: str | None) -> str:
    """The first line that a C compiler says of itself."""
    if command is None:
        return "missing"
    said = subprocess.run([command, "--version"], capture_output=True, text=True).stdout.splitlines()
    return said[0] if said else "unknown"


def version(library: str) -> str:
    """An installed library's version, or "missing"."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "missing"


def require(module: str, why: str = "") -> Any:
    """The module, imported now. Raises MissingError that says how to get it."""
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise MissingError(why or f"{error}; the extra `bench` brings it") from error
