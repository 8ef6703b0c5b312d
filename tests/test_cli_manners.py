"""The manners of the command line: where words may stand, what it says when they are off, and where it can run."""

import os
import subprocess
import sys

import pytest

from micrograd_nn import MLP, save
from micrograd_nn.cli import COMMANDS, NAMES, main


def said(capsys, words):
    """The exit code, and what was said on standard output and on standard error."""
    try:
        code = main([str(word) for word in words])
    except SystemExit as end:
        code = end.code
    return code, *capsys.readouterr()


@pytest.mark.parametrize("words", ["a*b --wrt a a=2 b=3", "a*b a=2 --wrt a b=3", "--wrt a a*b a=2 b=3"])
def test_numbers_of_a_formula_stand_before_or_after_the_options(words, tmp_path, capsys):
    code, out, _ = said(capsys, ["explain", *words.split(), "--out", tmp_path])
    assert code == 0
    assert "∂L/∂a = b = 3\n" in out
    assert "∂L/∂b" not in out


WAYS_OUT = {
    "explain x*x": "unknown name 'x'; known are: none\n    x*x\n    ^\nA name gets its number after the formula",
    "draw w*x w=1": "A name gets its number after the formula, such as w=0.5\n",
    "draw x x=inf": "    ^\nx takes a finite number, such as x=0.5 or x=-1/3\n",
    "draw x x=1/0": "    ^\nx takes a finite number, such as x=0.5 or x=-1/3\n",
    "draw": "the following arguments are required: FORMULA\n",
    "draw x*foo(x) x=2": "unknown function 'foo'; known are: abs, ",
    "compile sigmod(w*x)": "unknown function 'sigmod'; did you mean sigmoid(…)?",
    "explain x*x x=2 --bogus": "unrecognized arguments: --bogus\n",
    "--seed 5 train xor": "--seed stands before train: options come after it\n",
    "compile --inputs x y (w*x-y)^2": "give a formula in quotes before --inputs",
    "compile --network 2,1 --inputs x": "--inputs names what varies in a formula: leave it out with --network",
    "compile --network 100000,100000": "10,000,000,000 weights are too many to record: 2,000,000 are taken",
    "predict {net} xor": "give rows such as -7,-3 20,2, or a CSV file, or a dataset and numbers of its rows",
    "predict {net} mnits 0": "unknown dataset 'mnits'; choose one of: mnist, ",
    "evaluate {net} mnits": "unknown dataset 'mnits'; choose one of: mnist, ",
    "train moons --overfitting --rows 0": "moons has 100 rows, which can't be split into [0]",
}


@pytest.mark.parametrize("words", WAYS_OUT)
def test_words_that_are_off_are_told_the_way_out(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(MLP(2, [1]), "net")
    code, out, err = said(capsys, words.format(net="net").split())
    assert (code, out) == (2, "")
    assert WAYS_OUT[words] in err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "net"]


def test_a_name_that_is_taken_is_not_the_result_s(tmp_path, capsys):
    _, out, _ = said(capsys, ["explain", "L*x", "x=3", "L=4", "--out", tmp_path])
    assert out.startswith("f = 12\n\n∂f/∂x = L = 4\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file {}\n"),
        (b"\xff\xfeL\0", "{} is no text in UTF-8: save"),
        ("", "there is no file in the folder {}\n"),
    ],
)
def test_a_derivation_that_is_no_text_is_told_in_words(content, message, tmp_path, capsys):
    sheet = tmp_path / "sheet"
    if content:
        sheet.write_bytes(content)
    elif content is not None:
        sheet.mkdir()
    code, _, err = said(capsys, ["check", sheet])
    assert code == 2
    assert err.startswith("micrograd-nn: " + message.format(sheet))
    assert "Errno" not in err


@pytest.mark.parametrize("words", ["--epochs 1", "explain w w=1", "train xor --epochs 1", "evaluate {net} xor"])
def test_a_file_in_the_way_is_told_in_words(words, tmp_path, capsys):
    save(MLP(2, [1], output="sigmoid"), tmp_path / "net")
    code, _, err = said(capsys, [*words.format(net=tmp_path / "net").split(), "--out", tmp_path / "net"])
    assert code == 1
    assert err.startswith(f"micrograd-nn: {tmp_path / 'net'} is no folder and can't be made one: ")


NOT_MINE = """
import os, sys, tempfile
import numpy  # before the other user, who may not see it
from micrograd_nn.cli import main
with tempfile.TemporaryDirectory(dir="/tmp") as folder:
    if os.geteuid() == 0:  # root may do everything: go on as somebody else
        os.chown(folder, 65534, 65534), os.setgid(65534), os.setuid(65534)
    os.mkdir(folder + "/closed", 0o500)
    main(["train", "xor", "--epochs", "1", "--out", folder, "--save", folder + "/closed/net"])
"""


def test_a_folder_that_can_not_be_written_is_told_before_the_training():
    done = subprocess.run([sys.executable, "-c", NOT_MINE], capture_output=True, text=True)
    assert done.stdout == ""
    assert done.stderr.startswith("micrograd-nn: nothing can be written to the folder /tmp/")
    assert done.stderr.count("\n") == 1


def test_rows_of_a_dataset_are_called_by_their_classes(tmp_path, capsys):
    save(MLP(2, [1], output="sigmoid", init="zeros"), tmp_path / "net")
    _, out, _ = said(capsys, ["predict", tmp_path / "net", "friends", "0", "1"])
    assert out == "           0: 0.5, male, truly female\n           1: 0.5, male, truly male\n"


@pytest.mark.parametrize("about", [{}, {"loss": "binary_cross_entropy_with_logits"}])
def test_a_sum_decides_for_rows_of_a_dataset_as_evaluate_counts_it(about, tmp_path, capsys):
    net = MLP(2, [1])
    net.load_state_dict(dict(zip(net.state_dict(), (0.01, 0.0, 0.0), strict=True)))
    save(net, tmp_path / "net", **about)
    _, out, _ = said(capsys, ["predict", tmp_path / "net", "friends", "0", "1"])
    assert out == "           0: -0.02, male, truly female\n           1: 0.25, female, truly male\n"


def test_overfitting_is_shown_on_the_rows_that_there_are(tmp_path, capsys):
    words = "train moons --overfitting --quiet --steps 2 --hidden 2 --every 1 --out"
    code, out, _ = said(capsys, [*words.split(), tmp_path])
    assert code == 0
    assert "train            100 " in out


@pytest.mark.parametrize("words", [["compile", "w*w"], ["compile", "--network", "9,9,9"]])
def test_a_reader_who_has_seen_enough_hears_no_complaint(words):
    there, here = os.pipe()
    os.close(there)  # as head does when it has its lines
    command = [sys.executable, "-m", "micrograd_nn", *words]
    try:
        done = subprocess.run(command, stdout=here, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(here)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(("name", "command"), [*zip(NAMES, COMMANDS, strict=True)])
def test_the_help_of_a_command_says_what_it_is_for_and_has_its_epilog(name, command, capsys):
    code, out, _ = said(capsys, [name, "--help"])
    assert code == 0
    assert " ".join(command.ABOUT[1:].split()) in " ".join(out.split())
    assert getattr(command, "EPILOG", "").strip() in out


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["compile", "relu(w)*w"]])
def test_a_terminal_without_our_signs_gets_question_marks(words):
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-m", "micrograd_nn", *words], capture_output=True, text=True, env=plain)
    assert (done.returncode, done.stderr) == (0, "")
    assert "?" in done.stdout
