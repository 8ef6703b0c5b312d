"""The tutor: each question can be answered and is asked in its turn, hints leave the answer open, the record is all."""

import json
from itertools import pairwise

import pytest
from derivations import paper
from derivations.networks import SEEN
from derivations.record import record as recorded
from random_graphs import random_graph

from micrograd_nn import MLP, UNREACHED, Value, mse, sigmoid, tutor
from micrograd_nn.draw._explore import answer, graph_data
from micrograd_nn.errors import ArgumentError, ArgumentTypeError, GraphError, UnknownNameError

NETWORKS = SEEN[::7]


def two_inputs():
    """The two-input network of Alice."""
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=3)
    loss = mse(net([-2, -1]), Value(1, "y"))
    loss.label = "L"
    return loss


def diamond():
    """b enters c and d, which meet in L; and L itself takes b up."""
    a = Value(2.0, "a")
    b = a * a
    b.label = "b"
    c, d = b * 3, b.tanh()
    c.label, d.label = "c", "d"
    root = c * d + b
    root.label = "L"
    return root


def whole_of(network, dialogue):
    """∂L/∂w from the slopes that were derived on paper, as a product over the paths of the paper's own chains."""
    numbers = network.forward(network.numbers)
    total = 0.0
    for path in network.paths(dialogue.questions[-1].ends[1]):
        term = 1.0
        for pair in pairwise(path):
            term *= paper.work_out(network.slopes[pair], numbers) if pair in network.slopes else 0.0
        total += term
    return total


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_what_was_derived_on_paper_is_right_at_every_question(network):
    for target in list(network.written_chains)[:2]:
        dialogue = tutor(recorded(network), target)
        while dialogue.question and not dialogue.question.whole:
            assert dialogue.answer(paper.write(network.slopes[dialogue.question.ends])).right
        while dialogue.question and dialogue.question is not dialogue.questions[-1]:
            dialogue.hint()
        assert not dialogue.question or dialogue.answer(whole_of(network, dialogue)).right
        assert dialogue.question is None


@pytest.mark.parametrize("seed", range(12))
def test_every_question_takes_its_number_and_no_other(seed):
    root, leaves = random_graph(seed, n_nodes=6)
    for node in root.operands:
        node.label = node.label or f"n{seed}"
    root.backward()
    leaf = next(leaf for leaf in leaves if leaf.grad)
    dialogue = tutor(root, leaf)
    assert dialogue.questions[-1].number == pytest.approx(leaf.grad)
    while question := dialogue.question:
        assert not dialogue.answer(question.number + 1.0).right
        assert dialogue.question is question
        assert dialogue.answer(question.number).right


def test_the_way_goes_from_the_loss_down_and_a_sum_is_asked_for_where_ways_meet():
    assert [question.asked for question in tutor(two_inputs(), "w1").questions] == [
        "∂L/∂o1",
        "∂o1/∂h1",
        "∂h1/∂w1",
        "∂L/∂w1",
    ]
    asked = [question.asked for question in tutor(diamond(), "a").questions]
    assert sorted(asked[:5]) == sorted(["∂L/∂c", "∂L/∂d", "∂L/∂b", "∂c/∂b", "∂d/∂b"])
    assert asked[5:] == ["dL/db", "∂b/∂a", "∂L/∂a"]


def test_a_term_is_not_taken_for_the_sum_nor_the_sum_for_a_term():
    dialogue = tutor(diamond(), "a")
    while dialogue.question.asked != "∂L/∂b":
        dialogue.hint()
    reply = dialogue.answer("1 + 3*d + c*(1 - d^2)")  # all that comes of b
    assert not reply.right
    assert "asked is one term of it" in reply.words
    assert dialogue.answer("1").right
    while dialogue.question.asked != "dL/db":
        dialogue.hint()
    assert not dialogue.answer("1").right
    assert dialogue.answer("1 + 3*d + c*(1 - d^2)").right


@pytest.mark.parametrize(("loss", "target"), [(two_inputs, "w1"), (two_inputs, "b3"), (diamond, "a")])
def test_no_hint_and_no_verdict_gives_the_answer_away(loss, target):
    dialogue = tutor(loss(), target)
    while question := dialogue.question:
        symbol = question.answer.split(" = ")[1]
        said = [dialogue.answer(entry).words for entry in ("-7.7", "0", "y*7 +", "-(" + symbol + ")*1.1")]
        said += [dialogue.hint().words for _ in range(3)]
        assert [len(said), len(dialogue.hints)] == [7, 3]
        if len(symbol) > 3 and not question.whole:  # a rule may name the 1 of a sum
            assert not [words for words in said if symbol in words]
        assert not [
            words for words in said if question.answer.split(" = ")[-1] in words.split()[3:] and len(symbol) > 3
        ]
        assert question.answer in dialogue.hint().words


