"""One word means one thing: the table of commands × options, JSON, --quiet, --digits, nan, the clock of a long wait."""

import io
import json
import re
import sys
import time
from argparse import ArgumentParser

import pytest

from micrograd_nn import MLP, progress, save
from micrograd_nn.cli import COMMANDS, NAMES, friends, main, parser_of_all
from micrograd_nn.storage.networks import load
from micrograd_nn.training import evaluate, predict

ALL = dict(zip(("", *NAMES), (friends, *COMMANDS), strict=True))


def parsers() -> dict[str, ArgumentParser]:
    """By command, the main job among them."""
    whole = parser_of_all()
    (commands,) = (action.choices for action in whole._actions if action.dest == "command")
    return {"": whole, **commands}


OPTIONS = {
    option: {
        command: action
        for command, parser in parsers().items()
        if (action := parser._option_string_actions.get(option))
    }
    for option in sorted({option for parser in parsers().values() for option in parser._option_string_actions})
}


@pytest.mark.parametrize("option", OPTIONS)
def test_a_word_means_one_thing_in_every_command_that_takes_it(option):
    meanings = {
        (a.dest, a.type, a.metavar, str(a.nargs), str(a.choices), re.sub(r" \(default .*?\)", "", a.help))
        for a in OPTIONS[option].values()
    }
    assert len(meanings) == 1, meanings


def test_no_word_of_an_option_is_the_beginning_of_another_s_meaning():
    assert all(not parser.allow_abbrev for parser in parsers().values()), "--out is no short --output"


def test_what_gives_a_result_gives_it_as_json_and_quietly():
    results = {command for command, module in ALL.items() if hasattr(module, "JSON")}
    assert results == {*ALL} - {"tutor"}, "which talks with a person; its --record is JSON"
    assert {*OPTIONS["--json"]} == {*OPTIONS["--quiet"]} == results


def test_what_prints_numbers_takes_their_digits():
    prints_none = {"draw", "quiz", "compile", "notebooks", "tutor"}
    assert {*OPTIONS["--digits"]} == {*ALL} - prints_none


RUNS = {
    "": "--epochs 20",
    "draw": "w*x w=2 x=3",
    "explain": "w*x/7 w=2 x=3 --wrt w",
    "check": "{good}",
    "quiz": "{good} --seeds 1..2",
    "compile": "w*x --inputs x",
    "train": "moons --epochs 1",
    "predict": "{net} 0,1 1,1",
    "evaluate": "{net} xor",
    "notebooks": "{chapters}",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A network, a derivation and a folder to write to."""
    folder = tmp_path_factory.mktemp("table")
    save(MLP(2, [3, 1], "tanh", "sigmoid", seed=1), folder / "net", classes=("no", "yes"))
    (folder / "good").write_text("w = 2\nx = 3\nL = w*x/7\ndL/dw = x/7\n")
    return {"net": folder / "net", "good": folder / "good", "chapters": folder / "chapters"}


@pytest.fixture
def said(files, tmp_path, monkeypatch, capsys):
    """What a run of a command gives: the code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(command, *more):
        words = [*command.split(), *RUNS[command].format(**files).split(), *more]
        return main(words), *capsys.readouterr()

    return run


def strict(text):
    """The object in a text that any reader of JSON reads."""
    return json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))


@pytest.mark.parametrize("command", RUNS)
def test_json_has_the_keys_of_the_help_and_nothing_stands_beside_it(command, said, capsys):
    code, out, err = said(command, "--json")
    assert (code, err) == (0, "")
    assert [*strict(out)] == ["written", *ALL[command].JSON]
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    helped = capsys.readouterr().out
    assert all(re.search(rf"^  {key} +\S", helped, re.MULTILINE) for key in ALL[command].JSON)


def test_numbers_in_json_are_whole(said, files):
    net, rows = load(files["net"]), [[0.0, 1.0], [1.0, 1.0]]
    found = strict(said("predict", "--json", "--digits", "2")[1])["rows"]
    assert [row["outputs"] for row in found] == [[output] for output in predict(net, rows).tolist()]
    table, targets = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    measured = strict(said("evaluate", "--json")[1])["measured"]
    assert measured["squared_error"] == evaluate(net, table, targets, loss="squared_error")["loss"]
    assert strict(said("explain", "--json")[1])["partials"]["w"]["number"] == 3 / 7


