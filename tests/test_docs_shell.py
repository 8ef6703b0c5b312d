"""The page "use it in a shell": its commands run, and they print what stands there."""

import re
from pathlib import Path
from random import Random

from micrograd_nn.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "how" / "shell.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```console\n\$ micrograd-nn (.*?)\n(.*?)```", PAGE, re.DOTALL)
QUOTED = re.compile(r'"([^"]*)"|(\S+)')


def test_the_page_shows_what_happens(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = Random(1)
    lines = ["age,visits,bought"]
    for _ in range(400):
        age, visits = source.randint(18, 80), source.randint(0, 9)
        lines.append(f"{age},{visits},{'yes' if 10 * visits > age else 'no'}")
    Path("shop.csv").write_text("\n".join(lines) + "\n")
    Path("new.csv").write_text("visits,age\n5,45\n4,45\n")
    assert len(COMMANDS) == 5
    for command, printed in COMMANDS:
        code = main([quoted or bare for quoted, bare in QUOTED.findall(command)])
        assert code == 3 * ("nan" in printed)
        assert capsys.readouterr().out == printed
