"""Completion, as bash does it: the script is loaded there, and asked what could stand next."""

import subprocess
import sys

import pytest

from micrograd_nn.cli import NAMES, main

pytest.importorskip("shtab")

ASK = """
source {script}
COMP_WORDS=(micrograd-nn {words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
{function} micrograd-nn "${{COMP_WORDS[-1]}}" "${{COMP_WORDS[-2]}}"
echo "${{COMPREPLY[*]}}"
"""


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """What bash offers after these words, the last of which is begun."""
    folder = tmp_path_factory.mktemp("completion")
    script = folder / "script"
    done = subprocess.run(
        [sys.executable, "-m", "micrograd_nn", "--print-completion", "bash"], capture_output=True, text=True
    )
    script.write_text(done.stdout)
    (folder / "net.safetensors").touch()
    (folder / "shop.csv").touch()
    (folder / "folder").mkdir()

    def offered(words):
        function = subprocess.run(
            ["bash", "--norc", "-c", f"source {script}; complete -p micrograd-nn"], capture_output=True, text=True
        ).stdout
        name = function.partition("-F ")[2].split()[0]
        asked = ASK.format(script=script, words=words, function=name)
        done = subprocess.run(["bash", "--norc", "-c", asked], capture_output=True, text=True, cwd=folder)
        assert done.stderr == ""
        return done.stdout.split()

    return offered


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("ev", ["evaluate"]),
        ("''", [*NAMES]),
        ("train mo", ["moons"]),
        ("train moons --lo", ["--loss"]),
        ("train moons --loss perf", ["performance"]),
        ("train moons --activation lea", ["leaky_relu"]),
        ("train moons --engine co", ["compiled"]),
        ("compile --backend pyt", ["python"]),
        ("evaluate net", ["net.safetensors"]),
        ("predict net.safetensors sh", ["shop.csv"]),
        ("train digits --data fo", ["folder"]),
        ("check fo", ["folder"]),
        ("evaluate net.safetensors mo", ["moons"]),
    ],
)
def test_words_are_completed(complete, words, offered):
    assert complete(words) == offered


def test_another_shell_is_refused_by_name(capsys):
    assert main(["--print-completion", "bahs"]) == 2
    assert "unknown shell 'bahs'; choose one of: bash, " in capsys.readouterr().err


def test_without_shtab_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["--print-completion", "bash"]) == 1
    assert "python -m pip install 'micrograd-nn[completion]'" in capsys.readouterr().err
