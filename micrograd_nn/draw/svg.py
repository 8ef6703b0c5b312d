"""What dot draws, made fit for a page: plain SVG that can stand in a file, a cell or the middle of other HTML.

Promise (tests/test_draw_labels.py, test_draw_dot.py): the result holds the elements below and no others: no link, no
script, no id that could meet another picture's, nothing that is fetched. The same DOT source gives the same text, and
in a dark page the picture is dark.
"""

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from .lines import write_on_lines
from .palette import LIGHT, STYLE

ELEMENTS = ("svg", "title", "style", "g", "path", "polygon", "polyline", "ellipse", "text")
HALO = {"stroke": LIGHT["paper"], "stroke-width": "6", "stroke-linejoin": "round", "paint-order": "stroke"}
_NAMESPACE = "http://www.w3.org/2000/svg"
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def page_ready(drawn: bytes, title: str, names: Mapping[str, str]) -> str:
    """dot's SVG as plain SVG; ``names`` gives the text alternative of nodes and edges by their ids."""
    root = plain(drawn)
    for group in root.iter("g"):
        identity, own = group.attrib.pop("id", ""), group.find("title")
        if identity in names:
            group.attrib["data-id"] = identity
        if own is not None:  # dot's is the source text; a reader is better served by what the group stands for
            own.text = names.get(identity)
            if identity not in names:
                group.remove(own)
        if group.get("class") == "edge":
            for text in group.iter("text"):
                text.attrib |= HALO
            for head in group.iter("polygon"):
                head.attrib["stroke-width"] = "1"  # or the arrow of a wide line would reach into what it points at
    root.attrib = {
        "xmlns": _NAMESPACE,
        "class": "micrograd-nn",
        "role": "img",
        "aria-label": title,
        **{key: root.attrib[key] for key in ("width", "height", "viewBox")},
    }
    style = ElementTree.Element("style")
    style.text = STYLE
    root.insert(0, style)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def narrowed(svg: str, widest: float, least: float) -> str:
    """The same picture shown at most ``widest`` points wide, but at ``least`` of its size, so that it can be read."""
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    assert size is not None  # dot always says it
    scale = max(least, min(1.0, widest / float(size[1])))
    width, height = (scale * float(side) for side in size.groups())
    return svg.replace(size[0], f'width="{width:.0f}pt" height="{height:.0f}pt"', 1)


def plain(drawn: bytes) -> ElementTree.Element:
    """dot's SVG as elements without a namespace, with the numbers of its edges on their lines."""
    root = ElementTree.fromstring(re.sub(rb"<!DOCTYPE[^>]*>", b"", drawn))
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_NAMESPACE}}}")
        element.attrib.pop(_XML_SPACE, None)
        element.text = (element.text or "").strip() or None if element.tag != "text" else element.text
        element.tail = "\n" if element.tag in ("g", "title") else None
    write_on_lines(root)
    return root
