"""The chapters run from a clean kernel, what their text says is what their cells compute, and their exercises check."""

import json
import re
import signal
import subprocess
import sys
import time
import tomllib

import chapters as running
import nbformat
import pytest
from browsers import chromium
from chapters import CHAPTERS, agrees, said, uncovered

from micrograd_nn.cli import main
from micrograd_nn.cli.notebooks import chapters, exercises, solved
from micrograd_nn.cli.pages import page, write_page
from micrograd_nn.errors import FileError

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
    assert all("ight" in words for answer, _, words in run.answers if answer != "wrong")  # "Right.", "1 of 1 right"


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


# ---- pages ----


@each_chapter
def test_a_page_is_whole_in_itself_and_has_every_formula_as_mathml(path, runs):
    text = page(runs[path].notebook)
    sources = " ".join(cell.source for cell in runs[path].notebook.cells if cell.cell_type == "markdown")
    links = [f"{target}.html" for target in re.findall(r"\((\w+)\.ipynb\)", sources)]
    assert re.findall(r"""(?:src|href)=["'](?!data:|#)([^"']*)""", text) == links
    assert re.findall(r"@import|url\(", text) == []
    formulas = re.findall(r"<math.*?</math>", text, re.DOTALL)
    assert len(formulas) >= len(re.findall(r"(\$\$?)[^$]+\1", sources))
    assert [formula for formula in formulas if "\\" in formula] == []
    understood = {"ln", "max", "tanh"}
    names = {name for formula in formulas for name in re.findall(r"<mi>([a-z]{2,})</mi>", formula)}
    assert names <= understood  # a command that the typesetter does not know would stand there as a word


def test_progress_bars_are_left_out_of_a_page():
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "training: 0%"}
    outputs = [
        nbformat.v4.new_output("display_data", data=widget),
        nbformat.v4.new_output("stream", name="stderr", text="training: 0%"),
        nbformat.v4.new_output("stream", name="stdout", text="kept"),
    ]
    cell = nbformat.v4.new_code_cell("fit(net, X, y)", outputs=outputs)
    text = page(nbformat.v4.new_notebook(cells=[cell]))
    assert "<script" not in text
    assert "training" not in text
    assert "kept" in text
    assert len(cell.outputs) == 3  # the notebook itself is as it was


@pytest.mark.slow
def test_a_page_is_written_of_a_notebook_that_runs_and_of_no_other(tmp_path, capsys):
    for name, source in (("right", "print(6 * 7)"), ("wrong", "1 / 0")):
        cells = [nbformat.v4.new_code_cell(source)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    assert "<pre>42\n</pre>" in write_page(tmp_path / "right.ipynb").read_text(encoding="utf-8")
    lost = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os; os._exit(1)")])
    nbformat.write(lost, tmp_path / "lost.ipynb")
    with pytest.raises(FileError, match=r"lost\.ipynb does not run, so there is no page of it: its Python ended"):
        write_page(tmp_path / "lost.ipynb")
    (tmp_path / "wrong.ipynb").rename(tmp_path / CHAPTERS[0].name)
    assert main(["notebooks", str(tmp_path), "--html"]) == 1
    assert "does not run, so there is no page of it: ZeroDivisionError" in capsys.readouterr().err
    assert [file.name for file in tmp_path.glob("*.html")] == ["right.html"]


@pytest.mark.parametrize("content", ["what I tried", '{"cells": 3}', '{"nbformat": 4}', "[]", "", "\xff"])
def test_what_is_no_notebook_becomes_no_page(content, tmp_path, capsys):
    (tmp_path / CHAPTERS[0].name).write_text(content, encoding="latin-1")
    assert main(["notebooks", str(tmp_path), "--html"]) == 1
    said = capsys.readouterr().err
    assert (
        said
        == f"micrograd-nn: {tmp_path / CHAPTERS[0].name} is no notebook: move it away, and the chapter is copied anew\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.2, 2.0])  # the kernel is on its way, and at work
def test_ctrl_c_ends_a_page_under_way_without_a_complaint(wait, tmp_path, ctrl_c):
    cells = [nbformat.v4.new_code_cell("import time; time.sleep(60)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / CHAPTERS[0].name)
    command = [sys.executable, "-u", "-m", "micrograd_nn", "notebooks", str(tmp_path), "--html"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline().startswith("kept")
        time.sleep(wait)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (130, "micrograd-nn: stopped\n")
    assert not list(tmp_path.glob("*.html"))


@pytest.mark.slow
@each_chapter
def test_a_page_opened_offline_shows_every_picture_formula_and_walk(path, runs, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(page(runs[path].notebook), encoding="utf-8")
    with chromium() as browser:
        tab = browser.new_context(offline=True, viewport={"width": 900, "height": 1200}).new_page()
        faults = []
        tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        tab.on("requestfailed", lambda request: faults.append(request.url))
        tab.goto(file.as_uri())
        widths = [image.evaluate("(i) => i.decode().then(() => i.naturalWidth)") for image in tab.locator("img").all()]
        shown = [output for cell in runs[path].notebook.cells for output in cell.get("outputs", []) if "data" in output]
        pictures = [output for output in shown if {"image/png", "image/svg+xml"} & output.data.keys()]
        assert len(widths) == len(pictures) > 0
        assert min(widths) > 100
        boxes = [formula.bounding_box() for formula in tab.locator("math").all()]
        assert all(box["width"] > 4 and box["height"] > 4 for box in boxes)
        walks = [output for output in shown if "<iframe" in output.data.get("text/html", "")]
        assert tab.locator("iframe").count() == len(walks)
        for i in range(len(walks)):
            frame = tab.frame_locator("iframe").nth(i)
            frame.locator("[data-do=last]").click()
            assert frame.locator("[data-do=next]").is_disabled()
        for width in (900, 400):  # a desk, a phone: nothing pushes the page aside
            tab.set_viewport_size({"width": width, "height": 800})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert faults == []
