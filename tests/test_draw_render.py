"""Whatever machine it is: the system's dot, the wheel's, or one clear error; and files whole or not at all."""

import importlib.metadata
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from pictures import friends_loss, groups, texts

from micrograd_nn import MLP, TABLE, Neuron, Value
from micrograd_nn.draw import Drawing, draw_dot, draw_network, use_renderer, walk
from micrograd_nn.draw import render as rendering
from micrograd_nn.draw.svg import page_ready
from micrograd_nn.errors import ArgumentTypeError, FileError, RenderError, UnknownNameError


def wheel():
    """The wheel's executable, found by asking the package for its files."""
    files = importlib.metadata.files("graphviz-pure") or []
    return next(
        Path(str(file.locate()))
        for file in files
        if file.name.startswith("graphviz-pure") and "bin" in str(file.parent)
    )


def structure(svg):
    """Nodes, edges and frames with their lines of text, in any order."""
    return sorted((kind, tuple(texts(group))) for kind in ("node", "edge", "cluster") for group in groups(svg, kind))


def program(path, *lines):
    """A program of a few lines at path."""
    path.write_text("\n".join([f"#!{sys.executable}", *lines]))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    """A machine whose PATH names nothing that draws."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def nothing_at_all(no_dot, monkeypatch):
    """No wheel either."""
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(no_dot))
    monkeypatch.setattr(sys, "executable", str(no_dot / "python"))
    monkeypatch.setattr(importlib.metadata, "files", lambda _: None)


def test_the_wheel_draws_when_path_has_no_scripts_folder(no_dot):
    assert Path(rendering.find_dot()).samefile(wheel())
    assert draw_dot(Value(1.0, "x") * 2).svg


def test_the_wheel_is_found_by_its_list_of_files(no_dot, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(no_dot))
    monkeypatch.setattr(sys, "executable", str(no_dot / "python"))
    assert Path(rendering.find_dot()).samefile(wheel())


def test_the_wheel_has_a_letter_for_every_sign_that_is_drawn(no_dot):
    """Not for all there are, and it takes no other font for them: then there is an empty box, as for ⋮."""

    def drawn(sign):
        return rendering.render(f'digraph {{ a [shape=plaintext fixedsize=true label="{sign}"] }}', "png")

    box = drawn("\ue000")  # which no font has
    assert drawn("⋮") == box != drawn("a")
    _, loss = friends_loss()
    pictures = draw_network(MLP(2, [9, 1]), [1.0, -2.0]), draw_dot(loss), draw_dot(MLP(9, [9, 1])([0.1] * 9))
    ours = [*(picture.source for picture in pictures), *(row.sign for row in TABLE.values()), "–…∞"]
    assert [sign for sign in sorted({*"".join(ours)}) if not sign.isascii() and drawn(sign) == box] == []


@pytest.mark.skipif(os.name == "nt", reason="the stub is a script, which Windows does not run by itself")
def test_the_systems_dot_comes_first_and_draws_the_same(no_dot):
    program(no_dot / "dot", "import os, sys", f"os.execv({str(wheel())!r}, ['dot', *sys.argv[1:]])")
    assert rendering.find_dot() == str(no_dot / "dot")
    _, loss = friends_loss()
    with_system = structure(draw_dot(loss).svg)
    (no_dot / "dot").unlink()
    assert structure(draw_dot(loss).svg) == with_system


@pytest.mark.skipif(shutil.which("dot") is None, reason="this machine has no dot of its own")
def test_a_real_systems_dot_draws_the_same_in_structure(monkeypatch):
    net, loss = friends_loss()
    loss.backward()
    by_system = [draw_dot(loss), draw_dot(loss, closed=True), draw_network(net)]
    drawn = [structure(drawing.svg) for drawing in by_system]
    monkeypatch.setattr(rendering, "find_dot", lambda: str(wheel()))
    by_wheel = [draw_dot(loss), draw_dot(loss, closed=True), draw_network(net)]
    assert [structure(drawing.svg) for drawing in by_wheel] == drawn


def test_with_no_dot_at_all_one_error_says_what_to_install(nothing_at_all):
    x = Value(1.0, "x")
    for draw in (
        lambda: draw_dot(x).svg,
        lambda: draw_dot(x).png,
        lambda: draw_network(Neuron(1)).svg,
    ):
        with pytest.raises(RenderError, match=r"no dot was found.*pip install graphviz-pure.*\.source is DOT text"):
            draw()
    assert "digraph" in draw_dot(Value(1.0, "x")).source
    assert walk(x * x).html  # the page lays its graph out itself


@pytest.mark.skipif(os.name == "nt", reason="the stub is a script, which Windows does not run by itself")
@pytest.mark.parametrize(
    ("lines", "patience", "message"),
    [
        (["import sys", "sys.exit('out of ink')"], 60.0, "failed with exit code 1: out of ink"),
        (["pass"], 60.0, "failed with exit code 0: no word why"),
        (["import time; time.sleep(30)"], 1.0, "took more than 1 s: draw a smaller part"),
    ],
)
def test_a_dot_that_fails_is_an_error(no_dot, monkeypatch, lines, patience, message):
    monkeypatch.setattr(rendering, "PATIENCE", patience)
    program(no_dot / "dot", *lines)
    with pytest.raises(RenderError, match=message):
        draw_dot(Value(1.0, "x")).svg  # noqa: B018


@pytest.mark.skipif(os.name == "nt", reason="the stub is a script, which Windows does not run by itself")
def test_a_dot_that_does_not_start_is_an_error(no_dot):
    (no_dot / "dot").write_text("#!/no/such/interpreter\n")
    (no_dot / "dot").chmod(0o755)
    with pytest.raises(RenderError, match="could not be run"):
        draw_dot(Value(1.0, "x")).svg  # noqa: B018


def test_without_processes_the_dot_text_is_shown_with_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")  # Pyodide's name; this machine's Python has no other door to it
    drawing = draw_dot(Value(1.0, "x") * 2)
    shown = drawing._repr_mimebundle_()
    assert list(shown) == ["text/plain"]
    assert shown["text/plain"].startswith("This Python can't start dot, so here is the picture's DOT text.")
    assert drawing.source in shown["text/plain"]
    with pytest.raises(RenderError, match="runs in a browser"):
        drawing.svg  # noqa: B018


# ---- a page's own renderer ----


@pytest.fixture(scope="module")
def laid_out():
    """What a layout engine makes of two sources."""
    net, loss = friends_loss()
    sources = [draw_dot(loss).source, draw_network(net).source]
    return {source: rendering.render(source, "svg").decode() for source in sources}


@pytest.fixture
def in_a_page(laid_out, nothing_at_all, monkeypatch):
    """A Python in a browser, whose page lays out. What it was asked for is listed."""
    monkeypatch.setattr(sys, "platform", "emscripten")
    asked = []
    use_renderer(lambda source: asked.append(source) or laid_out[source])
    yield asked
    use_renderer(None)


def test_a_page_brings_its_own_renderer(in_a_page, laid_out):
    net, loss = friends_loss()
    for drawing in (draw_dot(loss), draw_network(net)):
        assert drawing._repr_mimebundle_()["image/svg+xml"].startswith("<svg ")
        assert drawing.svg == page_ready(laid_out[drawing.source].encode(), drawing.title, drawing.names)
        assert in_a_page == [drawing.source]  # asked once
        in_a_page.clear()
        with pytest.raises(RenderError, match="can't start dot"):
            drawing.png  # noqa: B018
    use_renderer(None)
    with pytest.raises(RenderError, match="use_renderer a function that makes SVG of it"):
        draw_dot(loss).svg  # noqa: B018


def test_a_renderer_that_is_none_is_refused_in_words(in_a_page):
    with pytest.raises(ArgumentTypeError, match="a renderer is a function from DOT source to SVG, got 'dot'"):
        use_renderer("dot")
    use_renderer(lambda source: "syntax error in line 1")
    with pytest.raises(RenderError, match="the renderer in use gave no SVG: syntax error in line 1"):
        draw_dot(Value(1.0)).svg  # noqa: B018


# ---- displays and files ----


def test_a_notebook_gets_svg_or_png():
    bundle = draw_dot(Value(1.0, "x") * 2)._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    assert bundle["image/svg+xml"].startswith("<svg ")
    png = draw_dot(Value(1.0, "x") * 2, format="png")._repr_mimebundle_()
    assert set(png) == {"image/png", "text/plain"}
    assert png["image/png"].startswith("iVBORw0KGgo")


def test_it_is_saved_as_its_ending_says(tmp_path):
    drawing = draw_dot(Value(1.0, "x") * 2)
    assert drawing.save(tmp_path / "a.svg").read_text(encoding="utf-8") == drawing.svg
    assert drawing.save(str(tmp_path / "a.dot")).read_text(encoding="utf-8") == drawing.source
    assert drawing.save(tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UnknownNameError, match=r"'\.pdf'.*\.svg"):
        drawing.save(tmp_path / "a.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.PNG", "a.dot", "a.svg"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    drawing = draw_dot(Value(1.0, "x") * 2)
    with pytest.raises(FileError, match="could not be written"):
        drawing.save(tmp_path / "no" / "such" / "folder.svg")
    old = drawing.save(tmp_path / "a.svg").read_bytes()
    with pytest.raises(RenderError):
        Drawing("this is no graph {", "broken", {}).save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes() == old
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


def test_importing_and_making_a_picture_starts_no_program():
    code = (
        "import micrograd_nn as m, subprocess; subprocess.run = None;"
        "from micrograd_nn.draw import draw_dot; draw_dot(m.Value(1.0)).source"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
