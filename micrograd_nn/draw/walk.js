"use strict";
const story = JSON.parse(document.getElementById("story").textContent);
const last = story.steps.length - 1;
const all = (selector) => [...document.querySelectorAll(selector)];
const by = (id) => document.getElementById(id);
const boxes = all("g.node"), lines = all("g.edge"), rows = all("tbody tr"), moments = all("article.moment");
const box = new Map(boxes.map((element) => [Number(element.dataset.place), element]));
const row = new Map(rows.map((element) => [Number(element.dataset.place), element]));
const derivations = new Map(all("#derivation article").map((element) => [Number(element.dataset.place), element]));
const widths = new Map(lines.map((line) => [line, line.querySelector("path").getAttribute("stroke-width")]));
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
let at = 0, timer = null;

function gradientAt(node, step) {
  let found = null;
  for (const entry of node.gathered) if (entry[0] <= step) found = entry;
  return found;
}

// A text that stays is not written again: the browser would lay the page out anew.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function write(element, gradient) {
  say(element, gradient ? gradient[1] : "–");
  element.classList.toggle("positive", gradient !== null && gradient[2] === "positive");
  element.classList.toggle("negative", gradient !== null && gradient[2] === "negative");
}

function show(step) {
  at = Math.min(last, Math.max(0, step));
  const now = story.steps[at], backward = at > story.turn;
  story.nodes.forEach((node, place) => {
    const gradient = gradientAt(node, at);
    for (const element of [box.get(place), row.get(place)]) {
      write(element.querySelector(".gradient"), gradient);
      element.classList.toggle("waiting", node.made > at);
      element.classList.toggle("at-work", now.place === place);
      element.classList.toggle("near", now.operands.includes(place));
    }
    say(row.get(place).querySelector(".number"), node.made > at ? "" : node.number);
  });
  for (const line of lines) {
    const into = Number(line.dataset.into), flowed = handsOn.get(into) <= at;
    line.classList.toggle("flowed", flowed);
    line.classList.toggle("at-work", now.place === into && at !== story.turn);
    line.classList.toggle("backward", backward);
    const width = flowed ? widths.get(line) : "", path = line.querySelector("path");
    if (path.style.strokeWidth !== width) path.style.strokeWidth = width;
  }
  moments.forEach((moment, i) => { if (moment.hidden !== (i !== at)) moment.hidden = i !== at; });
  by("slider").value = at;
  by("slider").setAttribute("aria-valuetext", `step ${at} of ${last}: ${now.title}`);
  by("where").textContent = `${at} / ${last}`;
  by("there").classList.toggle("on", at > 0 && !backward);
  by("again").classList.toggle("on", backward);
  by("first").disabled = by("back").disabled = at === 0;
  by("next").disabled = by("last").disabled = at === last;
  if (at === last) stop();
  follow(now.place);
}

// The graph, and the table, follow the value at work; the page itself stays where the reader put it.
function follow(place) {
  if (place === null) return;
  const behavior = calm ? "auto" : "smooth";
  const graph = box.get(place).closest(".scroll"), seen = box.get(place).getBoundingClientRect(), frame = graph.getBoundingClientRect();
  if (graph.scrollWidth > graph.clientWidth) {
    graph.scrollTo({ left: graph.scrollLeft + seen.left + seen.width / 2 - frame.left - frame.width / 2, behavior });
  }
  const table = row.get(place).closest(".scroll"), top = row.get(place).offsetTop;
  if (top < table.scrollTop + 40 || top > table.scrollTop + table.clientHeight - 60) {
    table.scrollTo({ top: top - table.clientHeight / 2, behavior });
  }
}

function stop() {
  clearInterval(timer);
  timer = null;
  by("play").classList.remove("playing");
  by("play").setAttribute("aria-label", "Play");
}

function play() {
  if (timer !== null) return stop();
  if (at === last) show(0);
  by("play").classList.add("playing");
  by("play").setAttribute("aria-label", "Pause");
  timer = setInterval(() => show(at + 1), 1600);
}

function go(step) {
  stop();
  show(step);
}

function derive(place) {
  by("derivation").hidden = false;
  for (const [at, article] of derivations) article.hidden = at !== place;
  for (const [at, element] of box) element.classList.toggle("chosen", at === place);
  const heading = derivations.get(place).querySelector("h2");
  heading.focus({ preventScroll: true });
  by("derivation").scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
}

const handsOn = new Map(story.steps.map((step, i) => [step.place, i]));  // the last time that a value is at work
const keys = { ArrowLeft: () => at - 1, ArrowRight: () => at + 1, Home: () => 0, End: () => last };

by("first").addEventListener("click", () => go(0));
by("back").addEventListener("click", () => go(at - 1));
by("next").addEventListener("click", () => go(at + 1));
by("last").addEventListener("click", () => go(last));
by("play").addEventListener("click", play);
by("slider").addEventListener("input", (event) => go(Number(event.target.value)));
for (const element of boxes) element.addEventListener("click", () => derive(Number(element.dataset.place)));
for (const element of all("table button")) element.addEventListener("click", () => derive(Number(element.dataset.place)));
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target === by("slider") || !(event.key in keys)) return;
  event.preventDefault();
  go(keys[event.key]());
});
// The whole graph where its letters stay readable, and where they would not, a part of it that can be moved.
const drawing = document.querySelector("figure svg"), width = Number(drawing.getAttribute("width"));
function fit() {
  const room = drawing.parentElement.clientWidth - 32;
  drawing.style.minWidth = room < 0.66 * width ? `${0.85 * width}px` : "";
}
addEventListener("resize", fit);
fit();

by("there").parentElement.style.setProperty("--there", story.turn);
by("there").parentElement.style.setProperty("--again", last - story.turn);
show(0);
