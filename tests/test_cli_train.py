"""The commands train, predict and evaluate: what they print, write and refuse."""

import csv
import io
import subprocess
import sys
from contextlib import redirect_stdout

import pytest

from micrograd_nn import MLP
from micrograd_nn.cli import main
from micrograd_nn.cli.recipes import RECIPES, parts, recipe
from micrograd_nn.cli.results import decider
from micrograd_nn.storage.networks import load, save
from micrograd_nn.training import decisions, evaluate, predict

QUICK = {"mnist": None, "friends": ["--epochs", "20"], "digits": ["--steps", "60"]}


def run(capsys, *words):
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """What ``train digits`` printed, and the folder of its network and its pictures: trained once for several tests."""
    folder, out = tmp_path_factory.mktemp("digits"), io.StringIO()
    with redirect_stdout(out):
        assert main(["train", "digits", "--quiet", "--save", str(folder / "net"), "--out", str(folder)]) == 0
    return out.getvalue(), folder


FEW = ("and", "friends", "line", "spiral", "digits")


@pytest.mark.parametrize(
    "name", [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in RECIPES if name != "mnist"]
)
def test_train_measures_what_it_saves(name, tmp_path, capsys):
    words = QUICK.get(name, ["--epochs", "10"])
    code, out, err = run(capsys, "train", name, *words, "--save", tmp_path / "net", "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    plan, net, train = recipe(name), load(tmp_path / "net"), parts(name)["train"]
    assert f"{evaluate(net, *train, loss=plan.loss)['loss']:.6g}" in out
    written = out.splitlines()[-1].removeprefix("Wrote ").split(", ")
    assert sorted(written) == sorted(map(str, [*(tmp_path / "out").iterdir(), tmp_path / "net"]))
    assert {"history.csv", "history.svg"} <= {path.name for path in (tmp_path / "out").iterdir()}
    code, again, err = run(capsys, "evaluate", tmp_path / "net", name)
    assert (code, err) == (0, "")
    assert f"{plan.loss} " in again
    if train.classes:
        accuracy = float(again.split("accuracy")[1].split()[0])
        kept = "test" if "test" in parts(name) else "train"
        shown = next(line for line in out.splitlines() if line.startswith(kept))
        assert accuracy == float(shown.split()[-1])


@pytest.mark.parametrize(
    "kind", ["softmax", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("four-layer", "sigmoid"))]
)
def test_the_digit_networks(kind, tmp_path, capsys, digits):
    if kind == next(iter(RECIPES["digits"])):
        out, folder = digits
    else:
        code, out, _ = run(capsys, "train", "digits", "--recipe", kind, "--out", folder := tmp_path)
        assert code == 0
    accuracy = float(next(line for line in out.splitlines() if line.startswith("test")).split()[-1])
    assert accuracy >= {"softmax": 0.96, "four-layer": 0.93, "sigmoid": 0.95}[kind]
    assert (folder / "confusion.svg").read_text().startswith("<?xml")


def test_spiral_and_moons_are_learned(tmp_path, capsys):
    for name, least in (("spiral", 0.97), ("moons", 1.0)):
        _, out, _ = run(capsys, "train", name, "--out", tmp_path / name)
        accuracies = [float(line.split()[-1]) for line in out.splitlines() if line.startswith(("train", "test"))]
        assert min(accuracies) >= least


def test_the_numbers_of_a_recipe_can_be_overruled(tmp_path, capsys):
    words = (
        "--hidden 5,4 --activation sigmoid --epochs 3 --batch-size 25 --lr 0.5 --optimizer rmsprop --l2 0.1 --seed 3"
    )
    code, out, _ = run(capsys, "train", "moons", *words.split(), "--out", tmp_path, "--every", "2")
    assert code == 0
    assert out.startswith("MLP(2, [5 sigmoid, 4 sigmoid, 1 identity])")
    assert "rmsprop with learning rate 0.5\n12 steps of 25 rows" in out
    steps = [row["step"] for row in csv.DictReader((tmp_path / "history.csv").read_text().splitlines())]
    assert steps == ["2", "4", "6", "8", "10", "12"]
    code, out, _ = run(capsys, "train", "and", "--hidden", "none", "--steps", "7", "--out", tmp_path)
    assert out.startswith("MLP(2, [1 sigmoid])")
    assert "7 steps of 4 rows" in out


def test_the_same_seed_gives_the_same_file(tmp_path, capsys):
    for name in ("a", "b"):
        run(capsys, "train", "moons", "--epochs", "3", "--seed", "5", "--save", tmp_path / name, "--out", tmp_path)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_overfitting_is_drawn_by_one_command(tmp_path, capsys):
    words = ["--overfitting", "--steps", "150", "--rows", "100", "--every", "50", "--out", tmp_path]
    code, out, _ = run(capsys, "train", "digits", *words)
    assert (code, out.splitlines()[-1]) == (0, f"Wrote {tmp_path / 'overfitting.svg'}")
    gaps = []
    for table in out.split("MLP(")[1:]:
        lines = {line.split()[0]: line.split() for line in table.splitlines() if line.startswith(("train", "test"))}
        gaps.append(float(lines["test"][2]) - float(lines["train"][2]))
    assert gaps[0] > gaps[1] > 0


