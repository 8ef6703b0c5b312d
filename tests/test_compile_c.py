"""C as a backend and as a file: what it needs, where its libraries lie, and what compilers and sanitizers say."""

import ctypes
import math
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from compile_cases import Case, alike, arguments, engine, network
from reference import SPECIAL, mp, points, ulps
from test_compile_equal import CASES, bits_differ, out_of_bounds, random_case, rows_for, tied_case

from micrograd_nn import TABLE, Operation, Value
from micrograd_nn.cli import main
from micrograd_nn.compiler import compile, registry
from micrograd_nn.compiler.c import backend as c_backend
from micrograd_nn.compiler.c import library as c_library
from micrograd_nn.compiler.c.file import header
from micrograd_nn.compiler.c.source import expression
from micrograd_nn.compiler.run import update_of
from micrograd_nn.errors import CompilerError, ExtraMissingError
from micrograd_nn.nn import losses
from micrograd_nn.nn.optim import SGD, Adam

needs_c = pytest.mark.skipif(bool(c_library.missing()), reason=c_library.missing())
WARNINGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
COMPILERS = [
    pytest.param(name, marks=pytest.mark.skipif(not shutil.which(name), reason=f"there is no {name} here"))
    for name in ("gcc", "clang")
]


def small() -> tuple[Value, list[Any], list[Value]]:
    w, x = Value(3.0), Value(0.5)
    return (w * x).tanh() ** 2, [x], [w]


# ---- the compiler ----


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("no-such-compiler", r"there is no C compiler here \(CC=no-such-compiler\): install one .* apt install gcc"),
        ("false", "the C compiler false does not work, it said 'nothing': install one"),
    ],
)
def test_without_a_compiler_the_others_go_on(named: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", named)
    with pytest.raises(ExtraMissingError, match=said):
        compile(*small(), backend="c")
    program = compile(*small())
    program.minimize(SGD(program.parameters, lr=0.1), [0.5], epochs=3)
    assert program.backend == "python"


@needs_c
def test_what_the_compiler_refuses_is_told() -> None:
    with pytest.raises(CompilerError, match=r"the C compiler \w+ refused what was compiled; it said: .*error"):
        c_library.load("this is no C", exact=True)


@needs_c
@pytest.mark.usefixtures("own_rows")
def test_an_operation_says_how_it_is_written_in_c() -> None:
    """Arithmetic alone is C already; what has neither is refused by name."""

    def row(name: str, **more: str) -> Operation:
        return Operation(
            name, doc="2a", forward=lambda a: 2.0 * a, partials=(lambda a, out: 2.0,), numpy="2.0 * {a}", **more
        )

    w = Value(3.0)
    for own in (row("twice", c="{a} + {a}"), row("double", python="2.0 * {a}")):
        assert compile(own(w * 1.5), [], [w], backend="c").value_and_grad()[1].tolist() == [3.0]
    silent = compile(row("silent")(w * 1.5), [], [w], backend="c")
    with pytest.raises(CompilerError, match=r"silent can't be compiled to C: its row has no c=…"):
        silent.value_and_grad()


@needs_c
def test_the_command_writes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "network.c"
    assert main(["compile", "--network", "2,2,1", "--to-c", str(path)]) == 0
    assert capsys.readouterr().out == f"Wrote {path}\n"
    text = path.read_text()
    assert re.findall(r"^double (\w+)\(", text, re.MULTILINE) == ["predict", "loss_and_gradient", "step"]
    assert "malloc" not in text


# ---- the cache ----


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    c_library.folder.cache_clear()
    yield tmp_path / "micrograd_nn"
    c_library.folder.cache_clear()


def source(number: int) -> str:
    return f"double f(void) {{ return {number}.0; }}\n"


def answer(library: ctypes.CDLL) -> float:
    library.f.restype = ctypes.c_double
    return float(library.f())


@pytest.mark.usefixtures("optimised")
@needs_c
def test_a_library_is_compiled_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        assert answer(c_library.load(source(1), exact=True)) == 1.0
    (path,) = cache.iterdir()
    made = path.stat().st_mtime_ns
    assert answer(c_library.load(source(1), exact=True)) == 1.0
    assert path.stat().st_mtime_ns == made
    monkeypatch.setattr(c_library, "KEPT", 2)
    for number in (2, 3, 4):
        assert answer(c_library.load(source(number), exact=True)) == number
    assert len(list(cache.iterdir())) == 2


@needs_c
def test_a_damaged_library_is_compiled_anew(cache: Path) -> None:
    c_library.load(source(5), exact=True)
    (path,) = cache.iterdir()
    path.unlink()  # what is loaded here stays whole
    path.write_bytes(b"damaged")
    code = f"from micrograd_nn.compiler.c import library as c_library; print(c_library.load({source(5)!r}, True).f)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_c
def test_two_processes_may_compile_the_same_at_once(cache: Path) -> None:
    code = (
        "import sys, ctypes; from micrograd_nn.compiler.c import library as c_library\n"
        "for k in range(5):\n"
        "    f = c_library.load(f'double f(void) {{ return {k}.0; }}', True).f; f.restype = ctypes.c_double\n"
        "    assert f() == k"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    assert len(list(cache.iterdir())) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="folders have other rights there")
@pytest.mark.parametrize("where", ["itself", "parent", "link"])
def test_no_library_is_loaded_from_where_others_can_write(cache: Path, where: str) -> None:
    real = cache
    if where == "link":
        real = cache.with_name("elsewhere")
        real.mkdir()
        cache.symlink_to(real)
    cache.mkdir(exist_ok=True)
    (cache.parent if where == "parent" else real).chmod(0o777)
    assert c_library.folder() != cache
    assert c_library.is_ours(c_library.folder())
    assert not c_library.is_ours(cache)


# ---- the numbers ----


@pytest.mark.usefixtures("optimised")
@needs_c
def test_random_graphs_have_the_engines_bits() -> None:
    faults = [(s, fault) for s in range(15) for make in CASES_OF if (fault := bits_differ(*make(s), backend="c"))]
    assert faults == []


CASES_OF = (random_case, tied_case)


@needs_c
def test_random_graphs_in_arrays_lie_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "STRAIGHT", -1)
    faults = [(s, fault) for s in range(8) for make in CASES_OF if (fault := out_of_bounds(*make(s), backend="c"))]
    assert faults == []


