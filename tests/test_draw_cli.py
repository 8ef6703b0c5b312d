"""``micrograd-nn draw``: a formula becomes a picture or a walk, and a slip one line on standard error."""

import pytest
from pictures import Page, groups, texts

from micrograd_nn.cli import main

NEURON = ["draw", "sigmoid(w*x + b)", "w=0.5", "x=2", "b=-1"]


def test_a_formula_is_drawn_with_its_gradients(tmp_path, capsys):
    assert main([*NEURON, "--save", str(tmp_path / "f.svg")]) == 0
    assert capsys.readouterr().out == f"Wrote {tmp_path / 'f.svg'}\n"
    drawn = [texts(group) for group in groups((tmp_path / "f.svg").read_text(encoding="utf-8"), "node")]
    assert ["w = 0.5", "grad 0.5"] in drawn  # σ'(0)·x = ¼·2
    assert ["L = 0.5", "grad 1"] in drawn


def test_without_a_word_it_is_graph_svg_and_runs_from_left_to_right(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(NEURON) == 0
    assert capsys.readouterr().out == "Wrote micrograd-nn-out/graph.svg\n"
    assert main([*NEURON, "--save", "f.dot"]) == 0
    assert "rankdir=LR" in (tmp_path / "f.dot").read_text(encoding="utf-8")


def test_an_ending_of_html_makes_a_walk(tmp_path):
    assert main([*NEURON, "--save", str(tmp_path / "f.html")]) == 0
    assert Page((tmp_path / "f.html").read_text(encoding="utf-8")).texts_of("h1") == ["Forward and backward through L"]


def test_the_direction_can_be_chosen(tmp_path):
    assert main([*NEURON, "--rankdir", "TB", "--save", str(tmp_path / "f.dot")]) == 0
    assert "rankdir=TB" in (tmp_path / "f.dot").read_text(encoding="utf-8")


def test_a_number_may_be_a_formula_of_numbers(tmp_path):
    assert main(["draw", "w*x", "w=-1/4", "x=2^3", "--save", str(tmp_path / "f.svg")]) == 0
    drawn = [texts(group) for group in groups((tmp_path / "f.svg").read_text(encoding="utf-8"), "node")]
    assert ["L = −2", "grad 1"] in drawn


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["draw", "w*"], 2, "micrograd-nn: this is no formula"),
        (["draw", "w*x", "w=1"], 2, "micrograd-nn: unknown name 'x'"),
        (["draw", "w", "w=1", "--save", "f.pdf"], 2, "micrograd-nn: unknown ending of a picture's file '.pdf'"),
        (["draw", "w", "w"], 2, "micrograd-nn: 'w' is no NAME=NUMBER, such as w=0.5"),
        (["draw", "w", "w=two"], 2, "micrograd-nn: unknown name 'two'"),
        (["draw", "w", "w=nan"], 2, "micrograd-nn: unknown name 'nan'"),
        (["draw", "w", "w=1/0"], 2, "micrograd-nn: these numbers make inf, and a formula holds finite ones"),
        (["draw", "w", "w=1", "w=2"], 2, "micrograd-nn: w is given twice, as 1 and as 2"),
        (["draw", "w", "w=1", "--out", "f.svg"], 2, "--out names a folder; a file is named by --save f.svg"),
    ],
)
def test_slips_are_told_in_one_line(words, code, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == code
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
