"""Side by side with the peers: ``python -m benchmarks`` measures everything and writes one page.

Promise: engines take turns, each in a process of its own; every figure is a median with its range, and no figure is
promised: a page belongs to one machine and one day. What can't be measured is missing, with its reason, and never zero.

    python -m pip install -e '.[bench]'
    python -m benchmarks                  # the page, its numbers as JSON and its plot, in micrograd-nn-out/benchmarks
    python -m benchmarks --quick          # under a minute: fewer rounds, the smaller problems
    python -m benchmarks --mnist DIR --publish    # all of it, and from it the README's table and the site's page
"""
