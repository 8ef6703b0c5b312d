"""``check`` for a class: many files, a folder, standard input; rows, the table of slips, and the exit codes."""

import csv
import io
import json
import sys
import time

import pytest

from micrograd_nn.cli import main

NETWORK = """
x1 = -2
x2 = -1
w1 = 0.5
w2 = -0.3
b1 = 0.1
w3 = 0.2
w4 = 0.7
b2 = -0.4
w5 = 1.1
w6 = -0.6
b3 = 0.2
y = 1
h1 = sigmoid(w1*x1 + w2*x2 + b1)
h2 = sigmoid(w3*x1 + w4*x2 + b2)
o1 = sigmoid(w5*h1 + w6*h2 + b3)
L = (y - o1)^2
"""
OUT, HIDDEN1, HIDDEN2 = "-2(y - o1)*o1(1 - o1)", "*w5*h1(1 - h1)", "*w6*h2(1 - h2)"
RIGHT = {"w5": OUT + "*h1", "w6": OUT + "*h2", "b3": OUT}
RIGHT |= {"w1": OUT + HIDDEN1 + "*x1", "w2": OUT + HIDDEN1 + "*x2", "b1": OUT + HIDDEN1}
RIGHT |= {"w3": OUT + HIDDEN2 + "*x1", "w4": OUT + HIDDEN2 + "*x2", "b2": OUT + HIDDEN2}


def derivation(change=lambda formula: formula):
    """The nine partials on paper, each changed."""
    return NETWORK + "".join(f"dL/d{name} = {change(formula)}\n" for name, formula in RIGHT.items())


def no_sign(formula):
    return formula.replace("-2(", "2(")


@pytest.fixture
def small(tmp_path):
    """Three students and an empty file."""
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "ada.txt").write_text(derivation())
    (folder / "ben.txt").write_text(derivation(no_sign))
    (folder / "cem.txt").write_text(derivation(lambda formula: formula.replace("h1(1 - h1)", "h1")))
    (folder / "dora.txt").write_text("")
    return folder


def said(capsys, *words):
    """The exit code, standard output and standard error."""
    return main(["check", *map(str, words)]), *capsys.readouterr()


def test_a_class_gets_a_line_each_the_slips_and_what_to_teach(small, capsys):
    (small / "emil.txt").write_text(derivation(no_sign))
    code, out, err = said(capsys, small)
    assert (code, err) == (2, "")
    lines = out.splitlines()
    assert lines[0] == "5 derivations: 1 right, 3 with something wrong, 1 not read"
    assert "ada    9 of 9" in lines
    assert "ben    0 of 9   sign in ∂L/∂o1 (9 partials)" in lines
    assert "cem    6 of 9   value for slope in ∂h1/∂w1, ∂h1/∂w2, ∂h1/∂b1 (3 partials)" in lines
    assert f"dora   {small / 'dora.txt'} needs a formula and at least one partial, such as dL/dw = 0.5" in lines
    assert "sign              2 of 4     ben 9, emil 9" in lines
    assert lines[-1] == (
        "To teach tomorrow: the sign is the other way round. That was 2 of 4 students, most often in ∂L/∂o1."
    )


@pytest.mark.parametrize(
    ("names", "code"), [("ada", 0), ("ada ada", 0), ("ada ben", 1), ("ben", 1), ("dora", 2), ("ada ben dora", 2)]
)
def test_the_exit_code_is_that_of_the_worst(names, code, small, capsys):
    files = [small / f"{name}.txt" for name in names.split()]
    for form in ([], ["--json"], ["--csv"]):
        assert said(capsys, *files, *form)[0] == code


