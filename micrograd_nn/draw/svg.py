"""What dot draws, made fit for a page: plain SVG that can stand in a file, a cell or the middle of other HTML.

Promise: the result holds the elements below and no others: no link, no script, no id that could meet another
picture's, nothing that is fetched. The same DOT source gives the same text, and in a dark page the picture is dark.
"""

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from .palette import LIGHT, STYLE

ELEMENTS = ("svg", "title", "style", "g", "path", "polygon", "polyline", "ellipse", "text")
HALO = {"stroke": LIGHT["paper"], "stroke-width": "2.5", "stroke-linejoin": "round", "paint-order": "stroke"}
_NAMESPACE = "http://www.w3.org/2000/svg"
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def page_ready(drawn: bytes, title: str, names: Mapping[str, str]) -> str:
    """dot's SVG as plain SVG; ``names`` gives the text alternative of nodes and edges by their ids."""
    root = ElementTree.fromstring(re.sub(rb"<!DOCTYPE[^>]*>", b"", drawn))
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_NAMESPACE}}}")
        element.attrib.pop(_XML_SPACE, None)
        element.text = (element.text or "").strip() or None if element.tag != "text" else element.text
        element.tail = "\n" if element.tag in ("g", "title") else None
    for group in root.iter("g"):
        _name(group, names)
        if group.get("class") == "edge":
            for text in group.iter("text"):
                text.attrib |= HALO
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


def _name(group: ElementTree.Element, names: Mapping[str, str]) -> None:
    """dot names a group by its source text; a reader is better served by what it stands for."""
    identity = group.attrib.pop("id", "")
    title = group.find("title")
    if identity in names:
        group.attrib["data-id"] = identity
        if title is not None:
            title.text = names[identity]
    elif title is not None:
        group.remove(title)
