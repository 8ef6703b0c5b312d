// Python in a worker: it answers the events of the page, one after the other, and can be ended from outside.
import { loadPyodide } from "./pyodide.mjs";

const ready = (async () => {
  const fetched = fetch("micrograd_nn.zip").then((response) => response.arrayBuffer());
  const python = await loadPyodide({ indexURL: new URL(".", import.meta.url).href });
  python.unpackArchive(await fetched, "zip");
  return python.runPython(`
import json
from micrograd_nn.draw._lesson import Page
page = Page()
lambda event: json.dumps(page.answer(json.loads(event)), allow_nan=False)
`);
})();

onmessage = async ({ data: { id, event } }) => {
  const answer = await ready;
  postMessage({ id, answer: answer(JSON.stringify(event)) });
};
