"""One training step, engine by engine: from the two-input network to MNIST.

Promise: an engine is timed only if its parameters after a few steps are those of the others; where they are not, the
run fails and says who is off.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from typing import Any

from .harness import Effort, MissingError, Series, Turn, Worker, by_turns, check_agree, quantity, timed
from .page import Section, side_by_side
from .peers import Problem, Train, fetched, peers
from .problems import PROBLEMS

OURS = "micrograd_nn, compiled"
OWN = ", everybody's own threads"
AGAIN = ("no flags", "own loop", "torch.compile", "fused update")  # other ways, left out where starting counts
STEPS = 3  # after so many steps the engines' parameters are compared
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}  # relative to the largest parameter
QUICK_PRODUCTS = 40_000  # up to so many products in a step --quick waits for slow engines

METHOD = {
    "Two inputs, one person a step": "The sigmoid network h1, h2, o1 follows one of four people a step, with batch "
    "size 1 and learning rate 0.1. A step is forward pass, gradient and update, whatever an engine does in between.",
    "Moons, full batch": "micrograd's demo network 2-16-16-1 on 100 points, hinge loss with L2, all points in every "
    "step. A step is forward pass, gradient and update.",
    "Digits 8×8, 50 images a step": "A 64-32-10 network on the digits that ship with the package, relu and softmax "
    "cross-entropy, in 64-bit floats. A step takes the next 50 images in order.",
    "MNIST 784-300-100-10, 50 images a step": "The digit network of 266,610 parameters, relu and softmax "
    "cross-entropy, in 32-bit floats. A step takes the next 50 images in order.",
}


@contextmanager
def team(effort: Effort) -> Iterator[dict[str, Worker]]:
    """A process for each peer, kept over all problems; with everybody's own threads for those that have threads."""
    with ExitStack() as stack:
        workers = {}
        for name, peer in peers().items():
            if effort.threads or (peer.flags and not peer.slow):
                workers[name] = Worker(effort.threads, peer.flags)
                stack.callback(workers[name].close)
        yield workers


def section(title: str, workers: dict[str, Worker], effort: Effort) -> Section:
    """One problem, all engines: they agree, then they are timed."""
    shown = title if effort.threads else title + OWN
    try:
        problem = PROBLEMS[title](effort)
    except MissingError as reason:
        return side_by_side(shown, METHOD[title], {}, {"every engine": str(reason)}, OURS)
    results: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, worker in workers.items():
        try:
            if effort.quick:
                check_quick(name, problem)
            results[name] = worker.ask(parameters_after, name, title, effort, STEPS)
        except MissingError as reason:
            missing[name] = str(reason)
        except Exception as error:
            if name.startswith("micrograd_nn"):
                raise
            missing[name] = str(MissingError(f"it failed with {type(error).__name__}: {error}"))
    apart = check_agree(results, TOLERANCE[problem.dtype])
    notes = [f"{name}: {note}." for name in results if (note := workers[name].ask(note_of, name, title, effort))]
    timers = {name: partial(workers[name].ask, seconds, name, title, effort) for name in results}
    measured = by_turns(timers, effort, {name for name in results if peers()[name].slow})
    found = side_by_side(shown, METHOD[title], measured, missing, OURS)
    found.data["agree within"] = apart
    found.notes = [
        f"After {STEPS} steps all engines' parameters agree within {apart:.1e} of the largest.",
        f"The quickest way of each: {', '.join(best(found.bars))}.",
        *notes,
    ]
    return found


def check_quick(name: str, problem: Problem) -> None:
    """Raises MissingError for what would make a short run long."""
    peer = peers()[name]
    if peer.slow_start or name.endswith(AGAIN):
        raise MissingError("left out of --quick: it takes too long to start")
    if peer.slow and problem.products > QUICK_PRODUCTS:
        raise MissingError("left out of --quick: a step takes too long")


def best(bars: Mapping[str, Series]) -> list[str]:
    """Of the engines that have several ways, each with its quickest; the bars are sorted."""
    first: dict[str, str] = {}
    for who, series in bars.items():
        first.setdefault(who.partition(",")[0], f"{who} {quantity(series.median, 's')}")
    return list(first.values())


def ways() -> Section:
    """How each engine is used, in two sentences."""
    table = Section(
        "How each engine is used",
        "Each trains from the same starting weights on the same rows, in its own best style. "
        "What an engine does once, such as compiling, is not part of a step; it has a section of its own.",
        ("engine", "how"),
    )
    table.rows = [(peer.name, peer.how) for peer in peers().values()]
    return table


# ---- in the engine's own process ----


@lru_cache(maxsize=1)
def trainer(name: str, title: str, effort: Effort) -> Train:
    """The peer, started on the problem."""
    return peers()[name].start(PROBLEMS[title](effort))


def note_of(name: str, title: str, effort: Effort) -> str:
    """What a peer has to say of how it trains this problem, if anything."""
    return getattr(trainer(name, title, effort), "note", str)()


def parameters_after(name: str, title: str, effort: Effort, steps: int) -> Any:
    """The parameters after so many steps."""
    return fetched(trainer(name, title, effort)(steps))


def seconds(name: str, title: str, effort: Effort, steps: int) -> Turn:
    """How long a step takes."""
    run: Callable[[int], Any] = trainer(name, title, effort)
    return timed(run, steps)
