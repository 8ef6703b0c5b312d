"""explore in JupyterLab and in Notebook 7, driven in a real browser: screen and Values hold the same, both ways."""

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import time

import pytest
from browsers import chromium

pytestmark = pytest.mark.slow
CELLS = (
    "from micrograd_nn import MLP, data, explore\n"
    "net = MLP(2, [2, 1], activation='sigmoid', output='sigmoid', seed=0)\n"
    "shown = explore(net, data.friends())\n"
    "w1 = net.parameters()[0]\n"
    "shown",
    "print('w1 is', w1.data)",
    "w1.data = -1.25\nshown.refresh()",
    "for k in range(200):\n    w1.data = k / 100\n    shown.refresh()\nw1.data = 0.125\nshown.refresh()",
)


PROGRAMS = {"jupyterlab": "lab/tree", "notebook": "notebooks"}  # and where each opens a notebook


@pytest.fixture(params=PROGRAMS)
def address(request, tmp_path_factory):
    """JupyterLab or Notebook 7 on a free port, with a notebook of the cells above; its address."""
    for name in (request.param, "anywidget"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed; .ci/run installs it")
    folder = tmp_path_factory.mktemp("lab")
    cells = [{"cell_type": "code", "id": f"c{i}", "source": text} for i, text in enumerate(CELLS)]
    cells = [cell | {"metadata": {}, "execution_count": None, "outputs": []} for cell in cells]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / "explore.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = subprocess.Popen(
        [sys.executable, "-m", request.param, "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.token=",
         "--ServerApp.password=", f"--ServerApp.root_dir={folder}"],
        cwd=folder, env=os.environ | {"JUPYTER_CONFIG_DIR": str(folder)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(port)
    yield f"http://127.0.0.1:{port}/{PROGRAMS[request.param]}/explore.ipynb"
    started.terminate()
    started.wait(timeout=60)


def wait_for(port, seconds=60):
    for _ in range(10 * seconds):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Jupyter did not start")


def run(page, i):
    page.locator(".jp-Cell").nth(i).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def says(page, place, text):
    page.locator(place, has_text=text).first.wait_for(timeout=60_000)


def test_a_moved_number_is_in_the_value_and_a_changed_value_on_the_screen(address):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1600}, reduced_motion="reduce")
        page.goto(address)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
        page.locator(".jp-Toolbar-kernelName", has_text="Python 3").first.wait_for(timeout=60_000)
        prompt = page.locator(".jp-InputPrompt").first
        while not re.search(r"\d", prompt.inner_text()):
            if "*" not in prompt.inner_text():
                run(page, 0)  # a cell that is run before the kernel is there is lost
            page.wait_for_timeout(500)
        faults = []  # from here on: Notebook 7 raises one of its own while it starts
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.locator(".micrograd-live .graph .node").first.wait_for(timeout=60_000)
        page.locator(".micrograd-live tbody button", has_text="w1").first.click()
        page.fill(".micrograd-live label:has-text('Number') input", "0.75")
        says(page, ".derivation h2", "w1 = 0.75")
        run(page, 1)
        says(page, ".jp-OutputArea-output", "w1 is 0.75")
        run(page, 2)
        says(page, ".derivation h2", "w1 = −1.25")
        page.locator(".micrograd-live label:has-text('Move it') input").fill("0.5")
        says(page, ".derivation h2", "w1 = 0.5")
        run(page, 1)
        says(page, ".jp-OutputArea-output", "w1 is 0.5")
        page.locator(".micrograd-live label:has-text('Your own derivation') input").fill("2*(y - o1)")
        page.click(".micrograd-live [data-do=check]")
        says(page, ".said", "✗")
        page.click(".micrograd-live [data-do=tutor]")
        entry = page.locator(".micrograd-live label:has-text('∂L/∂o1 = ?') input")
        entry.fill("2*(y - o1)")
        entry.press("Enter")
        says(page, ".said", "✗ Not yet: the sign is the other way round")
        entry.fill("-2*(y - o1)")
        entry.press("Enter")
        says(page, ".derivation label", "∂o1/∂h1 = ?")
        page.click("text=100 epochs")
        says(page, ".training .words", "After 100 epochs")

        before = page.evaluate("() => document.querySelectorAll('.micrograd-live *').length")
        run(page, 3)
        says(page, ".derivation h2", "w1 = 0.125")
        after = page.evaluate("() => document.querySelectorAll('.micrograd-live *').length")
        assert after <= before + 20  # the table of the last step, perhaps
        assert faults == []
