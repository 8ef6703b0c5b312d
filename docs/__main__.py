"""``python -m docs``: the whole site into docs/_build/html. It needs the extra ``docs``, and npm for its formulas."""

import argparse
import sys
from pathlib import Path

from . import links, vendor

HERE = Path(__file__).parent


def main() -> int:
    """Fetch what the pages bring along, then build. Returns the exit code; a warning or a dead link is an error."""
    parser = argparse.ArgumentParser(prog="python -m docs", description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "_build" / "html", help="default docs/_build/html")
    arguments = parser.parse_args()
    vendor.fetch(HERE / "_vendor")

    from sphinx.cmd.build import build_main

    code = int(build_main(["-W", "--keep-going", "-q", "-b", "html", str(HERE), str(arguments.out)]))
    dead = list(links.faults(arguments.out.resolve()))
    sys.stderr.writelines(f"{fault}\n" for fault in dead)
    return code or bool(dead)


if __name__ == "__main__":
    sys.exit(main())