@pytest.mark.parametrize("command", RUNS)
def test_quiet_leaves_out_notes_and_no_result(command, said):
    code, loud, _ = said(command)
    quiet_code, quiet, err = said(command, "--quiet")
    assert (quiet_code, err) == (code, "")
    assert not re.search("Wrote|wrote|learning rate|steps of|epoch|jupyter", quiet)
    left = iter(loud.splitlines())
    assert all(line in left for line in quiet.splitlines()), "the same lines in the same order"
    assert bool(quiet) == (command not in ("draw", "quiz", "notebooks")), "these make files, and have no more to say"


NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-−+]?\d+)?")


@pytest.mark.parametrize("command", ["explain", "check", "train", "predict", "evaluate"])
def test_digits_are_significant_digits_everywhere(command, said):
    for digits in (2, 5):
        _, out, _ = said(command, "--quiet", "--digits", str(digits))
        figures = [
            number.partition("e")[0].replace(".", "").strip("0") for number in NUMBER.findall(out) if "." in number
        ]
        assert max(map(len, figures)) == digits


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("explain log(w) w=-1", "NaN"),
        ("explain exp(w) w=1000", "Infinity"),
        ("explain -exp(w) w=1000", "-Infinity"),
        ("draw log(w) w=-1", "NaN"),
        ("predict {huge} 1", "Infinity"),
        ("evaluate {huge} line", "Infinity"),
    ],
)
def test_a_result_that_is_no_number_has_a_code_of_its_own(words, found, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    net = MLP(1, [1], init="zeros")
    net.parameters()[0].data = net.parameters()[1].data = 1.7e308
    save(net, "huge")
    words = words.format(huge="huge").split()
    assert main(words) == 3
    capsys.readouterr()
    assert main([*words, "--json"]) == 3
    assert f'"{found}"' in json.dumps(strict(capsys.readouterr().out))
    with pytest.raises(SystemExit):
        main([words[0], "--help"])
    assert "3 nan or infinity in the result" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["", "draw", "explain", "quiz", "train", "evaluate"])
def test_out_is_a_folder_that_is_made(command, said, tmp_path):
    code, out, _ = said(command, "--out", str(tmp_path / "a" / "b"), "--json")
    written = strict(out)["written"]
    assert code == 0
    assert sorted(written) == sorted(map(str, (tmp_path / "a" / "b").iterdir()))
    assert written


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self):
        return True


@pytest.mark.parametrize("options", [[], ["--quiet"]])
def test_a_long_wait_has_a_clock_on_a_terminal(options, said, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "PATIENCE", 0.02)
    monkeypatch.setattr("micrograd_nn.cli.evaluate.confusion", lambda *_: time.sleep(0.3) or [[1, 0], [0, 1]])
    assert said("evaluate", *options)[0] == 0
    shown = screen.getvalue()
    assert ("micrograd-nn evaluate 00:00" in shown) == (not options)
    assert not shown.rpartition("\r")[2].strip(), "it is wiped away in the end"


def test_a_short_wait_has_none(said, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    assert said("evaluate")[0] == 0
    assert screen.getvalue() == ""
    assert said("train")[0] == 0
    assert screen.getvalue().count("   0%|") == 1, "one bar, which begins at 0 once"


def test_a_warning_is_one_line_in_a_shell_and_none_when_quiet(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["train", "xor", "--output", "softmax", "--loss", "softmax_cross_entropy", "--epochs", "1"]
    assert main(words) == 0
    err = capsys.readouterr().err
    assert err.startswith("micrograd-nn: softmax_cross_entropy takes the sums before a softmax")
    assert err.count("\n") == 1
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_made_large_is_trained_on_too(tmp_path, capsys):
    assert main(["train", "xor", "--loss", "performance", "--json", "--out", str(tmp_path)]) == 0
    (training,) = strict(capsys.readouterr().out)["trainings"]
    assert -0.01 < training["parts"]["train"]["loss"] < 0.0  # -½ Σ (y - o)², of 4 rows that are learned
    assert training["parts"]["train"]["accuracy"] == 1.0


@pytest.mark.parametrize("words", ["explain -x*y x=2 y=3 --wrt x", "explain --wrt x -x*y x=2 y=3"])
def test_a_formula_may_begin_with_a_minus(words, tmp_path, capsys):
    assert main([*words.split(), "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("L = -6\n")
