"""The main job: the two-input network h1, h2, o1, trained, used, derived, checked and drawn."""

import argparse


def add_to(parser: argparse.ArgumentParser) -> None:
    """Enter the main job's options."""
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the main job."""
    return 0
