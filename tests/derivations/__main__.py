"""Measure the hand check, and print the figures and every miss with its reason."""

import argparse
import sys
from time import process_time

from .held_out import HELD_OUT
from .judge import measure
from .networks import SEEN
from .second import SECOND_HELD_OUT

HIDDEN = {"first": HELD_OUT, "second": SECOND_HELD_OUT}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m derivations", description=__doc__)
    parser.add_argument("--held-out", choices=HIDDEN, help="the networks that are not looked at: totals alone")
    parser.add_argument("--network", default="", help="only those whose name holds this")
    parser.add_argument("--miss", default="", help="only the misses that hold this, such as 'blamed'")
    parser.add_argument("--misses", type=int, default=40, help="print so many of the misses (default 40)")
    parser.add_argument("--kinds", action="store_true", help="every kind of slip, the worst first")
    parser.add_argument("--most", type=int, default=240, help="so many wrong derivations of each network (default 240)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    networks = HIDDEN.get(given.held_out) or [network for network in SEEN if given.network in network.name]
    before = process_time()
    figures = measure(networks, most=given.most, seed=given.seed)
    text = str(figures)
    if given.held_out:
        text = text.partition("\n\n")[0]
    else:
        text += f"\n\nkind\n{figures.by_kind()}" if given.kinds else ""
        misses = [miss for miss in figures.misses if given.miss in miss][: given.misses]
        text += "\n\n" + "\n".join(misses) if misses else ""
    sys.stdout.write(f"{text}\n\n{process_time() - before:.0f} s of processor time\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
