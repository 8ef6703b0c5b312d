"""``tutor`` in a terminal: asked and answered line by line, the record kept in a file."""

import io
import json
import sys

import pytest

from micrograd_nn.cli import main

NETWORK = """
x = 2
w = 0.5
y = 1
o = sigmoid(w*x)
L = (y - o)^2
"""


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """A lesson on ∂L/∂w with these lines typed. Gives the exit code and what was printed."""
    (tmp_path / "net.txt").write_text(NETWORK)

    def asked(*typed, options=()):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
        return main(["tutor", str(tmp_path / "net.txt"), "w", *options]), capsys.readouterr().out

    return asked


def test_a_whole_lesson(ask):
    code, out = ask("2(y - o)", "-2(y - o)", "?", "", "o*", "x*o(1 - o)", "-0.2115")
    assert code == 0
    for words in (
        "∂L/∂w, one step after the other, from L down:",
        "∂L/∂o = 2(y - o)\nNot yet: the sign is the other way round.\n",
        "Right: ∂L/∂o = −2(y − o) = −0.537883",
        "∂o/∂w = ?\nHint 1 of 3: w stands once in o = σ(w·x).",
        "This can't be read, so it doesn't count: ",
        "Right: ∂L/∂w = ∂L/∂o · ∂o/∂w = −0.537883 · 0.393224 = −0.211508",
        "That was all. Steps by yourself: 3 of 3; answers: 5.",
    ):
        assert words in out


def test_who_leaves_early_goes_on_from_the_record(ask, tmp_path):
    record = tmp_path / "record.json"
    options = ("--record", str(record))
    assert ask("2(y - o)", "-2(y - o)", "quit", options=options)[0] == 1
    assert [move["right"] for move in json.loads(record.read_text())["moves"]] == [False, True]
    code, out = ask("x*o(1 - o)", options=options)  # and then the input ends
    assert (code, "∂L/∂o =" in out) == (1, False)
    assert ask("?", "?", "?", "?", options=options)[0] == 0
    code, out = ask(options=options)
    assert code == 0
    assert "That was all. Steps by yourself: 2 of 3; answers: 3." in out
    assert "To look at again: sign in ∂L/∂o." in out
