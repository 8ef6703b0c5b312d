"""Pictures in a notebook: a kernel that runs it makes the right MIME types, and the exported page needs no network."""

import base64
import re

import nbclient
import nbconvert
import nbformat
import pytest
from browsers import chromium

CELLS = (
    "from micrograd_nn import MLP, Value, mse\n"
    "from micrograd_nn.draw import draw_dot, draw_network, walk\n"
    "net = MLP(2, [2, 1], activation='sigmoid', output='sigmoid', seed=0)\n"
    "L = mse(net([-2, -1]), Value(1, 'y'))\n"
    "L.backward()",
    "draw_dot(L)",
    "draw_dot(L, format='png')",
    "draw_network(net)",
    "walk(L)",
    "from IPython.display import display\ndisplay(draw_dot(L, closed=True), draw_network(net, inputs=[1, 2]))",
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the notebook tools, in their own code
]


@pytest.fixture(scope="module")
def executed():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


def test_every_display_has_the_right_mime_types(executed):
    shown = [[set(output["data"]) for output in cell["outputs"]] for cell in executed["cells"]]
    picture = {"image/svg+xml", "text/plain"}
    assert shown == [
        [],
        [picture],
        [{"image/png", "text/plain"}],
        [picture],
        [{"text/html", "text/plain"}],
        [picture, picture],
    ]
    png = executed["cells"][2]["outputs"][0]["data"]["image/png"]
    assert base64.b64decode(png).startswith(b"\x89PNG")


def test_the_exported_page_shows_all_pictures_offline(executed, tmp_path):
    html, _ = nbconvert.HTMLExporter().from_notebook_node(executed)
    path = tmp_path / "notebook.html"
    path.write_text(html, encoding="utf-8")
    assert html.count("Computation graph of ") >= 2 or html.count("data:image/svg+xml") >= 2
    assert len(re.findall("<iframe[^>]*srcdoc", html)) == 1
    with chromium() as browser:
        page = browser.new_page()
        page.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        images = page.locator(".jp-OutputArea-output img")
        sizes = [image.evaluate("(i) => i.decode().then(() => i.naturalWidth)") for image in images.all()]
        drawn = page.locator(".jp-OutputArea-output svg.micrograd-nn").all()
        sizes += [picture.bounding_box()["width"] for picture in drawn]
        assert len(sizes) == 5
        assert all(size > 100 for size in sizes)
        frame = page.frame_locator("iframe")
        frame.locator("[data-do=last]").click()
        assert frame.locator("[data-do=next]").is_disabled()
