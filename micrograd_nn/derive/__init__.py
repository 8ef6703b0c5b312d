"""The teaching half: every partial explained, and a person's own derivation checked.

Promise: whatever is said about a derivative is read from the recorded graph and the rows; nothing here changes a graph.
"""

from ..notation._simplify import simplify as simplify
from ..notation.symbol import Symbol as Symbol
from ._explain import Explanation as Explanation
from ._explain import explain as explain
from ._gradcheck import complex_step as complex_step
from ._gradcheck import gradcheck as gradcheck
from ._gradcheck import step_errors as step_errors
from ._paths import Path as Path
from ._paths import Paths as Paths
from ._paths import count_paths as count_paths
from ._paths import paths as paths
from ._quiz import Quiz as Quiz
from ._quiz import quiz as quiz
from ._steps import Step as Step
from ._steps import steps as steps
from ._steps import wrong_order as wrong_order
from ._tutor import Reply as Reply
from ._tutor import Tutor as Tutor
from ._tutor import tutor as tutor
from .check import Finding as Finding
from .check import Report as Report
from .check import check_partials as check_partials
from .closed_form import to_sympy as to_sympy
from .slips import Slip as Slip