@needs_c
@pytest.mark.slow
def test_many_random_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In both forms, with batches of 1 to 3 rows; each is a run of the compiler: GRAPHS=2000 takes a quarter hour."""
    seeds = range(int(os.environ.get("GRAPHS", "200")))
    faults = [(s, fault) for s in seeds if (fault := bits_differ(*random_case(s), backend="c"))]
    monkeypatch.setattr(registry, "STRAIGHT", -1)
    faults += [(s, fault) for s in seeds if (fault := out_of_bounds(*random_case(s), backend="c"))]
    assert faults == []


@pytest.mark.usefixtures("optimised")
@needs_c
def wide() -> Case:
    """Rows of inputs that are read as they lie."""
    return network([21, 5, 3], losses.softmax_cross_entropy, "tanh")


@pytest.mark.parametrize("count", [1, 2, 8, 9, 65])
def test_any_number_of_rows_in_arrays(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows come in blocks, and the last block is not full."""
    monkeypatch.setattr(registry, "STRAIGHT", -1)
    for make in (wide, CASES["softmax"], CASES["maxout"]) if count < 9 else (wide,):
        case = make()
        rows = rows_for(case, count, seed=count)
        program = compile(*case, backend="c")
        loss, gradient = program.value_and_grad(*arguments(case, rows))
        expected, slopes = engine(case, rows)
        assert loss == pytest.approx(expected, rel=1e-13, abs=1e-15)
        assert gradient == pytest.approx(np.array(slopes), rel=1e-12, abs=1e-14)
        assert program.each(*arguments(case, rows)).sum() == pytest.approx(expected * count, rel=1e-13)


