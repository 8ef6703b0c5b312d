"""A graph as plain data for a page, and the answers to what a person does there.

A page shows the data and sends events, ``{"kind": …, "node": …, "value": …}``; who answers is the only difference
between a saved walk (nobody: everything is told in advance), Jupyter (Python in the kernel) and the site (Python in a
worker). An answer depends on the graph and the event alone. Only "set" changes the graph: the leaf, and what was
computed from it, in the same Values.

    set     node, value   a leaf gets another number                -> the data, with new numbers
    tell    value         the words and the formula of a step       -> formula, words
    derive  node          ∂L/∂node through the named nodes          -> heading, formula
    nudge   node, value   what L would do if node were so much more -> words
    check   node, value   a person's own ∂L/∂node                   -> right, words
    tutor   node, value   what was answered, or that a hint is wanted, with the record so far, as in {"record": …,
                          "entry": "-2(y - o)"} or {"hint": true}   -> right, words, and what the tutor knows

and where there are samples to learn from, each with the data as its answer:

    sample  value         the sample that is shown
    step    value         one step at that learning rate, and on to the next sample
    epochs  value         [how many, learning rate]
    rewind                back to the numbers of the start
"""

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any

from ..derive import check_partials, tutor
from ..engine.backprop import replay
from ..engine.value import Constant, Value
from ..errors import ArgumentError, MicrogradError, known
from ..notation.text import rounded
from ._descent import MOVES, Descent, renew, within
from .folding import Link, slopes_through
from .mathml import mathml
from .source import THINNEST, width_of
from .story import Block, Moment, Story

Data = dict[str, Any]
PHASES = {"start": "Start", "forward": "Forward", "seed": "Turning point", "backward": "Backward"}


def answer(root: Value, event: Mapping[str, Any], descent: Descent | None = None) -> Data:
    """The answer to an event, as plain data; ``{"error": …}`` in words for what can't be answered.

    >>> w = Value(3.0, "w")
    >>> L = w * w
    >>> answer(L, {"kind": "nudge", "node": 0, "value": 0.5})["words"]
    'w from 3 to 3.5: L goes from 9 to 12.25, by 3.25. 3.25 / 0.5 = 6.5; the slope is 6.'
    >>> answer(L, {"kind": "set", "node": 0, "value": 2})["nodes"][1]["number"], L.data
    ('4', 4.0)
    """
    try:
        kind, node, value = map(event.get, ("kind", "node", "value"))
        if descent is None or kind not in MOVES:
            made = ANSWERS[known("event", str(kind), ANSWERS)](Story(root), node, value)
            return made | {"descent": descent.data()} if descent and "nodes" in made else made
        MOVES[kind](descent, value)
        return graph_data(root, descent=descent)
    except MicrogradError as error:
        return {"error": str(error)}


def graph_data(root: Value, told: bool = False, descent: Descent | None = None) -> Data:
    """The graph below root and its walk as plain data; with ``told``, every word that could be asked for as well.

    With a descent, its samples and how far it has come stand under "descent".

    Nodes stand in the order of a person's walk. An edge into a node is given by the place of its operand, the local
    slope, the sign of the gradient that flows along it and the width of its line.

    Raises what Story raises.
    """
    story = Story(root)
    data: Data = {
        "title": f"Forward and backward through {story.name(root)}",
        "nodes": [_node(story, node) for node in story.order],
        "modules": [_module(story, module) for module in story.modules],
        "steps": [_step(moment) for moment in story.moments],
    }
    if descent:
        data["descent"] = descent.data()
    if told:
        for i, step in enumerate(data["steps"]):
            step |= _tell(story, None, i)
        nodes = enumerate(story.order)
        data["derivations"] = [None if isinstance(x, Constant) else _derive(story, i, None) for i, x in nodes]
    return data


# ---- what a page draws ----


def _node(story: Story, node: Value) -> Data:
    data: Data = {"name": story.name(node), "number": rounded(node.data), "made": story.formula(node)}
    if node.operation is not None:
        edges = _edges(story, node, zip(node.operands, node.partials, strict=True))
        return data | {"kind": "made", "module": story.module_of.get(node), "edges": edges, "flat": story.flat(node)}
    data |= {"kind": "constant" if isinstance(node, Constant) else "leaf", "homes": story.homes[node]}
    return data | ({"exact": repr(node.data)} if isfinite(node.data) else {})


