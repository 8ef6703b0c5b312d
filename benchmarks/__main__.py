"""``python -m benchmarks``: measure everything, write one page.

Promise: exit code 0 if all engines agreed on every result, 1 if one was off or a section failed; whatever could be
measured is written either way, into one folder and nowhere else.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from . import harness
from .page import Section, at_a_glance, publish, write


def main(argv: list[str] | None = None) -> int:
    """Run the command. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="micrograd_nn beside its peers.")
    parser.add_argument("--quick", action="store_true", help="under a minute: fewer rounds, the smaller problems")
    parser.add_argument("--only", metavar="WORD", action="append", help="only sections with this word in their title")
    parser.add_argument("--rounds", type=int, help="turns of each engine (default 11, --quick 2)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each engine that has threads (default 1)")
    parser.add_argument("--mnist", metavar="DIR", help="the folder with MNIST's four files")
    parser.add_argument("--epochs", type=int, default=2, help="of the whole training on MNIST (default 2)")
    parser.add_argument("--out", type=Path, default=Path("micrograd-nn-out/benchmarks"), metavar="DIR")
    parser.add_argument("--publish", action="store_true", help="also into README.md and docs of the checkout here")
    arguments = parser.parse_args(argv)
    usual = harness.QUICK if arguments.quick else harness.Effort()
    effort = replace(usual, mnist=arguments.mnist, threads=arguments.threads, epochs=arguments.epochs)
    if arguments.rounds:
        effort = replace(effort, rounds=max(1, arguments.rounds))
    machine = harness.machine()
    sections, failures, began = [], 0, perf_counter()
    for title, make in contents(effort):
        if arguments.only and not any(word.lower() in title.lower() for word in arguments.only):
            continue
        print(f"{perf_counter() - began:5.0f} s  {title} …", file=sys.stderr, flush=True)
        try:
            sections.append(make())
        except Exception as error:  # one section that fails must not take an hour's other figures with it
            failures += 1
            traceback.print_exc()
            why = str(harness.MissingError(f"{type(error).__name__}: {error}"))
            sections.append(
                Section(title, "Nothing is shown here because it failed. That is a fault.", ("fault",), [(why,)])
            )
    from . import limits  # with NumPy, which a worker may not import before it has set its threads

    sections[:0] = [table for table in (at_a_glance(sections), limits.section(sections)) if table.rows]
    run = {"quick": effort.quick, "rounds": effort.rounds, "threads of an engine": arguments.threads}
    print("\n" + "\n\n".join(section.markdown() for section in sections))
    written = write(arguments.out, sections, machine, run)
    if arguments.publish:
        written += publish(arguments.out, sections, machine, Path())
    print("\nWrote " + ", ".join(map(str, written)))
    return 1 if failures else 0


def contents(effort: harness.Effort) -> Iterator[tuple[str, Callable[[], Section]]]:
    """The page's sections in order, each with its title and what measures it."""
    from . import accuracy, compile_cost, recording, startup, training, whole
    from .problems import PROBLEMS

    yield "How each engine is used", training.ways
    yield "micrograd's demo", lambda: recording.demo(effort)
    yield "Recording", lambda: recording.section(effort)
    with training.team(effort) as workers:
        for title in PROBLEMS:
            yield title, lambda title=title: training.section(title, workers, effort)  # type: ignore[misc]
    own = replace(effort, threads=None)
    with training.team(own) as workers:
        for title in [] if effort.quick else list(PROBLEMS)[-1:]:  # what is large enough for threads
            yield title + training.OWN, lambda title=title: training.section(title, workers, own)  # type: ignore[misc]
    for title in whole.TRAININGS:
        yield title, lambda title=title: whole.section(title, effort)  # type: ignore[misc]
    yield "What compiling costs", lambda: compile_cost.section(effort)
    with accuracy.team(effort) as libraries:
        yield "Slopes in the tails", lambda: accuracy.tails(libraries, effort)
        yield "Slopes over the whole range", lambda: accuracy.worst(libraries, effort)
        yield "Gradients of random graphs", lambda: accuracy.graphs(libraries, effort)
    yield "Start-up: import", lambda: startup.imports(effort)
    yield "Start-up: first gradient", lambda: startup.gradients(effort)
    yield "Start-up: first picture", lambda: startup.pictures(effort)


if __name__ == "__main__":
    raise SystemExit(main())