def test_a_slip_is_named_with_its_place_and_nothing_more():
    dialogue = tutor(two_inputs(), "w1")
    assert dialogue.answer("2(y - o1)").words == "Not yet: the sign is the other way round."
    assert dialogue.answer("-2*(y - o1)").right
    for _ in range(8):
        dialogue.hint()
    words = dialogue.answer("-2*(y - o1) * w5*o1*(1 - o1) * x2*h1*(1 - h1)").words
    assert words.startswith("Not yet: in ∂h1/∂w1, the wrong quantity")
    assert "expected" not in words
    assert dialogue.answer(str(dialogue.question.number)).right
    assert "answers: 4." in dialogue.asks
    assert "sign in ∂L/∂o1" in dialogue.asks


def test_what_can_not_be_read_is_told_and_does_not_count():
    dialogue = tutor(two_inputs(), "w1")
    for entry in ("o1*", "q + 1", "", "o1 = 3", lambda q: q, None, [1]):
        reply = dialogue.answer(entry)
        assert reply.right is None
        assert reply.words.startswith("This can't be read, so it doesn't count: ")
        assert dialogue.question.asked == "∂L/∂o1"
    assert "That was all" not in str(reply)


def test_the_record_is_json_and_all_there_is_to_remember():
    loss = two_inputs()
    dialogue = tutor(loss, "w1")
    moves = ["2(y - o1)", None, "-2(y - o1)", "o1*", None, None, None, None, "x1*h1*(1 - h1)", None]
    for move in moves:
        reply = dialogue.hint() if move is None else dialogue.answer(move)
        kept = json.loads(json.dumps(dialogue.record))
        again = tutor(loss, "w1", kept)
        assert again.record == dialogue.record
        assert (again.question, again.hints, again.asks) == (dialogue.question, dialogue.hints, reply.question)
    assert len(kept["moves"]) == len(moves)


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (3, ArgumentTypeError),
        ({}, ArgumentTypeError),
        ({"partial": "∂L/∂w1", "moves": 3}, ArgumentTypeError),
        ({"partial": "∂L/∂w2", "moves": []}, ArgumentError),
        ({"partial": "∂L/∂w1", "moves": [{"asked": "∂L/∂o7"}]}, ArgumentError),
        ({"partial": "∂L/∂w1", "moves": [3]}, ArgumentError),
        ({"partial": "∂L/∂w1", "moves": [{"asked": []}]}, ArgumentError),
    ],
)
def test_a_record_of_something_else_is_refused(record, error):
    with pytest.raises(error, match="record"):
        tutor(two_inputs(), "w1", record)


def test_where_nothing_can_be_asked_that_is_said():
    loss = two_inputs()
    with pytest.raises(GraphError, match="nothing to derive of L towards L"):
        tutor(loss, "L")
    with pytest.raises(UnknownNameError, match="unknown node 'w9'"):
        tutor(loss, "w9")
    with pytest.raises(GraphError, match="a tutor asks for 40 at most"):
        tutor(MLP(2, [9, 9, 1], activation="tanh", seed=0)([Value(0.1, "x1"), 0.2]), "x1")
    with pytest.raises(ArgumentTypeError):
        tutor(3.0, "w")


def test_nothing_of_the_graph_is_changed():
    loss = two_inputs()
    dialogue = tutor(loss, "w1")
    dialogue.answer("1")
    dialogue.hint()
    assert loss.grad is UNREACHED
    assert repr(dialogue).startswith("∂L/∂w1, one step after the other, from L down:\n\n  L = (y − o1)^2 = 0.3356")


