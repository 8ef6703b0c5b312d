"""The teaching half: every partial explained, and a person's own derivation checked."""

from .simplify import simplify as simplify
from .steps import Step as Step
from .steps import steps as steps
from .symbol import Symbol as Symbol
