"""The teaching half: every partial explained, and a person's own derivation checked."""

from .explain import Explanation as Explanation
from .explain import explain as explain
from .paths import Path as Path
from .paths import Paths as Paths
from .paths import count_paths as count_paths
from .paths import paths as paths
from .simplify import simplify as simplify
from .steps import Step as Step
from .steps import steps as steps
from .symbol import Symbol as Symbol
