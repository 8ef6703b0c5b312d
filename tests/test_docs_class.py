"""The page "serve a class of thirty": its files are written, its commands run, and they print what stands there."""

import io
import re
import sys
from pathlib import Path

from micrograd_nn.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "how" / "class.md").read_text(encoding="utf-8")
FILES = re.findall(r"```text\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```console\n\$ micrograd-nn (.*?)\n(.*?)```", PAGE, re.DOTALL)
TYPED = re.compile(r"^∂\w+/∂\w+ = (.*)$", re.MULTILINE)  # behind a prompt


def test_the_page_shows_what_happens(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (_, network), *students = FILES
    Path("network.txt").write_text(network)
    Path("class").mkdir()
    for name, lines in students:
        Path(name).write_text(f"{network}{lines}")
    assert len(COMMANDS) == 4
    for command, printed in COMMANDS:
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(TYPED.findall(printed)) + "\n"))
        main(command.split())
        assert capsys.readouterr().out == printed