def test_predict_rows_and_digits(tmp_path, capsys, digits):
    run(capsys, "train", "friends", "--save", tmp_path / "net", "--out", tmp_path)
    code, out, _ = run(capsys, "predict", tmp_path / "net", "-7,-3", "20,2")
    emily, frank = (line.split(": ")[1].split(", ") for line in out.splitlines())
    assert code == 0
    assert (float(emily[0]), float(frank[0])) == pytest.approx((0.95, 0.04), abs=0.03)
    assert (emily[1], frank[1]) == ("female", "male"), "the classes of its training are in the file"
    code, out, _ = run(capsys, "predict", digits[1] / "net", "digits", "0", "5")
    labels = parts("digits")["test"].y
    assert [line.split("truly ")[1] for line in out.splitlines()] == [str(labels[0]), str(labels[5])]


TWO_OUTPUTS = {
    "softmax": "--output softmax --loss categorical_cross_entropy",
    "sums": "--output identity --loss softmax_cross_entropy",
    "sigmoids": "--loss softmax_cross_entropy",
}


@pytest.mark.parametrize("kind", TWO_OUTPUTS)
def test_two_outputs_are_saved_and_drawn(kind, tmp_path, capsys):
    words = TWO_OUTPUTS[kind].split()
    code, out, err = run(capsys, "train", "xor", *words, "--epochs", "5", "--save", tmp_path / "net", "--out", tmp_path)
    assert (code, err) == (0, "")
    assert f"Wrote {tmp_path / 'history.csv'}, {tmp_path / 'history.svg'}, {tmp_path / 'decision.svg'}" in out
    assert load(tmp_path / "net").layers[-1].nout == 2


@pytest.mark.parametrize(("outputs", "boundary"), [(1, 0.0), (1, 0.5), (2, 0.5)])
def test_the_map_is_on_the_side_that_the_network_decides_for(outputs, boundary):
    net = MLP(2, [3, outputs], activation="tanh", seed=4)
    favour, rows = decider(net, boundary), parts("moons")["test"].X.tolist()
    sides = [int(favour(*row) > 0) for row in rows]
    assert sides == decisions(predict(net, rows), boundary)
    assert {*sides} == {0, 1}


def test_without_a_step_the_network_is_saved_and_there_is_no_curve(tmp_path, capsys):
    out = tmp_path / "out"
    code, said, err = run(capsys, "train", "xor", "--epochs", "0", "--save", tmp_path / "net", "--out", out)
    assert (code, err) == (0, "")
    assert said.endswith(f"Wrote {out / 'decision.svg'}, {tmp_path / 'net'}\n")
    code, said, err = run(capsys, "train", "line", "--epochs", "0", "--out", tmp_path / "none")
    assert (code, err, "Wrote" in said) == (0, "", False)


def test_a_plot_that_fails_loses_no_network(tmp_path, capsys):
    (tmp_path / "out" / "history.svg").mkdir(parents=True)  # in the way of the picture
    net = tmp_path / "new" / "folder" / "net"
    code, _, err = run(capsys, "train", "xor", "--epochs", "1", "--save", net, "--out", tmp_path / "out")
    assert code == 1
    assert "history.svg could not be written" in err
    assert load(net).nin == 2


def test_evaluate_reports_the_loss_that_was_trained_on_and_draws_its_matrix(tmp_path, capsys):
    words = ["train", "xor", "--epochs", "400", "--loss", "mse", "--out", tmp_path, "--save", tmp_path / "net"]
    run(capsys, *words)
    _, out, _ = run(capsys, "evaluate", tmp_path / "net", "xor", "--out", tmp_path / "drawn")
    loss = evaluate(load(tmp_path / "net"), *parts("xor")["train"])["loss"]
    assert 0 < loss < 1e-3
    assert f"mse {loss:.6g}\n" in out
    assert out.endswith(f"    no      2     0\n   yes      0     2\n\nWrote {tmp_path / 'drawn' / 'confusion.svg'}\n")
    save(load(tmp_path / "net"), tmp_path / "net")  # without a word about the loss
    _, out, _ = run(capsys, "evaluate", tmp_path / "net", "xor")
    assert "squared_error " in out


ROWS = (
    "--boundary 2 {net} 0,1 -7,-3",
    "{net} --boundary 2 0,1 -7,-3",
    "{net} 0,1 --boundary 2 -7,-3",
    "{net} 0,1 -7,-3 --boundary=2",
)


