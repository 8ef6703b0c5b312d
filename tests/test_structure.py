"""The house: which module stands on which, and what importing the package brings along.

A module may import from floors below its own, never from above and never in a circle. A package (derive, draw,
compile …) is one floor for the others, and free of circles within.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "micrograd_nn"

# From the ground up: the order is the house. A new room or module at the top takes its place here.
FLOORS = (
    "errors",
    "number",
    "habits",
    "files",
    "progress",
    "interrupts",
    "collector",
    "blocks",
    "engine",
    "notation",
    "nn",
    "derive",
    "draw",
    "data",
    "compiler",
    "training",
    "storage",
    "cli",
    "__main__",
)
LEVEL = {name: level for level, name in enumerate(FLOORS)}
EXTRAS = {"jax"}  # what a module may import that the tests' environment need not have
HEAVY = ("numpy", "graphviz", "matplotlib", "IPython", "sympy", "torch", "safetensors", "tqdm", "jax")


def modules() -> dict[str, Path]:
    """Dotted names inside the package, and their files; a package stands for its __init__."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(part for part in parts if part != "__init__")] = path
    return names


def imports(path: Path) -> Iterator[str]:
    """The modules of this package that a file imports, wherever in the file, as dotted names inside the package."""
    known = modules()
    here = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = (node.module or "").split(".") if node.module else []
            if node.level:
                base = [*here[: len(here) - node.level + 1], *names]
            elif names and names[0] == "micrograd_nn":
                base = names[1:]
            else:
                continue
            for alias in node.names:
                whole = ".".join([*base, alias.name])
                yield whole if whole in known else ".".join(base)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                top, _, rest = alias.name.partition(".")
                if top == "micrograd_nn":
                    yield rest


ARROWS = {name: sorted(set(imports(path)) - {name}) for name, path in modules().items()}


def floor(name: str) -> str:
    return name.partition(".")[0]


def test_every_module_has_its_floor() -> None:
    homeless = sorted({floor(name) for name in modules() if name} - set(LEVEL))
    assert not homeless, (
        f"no floor yet for {', '.join(homeless)}: put it into FLOORS in {__file__}, above what it imports"
    )
    gone = sorted(set(LEVEL) - {floor(name) for name in modules()})
    assert not gone, f"{', '.join(gone)} is in FLOORS in {__file__} but no longer in the package: take it out"


def test_contributing_shows_the_whole_house() -> None:
    """The roof stands on top of the page and the ground at its foot, and within a line what is higher comes first."""
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    ([\w ·]+?)  +\w", text.partition("How the house stands")[2], re.MULTILINE)
    named = [name for line in shown for name in line.split(" · ") if name in LEVEL]
    assert named == [name for name in reversed(FLOORS) if name != "__main__"]


def test_every_module_imports_by_its_path() -> None:
    """No module is hidden by a function of its name."""
    names = [f"micrograd_nn.{name}" for name in modules() if name and name != "__main__"]
    code = f"""
for name in {names!r}:
    try:
        exec(f"import {{name}} as it")
    except ImportError as missing:
        assert missing.name in {EXTRAS!r}, missing
    else:
        assert it.__name__ == name, name
"""
    run(code)


@pytest.mark.parametrize("name", [name for name in modules() if name])
def test_arrows_run_downwards(name: str) -> None:
    for target in ARROWS[name]:
        assert target, f"{name} imports the package's front door; import from the module where the thing is made"
        if floor(target) == floor(name) or not {floor(target), floor(name)} <= LEVEL.keys():
            continue  # at home; or without a floor yet, which test_every_module_has_its_floor says
        assert LEVEL[floor(target)] < LEVEL[floor(name)], (
            f"{name} imports {target}, which does not stand below it. Move what both need further down, or the module "
            f"to a higher floor (FLOORS in {__file__}) if nothing above it minds"
        )


def test_there_is_no_circle() -> None:
    arrows = {name: set(targets) & set(ARROWS) - {""} for name, targets in ARROWS.items()}
    size = None
    while size != len(arrows):  # take away what imports nothing that is left, and what nothing left imports
        size = len(arrows)
        imported = set().union(*arrows.values())
        arrows = {name: targets & set(arrows) for name, targets in arrows.items() if targets and name in imported}
        arrows = {name: targets & set(arrows) for name, targets in arrows.items()}
    assert not arrows, f"these modules import each other in a circle: {arrows}. Move what both need into one below"


def test_the_reader_sees_arrows() -> None:
    assert "engine.operation" in ARROWS["engine.value"]
    assert "engine.modes" in ARROWS["engine.value"], "from . import modes"
    assert "engine.value" in ARROWS["draw.dot"], "from ..engine.value import Value"


def test_the_engine_is_read_in_one_sitting_and_so_is_any_file() -> None:
    sizes = {name: path.read_text(encoding="utf-8").count("\n") for name, path in modules().items()}
    assert {name: size for name, size in sizes.items() if size > 400} == {}
    engine = [size for name, size in sizes.items() if floor(name) == "engine"]
    assert sum(engine) <= 1100
    assert len(engine) <= 8


def run(code: str, *options: str) -> str:
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_row_39_import_is_light() -> None:
    """Every front door of the package: no network, no files written; numpy, graphviz and others only when used."""
    names = [f"micrograd_nn.{name}" for name in LEVEL if name != "__main__"]
    code = f"""
import importlib, sys
touched, writing = [], set("wax+")
def hook(event, arguments):
    if event.startswith("socket.") or (event == "open" and writing & set(str(arguments[1]))):
        touched.append((event, arguments))
sys.dont_write_bytecode = True
sys.addaudithook(hook)
before = set(sys.modules)
import micrograd_nn
for name in {names!r}:
    importlib.import_module(name)
print(sorted((set(sys.modules) - before) & set({HEAVY!r})), touched)
"""
    assert run(code).split() == ["[]", "[]"]


@pytest.mark.parametrize("options", [("-O",), ("-OO",), ("-X", "dev"), ("-W", "error")])
def test_row_38_the_main_job_of_the_engine_under_options(options: tuple[str, ...]) -> None:
    code = """
import gc; gc.disable()
from micrograd_nn import MLP, Value, mse
net = MLP(2, [3, 1], activation="tanh", seed=0)
loss = mse(net([1.0, -2.0]), 0.5)
loss.backward()
print(repr(loss.data), [repr(p.grad) for p in net.parameters()])
"""
    assert run(code, *options) == run(code)