def test_a_page_is_told_all_by_events_that_carry_the_record():
    loss = two_inputs()
    names = [node.get("name") for node in graph_data(loss)["nodes"]]
    event = {"kind": "tutor", "node": names.index("w1")}
    told = answer(loss, event)
    assert (told["right"], told["asked"], told["place"], told["count"]) == (None, "∂L/∂o1", 0, 4)
    for value, right in (({"entry": "2(y - o1)"}, False), ({"hint": True}, None), ({"entry": "-2(y - o1)"}, True)):
        told = json.loads(json.dumps(answer(loss, event | {"value": {**value, "record": told["record"]}})))
        assert told["right"] is right
    assert (told["asked"], told["hints"], len(told["record"]["moves"])) == ("∂o1/∂h1", [], 3)
    for value in ({"record": 3}, {"record": {"partial": "∂L/∂w1", "moves": [3]}}):
        assert "record" in answer(loss, event | {"value": value})["error"]
    assert "nothing to derive" in answer(loss, event | {"node": len(names) - 1})["error"]


def test_a_hint_is_offered_after_the_second_try_and_a_product_is_not_blamed_for_a_sign():
    dialogue = tutor(two_inputs(), "w1")
    assert "hint" not in dialogue.answer("y - o1").words
    assert dialogue.answer("1").words.endswith("A hint may help.")
    dialogue.hint()
    assert "hint" not in dialogue.answer("2").words
    for entry in ("-2*(y - o1)", "w5*o1*(1 - o1)", "x1*h1*(1 - h1)"):
        assert dialogue.answer(entry).right
    words = dialogue.answer("2*(y - o1)*w5*o1*(1 - o1)*x1*h1*(1 - h1)").words
    assert words == "Not yet: the sign is the other way round."


def test_the_opening_gives_every_number_that_the_formulas_need():
    opening = tutor(two_inputs(), "w1").opening
    for name in ("y", "w5", "h2", "w6", "b3", "x1", "x2", "w1", "w2", "b1"):
        assert f" {name} = " in opening


def test_a_number_made_of_the_rounded_factors_is_right_and_a_formula_that_is_near_is_not():
    dialogue = tutor(two_inputs(), "w1")
    for entry in ("-2*(y - o1)", "w5*o1*(1 - o1)", "x1*h1*(1 - h1)"):
        dialogue.answer(entry)
    right, w1 = dialogue.question.number, dialogue.explanation.chain.target.data
    for wrong in (right * 1.0001, f"{right!r}*w1/{abs(w1)!r}*{w1 / abs(w1)}"):  # the second one at these numbers only
        assert not dialogue.answer(wrong).right
    assert dialogue.answer(f"{right * (1 + 1e-5):.12g}").right


def test_no_slip_is_told_with_a_blank_in_its_sentence():
    for entry in ("x1", "x1*h1", "x1*(1 - h1)", "h1*(1 - h1)", "x1*(1 - h1^2)", "x1*h1*(1 + h1)", "x1*w1"):
        dialogue = tutor(two_inputs(), "w1")
        while dialogue.question.asked != "∂h1/∂w1":
            dialogue.answer(dialogue.question.number)
        words = dialogue.answer(entry).words
        assert words.startswith("Not yet: ")
        assert not {*"{}("} & {*words}


def test_what_a_constant_0_cuts_off_is_not_asked_for():
    z = [Value(number, f"z{i}") for i, number in enumerate((0.5, -0.2), start=1)]
    whole = z[0].exp() + z[1].exp()
    p1, p2 = z[0].exp() / whole, z[1].exp() / whole
    p1.label, p2.label = "p1", "p2"
    dialogue = tutor(-(1 * p1.log() + 0 * p2.log()), "z1")
    assert [question.asked for question in dialogue.questions] == ["∂L/∂p1", "∂p1/∂z1", "∂L/∂z1"]
    x = Value(0.5, "x")
    u, v = x * 2, x * 3
    q = u * 0 + x
    u.label, v.label, q.label = "u", "v", "q"
    assert [question.asked for question in tutor(q * v, "x").questions] == [
        "∂L/∂q",
        "∂L/∂v",
        *["∂q/∂x", "∂v/∂x", "∂L/∂x"],
    ]


def test_a_hint_tells_of_the_inner_derivative_where_there_is_one():
    """Of σ(w5·h1 + …) one rule is left to say, and the weight before h1 is the factor that is forgotten."""
    w, x = Value(0.5, "w"), Value(2.0, "x")
    whole = "The slope of what u stands for is a factor too."
    for made, inner in ((sigmoid(w * x), True), (sigmoid(w), False), (w * w, False), (w * x, False)):
        made.label = "o"
        assert any(whole in hint for hint in tutor(made, w).question.hints) is inner
