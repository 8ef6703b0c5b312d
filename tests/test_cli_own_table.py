"""A table of one's own in a real shell: from a spreadsheet's file to predictions, with the errors on the way."""

import json
import subprocess
import sys
from random import Random

import pytest

from micrograd_nn.cli import main

HEADER = "age,income,visits,bought"


def rows(count=1000, seed=1):
    """People by age, income and visits, and whether they bought: "yes" mostly where income and visits are high."""
    source = Random(seed)
    made = []
    for _ in range(count):
        age, income, visits = source.randint(18, 80), source.randint(10_000, 90_000), source.randint(0, 9)
        wants = income / 10_000 + visits - age / 20 > source.gauss(4, 0.6)
        made.append([str(age), str(income), str(visits), "yes" if wants else "no"])
    return made


def table(path, made):
    path.write_text("\n".join([HEADER, *map(",".join, made)]) + "\n", encoding="utf-8")


@pytest.mark.slow
def test_from_file_to_prediction_in_a_shell(tmp_path):
    def shell(line):
        program = f"{sys.executable} -m micrograd_nn"
        done = subprocess.run(
            ["bash", "-c", line.replace("micrograd-nn", program)], cwd=tmp_path, capture_output=True, text=True
        )
        return done.returncode, done.stdout, done.stderr

    made = rows()
    made[10][1] = made[500][0] = ""
    table(tmp_path / "shop.csv", made)
    train = "micrograd-nn train shop.csv --target bought --save shop.net --quiet"

    code, out, err = shell("micrograd-nn train shop.csv")
    assert (code, out) == (2, "")
    assert "--target NAME (age, income, visits, bought)" in err
    code, out, err = shell("micrograd-nn train shop.csv --target buoght")
    assert (code, out) == (2, "")
    assert "unknown column for the target 'buoght'; choose one of: bought, " in err
    code, out, err = shell(train)
    assert (code, out) == (1, "")
    assert "2 values are missing in shop.csv: line 12, column income; line 502, column age. Take such lines out" in err
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"], "nothing is made before all is well"

    code, _, _ = shell("grep -v -e ',,' -e '^,' shop.csv > whole.csv")  # such lines are taken out
    code, out, err = shell(train.replace("shop.csv", "whole.csv"))
    assert (code, err) == (0, "")
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [["train", "798"], ["test", "200"]]

    (tmp_path / "new.csv").write_text("visits,name,income,age\n9,Ada,80000,30\n0,Bo,15000,70\n")
    code, out, err = shell("micrograd-nn predict shop.net new.csv")
    assert (code, err) == (0, "")
    assert [line.split()[1].rstrip(":") + " " + line.split()[-1] for line in out.splitlines()] == ["2 yes", "3 no"]
    code, out, _ = shell("micrograd-nn predict shop.net new.csv --json")
    assert [row["class"] for row in json.loads(out)["rows"]] == ["yes", "no"]
    assert shell("micrograd-nn predict shop.net 30,80000,9 | grep -c yes")[1] == "1\n"
    code, out, _ = shell("micrograd-nn evaluate shop.net whole.csv --target bought --json")
    assert code == 0
    assert json.loads(out)["measured"]["accuracy"] > 0.9


@pytest.fixture
def shop(tmp_path, monkeypatch, capsys):
    """A network that was trained on shop.csv, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "shop.csv", rows(60))
    words = ["train", "shop.csv", "--target", "bought", "--save", "net", "--epochs", "30", "--quiet"]
    assert main(words) == 0
    capsys.readouterr()
    return tmp_path


def test_columns_are_found_by_their_names(shop, capsys):
    answers = []
    for content in ("age,income,visits\n30,80000,9\n", "visits,bought,age,income,id\n9,no,30,80000,7\n"):
        (shop / "new.csv").write_text(content)
        assert main(["predict", "net", "new.csv", "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out)["rows"][0]["outputs"])
    assert main(["predict", "net", "30,80000,9", "--json"]) == 0
    assert answers == [json.loads(capsys.readouterr().out)["rows"][0]["outputs"]] * 2


@pytest.mark.parametrize(
    ("content", "words", "code", "said"),
    [
        ("age,income\n1,2\n", "predict net t.csv", 2, "unknown column of t.csv 'visits'; choose one of: "),
        (
            "age,income,visits\n1,,3\n4,5,na\n",
            "predict net t.csv",
            1,
            "2 values are missing in t.csv: line 2, column income",
        ),
        ("age,income,visits\n1,2\n", "predict net t.csv", 1, "line 2 of t.csv has 2 entries, and line 1 has 3"),
        ("age,income,visits\n", "predict net t.csv", 1, "t.csv has no rows"),
        ("", "predict net t.csv", 1, "t.csv has no rows"),
        (None, "predict net t.csv", 1, "there is no file t.csv"),
        (
            "age,income,visits,bought\n" + "1,2,3,maybe\n1,2,3,no\n" * 9,
            "evaluate net t.csv --target bought",
            2,
            "unknown class in the column bought 'maybe'; choose one of: yes, no",
        ),
        (
            "age,city,bought\n" + "31,Paris,yes\n" * 9,
            "train t.csv --target bought",
            1,
            "line 2, column city: 'Paris' is no number; line 3, column city: 'Paris' is no number; ",
        ),
        (
            "age,city,bought\n" + "31,Paris,yes\n" * 9,
            "train t.csv --target bought",
            1,
            "; and 4 more. Give words numbers",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_told_by_line_and_column(content, words, code, said, shop, capsys):
    if content is not None:
        (shop / "t.csv").write_text(content)
    assert main(words.split()) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""
