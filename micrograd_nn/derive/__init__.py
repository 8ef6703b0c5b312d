"""The teaching half: every partial explained, and a person's own derivation checked.

Promise: whatever is said about a derivative is read from the recorded graph and the rows; nothing here changes a graph.
"""

from .check import Finding as Finding
from .check import Report as Report
from .check import check_partials as check_partials
from .closed_form import to_sympy as to_sympy
from .explain import Explanation as Explanation
from .explain import explain as explain
from .gradcheck import complex_step as complex_step
from .gradcheck import gradcheck as gradcheck
from .gradcheck import step_errors as step_errors
from .paths import Path as Path
from .paths import Paths as Paths
from .paths import count_paths as count_paths
from .paths import paths as paths
from .quiz import Quiz as Quiz
from .quiz import quiz as quiz
from .simplify import simplify as simplify
from .slips import Slip as Slip
from .steps import Step as Step
from .steps import steps as steps
from .symbol import Symbol as Symbol
from .wrong_order import wrong_order as wrong_order
