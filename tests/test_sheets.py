"""Sheets as they are printed: worked out again from the paper alone, over networks of all kinds and many seeds."""

import re

import pytest
from derivations.networks import SEEN
from derivations.record import record
from paper_sheet import Sheet

from micrograd_nn import MLP, Value, check_partials, hinge, mse, quiz
from micrograd_nn.cli import main
from micrograd_nn.errors import ArgumentError, UnknownNameError
from micrograd_nn.notation.text import number_text

PAPER = {network.name: network for network in SEEN}
NAMES = (
    *("two inputs, sigmoid, mse", "tanh, relu and sigmoid", "binary cross-entropy, written out"),
    *("binary cross-entropy of the package", "softmax and categorical cross-entropy", "leaky relu, two layers"),
    *("softmax cross-entropy of the package, label 2", "least squares, three samples", "maxout"),
)


def relus():
    """Three relus in a row of neurons, most of which random numbers would leave dead."""
    loss = mse(MLP(2, [3, 1], activation="relu", seed=3)([-2, -1]), Value(1, "y"))
    loss.label = "L"
    return loss


def network(name):
    return relus() if name == "relus" else record(PAPER[name])


def key_of(markdown):
    """The printed key: the answers by what was asked."""
    rows = [line.split("|")[1:3] for line in markdown.splitlines() if line.startswith("| ")][2:]
    return {name.strip(): float(number.replace("−", "-")) for name, number in rows}


def faults(root, seed):
    """What is wrong with a sheet and its key, as they are printed."""
    made = quiz(root, seed, None if seed % 2 else "values,slip," + ",".join(n for n, _ in quiz(root, seed).given[:3]))
    sheet, key = Sheet(made.markdown), key_of(made.key_markdown)
    found = [f"{blank} is not on the key" for blank in sheet.blanks if blank not in key]
    for blank in sheet.blanks:
        right = float(sheet.answer(blank))
        if abs(key[blank] - right) > 6e-6 * abs(right) + 1e-12:
            found.append(f"{blank} is {right}, and the key says {key[blank]}")
    if 4 * [*key.values()].count(0.0) > len(key):
        found.append(f"of {len(key)} answers too many are 0")
    if any(len(number.lstrip("−")) > 3 for number in sheet.given.values()):
        found.append(f"a number of many digits: {sheet.given}")
    if made.slip and sheet.wrong_lines() != [made.slip.place + 2]:
        found.append(f"wrong are the lines {sheet.wrong_lines()}, and the key says: {made.slip.key}")
    targets = [float(number.replace("−", "-")) for name, number in sheet.given.items() if re.match(r"y\d*$", name)]
    if "ln" in str(sheet.equations) and not all(0.0 <= target <= 1.0 for target in targets):
        found.append(f"a target lies outside of 0 to 1: {targets}")
    if "ln" in str(sheet.equations) and len(targets) > 1 and sum(targets) != 1.0:
        found.append(f"no one-hot targets: {targets}")
    return [f"seed {seed}: {fault}" for fault in found]


@pytest.mark.parametrize("name", [*NAMES, "relus"])
def test_what_is_printed_and_the_key_agree(name):
    root = network(name)
    assert not [fault for seed in (1, 2) for fault in faults(root, seed)]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES, "relus"])
def test_twenty_sheets_of_each_network(name):
    root = network(name)
    assert not [fault for seed in range(1, 21) for fault in faults(root, seed)]


def test_no_relu_is_dead():
    for seed in range(30):
        assert all(number > 0 for name, number in quiz(relus(), seed).values if name.startswith("h"))


@pytest.mark.parametrize("y", [-1.0, 1.0])
def test_the_target_of_a_hinge_stays_what_it_was(y):
    net = MLP(2, [1], activation="identity", seed=1)
    root = hinge(net([0.5, -1.0]), Value(y, "y"))
    assert {dict(quiz(root, seed).given)["y"] for seed in range(9)} == {y}


def test_a_narrow_domain_is_found():
    names = [Value(0.3 + k / 20, f"x{k}") for k in range(9)]
    root = sum(x.log() + (1 - x).log() for x in names)
    assert all(0 < number < 1 for _, number in quiz(root, 1).given)


GOLDEN = {  # the numbers that are given, in tenths: changed, and a teacher's key no longer fits the printed sheets
    "two inputs, sigmoid, mse": [
        [-19, -9, -16, 16, 7, -16, -13, 20, -15, 8, -11, -1],
        [5, 2, -18, -12, -17, -2, -14, 3, -3, 2, -8, -19],
        [20, -20, -9, -13, 5, -15, -17, -1, -6, 12, -13, -8],
    ],
    "binary cross-entropy of the package": [
        [-19, -9, -16, 16, 7, -16, -13, 20, -15, 8, -11, 0],
        [5, 2, -18, -12, -17, -2, -14, 3, -3, 2, -8, 10],
        [20, -20, -9, -13, 5, -15, -17, -1, -6, 12, -13, 10],
    ],
    "softmax and categorical cross-entropy": [
        [-19, -9, -16, 16, 7, -16, -13, 0, 0, 10],
        [5, 2, -18, -12, -17, -2, -14, 0, 0, 10],
        [20, -20, -9, -13, 5, -15, -17, 0, 0, 10],
    ],
    "relus": [
        [-20, -3, 4, -7, -19, 6, -15, -8, -4, 13, 18, 16, 4, -11, -1, -10],
        [10, -4, 6, 5, 14, -3, 11, 20, 19, 3, -9, 3, -10, 10, 12, -15],
        [2, 15, 12, 17, -16, -14, -11, 15, -7, 7, -4, -7, 5, -14, 13, -19],
    ],
}
SLIPS = [
    "line 4: ∂h1/∂b1 = h1(1 − h1); 1 + h1 stands where 1 − h1 belongs",
    "line 5: ∂o1/∂h2 = w6·o1(1 − o1); the sign is the other way round",
    "line 4: ∂h1/∂x1 = w1·h1(1 − h1); h1 is missing",
]


