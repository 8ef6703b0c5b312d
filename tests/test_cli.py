"""The main job and the manners of the command line."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from micrograd_nn import MLP, draw_dot
from micrograd_nn.cli import main
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
    w = {
        label: float(label[1] in "246" and label[0] == "w")
        for label in ["w1", "w2", "b1", "w3", "w4", "b2", "w5", "w6", "b3"]
    }
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
    assert "loss.svg is left out" in done.stdout
    assert "micrograd-nn[plot]" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.svg", "network.svg", "walk.html"]


def test_quiet_prints_results_only(tmp_path, capsys):
    assert main(["--out", str(tmp_path), "--epochs", "10", "--quiet"]) == 0
    printed = capsys.readouterr()
    assert "epoch " not in printed.out
    assert "Emily" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--help"], 0, "two-input"),
        (["--epochs", "many"], 2, "--epochs"),
        (["no-such-command"], 2, "no-such-command"),
        (["--epochs", "-1"], 1, "--epochs is a whole number from 0 up, got -1"),
        (["--lr", "0"], 1, "lr is a positive number"),
    ],
)
def test_exit_codes_and_one_line_errors(words, code, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        given = main(words)
    except SystemExit as end:
        given = end.code
    printed = capsys.readouterr()
    assert given == code
    assert said in printed.out + printed.err
    assert "Traceback" not in printed.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_the_folder_is_one_line(tmp_path, capsys):
    (tmp_path / "taken").write_text("mine")
    assert main(["--out", str(tmp_path / "taken"), "--epochs", "1"]) == 1
    assert "taken" in capsys.readouterr().err
    assert (tmp_path / "taken").read_text() == "mine"