def test_json_and_csv_have_a_row_per_student_and_partial(small, capsys):
    _, out, _ = said(capsys, small, "--json")
    data = json.loads(out)
    _, out, _ = said(capsys, small, "--csv")
    in_csv = [{key: str(cell) for key, cell in row.items()} for row in data["rows"]]
    assert list(csv.DictReader(io.StringIO(out))) == in_csv
    assert len(data["rows"]) == 3 * 9 + 1
    assert data["slips"] == {"sign": {"ben": 9}, "value for slope": {"cem": 3}}
    by_key = {(row["student"], row["partial"]): row for row in data["rows"]}
    assert by_key["ada", "∂L/∂w1"]["verdict"] == "right"
    assert by_key["dora", ""]["verdict"] == "unread"
    row = by_key["ben", "∂L/∂w5"]
    assert (row["verdict"], row["slip"], row["factor"]) == ("wrong", "sign", "∂L/∂o1")
    assert row["words"].startswith("∂L/∂o1: the sign is the other way round; expected ")


def test_the_table_of_slips_as_csv(small, capsys):
    _, out, _ = said(capsys, small, "--csv", "--slips")
    assert out == "slip,ada,ben,cem,dora\nsign,0,9,0,0\nvalue for slope,0,0,3,0\n"


def test_standard_input(small, capsys, monkeypatch):
    for text, code in ((derivation(), 0), (derivation(no_sign), 1), ("hello", 2)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        got, out, err = said(capsys, "-")
        assert got == code
        assert ("of 9 right" in out) == (code < 2)
        assert ("standard input, line 1" in err) == (code == 2)


def test_students_of_one_name_are_told_apart_and_what_is_hidden_is_left_out(tmp_path, capsys):
    for folder in ("a", "b", ".git"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "work.txt").write_text(derivation())
    _, out, _ = said(capsys, tmp_path, "--json")
    assert {row["student"] for row in json.loads(out)["rows"]} == {"a/work", "b/work"}
    files = [tmp_path / folder / "work.txt" for folder in "ab"]
    _, out, _ = said(capsys, *files, "--json")
    assert {row["student"] for row in json.loads(out)["rows"]} == {"a/work", "b/work"}


def test_a_folder_without_a_file_is_told(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 2
    assert f"there is no file in the folder {tmp_path}" in capsys.readouterr().err


HOSTILE = {
    "long": "x" * 200_000,
    "names": "w = 2\n" + "".join(f"a{i} = w*w\n" for i in range(9000)) + "dL/dw = 1",
    "deep": "w = 2\nL = " + "(" * 4000 + "w" + ")" * 4000 + "*w\ndL/dw = 4",
    "often": NETWORK + "".join(f"dL/dw{i} = 1\n" for i in range(4000)),
    "huge": NETWORK + "dL/dw1 = 9^9^9^9",
    "code": NETWORK + "dL/dw1 = __import__('os').getcwd()",
    "\x1b[31mred": NETWORK + "dL/dw1 = q",
    "=1+1": NETWORK + "dL/dw1 = (",
}


def test_what_is_hostile_is_told_soon_and_shown_safely(tmp_path, capsys):
    for name, text in HOSTILE.items():
        (tmp_path / f"{name}.txt").write_text(text)
    (tmp_path / "bytes.pdf").write_bytes(b"%PDF-1.4\0\xff\xfe")
    (tmp_path / "zoe.txt").write_text(derivation())
    start = time.process_time()
    code, out, _ = said(capsys, tmp_path)
    assert time.process_time() - start < 10
    assert code == 2
    assert out.startswith("10 derivations: 2 right, 0 with something wrong, 8 not read\n\ndeep   1 of 1\n")
    assert "\x1b" not in out
    _, out, _ = said(capsys, tmp_path, "--csv")
    assert "\x1b" not in out
    assert {row[0][:1] for row in csv.reader(io.StringIO(out))}.isdisjoint("=+-@")


def test_thirty_files_of_nine_partials_take_less_than_ten_seconds(tmp_path, capsys):
    slips = [
        lambda f: f,
        no_sign,
        lambda f: f + "*1.37",
        lambda f: f.replace("(1 - o1)", ""),
        lambda f: f.replace("x1", "x2"),
    ]
    for i in range(30):
        (tmp_path / f"student{i:02}.txt").write_text(derivation(slips[i % len(slips)]))
    start = time.process_time()
    assert said(capsys, tmp_path)[0] == 1
    assert time.process_time() - start < 10
