"""The commands explain and check: what they print, what they write, and their exit codes."""

from io import BytesIO

import pytest

from micrograd_nn.cli import main

SHEET = """
x = 2          # the input
w = 0.5
b = -1
y = 1
o = sigmoid(w*x + b)
L = (y - o)^2
dL/do = {first}
do/dw = x·o(1 − o)
∂L/∂w = -0.5
"""


def test_explain_derives_counts_paths_and_draws(tmp_path, capsys):
    words = [
        "explain",
        "(sigmoid(w*x + b) - y)**2",
        "w=0.5",
        "x=2",
        "b=-1",
        "y=1",
        "--wrt",
        "w",
        "--out",
        str(tmp_path),
    ]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "∂L/∂w = 2·x(σ(w·x + b) − y)·σ(w·x + b)(1 − σ(w·x + b))" in printed
    assert printed.count("= −0.5") == 1
    assert "1 path from w to L, in sum −0.5" in printed
    assert (tmp_path / "explain.svg").read_text(encoding="utf-8").lstrip().startswith("<")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["w*q", "w=1"], "unknown name 'q'"),
        (["w*w", "w"], "is no NAME=NUMBER"),
        (["w*w", "w=x"], "unknown name 'x'"),
        (["w*w", "1w=2"], "is no NAME=NUMBER"),
        (["w*x", "w=1", "w=2", "x=2"], "w is given twice, as 1 and as 2"),
        (["w*w", "w=2", "--wrt", "v"], "unknown name after --wrt 'v'"),
        (["w*w", "w=2", "--wrt", "w", "--wrt", "v"], "unknown name after --wrt 'v'"),
        (["w*w", "w=2", "--digits", "0"], "--digits"),
    ],
)
def test_explain_refuses_in_words_and_writes_nothing(words, message, tmp_path, capsys):
    assert main(["explain", *words, "--out", str(tmp_path / "new")]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert not printed.out
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("first", "code", "words"), [("-2(y - o)", 0, "3 of 3 right"), ("2(y - o)", 1, "the sign is")])
def test_check_reports_and_tells_by_its_exit_code(first, code, words, tmp_path, capsys):
    file = tmp_path / "sheet.txt"
    file.write_text(SHEET.format(first=first), encoding="utf-8")
    assert main(["check", str(file)]) == code
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w = 2\nL = w*v\ndL/dw = 1", "line 2: unknown name 'v'"),
        ("w = 2\nw = 3", "line 2: w is defined twice"),
        ("w = 2\nv = w", "line 2: v would be another name for w"),
        ("w = 2\nL = w*w\nhello", "line 3: 'hello' is neither"),
        ("w = 2\nL = w*w\ndL/dw = 4\ndL/dw = 4", "line 4: ∂L/∂w is given twice"),
        ("w = 2\nL = w*w", "at least one partial"),
        ("w = 2\nL = w*w\n#".ljust(100_000, "."), "at least one partial"),
        ("w = 2\nL = w*w\n#".ljust(100_001, "."), "at most 100,000 bytes are read"),
        ("w = 2\nL = w*w\ndL/dq = 2", "line 3: unknown node 'q'; choose one of: w, L\n"),
        ("w = 2\nL = w*w\ndL/dw = 2*", "line 3: this is no formula"),
        ("w = 2\nL = w*w\n\ndL/dw = 2q", "line 4: unknown name 'q'"),
        ("w = 2\nL = w*w\n∂L/∂w = 2w = 4", "line 3: a comparison is a > b or a < b, and of an equation only one side"),
        ("w = 2\nL = w*w\nd2L/dw2 = 2", "line 3: 'd2L/dw2 = 2' is neither"),
        ("w = 2\nL = w*w\ndM/dw = 2", "line 3: unknown node 'M'; choose one of: w, L\n"),
    ],
)
def test_a_sheet_that_can_not_be_read_names_the_line(text, message, tmp_path, capsys):
    file = tmp_path / "sheet.txt"
    file.write_text(text, encoding="utf-8")
    assert main(["check", str(file)]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert str(file) in printed


@pytest.mark.parametrize("order", [["L = 3x^2", "M = 5*x"], ["M = 5*x", "L = 3x^2"]])
def test_a_partial_is_held_against_the_formula_that_it_names(order, tmp_path, capsys):
    file = tmp_path / "sheet.txt"
    file.write_text("\n".join(["x = 2", *order, "dL/dx = 12", "dM/dx = 5"]), encoding="utf-8-sig")
    assert main(["check", str(file)]) == 0
    assert "2 of 2 right" in capsys.readouterr().out


def test_a_file_that_is_not_there_or_no_text_is_one_line(tmp_path, capsys):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.txt", "bytes"):
        assert main(["check", str(tmp_path / name)]) == 2
        assert "Errno" not in capsys.readouterr().err


NETWORK = SHEET.partition("dL/do")[0]


def test_explain_draw_and_compile_take_the_file_that_check_takes(tmp_path, capsys):
    file, out = tmp_path / "network", tmp_path / "out"
    file.write_text(SHEET.format(first="-2(y - o)"), encoding="utf-8")  # with partials in it
    assert main(["explain", str(file), "--wrt", "w", "--rules", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "∂L/∂w = ∂L/∂o · ∂o/∂w" in printed
    assert "chain rule: σ(u)′ = u′·σ(u)(1 − σ(u)) with u = w·x + b, u′ = x" in printed
    assert "−0.5   L ← o ← w\n" in printed
    assert main(["draw", str(file), "--save", str(out / "drawn.svg")]) == 0
    assert main(["compile", str(file), "--inputs", "x", "y"]) == 0
    assert "L = (x2 − σ(w1·x1 + b1))^2" in capsys.readouterr().out


def test_a_file_may_come_from_standard_input(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": BytesIO(NETWORK.encode())}))
    assert main(["explain", "-", "--wrt", "o", "--out", str(tmp_path)]) == 0
    assert "∂L/∂o = −2(y − o) = −2(1 − 0.5) = −1" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["explain", "draw"])
def test_a_file_has_its_own_numbers(command, tmp_path, capsys):
    file = tmp_path / "network"
    file.write_text(NETWORK, encoding="utf-8")
    assert main([command, str(file), "w=3", "--out", str(tmp_path / "new")]) == 2
    assert "is a file, and the numbers stand in it: leave out 'w=3'" in capsys.readouterr().err
    assert main([command, "none.txt", "--out", str(tmp_path / "new")]) == 1
    assert "there is no file none.txt" in capsys.readouterr().err