@needs_c
@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="these flags are of one kind of processor")
@pytest.mark.parametrize("flag", ["-mno-avx512f", "-mno-avx"])
def test_shorter_vectors(flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", f"{c_library.found(None)[0][0]} {flag}")
    monkeypatch.setattr(registry, "STRAIGHT", -1)
    for make in (wide, *CASES.values()):
        case = make()
        rows = rows_for(case, 20, seed=1)
        loss, gradient = compile(*case, backend="c").value_and_grad(*arguments(case, rows))
        expected, slopes = engine(case, rows)
        assert loss == pytest.approx(expected, rel=1e-13, abs=1e-15)
        assert gradient == pytest.approx(np.array(slopes), rel=1e-12, abs=1e-14 * (1.0 + max(map(abs, slopes))))


@pytest.mark.usefixtures("optimised")
@needs_c
def test_every_rows_c_has_the_bits_of_its_forward() -> None:
    """At the points at which the row itself is held against 50 digits."""
    lines = ["#include <math.h>"]
    for row in TABLE.values():
        lines.append(f"void row_{row.name}(long n, const double *a, const double *b, double *out) {{ (void)b;")
        lines.append(f"    for (long i = 0; i < n; i++) out[i] = {expression(row, 'a[i]', 'b[i]')};\n}}")
    library = c_library.load("\n".join(lines), exact=True)
    wrong = []
    for row in TABLE.values():
        given = [*points(row), *product(SPECIAL, repeat=row.arity)]
        columns = [np.array(column) for column in zip(*given, strict=True)]
        out = np.empty(len(given))
        arrays = map(c_backend.pointer, (columns[0], columns[-1], out))
        library[f"row_{row.name}"](ctypes.c_long(len(given)), *arrays)
        expected = (row.forward(*point) for point in given)
        found = zip(given, out.tolist(), expected, strict=True)
        wrong += [(row.name, *point) for *point, got, want in found if not alike(got, want)]
    assert wrong == []


@needs_c
def test_auto_takes_c_for_a_long_training_of_a_small_graph() -> None:
    """The bits do not tell: it stands in for Python."""
    rows = [0.1 * k for k in range(1000)]
    trained = []
    for backend in ("auto", "python"):
        loss, inputs, parameters = small()
        program = compile(loss, inputs, parameters, backend=backend)
        program.minimize(SGD(parameters, lr=0.01), rows, epochs=2)
        assert program.backend == "python"
        program.minimize(SGD(parameters, lr=0.01), rows, epochs=4000)
        assert program.backend == ("c" if backend == "auto" else "python"), program.why
        trained.append(parameters[0].data)
    assert trained[0] == trained[1]


FUNCTIONS = {
    "exp": lambda draw: draw.uniform(-744.0, 709.7),
    "expm1": lambda draw: draw.choice((draw.uniform(-60.0, 709.0), draw.gauss(0.0, 1.0), 10 ** draw.uniform(-300, 0))),
    "tanh": lambda draw: draw.choice((draw.gauss(0.0, 4.0), 10 ** draw.uniform(-300, 2))),
    "log": lambda draw: draw.choice((10 ** draw.uniform(-323, 308), draw.uniform(0.5, 2.0))),
    "log1p": lambda draw: draw.choice((10 ** draw.uniform(-320, 308), draw.uniform(-1.0, 1.0))),
}


@pytest.mark.usefixtures("optimised")
@needs_c
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_vectors_are_right_to_two_ulp(name: str) -> None:
    """Against mpmath at 50 digits, and NumPy at the ends."""
    text = "\n".join(
        [
            "#include <math.h>\n#include <stdint.h>\n#include <string.h>",
            header("arrays.h"),
            header("lanes.h"),
            "void f(long n, const double *restrict x, double *restrict y) {",
            f"    for (long i = 0; i < n; i++) y[i] = array_{name}(x[i]);",
            "}",
        ]
    )
    ends = [0.0, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 709.79, -746.0, 1e300, -1e300, -1.0, -2.0, 1e308]
    draw = Random(name)
    given = np.array([*ends, *(FUNCTIONS[name](draw) for _ in range(3000))])
    found = np.empty_like(given)
    library = c_library.load(text, exact=False)
    library.f(ctypes.c_long(len(given)), c_backend.pointer(given), c_backend.pointer(found))
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(np.array(ends))
    np.testing.assert_allclose(found[: len(ends)], expected, rtol=1e-15)
    worst = max(
        ulps(y, getattr(mp, name)(mp.mpf(x)))
        for x, y in zip(given.tolist()[len(ends) :], found.tolist()[len(ends) :], strict=True)
    )
    assert worst <= 2.0


# ---- the file, and what compilers say of it ----


def numbers(values: Any) -> str:
    """An array in C."""
    return "{" + ", ".join(map(repr, np.ravel(values).tolist())) + "}"


def printed(text: str, main: str, compiler: str, folder: Path, *flags: str) -> list[float]:
    """What a program prints that is made of a file and of a main function behind it."""
    path = folder / "program.c"
    path.write_text(f"{text}\n#include <stdio.h>\nint main(void) {{\n{main}\n    return 0;\n}}\n")
    made = [compiler, *WARNINGS, "-ffp-contract=off", *flags, path, "-o", folder / "program", "-lm"]
    said = subprocess.run(made, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    done = subprocess.run([folder / "program"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()]


def answers(case: Case, rows: list[list[float]], backend: str) -> list[float]:
    """The loss of each row, their mean, the gradient, the parameters after a step of Adam."""
    program = compile(*case, backend=backend)
    before = program.numbers()
    each = program.each(*arguments(case, rows)).tolist()
    loss, gradient = program.value_and_grad(*arguments(case, rows))
    program.minimize(Adam(case.parameters, lr=0.1), *arguments(case, rows), batch_size=len(rows))
    after = program.numbers()
    for parameter, number in zip(case.parameters, before, strict=True):
        parameter.data = number
    return [*each, loss, *gradient.tolist(), *after]


def asks(case: Case, rows: list[list[float]]) -> str:
    """The body of a main function that prints the same of a file from ``to_c``."""
    data = [np.array(given).reshape(len(rows), -1) for given in arguments(case, rows)]
    count, names = len(case.parameters), [f"x{k}" for k in range(1, len(data) + 1)]
    optimizer = Adam(case.parameters, lr=0.1)
    given = ", ".join(names)
    return "\n".join(
        [
            *(f"    const double {name}[] = {numbers(array)};" for name, array in zip(names, data, strict=True)),
            f"    static struct work w; double out[{len(rows)}], g[{count}], p[{count}], m0[{count}], m1[{count}];",
            f"    const double s[] = {numbers([*optimizer.scalars_at(1).values()])};",
            f"    for (int i = 0; i < {count}; i++) {{ p[i] = parameters[i]; m0[i] = m1[i] = 0.0; }}",
            f"    predict({len(rows)}, p, {given}, out, &w);",
            f'    for (int i = 0; i < {len(rows)}; i++) printf("%.17g\\n", out[i]);',
            f'    printf("%.17g\\n", loss_and_gradient({len(rows)}, p, {given}, g, &w) / {len(rows)});',
            f'    for (int i = 0; i < {count}; i++) printf("%.17g\\n", g[i]);',
            f"    step({len(rows)}, p, m0, m1, s, {given}, g, &w);",
            f'    for (int i = 0; i < {count}; i++) printf("%.17g\\n", p[i]);',
        ]
    )


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("form", ["straight", "arrays"])
def test_a_file_of_its_own_is_the_program(
    form: str, compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the python backend, which is the engine: bit for bit where it is straight-line code."""
    monkeypatch.setattr(registry, "STRAIGHT", 300 if form == "straight" else -1)
    case = network([3, 4, 2], losses.softmax_cross_entropy, "tanh")
    rows = rows_for(case, 5, seed=0)
    found = printed(compile(*case).to_c(Adam(case.parameters, lr=0.1)), asks(case, rows), compiler, tmp_path)
    expected = answers(case, rows, "python")
    assert found == (expected if form == "straight" else pytest.approx(expected, rel=1e-12, abs=1e-15))


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("form", ["straight", "arrays"])
def test_every_file_is_the_program_without_a_warning(
    form: str, compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "STRAIGHT", 10**6 if form == "straight" else -1)
    for name, make in CASES.items():
        case = make()
        rows = rows_for(case, 3, seed=0)
        text = compile(*case).to_c(Adam(case.parameters, lr=0.1))
        found = printed(text, asks(case, rows), compiler, tmp_path, "-fsanitize=address,undefined")
        assert found == pytest.approx(answers(case, rows, "python"), rel=1e-9, abs=1e-14), name


def trains(case: Case, rows: list[list[float]], size: int) -> tuple[str, str]:
    """The source of a training, and the body of a main function that calls it and prints the parameters."""
    program = compile(*case, backend="c")
    optimizer = SGD(case.parameters, lr=0.1)
    source = program.runs(size).loop(update_of(optimizer), size).source
    data = [np.array(given).reshape(len(rows), -1) for given in arguments(case, rows)]
    names, count = [f"x{k}" for k in range(1, len(data) + 1)], len(case.parameters)
    main = [
        *(f"    const double {name}[] = {numbers(array)};" for name, array in zip(names, data, strict=True)),
        f"    static struct work w; double g[{count}], p[] = {numbers(program.numbers())}, sums[2], s[] = {{0.1}};",
        f"    const int64_t starts[] = {{0, 0}}, lengths[] = {{{len(rows)}, {len(rows) - 1}}};",
        f"    const int64_t order[] = {{{', '.join(map(str, reversed(range(len(rows)))))}}}; int64_t count[2];",
        f"    train(2, 1, starts, lengths, order, 1000, 0, s, p, {', '.join(names)}, g, sums, count, &w);",
        f'    for (int i = 0; i < {count}; i++) printf("%.17g\\n", p[i]);',
    ]
    return source, "\n".join(main)


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("size", [1, 5, 17])
@pytest.mark.parametrize("form", ["straight", "arrays"])
def test_trainings_under_sanitizers(
    form: str, size: int, compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No access outside an array and nothing undefined, with whole vectors and without, and no warning."""
    monkeypatch.setattr(registry, "STRAIGHT", 10**6 if form == "straight" else -1)
    for make in [wide, *CASES.values()][::5]:
        case = make()
        rows = rows_for(case, 20, seed=0)
        source, main = trains(case, rows, size)
        program = compile(*case, backend="python")
        back = [list(reversed(given)) for given in arguments(case, rows)]
        before = program.numbers()
        program.minimize(SGD(case.parameters, lr=0.1), *back, batch_size=size)
        program.minimize(SGD(case.parameters, lr=0.1), *(given[:-1] for given in back), batch_size=size)
        expected = program.numbers()
        native = ["-march=native"] if compiler == "gcc" else []  # long vectors, and short ones
        found = printed(source, main, compiler, tmp_path, *native, "-O1", "-fsanitize=address,undefined")
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-13)
        for parameter, number in zip(case.parameters, before, strict=True):
            parameter.data = number
