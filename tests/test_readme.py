"""What the README shows is run: its examples print what stands below them, and its commands are those of .ci/run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python|text)\n(.*?)```", README, re.DOTALL)
PROGRAMS = [(block, BLOCKS[i + 1][1]) for i, (kind, block) in enumerate(BLOCKS) if kind == "python"]


@pytest.mark.parametrize(("program", "printed"), PROGRAMS)
def test_examples_print_what_stands_below_them(program, printed, capsys):
    exec(compile(program, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out == printed


def test_there_are_examples():
    assert PROGRAMS
    assert all(kind == ("python", "text")[i % 2] for i, (kind, _) in enumerate(BLOCKS))


def test_the_two_commands_are_those_that_all_checks_run():
    commands = re.findall(r"^    (python -m pip install .*)$", README, re.MULTILINE)
    assert len(commands) == 2
    checks = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in commands:
        assert command in checks


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target
