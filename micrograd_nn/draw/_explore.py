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

and where there are samples to learn from, each with the data as its answer:

    sample  value         the sample that is shown
    step    value         one step at that learning rate, and on to the next sample
    epochs  value         [how many, learning rate]
    rewind                back to the numbers of the start
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from ..derive import check_partials
from ..engine.backprop import replay
from ..engine.value import Constant, Value
from ..errors import ArgumentError, MicrogradError, known
from ..notation.text import rounded
from ._descent import MOVES, Descent, renew, within
from .folding import slopes_through
from .mathml import mathml
from .source import THINNEST, largest_of, width_of
from .story import Moment, Story, Unit

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
    flows = (flow for step in story.steps.values() for flow in step.contributions)
    largest = largest_of(flow for flow in flows if isfinite(flow))
    data: Data = {
        "title": f"Forward and backward through {story.name(root)}",
        "nodes": [_node(story, place, largest) for place in range(len(story.order))],
        "units": [_unit(story, unit, largest) for unit in story.units],
        "steps": [_step(moment) for moment in story.moments],
    }
    if descent:
        data["descent"] = descent.data()
    if told:
        for i, step in enumerate(data["steps"]):
            step |= _told(story, i)
        data["derivations"] = [
            None if isinstance(node, Constant) else _derived(story, place) for place, node in enumerate(story.order)
        ]
    return data


# ---- what a page draws ----


def _node(story: Story, place: int, largest: float) -> Data:
    node = story.order[place]
    data: Data = {"name": story.name(node), "number": rounded(node.data), "made": story.formula(node)}
    if node.operation is None:
        data |= {"kind": "constant" if isinstance(node, Constant) else "leaf", "homes": story.homes[node]}
        return data | ({"exact": repr(node.data)} if isfinite(node.data) else {})
    step = story.steps[node]
    pairs = zip(node.operands, step.partials, step.contributions, strict=True)
    edges = [_edge(story, operand, slope, flow, largest) for operand, slope, flow in pairs]
    data |= {"kind": "made", "unit": story.unit_of.get(node), "edges": edges, "flat": story.flat(node)}
    return data


def _unit(story: Story, unit: Unit, largest: float) -> Data:
    upstream = story.adjoints[unit.output]
    links = slopes_through(unit.made, unit.inputs)
    return {
        "name": story.name(unit.output),
        "output": story.place[unit.output],
        "count": len(unit.made),
        "edges": [_edge(story, operand, slope, upstream * slope, largest) for operand, slope in links],
        "flat": " ".join(filter(None, map(story.flat, unit.made))),
    }


def _edge(story: Story, operand: Value, slope: float, flow: float, largest: float) -> Data:
    if isinstance(operand, Constant):  # takes no part in backward
        return {"from": story.place[operand], "slope": "", "sign": "", "width": str(THINNEST)}
    width = f"{width_of(flow, largest):.2f}"
    return {"from": story.place[operand], "slope": rounded(slope), "sign": _sign(flow), "width": width}


def _step(moment: Moment) -> Data:
    return {
        "phase": moment.phase,
        "title": moment.title,
        "node": moment.place,
        "operands": moment.operands,
        "gathered": [(place, rounded(total), _sign(total)) for place, total in moment.gathered],
        "unit": moment.unit,
        "whole": moment.whole,
    }


def _sign(x: float) -> str:
    return "positive" if x > 0 else "negative" if x < 0 else ""


# ---- what a page asks ----


def _told(story: Story, i: int) -> Data:
    latex, words = story.tell(i)
    moment = story.moments[i]
    if moment.phase == "backward" and moment.place is not None:
        words = " ".join(filter(None, (words, story.flat(story.order[moment.place]))))
    return {"formula": mathml(latex, block=True) if latex else "", "words": words, "about": PHASES[moment.phase]}


def _derived(story: Story, place: int) -> Data:
    node = story.order[place]
    made = f" = {story.formula(node)}" if node.operation is not None else ""
    heading = f"{story.name(node)}{made} = {rounded(node.data)}"
    return {"heading": heading, "formula": mathml(story.derivation(place), block=True)}


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


def _tell(story: Story, place: Any, i: Any) -> Data:
    return _told(story, within("step", i, len(story.moments)))


def _derive(story: Story, place: Any, value: Any) -> Data:
    return _derived(story, within("node", place, len(story.order)))


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
    node = story.order[within("node", place, len(story.order))]
    (finding,) = check_partials(story.root, {node: derivation}).findings
    return {"right": finding.ok, "words": finding.words or "Right."}


Answer = Callable[[Story, Any, Any], Data]
ANSWERS: dict[Any, Answer] = {"set": _set, "tell": _tell, "derive": _derive, "nudge": _nudge, "check": _check}


def _leaf(story: Story, place: Any) -> Value:
    node = story.order[within("node", place, len(story.order))]
    if node.operation is not None or isinstance(node, Constant):
        raise ArgumentError("only a leaf can be moved: what an operation made follows from its operands")
    return node
