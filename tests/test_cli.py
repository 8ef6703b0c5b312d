"""The main job and the manners of the command line."""

import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from micrograd_nn import MLP, draw_dot, save
from micrograd_nn.cli import COMMANDS, main
from micrograd_nn.cli.friends import AGREE, PEOPLE, complex_step, hand_partials, record

PICTURES = Path(__file__).parents[1] / "notebooks" / "pictures"
LABELS = ["w1", "w2", "b1", "w3", "w4", "b2", "w5", "w6", "b3"]
PARTIAL = re.compile(r"∂L/∂(\w+) +(\S+) +(\S+) +(\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """What the main job printed, and the folder that it wrote."""
    folder = tmp_path_factory.mktemp("out")
    done = subprocess.run(
        [sys.executable, "-m", "micrograd_nn", "--out", str(folder)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


def test_it_predicts_two_more_people(job):
    printed, _ = job
    shares = {name: float(share) for name, share in re.findall(r"(Emily|Frank) .*?: ([\d.]+),", printed)}
    assert shares["Emily"] == pytest.approx(0.95, abs=0.03)  # the textbook's figures, from another random start
    assert shares["Frank"] == pytest.approx(0.04, abs=0.03)
    assert "Emily (128 lb, 63 in)" in printed  # 135 − 7 and 66 − 3
    assert "Frank (155 lb, 68 in)" in printed


def test_the_loss_is_printed_every_hundred_epochs_and_falls(job):
    printed, _ = job
    losses = [(int(epoch), float(loss)) for epoch, loss in re.findall(r"epoch +(\d+) +loss ([\d.]+)", printed)]
    assert [epoch for epoch, _ in losses] == list(range(0, 1001, 100))
    assert all(later < earlier for (_, earlier), (_, later) in pairwise(losses))


def test_nine_partials_agree_three_ways(job):
    printed, _ = job
    rows = PARTIAL.findall(printed.replace("−", "-"))
    assert [label for label, *_ in rows] == LABELS
    for _, *ways in rows:
        numbers = list(map(float, ways))
        assert max(numbers) - min(numbers) <= AGREE
        assert numbers[0] != 0.0


def test_the_three_factors_multiply_to_the_first_partial(job):
    printed, _ = job
    minus = printed.replace("−", "-")
    a, b, c, whole = re.search(r"∂L/∂w1 = (\S+) · \(?(\S+?)\)? · \(?(\S+?)\)? = (\S+)\n", minus).groups()
    assert float(a) * float(b) * float(c) == pytest.approx(float(whole), rel=1e-4)
    first = float(PARTIAL.findall(minus)[0][1])
    assert float(whole) == pytest.approx(first, rel=1e-5)


def test_by_hand_and_complex_step_agree_at_the_textbook_s_weights():
    w = {label: float(label in ("w2", "w4", "w6")) for label in LABELS}
    for (x1, x2), y in PEOPLE.values():
        for label, slope in hand_partials(w, x1, x2, y).items():
            assert complex_step(w, label, x1, x2, y) == pytest.approx(slope, rel=1e-12, abs=1e-15)


def test_pictures_are_whole(job):
    printed, folder = job
    for name in ("graph.svg", "network.svg", "loss.svg"):
        assert ElementTree.parse(folder / name).getroot().tag.endswith("svg")
        assert name in printed
    page = (folder / "walk.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert len(page.encode()) < 300_000


def test_the_pictures_in_the_readme_are_what_the_job_draws(job, tmp_path):
    _, folder = job
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", init="normal", seed=0)
    loss = record(net, "Alice")
    loss.backward()
    draw_dot(loss, closed=True).save(tmp_path / "folded.svg")
    for drawn in (tmp_path / "folded.svg", folder / "network.svg"):
        pictures = (PICTURES / drawn.name, drawn)
        ours, new = (sorted(ElementTree.parse(picture).getroot().itertext()) for picture in pictures)
        assert ours == new  # another dot lays it out otherwise, with the same words and numbers


def test_the_same_seed_prints_and_draws_the_same(tmp_path, capsys):
    outcomes = []
    for name in ("a", "b", "c"):
        seed = "7" if name == "c" else "3"
        assert main(["--out", str(tmp_path / name), "--epochs", "20", "--seed", seed]) == 0
        printed = capsys.readouterr().out.replace(str(tmp_path / name), "")
        outcomes.append((printed, (tmp_path / name / "graph.svg").read_bytes()))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] != outcomes[2][0]


def test_without_matplotlib_one_picture_is_left_out_and_named(tmp_path):
    code = "import sys; sys.modules['matplotlib'] = None; from micrograd_nn.cli import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "--out", str(tmp_path), "--epochs", "10"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "Left out loss.svg" in done.stdout
    assert "micrograd-nn[plot]" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.svg", "network.svg", "walk.html"]


def test_quiet_prints_results_only(tmp_path, capsys):
    assert main(["--out", str(tmp_path), "--epochs", "10", "--quiet"]) == 0
    printed = capsys.readouterr()
    assert "epoch " not in printed.out
    assert "Emily" in printed.out
    assert "Stochastic" not in printed.out
    assert "\n\n\n" not in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--help"], 0, "subcommands:\n  COMMAND\n    draw "),
        (["--epochs", "many"], 2, "--epochs"),
        (["no-such-command"], 2, "argument COMMAND: invalid choice: 'no-such-command' (choose from "),
        (["--epochs", "-1"], 2, "--epochs is a whole number from 0 up, got -1"),
        (["--lr", "0"], 2, "lr is a positive number"),
    ],
)
def test_exit_codes_and_one_line_errors(words, code, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = code_of(words)
    printed = capsys.readouterr()
    assert given == code
    assert said in printed.out + printed.err
    assert "Traceback" not in printed.err
    assert list(tmp_path.iterdir()) == []


def code_of(words):
    try:
        return main(words)
    except SystemExit as end:
        return end.code


# One rule for all commands: 2 where the words are off, whoever notices, 1 where what they ask for fails. What a student
# wrote is words, too: 1 where it is wrong, 2 where it can't be read.
OFF = """
--lr x; --lr 0; --epochs -1; --bogus; foo; --out
draw; draw w* w=1; draw w*x w=1; draw w w=a; draw w w; draw w w=nan; draw w w=1 w=2; draw w w=1e999
draw w w=1 --save f.pdf; draw w w=1 --save new/f.pdf; draw w w=1 --out f.svg; draw w w=1 --rankdir up
explain; explain w* w=1; explain w*x w=1; explain w w=a; explain w w; explain w w=nan; explain w w=1 w=2
explain w w=1 --wrt x; explain w w=1 --digits 0; explain w w=1 --digits many
check; check --bogus; check {wrong} --json --csv; check {wrong} --slips
check nowhere; check {sheet}; check {file}; check {net}; check {wrong} {sheet}
quiz; quiz {good} --seeds x; quiz {good} --seeds 3..1; quiz {good} --seeds 1..9999; quiz {good} --ask q
tutor; tutor {good}; tutor {good} q; tutor {good} L --bogus; tutor - w; tutor {good} w --record {other}
compile; compile w*; compile w*x --inputs y; compile --network 2,a; compile --network 2; compile w --backend gpu
compile w --dtype half; compile --network 2,1 --loss mes; compile --network 2,1 --activation rleu
compile --network 3,1 --loss softmax_cross_entropy; compile --network 3,1 --loss categorical_cross_entropy
train; train foo; train xor --epochs -1; train xor --epochs x; train xor --lr 0; train xor --hidden a
train xor --loss mes; train xor --hidden 0; train xor --engine fast; train xor --save .; train line --overfitting
train xor --rows 9; train xor --overfitting --save two; train moons --loss hinge --save new/net; train xor --every 0
train xor --batch-size 0; train xor --optimizer adm; train xor --activation rleu
train xor --engine c --dtype half; train xor --engine python --dtype float32; train xor --digits 99
predict; predict {net}; predict {net} 1,two; predict {net} 1,2,3; predict {net} xor 4; predict {net} 1,nan
predict {net} 1,2 --boundary x; predict {net} 1,2 --bogus
evaluate; evaluate {net}; evaluate {net} foo; evaluate {net} digits; evaluate {net} xor --loss mes
evaluate {line} line --out new
notebooks --bogus; notebooks a b
"""
FAILED = """
--epochs 1 --out {file}
draw w w=1 --save {file}/f.svg; draw w w=1 --out {file}
explain w w=1 --out {file}
check {wrong}; check {wrong} --csv
quiz nowhere; quiz {sheet}; quiz {file}; quiz {good} --out {file}
tutor nowhere w; tutor {sheet} w; tutor {file} w; tutor {good} L; tutor {good} w --record {file}
train xor --epochs 1 --out {file}; train xor --epochs 1 --save {file}/net; train mnist --data .
predict nowhere 1,2; predict {file} 1,2; evaluate nowhere xor; evaluate {file} xor
notebooks {file}
"""


def commands(text):
    return [words.split() for line in text.splitlines() for words in line.split("; ") if words]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files for a command to read: networks, a sheet that can't be read, a wrong derivation, and something else."""
    folder = tmp_path_factory.mktemp("files")
    names = {name: folder / name for name in ("net", "line", "sheet", "wrong", "file", "good", "other")}
    save(MLP(2, [1]), names["net"])
    save(MLP(1, [1]), names["line"])
    names["sheet"].write_text("w = 2\nL = w*v\ndL/dw = 1")
    names["wrong"].write_text("w = 2\nL = w*w\ndL/dw = 1")
    names["file"].write_text("mine")
    names["good"].write_text("w = 2\nL = w*w\n")
    names["other"].write_text('{"partial": "∂L/∂v", "moves": []}')
    return names


@pytest.mark.parametrize(("code", "words"), [(code, w) for code, t in ((2, OFF), (1, FAILED)) for w in commands(t)])
def test_one_rule_for_the_exit_codes_of_all_commands(code, words, files, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = [path.read_bytes() for path in files.values()]
    assert code_of([word.format(**files) for word in words]) == code
    printed = capsys.readouterr()
    assert re.search("^micrograd-nn.*: ", printed.err, re.MULTILINE) or "{wrong}" in words  # which is told on paper
    assert "Traceback" not in printed.err
    assert [path.read_bytes() for path in files.values()] == before
    if code == 2 and words[0] != "check":  # which reports what it could read
        assert not [*tmp_path.iterdir(), *printed.out], "neither a folder nor a word before the error"


@pytest.mark.parametrize("text", [OFF, FAILED])
def test_the_rule_is_tried_on_all_commands(text):
    named = {command.__name__.rpartition(".")[2] for command in COMMANDS}
    assert named - {words[0] for words in commands(text)} <= {"compile"}  # which touches no file


def test_a_file_in_the_way_of_the_folder_is_one_line(tmp_path, capsys):
    (tmp_path / "taken").write_text("mine")
    assert main(["--out", str(tmp_path / "taken"), "--epochs", "1"]) == 1
    assert "taken" in capsys.readouterr().err
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("words", [["--epochs", "10000000"], ["train", "line", "--epochs", "10000000", "--every", "1"]])
def test_ctrl_c_ends_a_command_with_130(words, tmp_path, ctrl_c):
    command = [sys.executable, "-u", "-m", "micrograd_nn", *words, "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert any("epoch     0" in line or "learning rate" in line for line in running.stdout)
        time.sleep(0.3)  # well into the training
        running.send_signal(signal.SIGINT)
        printed, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "stopped" in said or "interrupted by Ctrl-C" in printed
    assert "Traceback" not in said