@pytest.mark.parametrize("name", GOLDEN)
def test_a_seed_gives_the_same_sheet_for_ever(name):
    given = [[round(10 * number) for _, number in quiz(network(name), seed).given] for seed in (1, 7, 30)]
    assert given == GOLDEN[name]


def test_a_seed_plants_the_same_slip_for_ever():
    root = network("two inputs, sigmoid, mse")
    assert [quiz(root, seed, "slip").slip.key for seed in (1, 7, 30)] == SLIPS


# ---- what is asked ----


def test_what_is_asked_can_be_chosen():
    root = network("two inputs, sigmoid, mse")
    assert [*quiz(root, 3, "w5,h1").key] == ["∂L/∂w5", "∂L/∂h1"]
    assert quiz(root, 3, ["w5"]).values == ()
    assert [name for name, _ in quiz(root, 3, "values").values] == ["h1", "h2", "o1", "L"]
    assert quiz(root, 3, "values").answers == ()
    assert quiz(root, 3, "w5").given == quiz(root, 3).given
    for ask in ("w9", "L", "", "w1,,w2", 3):
        with pytest.raises((UnknownNameError, TypeError)):
            quiz(root, 3, ask)


@pytest.mark.parametrize("name", [*NAMES, "relus"])
def test_the_planted_slip_is_the_only_one_and_the_key_puts_it_right(name):
    for seed in range(4):
        made = quiz(network(name), seed, "slip")
        for i, (factor, written) in enumerate(made.slip.written):
            (finding,) = check_partials(made.root, {(factor.child, factor.parent): str(written)}).findings
            assert finding.ok == (i != made.slip.place)
        assert f"line {made.slip.place + 2}: " in made.solution
        assert f"{made.slip.lines[made.slip.place + 1]};" not in made.solution


def test_where_nothing_can_go_wrong_no_slip_is_asked_for():
    with pytest.raises(ArgumentError, match="no factor in ∂L/∂x that could go wrong"):
        quiz(Value(0.0, "x") * 0.0, 1, "slip")


# ---- who sees what ----


def test_a_notebook_shows_the_sheet_and_no_answer():
    made = quiz(network("two inputs, sigmoid, mse"), 5, "values,w1,w5,slip")
    shown = repr(made) + made._repr_markdown_()
    for number in key_of(made.key_markdown).values():
        assert f"{number:.4g}".replace("-", "−") not in shown
    assert made.slip.what not in shown
    for _, number in made.values:
        assert f" = {number_text(number, 6)}\n" in made.solution


# ---- the command ----


NETWORK = """
x = 2
w = 0.5
b = 1
y = 1
o = sigmoid(w*x + b)
L = (y - o)^2
"""


def test_the_command_writes_sheets_and_keys(tmp_path, capsys):
    (tmp_path / "net.txt").write_text(NETWORK)
    out = tmp_path / "out"
    words = ["quiz", str(tmp_path / "net.txt"), "--seeds", "3..5,9", "--ask", "w,values,slip", "--out", str(out)]
    assert main(words) == 0
    assert "4 sheets" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["keys.html", "keys.md", "sheets.html", "sheets.md"]
    texts = {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()}
    assert "None" not in "".join(texts.values())
    assert re.findall(r"## Sheet (\d+)", texts["sheets.md"]) == ["3", "4", "5", "9"]
    assert re.findall(r"<h1>Key (\d+)", texts["keys.html"]) == ["3", "4", "5", "9"]
    again = tmp_path / "again"
    assert main([*words[:-1], str(again)]) == 0
    assert {path.name: path.read_text(encoding="utf-8") for path in again.iterdir()} == texts
    for section in texts["keys.md"].split("## Key ")[1:]:
        assert "∂L/∂w = ∂L/∂o · ∂o/∂w" in section  # the derivation, and not numbers alone


def test_a_label_can_not_become_markup(tmp_path):
    from micrograd_nn.draw.sheets import keys_page, sheets_page

    root = Value(0.5, "<b>x</b>") * Value(2.0, "y&z")
    pages = [page({1: quiz(root, 1, ["values", "slip", "y&z"])}) for page in (sheets_page, keys_page)]
    assert all("<b>" not in page and "y&z" not in page for page in pages)
