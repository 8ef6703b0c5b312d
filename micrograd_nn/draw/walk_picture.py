"""The graph of the walk: dot's layout as a bare SVG, whose look and whose numbers the page decides.

One box per value, with its name and formula, its number and its gradient; one line per recorded edge. Boxes and lines
carry their places in the story as data attributes, and nothing else that could act (tests/test_draw_labels.py).
"""

from xml.etree import ElementTree

from ..notation.text import rounded, shown
from .folding import fold
from .render import render
from .source import add_frames, digraph, label, largest_of, room_before, stroke
from .story import LONGEST_NAME, Story
from .svg import plain

ROWS = ("name", "number", "gradient")
KEPT: tuple[str, ...] = ("d", "points", "x", "y", "text-anchor", "stroke-width")


def walk_picture(story: Story) -> str:
    """The graph as inline SVG. Raises RenderError if there is no dot to lay it out."""
    seen = fold(story.order, closed=False)
    dot = digraph(seen.lines, rankdir="LR", nodesep="0.14", ranksep="0.22")
    add_frames(dot, seen, lambda node: [f"n{story.place[node]}"])
    for place in range(len(story.order)):
        look = {"shape": "box", "style": "rounded", "margin": "0.09,0.05", "height": "0"}
        dot.node(f"n{place}", label(*_lines(story, place)), id=f"n{place}", **look)
    flows = {place: step.contributions for place, step in story.steps.items()}
    largest = largest_of(flow for contributions in flows.values() for flow in contributions)
    for place, contributions in flows.items():
        for i, (operand, flow) in enumerate(zip(story.order[place].operands, contributions, strict=True)):
            slope = label(rounded(story.order[place].partials[i]))
            look = stroke(flow, largest) | room_before(seen, operand, story.order[place])
            ends = f"n{story.place[operand]}", f"n{place}"
            dot.edge(*ends, label=slope, id=f"e{place}.{i}", fontsize="11", **look)
    return _bare(plain(render(dot.source, "svg")), story)


def _lines(story: Story, place: int) -> tuple[str, str, str]:
    """What a box must have room for: the name, the number, and the longest gradient that ever stands there."""
    node = story.order[place]
    name, formula = shown(story.names[place], LONGEST_NAME), story.formula(node)
    totals = [rounded(total) for moment in story.moments for at, total in moment.gathered if at == place]
    return f"{name} = {formula}" if formula else name, rounded(node.data), max(totals, key=len, default="–")


def _bare(drawn: ElementTree.Element, story: Story) -> str:
    width, height = (float(x) for x in drawn.attrib["viewBox"].split()[2:])
    svg = ElementTree.Element(
        "svg", {"viewBox": drawn.attrib["viewBox"], "width": f"{width:.0f}", "height": f"{height:.0f}"}
    )
    svg.attrib |= {"role": "img", "aria-label": _alternative(story)}
    graph = drawn.find("g")
    assert graph is not None  # dot always draws one
    inner = ElementTree.SubElement(svg, "g", {"transform": graph.attrib["transform"]})
    groups = {kind: [g for g in graph if g.get("class") == kind] for kind in ("cluster", "edge", "node")}
    for group in groups["cluster"]:
        _shapes(ElementTree.SubElement(inner, "g", {"class": "frame"}), group, ("name",))
    for group in groups["edge"]:
        place, i = map(int, group.attrib["id"][1:].split("."))
        step = story.steps[place]
        flow = step.contributions[i]
        sign = " negative" if flow < 0 else " positive" if flow > 0 else ""
        attributes = {"class": f"edge{sign}", "data-into": str(place), "data-from": str(story.place[step.operands[i]])}
        _shapes(ElementTree.SubElement(inner, "g", attributes), group, ("slope",))
    for group in groups["node"]:
        place = int(group.attrib["id"][1:])
        kind = "leaf" if story.order[place].operation is None else "made"
        _shapes(ElementTree.SubElement(inner, "g", {"class": f"node {kind}", "data-place": str(place)}), group, ROWS)
    return ElementTree.tostring(svg, encoding="unicode")


def _shapes(into: ElementTree.Element, group: ElementTree.Element, rows: tuple[str, ...]) -> None:
    """The outlines of a group and its lines of text, with a class in place of every colour and font."""
    texts = iter(rows)
    for shape in group:
        kept = {key: shape.attrib[key] for key in KEPT if key in shape.attrib}
        if shape.tag == "text":
            ElementTree.SubElement(into, shape.tag, {"class": next(texts), **kept}).text = shape.text
        elif shape.tag in ("path", "polygon"):
            ElementTree.SubElement(into, shape.tag, kept)


def _alternative(story: Story) -> str:
    operations = len(story.steps)
    return (
        f"The computation graph of {story.name(story.root)}: {len(story.order)} values, {operations} operations, "
        "from the leaves on the left to the result on the right. The table below lists all of them."
    )
