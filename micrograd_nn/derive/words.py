"""What is said of a slip: its sentence, and what stands where what belongs."""

from collections.abc import Callable
from itertools import islice, pairwise

from ..notation._collect import product
from ..notation._simplify import Tidy
from ._paths import largest_first
from .chain import Chain
from .recorded import partial_text
from .rules import bends, other_functions
from .slips import Scope
from .suspects import Suspect, in_symbols

MOST_SHOWN = 2  # paths that are written out
READABLE = 80  # characters of a branch or a factor in symbols; a longer one is not said


def title(suspect: Suspect) -> str:
    """The slip in a word or two, said of one branch where it could be taken for a slip of the whole."""
    one_term = " in one term" if suspect.rank > suspect.slip.rank else ""
    which = f" ({detail(suspect)})" if suspect.edit.scope is Scope.ENTRY and suspect.edit.said else ""
    return f"{suspect.slip.value}{one_term}{which}"


def sentence(suspect: Suspect) -> str:
    """What went wrong, in the words of the function in which it did."""
    text = suspect.slip.sentence
    for blank, filled in BLANKS.items():
        text = text.replace(blank, filled(suspect)) if blank in text else text
    return text


def detail(suspect: Suspect) -> str:
    """In which branch, and which symbols stand where others belong; nothing where that is said by the slip."""
    edit, variant = suspect.edit, suspect.variant
    said = edit.said[min(variant, len(edit.said) - 1)] if edit.said else ""
    if "{}" in said:
        meant = _meant(suspect)
        said = said.format(meant) if meant else ""
    return "; ".join(filter(None, (said, _instead(suspect))))


def _instead(suspect: Suspect) -> str:
    """What stands where what belongs, in symbols."""
    edit = suspect.edit
    in_place = edit.shown or (edit.scope is Scope.EDGE and not edit.said)
    slope = suspect.places[0].in_symbols(suspect.chain) if in_place else None
    if slope is None:
        return ""
    text = f"{product([Tidy.of(edit.instead(slope)[suspect.variant])])} stands where {slope.right} belongs"
    return text if len(text) <= READABLE or not edit.shown else ""


def _meant(suspect: Suspect) -> str:
    """What a blank in the detail stands for: a branch, another partial, or how far off the n of a mean leads."""
    chain, place = suspect.chain, suspect.places[0]
    if suspect.edit.scope is Scope.ENTRY:
        return partial_text(chain.names[chain.root], chain.names[place.others[suspect.variant]])
    if place.edge is None:
        n, small = divmod(suspect.variant, 2)
        return f"{chain.divisors[n]:g} times too {'small' if small else 'large'}"
    (node, i), (_, parent) = place.edge, suspect.pair
    uses = (node.operands[i], node)[: 1 + (node.operands[i] is parent)]  # of a name, which use
    through = in_symbols(*(chain.graph.symbols[use] for use in uses))
    return through if len(through) <= READABLE else ""


def in_factors(chain: Chain) -> str:
    """The chain of the whole, or its two; nothing if they are more, or one is the direct way, of the same name."""
    found = largest_first(chain.named, chain.edges, chain.target) if chain.named else ()
    paths = [[*pairwise(path.nodes)] for path in islice(found, MOST_SHOWN + 1)]
    few = len(paths) <= MOST_SHOWN and all(len(path) > 1 for path in paths)
    terms = ["·".join(partial_text(chain.names[a], chain.names[b]) for a, b in path) for path in paths]
    return " + ".join(terms) if few else ""


# ---- the blanks in a sentence ----


def _function(suspect: Suspect) -> str:
    """The function at hand, by its sign."""
    edge = suspect.places[0].edge
    sign = suspect.edit.f or (edge[0].operation.sign if edge and edge[0].operation else "")
    return _shown(sign)


def _inner(suspect: Suspect) -> str:
    """Is the factor that is forgotten that of an inner function?"""
    edge = suspect.places[0].edge
    above = {edge[0]} if edge else set()
    for node in suspect.chain.links[suspect.pair[0]].nodes:
        for i, operand in enumerate(node.operands):
            if operand in above and node.operation:
                if bends(node.operation, i):
                    return "the inner derivative"
                above.add(node)
    return "a factor"


def _other(suspect: Suspect) -> str:
    """Whose rule was taken."""
    slope = suspect.places[0].in_symbols(suspect.chain) if suspect.places[0].edge else None
    rows = [row for row in other_functions(slope) for _ in range(2)] if slope else []
    known = suspect.variant < len(rows)
    return f"the rule of {_shown(rows[suspect.variant].sign)}" if known else "another function's rule"


def _shown(sign: str) -> str:
    return sign.replace("_", " ").replace("·", "x")


BLANKS: dict[str, Callable[[Suspect], str]] = {"{f}": _function, "{inner}": _inner, "{other}": _other}
