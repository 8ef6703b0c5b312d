"""What the tests of pictures share: the two-input network, hostile labels, and what a picture holds."""

import random
from html.parser import HTMLParser
from xml.etree import ElementTree

from micrograd_nn import MLP, Value, mse, total

SVG = "{http://www.w3.org/2000/svg}"
WEIGHTS = (0.5, -1.0, 0.1, 0.3, 1.0, 0.0, 1.5, -0.7, 0.0)
HOSTILE = (
    "{}<>|\"'&",
    "<script>alert(1)</script>",
    "]]>",
    "--><img src=x onerror=alert(1)>",
    "<<b>bold</b>>",
    "<b>bold</b>",
    r"\N\G\L\l\n\r",
    "&amp;",
    "&#60;b&#62;",
    "</style><script>",
    "</script><script>alert(1)</script>",
    "javascript:alert(1)",
    "a\\",
    "a\\\\",
    '"',
    '\\"',
    "'",
    "\0",
    "a\0b",
    "\x01\x02\x1f\x7f\x85",
    "\ud800",
    "a\udfffb",
    "\u202eabc",
    "\u2066x\u2069",
    "\ufffe\uffff",
    "\u2028\u2029",
    "a\nb\r\nc\td",
    " ",
    "  two  spaces  ",
    "$title ${x} $$",
    "%s {a:0} {0}",
    "<!--",
    "<![CDATA[",
    "}{",
    "n0",
    "graph",
    "x" * 1_000_000,
    "é" * 30,
    "👩‍💻 emoji",
    "‏עברית",
    "zálgơ̷̢",
    "http://example.org/",
    "onload=alert(1)",
    "style=color:red",
    "x-->",
    "\\text{a}",
    "\\frac{1}{2}",
    "_^{}",
    "#",
    "~",
    "`",
)


def friends_loss():
    """The squared error of the network h1, h2, o1 on one sample, everything named, before a sweep."""
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=0)
    for parameter, weight in zip(net.parameters(), WEIGHTS, strict=True):
        parameter.data = weight
    loss = mse(net([-2, -1]), Value(1, "y"))
    loss.label = "L"
    return net, loss


def sum_of(labels):
    """A graph with these labels on its leaves, in this order in the graph too."""
    return total([Value(float(i), label) for i, label in enumerate(labels)])


def random_labels(count, seed=0):
    """Strings from all of Unicode, ASCII's signs more often than the rest."""
    draw = random.Random(seed)
    planes = [(32, 126), (0, 0x1F), (0x80, 0x2FF), (0x300, 0xFFFF), (0xD800, 0xDFFF), (0x10000, 0x10FFFF)]
    weights = [12, 2, 3, 6, 1, 3]
    return [
        "".join(chr(draw.randint(*draw.choices(planes, weights)[0])) for _ in range(draw.randint(1, 30)))
        for _ in range(count)
    ]


def groups(svg, kind):
    """The groups of an SVG with that class."""
    return [g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if (g.get("class") or "").split()[:1] == [kind]]


def texts(group):
    """A group's lines of text; older versions of dot write spaces that can't be broken."""
    return [(text.text or "").replace("\xa0", " ") for text in group.iter(f"{SVG}text")]


class Page(HTMLParser):
    """A page's elements with their attributes, in order, and the text of each."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.text, self.comments = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.text.append("")
        if tag not in ("meta", "input"):
            self.open.append((tag, len(self.elements) - 1))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.text.append("")

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1][0] == tag, f"</{tag}> inside <{self.open[-1][0]}>"
        self.open.pop()

    def handle_data(self, data):
        for _, i in self.open:
            self.text[i] += data

    def handle_comment(self, data):
        self.comments.append(data)

    def tags(self):
        return [tag for tag, _ in self.elements]

    def texts_of(self, tag, **attributes):
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}.items()
        return [
            t for (name, own), t in zip(self.elements, self.text, strict=True) if name == tag and wanted <= own.items()
        ]
