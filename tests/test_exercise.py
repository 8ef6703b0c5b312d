"""An exercise's one call: what it says of a gap, of a slip, of nonsense, and of what is right."""

import pytest

from micrograd_nn import MLP, Value, mse
from micrograd_nn.derive import exercise


def loss():
    return mse(MLP(2, [2, 1], activation="tanh", output="sigmoid", seed=1)([2, 3]), Value(1, "y"))


RIGHT = "-2*(y - o1) * o1*(1 - o1) * w6 * (1 - h2**2) * x2"


def test_a_gap_is_told_what_to_fill_in():
    for empty in (None, {}, (None, 3), (None, None)):
        assert exercise.check(empty, 3, "the number").words == "Fill in the number."
    for empty in (None, {}, {"w1": RIGHT}, {"w4": 0.5}, {"w4": RIGHT, "w1": RIGHT}, 7, {"w4": None}):
        verdict = exercise.partials(loss(), empty, "w4")
        assert (verdict.right, verdict.words) == (False, 'Fill in a formula for ∂L/∂w4: {"w4": "…"}')


@pytest.mark.parametrize("key", ["w4", "∂L/∂w4", "dL/dw4", "∂L / ∂w4"])
def test_a_right_formula_is_right_whatever_its_key(key):
    assert exercise.partials(loss(), {key: RIGHT}, "w4").words == "Right."


def test_a_wrong_formula_gets_the_slip_and_not_the_answer():
    words = exercise.partials(loss(), {"w4": RIGHT.replace("-2", "2")}, "w4").words
    assert words == "∂L/∂w4: not yet, the sign is the other way round."
    wrong = {"w4": RIGHT.replace("(1 - h2**2)", "h2*(1 - h2)"), "w5": "-2*(y - o1) * o1*(1 - o1) * h1"}
    words = exercise.partials(loss(), wrong, "w4", "w5").words
    assert words.startswith("∂L/∂w4: not yet, in ∂h2/∂w4, ")
    assert "expected" not in words
    assert "w5" not in words


@pytest.mark.parametrize("entry", ["w4*", "q", "", "(", "w4 = 3", "9^9^9^9"])
def test_a_formula_that_can_not_be_read_is_no_traceback(entry):
    verdict = exercise.partials(loss(), {"w4": entry}, "w4")
    assert not verdict.right
    assert verdict.words.startswith("Not yet: ")


def test_numbers_and_lists_are_compared_up_to_what_they_may_be_off():
    assert exercise.check(0.8757, 0.87571, "o1", within=0.00005).right
    assert not exercise.check(0.8757, 0.8758, "o1", within=0.00005).right
    for shapes in ([(4, 3), (5, 4)], ((4, 3), (5, 4)), [[4, 3], [5, 4]]):
        assert exercise.check(shapes, [(4, 3), (5, 4)], "the shapes").right
    assert not exercise.check([(4, 3)], [(4, 3), (5, 4)], "the shapes").right


@pytest.mark.parametrize("answer", ["text", [], [1, 2, 3], object(), 1j, "0.5", {"a": 1}, float("nan")])
@pytest.mark.parametrize("right", [3, [1, 2], {"∂L/∂x": 3.0, "∂L/∂y": 1.0}])
def test_nonsense_is_no_traceback(answer, right):
    verdict = exercise.check(answer, right, "a number")
    assert not verdict.right
    assert verdict.words.startswith(("Not yet", "Asked for"))


def test_what_an_answer_leads_to_is_compared_and_told():
    assert exercise.check((1, 2), 3, "two numbers", made=lambda a, b: a + b).right
    verdict = exercise.check((1, 3), 3, "two numbers", made=lambda a, b: a + b, hint="yours make {}")
    assert verdict.words == "Not yet: yours make 4"
    assert exercise.check(5, lambda made: made >= 4, "a number").right
    verdict = exercise.check((1, 2, 3), 3, "two numbers", made=lambda a, b: a + b)
    assert verdict.words.startswith("Not yet: ")
    assert verdict.words.endswith("Fill in two numbers.")


def test_numbers_by_partial():
    right = {"∂L/∂x": 0.24, "∂L/∂y": 0.45}
    for given in ({"x": 0.24, "y": 0.45}, {"dL/dx": 0.24, "∂L/∂y": 0.452}):
        assert exercise.check(given, right, "both", within=0.005).right
    said = {
        "Not yet: ∂L/∂x and ∂L/∂y.": {"x": 0.45, "y": 0.24},
        "Fill in ∂L/∂y.": {"x": 0.24},
        "Asked for are only ∂L/∂x and ∂L/∂y, not s.": {"x": 0.24, "s": 1},
    }
    for words, given in said.items():
        assert exercise.check(given, right, "both", within=0.005).words == words