def _module(story: Story, module: Block) -> Data:
    return {
        "name": story.name(module.output),
        "output": story.place[module.output],
        "count": len(module.made),
        "edges": _edges(story, module.output, slopes_through(module.made, module.inputs)),
        "flat": " ".join(filter(None, map(story.flat, module.made))),
    }


def _edges(story: Story, output: Value, links: Iterable[Link]) -> list[Data]:
    """The lines into a node; a constant takes no part in backward, so its line has no slope."""
    edges = []
    for operand, slope in links:
        data: Data = {"from": story.place[operand], "slope": "", "sign": "", "width": str(THINNEST)}
        if not isinstance(operand, Constant):
            flow = story.steps[output].upstream * slope
            data |= {"slope": rounded(slope), "sign": _sign(flow), "width": f"{width_of(flow, story.largest):.2f}"}
        edges.append(data)
    return edges


def _step(moment: Moment) -> Data:
    return {
        "phase": moment.phase,
        "title": moment.title,
        "node": moment.place,
        "operands": moment.operands,
        "gathered": [(place, rounded(total), _sign(total)) for place, _, total in moment.gathered],
        "module": moment.module,
        "whole": moment.whole,
    }


def _sign(x: float) -> str:
    return "positive" if x > 0 else "negative" if x < 0 else ""


# ---- what a page asks ----


def _tell(story: Story, place: Any, i: Any) -> Data:
    moment = story.moments[within("step", i, len(story.moments))]
    latex, words = story.tell(i)
    if moment.phase == "backward" and moment.place is not None:
        words = " ".join(filter(None, (words, story.flat(story.order[moment.place]))))
    return {"formula": mathml(latex, block=True) if latex else "", "words": words, "about": PHASES[moment.phase]}


def _derive(story: Story, place: Any, value: Any) -> Data:
    node = _node_at(story, place)
    sides = filter(None, (story.name(node), story.formula(node), rounded(node.data)))
    return {"heading": " = ".join(sides), "formula": mathml(story.derivation(place), block=True)}


def _set(story: Story, place: Any, value: Any) -> Data:
    leaf = _leaf(story, place)
    given = leaf.data
    try:
        leaf.data = value
        renew(story.root)
        return graph_data(story.root)
    except MicrogradError:
        leaf.data = given
        renew(story.root)
        raise


def _nudge(story: Story, place: Any, by: Any) -> Data:
    root, leaf = story.root, _leaf(story, place)
    name, loss = story.names[place], story.name(root)
    there = Value(by).data  # refuses what is no number
    if not there:
        raise ArgumentError("a nudge of 0 moves nothing: nudge by 0.01, say")
    moved = replay(root, {leaf: leaf.data + there})[root]
    rise = moved - root.data
    return {
        "words": f"{name} from {rounded(leaf.data)} to {rounded(leaf.data + there)}: {loss} goes from "
        f"{rounded(root.data)} to {rounded(moved)}, by {rounded(rise)}. {rounded(rise)} / {rounded(there)} = "
        f"{rounded(rise / there)}; the slope is {rounded(story.adjoints[leaf])}."
    }


def _check(story: Story, place: Any, derivation: Any) -> Data:
    node = _node_at(story, place)
    (finding,) = check_partials(story.root, {node: derivation}).findings
    return {"right": finding.ok, "words": finding.words or "Right."}


def _tutor(story: Story, place: Any, value: Any) -> Data:
    node = story.order[within("node", place, len(story.order))]
    said = value if isinstance(value, Mapping) else {}
    dialogue = tutor(story.root, node, said.get("record"))
    reply = dialogue.answer(str(said["entry"])) if "entry" in said else dialogue.hint() if said.get("hint") else None
    return {"right": reply and reply.right, "words": reply.words if reply else dialogue.opening, **dialogue.data}


Answer = Callable[[Story, Any, Any], Data]
ANSWERS: dict[Any, Answer] = {
    "set": _set,
    "tell": _tell,
    "derive": _derive,
    "nudge": _nudge,
    "check": _check,
    "tutor": _tutor,
}


def _leaf(story: Story, place: Any) -> Value:
    node = _node_at(story, place)
    if node.operation is not None or isinstance(node, Constant):
        raise ArgumentError("only a leaf can be moved: what an operation made follows from its operands")
    return node


def _node_at(story: Story, place: Any) -> Value:
    return story.order[within("node", place, len(story.order))]
