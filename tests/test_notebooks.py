"""The chapters run from a clean kernel, what their text says is what their cells compute, and their exercises check."""

import json
import re
import tomllib

import chapters as running
import nbformat
import pytest
from chapters import CHAPTERS, agrees, said, uncovered

from micrograd_nn.cli import main
from micrograd_nn.cli.notebooks import chapters, exercises, solved

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the notebook tools, in their own code
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return running.Runs(tmp_path_factory.mktemp("chapters"))


def test_there_are_six_chapters_in_order():
    assert [path.name[:2] for path in CHAPTERS] == ["01", "02", "03", "04", "05", "06"]


# ---- run ----


@each_chapter
def test_a_chapter_runs_from_a_clean_kernel_without_network_and_without_a_warning(path, runs):
    for cell in runs[path].notebook.cells:
        spoken = [output.text for output in cell.get("outputs", []) if output.get("name") == "stderr"]
        assert [text for text in spoken if text.strip()] == [], cell.source


@each_chapter
def test_figures_in_the_text_are_what_the_cells_compute(path, runs):
    wrong = [(text, number) for text, number in runs[path].figures if not agrees(text, number)]
    assert wrong == []


@each_chapter
def test_no_number_in_the_text_comes_from_nowhere(path, runs):
    assert uncovered(runs[path].notebook) == []


def test_a_wrong_figure_would_be_seen():
    assert agrees("0.7216", 0.72163)
    assert not agrees("0.7216", 0.7217)
    assert agrees("−0.139", -0.1389)
    assert not agrees("0.139", -0.1389)
    assert agrees("798,600", 798600.0)
    assert not agrees("99", False)


WORDS = """weight, bias, activation, loss, gradient descent, learning rate, features, target, input layer, hidden layer,
output layer, dense, fully connected, epoch, generalise, generalises, mini-batch, full batch, stochastic, vectorising,
chain rule, local slope, perceptron, hinge, binary cross-entropy, softmax, training, validation, test, overfitting,
l2 regularisation, early stopping, confusion matrix, momentum, adam"""


def test_every_word_of_the_textbooks_is_met():
    text = "\n".join(cell.source for path in CHAPTERS for cell in nbformat.read(path, as_version=4).cells)
    set_apart = {word.casefold() for word in re.findall(r"(?<!\w)\*{1,2}(?!\s)([^*\n]+?)\*{1,2}", text)}
    assert {*re.split(r",\s", WORDS)} - set_apart == set()


# ---- exercises ----


@each_chapter
def test_exercises_say_what_is_missing_accept_the_solution_and_refuse_a_slip(path, runs):
    run = runs[path]
    unanswered = [cell for cell, _ in exercises(run.notebook)]
    assert len(unanswered) == 3
    assert all("Fill in" in said(cell) for cell in unanswered)
    assert all({"solution", "wrong"} <= exercise.keys() for _, exercise in exercises(run.notebook))
    assert [answer for answer, *_ in run.answers if answer in ("solution", "alone")] == ["alone"] * 2 + ["solution"] * 3
    assert [words for answer, right, words in run.answers if right is (answer == "wrong")] == []
    assert all(
        re.search("not yet|Fill in|Asked for", words, re.IGNORECASE) for _, right, words in run.answers if not right
    )


@pytest.mark.slow
def test_the_commands_of_the_last_chapter_read_as_many_digits_as_stands_beside_them(tmp_path, capsys):
    commands = re.findall(r"micrograd-nn (.*?) +# .* reads (0\.\d+) of", CHAPTERS[-1].read_text(encoding="utf-8"))
    assert len(commands) == 2
    for command, share in commands:
        assert main([*command.split(), "--quiet", "--out", str(tmp_path)]) == 0
        tested = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("test"))
        assert float(tested.split()[-1]) == pytest.approx(float(share), abs=0.01)


# ---- what is committed ----


@each_chapter
def test_a_chapter_is_committed_small_and_without_outputs(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 60_000
    assert [cell["id"] for cell in notebook["cells"]] == [f"cell-{i:02}" for i in range(1, len(notebook["cells"]) + 1)]
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert max(len(line) for cell in code for line in "".join(cell["source"]).splitlines()) <= 96  # fits a page


@each_chapter
def test_links_between_chapters_lead_somewhere(path):
    for target in re.findall(r"\((\w+\.ipynb)\)", path.read_text(encoding="utf-8")):
        assert path.with_name(target).is_file()


# ---- the command ----


def test_the_command_copies_the_chapters_and_never_overwrites(tmp_path, capsys):
    folder = tmp_path / "mine"
    assert main(["notebooks", str(folder)]) == 0
    copies = sorted(folder.iterdir())
    assert [copy.name for copy in copies] == [path.name for path in CHAPTERS]
    assert all(copy.read_bytes() == path.read_bytes() for copy, path in zip(copies, CHAPTERS, strict=True))
    copies[0].write_text("what I tried")
    copies[1].unlink()
    assert main(["notebooks", str(folder)]) == 0
    assert copies[0].read_text() == "what I tried"
    assert copies[1].exists()
    assert "kept" in capsys.readouterr().out


def test_the_command_copies_the_solutions_when_asked(tmp_path, capsys):
    assert main(["notebooks", str(tmp_path), "--solutions"]) == 0
    copy = json.loads((tmp_path / CHAPTERS[0].name).read_text(encoding="utf-8"))
    for cell, exercise in exercises(copy):
        assert "".join(cell["source"]).startswith(exercise["solution"] + "\n")
    assert json.loads(solved(CHAPTERS[0].read_text(encoding="utf-8"))) == copy


def test_the_command_that_opens_them_can_be_pasted(tmp_path, capsys):
    assert main(["notebooks", str(tmp_path / "meine Übungen")]) == 0
    assert capsys.readouterr().out.endswith(f"jupyter lab '{tmp_path / 'meine Übungen'}'\n")


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["notebooks", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "file").read_text() == ""


def test_the_chapters_are_found_and_packed_into_the_wheel():
    assert [path.name for path in chapters()] == [path.name for path in CHAPTERS]
    project = tomllib.loads((running.HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    packed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert packed == {"notebooks": "micrograd_nn/notebooks"}
