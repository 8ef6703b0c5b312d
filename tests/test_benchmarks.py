"""The benchmarks run from end to end, and engines that are compared have computed the same numbers; no time is held
to anything. A peer that is not installed must come out as missing."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import harness, limits, page, training
from benchmarks.__main__ import main
from benchmarks.harness import QUICK, MissingError, Series, check_agree, quantity, ratio
from benchmarks.page import side_by_side
from benchmarks.peers import fetched, peers
from benchmarks.peers.problem import flat, unflat
from benchmarks.problems import PROBLEMS

LIGHT = (
    "micrograd_nn, eager", "micrograd_nn, compiled", "micrograd_nn, C backend", "micrograd_nn, JAX backend",
    "NumPy, textbook", "NumPy, by hand", "NumPy, features × rows", "Python, by hand", "C, by hand",
)  # fmt: skip
SMALL = [title for title in PROBLEMS if "MNIST" not in title]


def result(name: str, title: str, steps: int) -> object:
    try:
        return fetched(peers()[name].start(PROBLEMS[title](QUICK))(steps))
    except MissingError:
        return None


@pytest.mark.parametrize("title", SMALL)
def test_engines_agree(title):
    found = {name: result(name, title, 3) for name in LIGHT}
    found = {name: numbers for name, numbers in found.items() if numbers is not None}
    assert {"micrograd_nn, eager", "micrograd_nn, compiled", "NumPy, by hand"} <= found.keys()
    assert check_agree(found, 1e-12) <= 1e-12


def test_an_engine_that_is_off_is_named():
    right = np.array([1.0, 2.0, 3.0])
    with pytest.raises(AssertionError, match=r"off are wrong by 3\.3e-07"):
        check_agree({"a": right, "b": right, "wrong": right + np.array([0.0, 1e-6, 0.0])}, 1e-12)
    with pytest.raises(AssertionError, match="nowhere"):
        check_agree({"a": right, "b": right, "nowhere": right * np.nan}, 1e-12)


def test_training_moves_the_parameters():
    problem = PROBLEMS["Moons, full batch"](QUICK)
    train = peers()["NumPy, by hand"].start(problem)
    assert np.array_equal(train(0), flat(problem.start))
    assert np.abs(train(2) - train(1)).max() > 1e-4
    assert all(
        np.array_equal(a, b) for (a, _), (b, _) in zip(unflat(train(0), problem.sizes), problem.start, strict=True)
    )


def test_what_is_missing_is_said_and_never_zero():
    ours, theirs = Series([2.0, 4.0]), Series([1.0, 2.0])
    section = side_by_side("T", "M.", {"ours": ours, "theirs": theirs}, {"gone": "no reason"}, "ours")
    assert section.rows == [
        ("theirs", "1.50 s (1.00 s – 2.00 s)", "0.5×"),
        ("ours", "3.00 s (2.00 s – 4.00 s)", "1"),
        ("gone", "missing", "–"),
    ]
    assert "- **missing**, gone: no reason" in section.markdown()
    assert "gone" not in section.json()["medians"]


def test_a_missing_peer_says_why():
    with pytest.raises(MissingError, match=r"No module named 'no_such_library'.*extra `bench`"):
        harness.require("no_such_library")


@pytest.mark.parametrize(
    "why", ["can't import x from y (/home/somebody/lib/y.py)", "at C:\\somebody\\x.py, or ~/somebody/x"]
)
def test_reasons_hold_no_path(why):
    assert "somebody" not in str(MissingError(why))


def test_machine_holds_no_name_and_no_path():
    import platform

    text = json.dumps(harness.machine())
    assert platform.node() not in text
    assert not re.search(r"/(home|root|usr|tmp)\b", text)


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (4.12e-6, "s", "4.12 µs"),
        (0.0999, "s", "99.9 ms"),
        (131.7, "B", "132 B"),
        (2.39e6, "nodes/s", "2.39 Mnodes/s"),
        (30, "", "30"),
        (0.0423, "×", "0.0423×"),
        (0.000042, "×", "4.2e-05×"),
        (5542.3, "×", "5,542×"),
    ],
)
def test_quantities(number, unit, text):
    assert quantity(number, unit) == text


def test_a_ratio_is_taken_round_by_round():
    assert ratio(Series([2.0, 6.0]), Series([1.0, 2.0])).values == [2.0, 3.0]


def test_turns_alternate_after_a_warm_up():
    calls: list[str] = []

    def timer(name: str):
        def run(steps: int) -> harness.Turn:
            calls.append(name)
            return harness.Turn(wall=2.0, processor=1.0)

        return run

    taken = harness.by_turns({"a": timer("a"), "b": timer("b")}, replace(QUICK, rounds=3))
    assert calls[-6:] == ["a", "b"] * 3
    assert all(series.values == [1.0] * 3 for series in taken.values()), "with one thread it is the processor's time"
    assert all(series.beside and series.beside.values == [2.0] * 3 for series in taken.values())


@pytest.mark.parametrize(("least", "each", "steps"), [(1, 0.001, 50), (1000, 0.001, 1000), (1, 3.0, 1)])
def test_a_turn_is_long_enough_and_no_longer(least, each, steps):
    assert harness.steps_for(lambda steps: each, 0.05, least) == steps


def test_limits_are_held_against_the_same_run():
    section = side_by_side("Moons, full batch", "M.", {limits.IN_C: Series([2.0]), limits.SCAN: Series([2.0])}, {}, "x")
    (row,) = limits.section([section]).rows
    assert row[3:] == ("1.000", "0.65", "**over**")


def test_what_is_published_replaces_what_was_there(tmp_path: Path):
    (tmp_path / "docs" / "how").mkdir(parents=True)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{page.BEGIN}\nof yesterday\n{page.END}\nafter\n", encoding="utf-8")
    moons = side_by_side("Moons, full batch", "M.", {"ours": Series([2e-6])}, {}, "ours")
    moons.data["agree within"] = 0.0
    demo = side_by_side(limits.DEMO, "M.", {"micrograd_nn": Series([1.0]), "micrograd": Series([30.0])}, {}, "x")
    machine = harness.machine()
    sections = [page.at_a_glance([moons]), moons, demo]
    page.write(tmp_path / "out", sections, machine, {"rounds": 1})
    page.publish(tmp_path / "out", sections, machine, tmp_path)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{page.BEGIN}\n")
    assert text.endswith(f"{page.END}\nafter\n")
    assert "of yesterday" not in text
    assert all(shown in text for shown in ("| ours | 2.00 µs |", "30 times as fast"))
    assert "| ours | 2.00 µs | 1 |" in (tmp_path / "docs" / "how" / "benchmarks.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_one_problem_from_end_to_end(tmp_path: Path):
    assert main(["--quick", "--rounds", "1", "--only", "two inputs, one person", "--out", str(tmp_path)]) == 0
    written = (tmp_path / "README.md").read_text(encoding="utf-8")
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    *_, section = results["sections"]  # after the tables made of all sections
    for name in peers():
        assert f"| {name} |" in written or f"| **{name}** |" in written
        assert (name in section["medians"]) != (name in section["missing"])
    for name, seconds in section["medians"].items():
        glance = f"| **{name}** |" if name.startswith("micrograd_nn") else f"| {name} |"
        assert f"{glance} {harness.quantity(seconds, 's')} |" in written
    assert section["medians"]["micrograd_nn, compiled"] > 0
    assert results["machine"]["processor"]


@pytest.mark.slow
def test_the_short_run(tmp_path: Path):
    assert main(["--quick", "--out", str(tmp_path)]) == 0
    sections = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["sections"]
    assert all(section["method"].count(". ") == 1 for section in sections)
    trained = [section for section in sections if "agree within" in section]
    assert len(trained) == len(SMALL)
    assert all(section["agree within"] <= training.TOLERANCE["float64"] for section in trained)
    (graphs,) = [section for section in sections if "outside" in section]
    assert graphs["outside"]["micrograd_nn"] == 0
