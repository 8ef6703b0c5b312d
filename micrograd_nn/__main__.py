"""``python -m micrograd_nn`` is ``micrograd-nn``."""

from .cli import main

raise SystemExit(main())