@pytest.mark.parametrize("words", ROWS)
def test_options_of_predict_stand_anywhere(words, tmp_path, capsys):
    save(MLP(2, [1], output="sigmoid", init="zeros"), tmp_path / "net")
    code, out, err = run(capsys, "predict", *words.format(net=tmp_path / "net").split())
    assert (code, err) == (0, "")
    assert out == "         0,1: 0.5, no\n       -7,-3: 0.5, no\n"


def test_the_names_of_the_recipes_the_first_of_which_is_taken_without_a_word():
    """They are typed after --recipe, and a command that once worked goes on working."""
    images = "softmax four-layer sigmoid"
    assert {name: " ".join(kinds) for name, kinds in RECIPES.items()} == {
        **dict.fromkeys(("a", "not", "and", "or", "nand", "nor"), "unit hidden"),
        "xor": "hidden unit",
        "boolean": "hidden sigmoid",
        "theme_park": "unit hidden",
        "friends": "two-input",
        "line": "unit",
        "moons": "tanh",
        "circles": "tanh",
        "spiral": "softmax",
        "digits": images,
        "mnist": images,
    }


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["train", "mnits"], "unknown dataset 'mnits'; choose one of: mnist, "),
        (
            ["train", "digits", "--recipe", "fourlayer"],
            "unknown recipe for digits 'fourlayer'; choose one of: four-layer",
        ),
        (["train", "moons", "--optimizer", "adm"], "unknown optimiser 'adm'; choose one of: adam"),
        (["train", "moons", "--loss", "hinge"], "this loss takes targets of -1 or 1"),
        (["train", "moons", "--activation", "rleu"], "unknown activation 'rleu'; choose one of: relu"),
        (["train", "moons", "--lr", "-1"], "lr is a positive number"),
        (["train", "moons", "--hidden", "0"], "number of neurons of a layer is a whole number from 1 up"),
        (["train", "digits", "--rows", "9999"], "digits has 1,438 rows, which can't be split"),
        (["train", "xor", "--save", "{tmp}"], "--save names a file, and {tmp} is a folder"),
        (
            ["train", "xor", "--overfitting", "--save", "{tmp}/a"],
            "--overfitting compares two networks and keeps neither",
        ),
        (["train", "line", "--overfitting"], "line has no classes, so there is no accuracy to draw"),
        (["predict", "{net}"], "give rows such as -7,-3 20,2, or a CSV file"),
        (["predict", "{net}", "1,two"], "a row is numbers with commas, such as -7,-3; got '1,two'"),
        (["predict", "{net}", "1,2,3"], "takes rows of 2 numbers, got 3"),
        (["predict", "{net}", "1,2", "x,y"], "a row is numbers with commas, such as -7,-3; got 'x,y'"),
        (["predict", "{net}", "xor", "4"], "xor has test rows 0 to 3, got '4'"),
        (["predict", "{net}", "1,nan"], "X has nan in row 0, column 1"),
        (["evaluate", "{net}", "digits"], "takes 2 numbers, and digits has 64"),
        (["evaluate", "{net}", "xorr"], "unknown dataset 'xorr'; choose one of: xor"),
    ],
)
def test_errors_are_one_line(words, text, tmp_path, capsys):
    save(MLP(2, [4, 1], "tanh", "sigmoid", seed=0), tmp_path / "net", loss="binary_cross_entropy")
    words = [word.format(tmp=tmp_path, net=tmp_path / "net") for word in words]
    out_there = ["--out", str(tmp_path / "out")] if words[0] == "train" else []
    code, _, err = run(capsys, *words, *out_there)
    assert code == 2
    assert text.format(tmp=tmp_path) in err
    assert err.count("\n") == 1
    assert err.startswith("micrograd-nn: ")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["train", "mnist", "--data", "{tmp}"], "put the four files train-images-idx3-ubyte"),
        (["predict", "{tmp}/nothing", "1,2"], "there is no file"),
    ],
)
def test_what_is_not_there_is_exit_code_1(words, text, tmp_path, capsys):
    code, _, err = run(capsys, *(word.format(tmp=tmp_path) for word in words))
    assert code == 1
    assert text in err
    assert err.count("\n") == 1


def test_words_that_are_off_are_exit_code_2(capsys):
    for words in (["train"], ["train", "moons", "--hidden", "a,b"], ["train", "moons", "--engine", "fast"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2
    capsys.readouterr()


def test_without_matplotlib_the_numbers_are_there(tmp_path):
    code = """if True:
        import sys
        sys.modules["matplotlib"] = None
        from micrograd_nn.cli import main
        raise SystemExit(main(["train", "xor", "--epochs", "5", "--out", sys.argv[1]]))"""
    out = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert (out.returncode, out.stderr) == (0, "")
    assert "Left out history.svg, decision.svg: plots are drawn by matplotlib, which is not installed" in out.stdout
    assert out.stdout.endswith(f"Wrote {tmp_path / 'history.csv'}\n")
