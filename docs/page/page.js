// The live page: which lesson lies open, in the address and in an editor; Python answers from a worker.
import { open } from "./live.js";

const byId = (id) => document.getElementById(id);
const PATIENCE = 1500; // milliseconds, after which a computation can be stopped

// ---- Python ----

let worker, waiting, last, text = "";

function start() {
  worker?.terminate();
  worker = new Worker("worker.js", { type: "module" });
  waiting = new Map();
  last = 0;
  worker.onmessage = ({ data }) => { waiting.get(data.id)(JSON.parse(data.answer)); waiting.delete(data.id); };
  worker.onerror = (event) => status(`Python did not start: ${event.message ?? "the worker failed"}`);
}

function ask(event) {
  const id = ++last, late = setTimeout(() => { byId("stop").hidden = !shown; }, PATIENCE);
  return new Promise((resolve) => {
    waiting.set(id, (answer) => {
      clearTimeout(late);
      byId("stop").hidden = true;
      resolve(answer);
    });
    worker.postMessage({ id, event });
  });
}

// ---- what lies open ----

let shown = null, writing = null;

async function show(lesson) {
  const data = await ask({ kind: "open", value: lesson });
  byId("fault").textContent = data.error ?? "";
  if (data.error) {
    if (!shown) toggle(true, lesson);
    return false;
  }
  shown?.close();
  shown = open(document.querySelector("main"), data, answered);
  await remember();
  return true;
}

// Whatever changes a number changes the address: a link is the whole state.
async function answered(event) {
  const answer = await ask(event);
  if (answer.nodes) {
    clearTimeout(writing);
    writing = setTimeout(remember, 300);
  }
  return answer;
}

async function remember() {
  ({ text } = await ask({ kind: "text" }));
  history.replaceState(null, "", `#${encodeURIComponent(text)}`);
  if (byId("editor").hidden) byId("text").value = text;
}

function linked() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch { // no link of ours
    return "";
  }
}

function toggle(wanted = byId("editor").hidden, content = text) {
  byId("editor").hidden = !wanted;
  byId("edit").setAttribute("aria-expanded", wanted);
  if (wanted) {
    byId("text").value = content;
    byId("text").focus();
  }
}

const status = (words) => { byId("status").textContent = words; };

// ---- what can be taken away ----

function save(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

// The picture alone, with the colours that it has on this page.
function picture() {
  const graph = document.querySelector(".graph"), drawn = graph.cloneNode(true);
  const look = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font", "opacity", "visibility", "display", "text-anchor"];
  const originals = [graph, ...graph.querySelectorAll("*")];
  [drawn, ...drawn.querySelectorAll("*")].forEach((part, i) => {
    const style = getComputedStyle(originals[i]);
    for (const name of look) part.style.setProperty(name, style.getPropertyValue(name));
  });
  const scene = graph.querySelector(".scene").getBBox();
  drawn.setAttribute("viewBox", `${scene.x - 10} ${scene.y - 10} ${scene.width + 20} ${scene.height + 20}`);
  drawn.setAttribute("width", scene.width + 20);
  drawn.setAttribute("height", scene.height + 20);
  drawn.querySelector(".scene").style.transform = "none";
  drawn.style.background = getComputedStyle(document.body).backgroundColor;
  return new XMLSerializer().serializeToString(drawn);
}

// ---- by hand ----

byId("edit").addEventListener("click", () => toggle());
byId("editor").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await show(byId("text").value)) toggle(false);
});
byId("lessons").addEventListener("change", () => { toggle(false); show(byId("lessons").value); });
byId("link").addEventListener("click", async () => {
  await remember();
  try {
    await navigator.clipboard.writeText(location.href);
    status("The link is copied.");
  } catch {
    status("The link is the address of this page.");
  }
});
byId("python").addEventListener("click", async () => save("lesson.py", "text/x-python", (await ask({ kind: "python" })).text));
for (const kind of ["sheet", "key"]) {
  byId(kind).addEventListener("click", async () => {
    const { text: page, error } = await ask({ kind });
    if (error) status(error);
    else save(`${kind}.html`, "text/html", page);
  });
}
byId("svg").addEventListener("click", () => save("graph.svg", "image/svg+xml", picture()));
byId("stop").addEventListener("click", async () => {
  start();
  byId("stop").hidden = true;
  status("Stopped; Python starts anew …");
  await show(text);
  status("Stopped. The numbers are those of before.");
});
addEventListener("hashchange", () => show(linked()));

// ---- begin ----

start();
const lessons = await (await fetch("lessons.json")).json();
byId("lessons").append(...lessons.map(({ title, text }) => new Option(title, text)));
await show(linked() || lessons[0].text);
status("");
