// The front end of a graph: it draws plain data and sends plain events, {kind, node, value}. A saved walk, Jupyter and
// a web page differ in who answers them: nobody, Python in the kernel, Python in a worker. Text is set as text only.

// ---- elements ----

const SPACE = { svg: "http://www.w3.org/2000/svg", math: "http://www.w3.org/1998/Math/MathML" };
const FORMULA = new Set(
  "math mrow mi mn mo mtext mspace mfrac msqrt msub msup munder mover mtable mtr mtd".split(" "),
);

// make("svg g", {class: "node"}, "text or child", …)
function make(tag, attributes = {}, ...children) {
  const [space, name] = tag.includes(" ") ? tag.split(" ") : ["", tag];
  const element = space ? document.createElementNS(SPACE[space], name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// MathML from a string, rebuilt tag by tag: whatever it holds, only these elements and their text reach the page.
function formula(text) {
  const rebuild = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.textContent;
    const inner = [...node.childNodes].map(rebuild);
    if (!FORMULA.has(node.localName)) return inner.flat().join("");
    const kept = ["display", "width", "form", "lspace", "rspace", "stretchy", "mathvariant", "displaystyle"];
    return make(`math ${node.localName}`, Object.fromEntries(kept.map((key) => [key, node.getAttribute(key)])), ...inner);
  };
  return [...new DOMParser().parseFromString(text, "text/html").body.childNodes].map(rebuild);
}

// A text that stays is not written again: the browser would lay the page out anew.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function sign(element, name) {
  element.classList.toggle("positive", name === "positive");
  element.classList.toggle("negative", name === "negative");
}

// ---- layout: columns from left to right (Sugiyama, Tagawa, Toda 1981) ----

const COLUMN = 48, ROW = 13, TURN = 6; // between columns, between boxes, the height of a line that passes a column

// Places boxes, given operands first, and finds the points of each edge {from, to, out, into}, where out and into are
// heights measured from the middle of a box. Returns the size of the whole.
function layOut(boxes, edges) {
  rank(boxes, edges);
  const layers = [], links = [];
  for (const box of boxes) (layers[box.rank] ??= []).push(box);
  for (const edge of edges) lead(edge, layers, links);
  untangle(layers, links);
  const width = across(layers, links);
  const height = down(layers, links);
  for (const edge of edges) edge.points = way(edge);
  return { width, height };
}

function rank(boxes, edges) {
  for (const box of boxes) Object.assign(box, { rank: 0, before: [], after: [], turns: new Map() });
  for (const edge of edges) {
    edge.to.before.push(edge.from);
    edge.from.after.push(edge.to);
  }
  for (const box of boxes) for (const other of box.before) box.rank = Math.max(box.rank, other.rank + 1);
  for (const box of [...boxes].reverse()) { // what is made of leaves alone stands beside what needs it
    if (!box.port && box.after.length && box.before.every((other) => !other.before.length && !other.port)) {
      box.rank = Math.min(...box.after.map((other) => other.rank)) - 1;
    }
  }
}

// An edge over several columns turns in each; edges that leave a box at the same height share their turns.
function lead(edge, layers, links) {
  edge.turns = [];
  let last = edge.from, out = edge.out ?? 0;
  for (let r = edge.from.rank + 1; r < edge.to.rank; r++) {
    const key = `${edge.out ?? 0} ${r}`;
    let turn = edge.from.turns.get(key);
    if (!turn) {
      turn = { w: 0, h: TURN, turn: true, rank: r };
      edge.from.turns.set(key, turn);
      layers[r].push(turn);
      links.push({ a: last, b: turn, out, into: 0 });
    }
    edge.turns.push(turn);
    [last, out] = [turn, 0];
  }
  links.push({ a: last, b: edge.to, out, into: edge.into ?? 0 });
}

// Each box to the mean of its neighbours, back and forth; the order with the fewest crossings stays.
function untangle(layers, links) {
  const place = () => layers.forEach((layer) => layer.forEach((box, i) => { box.place = i; }));
  const height = (box, at) => box.place + at / 1000;
  const crossings = () => layers.reduce((sum, _, r) => {
    const between = links.filter((link) => link.b.rank === r)
      .map((link) => [height(link.a, link.out), height(link.b, link.into)]).sort((m, n) => m[0] - n[0] || m[1] - n[1]);
    return sum + between.reduce((s, m, i) => s + between.slice(0, i).filter((n) => n[0] < m[0] && n[1] > m[1]).length, 0);
  }, 0);
  place();
  let best = layers.map((layer) => [...layer]), fewest = crossings();
  for (let round = 0; round < 12 && fewest; round++) {
    const forth = round % 2 === 0;
    for (const layer of forth ? layers.slice(1) : layers.slice(0, -1).reverse()) {
      for (const box of layer) {
        const met = links.filter((link) => (forth ? link.b : link.a) === box)
          .map((link) => (forth ? height(link.a, link.out) : height(link.b, link.into)));
        box.mean = met.length ? met.reduce((s, y) => s + y, 0) / met.length : box.place;
      }
      layer.sort((m, n) => m.mean - n.mean);
      layer.forEach((box, i) => { box.place = i; });
    }
    const now = crossings();
    if (now < fewest) [best, fewest] = [layers.map((layer) => [...layer]), now];
  }
  best.forEach((layer, r) => { layers[r] = layer; });
}

// Where many lines run between two columns, these stand further apart.
function across(layers, links) {
  let x = 0;
  layers.forEach((layer, r) => {
    const width = Math.max(...layer.map((box) => box.w));
    for (const box of layer) {
      if (box.turn) box.w = width;
      Object.assign(box, { x: x + (width - box.w) / 2, left: x, right: x + width });
    }
    x += width + (r < layers.length - 1 ? Math.min(150, COLUMN + 3 * links.filter((link) => link.a.rank === r).length) : 0);
  });
  return x;
}

// Heights: every box as near to the mean of its neighbours as the order allows. Sets y, the top, of each.
function down(layers, links) {
  for (const layer of layers) settle(layer, layer.map(() => 0));
  for (let round = 0; round < 16; round++) {
    const forth = round % 2 === 0, all = round > 11;
    for (const layer of forth ? layers : [...layers].reverse()) {
      settle(layer, layer.map((box) => {
        const met = [];
        for (const link of links) {
          if (link.b === box && (forth || all)) met.push(link.a.middle + link.out - link.into);
          if (link.a === box && (!forth || all)) met.push(link.b.middle + link.into - link.out);
        }
        return met.length ? met.reduce((s, y) => s + y, 0) / met.length : box.middle;
      }));
    }
  }
  const boxes = layers.flat(), top = Math.min(...boxes.map((box) => box.middle - box.h / 2));
  for (const box of boxes) box.y = box.middle - top - box.h / 2;
  return Math.max(...boxes.map((box) => box.y + box.h));
}

// The wanted middles, moved as little as keeps the order and the distances: neighbours that push are one block.
function settle(layer, wanted) {
  const offset = [0];
  for (let i = 1; i < layer.length; i++) offset.push(offset[i - 1] + (layer[i - 1].h + layer[i].h) / 2 + ROW);
  const blocks = [];
  wanted.forEach((y, i) => {
    blocks.push({ sum: y - offset[i], size: 1 });
    while (blocks.length > 1 && blocks.at(-2).sum / blocks.at(-2).size > blocks.at(-1).sum / blocks.at(-1).size) {
      const last = blocks.pop();
      blocks.at(-1).sum += last.sum;
      blocks.at(-1).size += last.size;
    }
  });
  blocks.flatMap((block) => Array(block.size).fill(block.sum / block.size))
    .forEach((y, i) => { layer[i].middle = y + offset[i]; });
}

// Within a column a line keeps its height, so that it crosses nothing there; it bends between columns.
function way({ from, to, out = 0, into = 0, turns }) {
  const start = from.y + from.h / 2 + out, end = to.y + to.h / 2 + into;
  const passed = turns.flatMap((turn) => [turn.x, turn.x + turn.w].map((x) => [x, turn.y + turn.h / 2]));
  return [[from.x + from.w, start], [from.right, start], ...passed, [to.left, end], [to.x, end]];
}

// Where a line bends for the last time: the place in its points.
function bend(points) {
  let i = points.length - 2;
  while (i > 0 && points[i][1] === points[i + 1][1]) i--;
  return i;
}

// ---- the scene: what is seen of a graph whose modules are folded or open, each thing in its place ----

const HEAD = 22, MARGIN = 12; // of a frame: the line with its name, and the room around what is inside
const TOP_OF_FRAME = HEAD + MARGIN / 2;
const pen = document.createElement("canvas").getContext("2d");

function widthOf(text, font = "600 12px") {
  pen.font = `${font} Helvetica, Arial, "Liberation Sans", sans-serif`;
  return pen.measureText(text).width;
}

function scene(data, folded) {
  data.nodes.forEach((node, place) => { node.place = place; });
  const boxes = new Map(seen(data, folded).map((node) => [node.place, boxOf(node, folded.has(node.module) && data.modules[node.module])]));
  const all = [...boxes.values()], edges = edgesOf(boxes), frames = framesOf(data, all, folded);
  for (const frame of frames) fill(frame, edges);
  const outer = edges.filter((edge) => edge.source.frame !== edge.target.frame || !edge.target.frame).map(outside);
  const blocks = [...new Set(all.map((box) => box.frame ?? box))].sort((a, b) => a.last - b.last);
  const size = layOut(blocks, outer);
  for (const { edge, points } of outer) {
    const { source } = edge;
    edge.points = source.frame ? [[source.frame.x + MARGIN + source.x + source.w, points[0][1]], ...points] : points;
  }
  for (const frame of frames) bringIn(frame);
  enter(edges);
  write(edges, all);
  return { boxes: all, edges, frames, ...size };
}

// A folded module shows its output; a parameter is gone when all the modules that it belongs to are folded.
function seen(data, folded) {
  return data.nodes.filter((node) => (node.kind === "made"
    ? !folded.has(node.module) || data.modules[node.module].output === node.place
    : !node.homes.length || !node.homes.every((module) => folded.has(module))));
}

function edgesOf(boxes) {
  return [...boxes.values()].flatMap((target) => (target.module ?? target.node).edges?.map((edge, i) => (
    { ...edge, into: target.node.place, i, source: boxes.get(edge.from), target, points: [] })) ?? [])
    .filter((edge) => edge.source);
}

// An edge from block to block, a block being a frame or a box that stands alone.
function outside(edge) {
  const { source, target } = edge;
  return {
    edge, from: source.frame ?? source, to: target.frame ?? target,
    out: source.frame ? heightIn(source.frame, source) : 0,
    into: target.frame ? heightIn(target.frame, target.frame.ports.get(edge.from)) : 0,
  };
}

const heightIn = (frame, { y, h }) => y + h / 2 + TOP_OF_FRAME - frame.h / 2; // from the middle of the frame

function boxOf(node, module) {
  const lines = [node.made && !module ? `${node.name} = ${node.made}` : node.name];
  if (module) lines.push(`${module.count} operations`);
  const w = node.kind === "constant" ? Math.max(30, widthOf(node.number) + 14) : Math.max(70, ...lines.map((line) => widthOf(line) + 16));
  return { node, module: module || null, frame: null, lines, w, h: node.kind === "constant" ? 24 : module ? 66 : 50, last: node.place };
}

function framesOf(data, boxes, folded) {
  const frames = new Map();
  for (const box of boxes) {
    const { kind, module, homes } = box.node, home = kind === "made" ? module : homes.length === 1 ? homes[0] : null;
    if (home === null || folded.has(home)) continue;
    if (!frames.has(home)) frames.set(home, { module: home, name: data.modules[home].name, boxes: [], last: data.modules[home].output });
    box.frame = frames.get(home);
    box.frame.boxes.push(box);
  }
  return [...frames.values()];
}

// Lays out the inside of a frame; what comes from outside enters by a port at its left edge.
function fill(frame, edges) {
  frame.ports = new Map();
  frame.edges = edges.filter((edge) => edge.target.frame === frame).map((edge) => {
    if (edge.source.frame === frame) return { edge, from: edge.source, to: edge.target };
    if (!frame.ports.has(edge.from)) frame.ports.set(edge.from, { w: 0, h: TURN, port: true });
    return { edge, from: frame.ports.get(edge.from), to: edge.target };
  });
  const { width, height } = layOut([...frame.ports.values(), ...frame.boxes], frame.edges);
  Object.assign(frame, { w: Math.max(width + 2 * MARGIN, widthOf(frame.name) + 60), h: height + TOP_OF_FRAME + MARGIN });
}

// The inside of a frame, where the frame has come to stand.
function bringIn(frame) {
  const [dx, dy] = [frame.x + MARGIN, frame.y + TOP_OF_FRAME];
  for (const box of frame.boxes) [box.x, box.y] = [box.x + dx, box.y + dy];
  for (const { edge, points } of frame.edges) edge.points.push(...points.map(([x, y]) => [x + dx, y + dy]));
}

// Lines that meet in a box enter it one below the other, in the order in which they come.
function enter(edges) {
  for (const [target, group] of byTarget(edges)) {
    const height = (edge) => edge.points[bend(edge.points)][1];
    group.sort((a, b) => height(a) - height(b) || a.i - b.i);
    const apart = Math.min(11, (target.h - 14) / group.length);
    group.forEach(({ points }, i) => {
      for (const point of points.slice(bend(points) + 1)) point[1] += (i - (group.length - 1) / 2) * apart;
    });
  }
}

function byTarget(edges) {
  const groups = new Map();
  for (const edge of edges) groups.set(edge.target, [...(groups.get(edge.target) ?? []), edge]);
  return groups;
}

// The number of a line stands on it, before its end; where another number or a box is, a little beside that place.
function write(edges, boxes) {
  const taken = boxes.map((box) => [box.x, box.y, box.x + box.w, box.y + box.h]);
  const free = (x, y, w) => taken.every(([l, t, r, b]) => x + w < l || x - w > r || y + 6 < t || y - 6 > b);
  for (const edge of edges) {
    const { points } = edge, i = bend(points), half = widthOf(edge.slope, "11px") / 2 + 2;
    const spots = [0.56, 0.45, 0.66, 0.35, 0.76].map((t) => curve(...points[i], ...(points[i][1] === points[i + 1][1] ? points.at(-1) : points[i + 1]), t));
    edge.spot = spots.find(([x, y]) => free(x, y, half)) ?? spots[0];
    const [x, y] = edge.spot;
    taken.push([x - half, y - 6, x + half, y + 6]);
  }
}

function curve(x0, y0, x1, y1, t) {
  const middle = (x0 + x1) / 2, s = 1 - t;
  const at = (a, b, c, d) => s ** 3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t ** 3 * d;
  return [at(x0, middle, middle, x1), at(y0, y0, y1, y1)];
}

function path(points) {
  const steps = points.slice(1).map(([x, y], i) => {
    const [x0, y0] = points[i], middle = (x0 + x) / 2;
    return y === y0 ? `L${x} ${y}` : `C${middle} ${y0} ${middle} ${y} ${x} ${y}`;
  });
  return `M${points[0].join(" ")}${steps.join("")}`;
}

// ---- the page ----

const FOLDED_FROM = 60; // nodes, from which on modules are folded at first
const READABLE = 0.68, LARGEST = 2.6; // the scale at which letters can still be read, and the largest
const SMALLEST = 0.68; // of a formula's usual size
const CROWDED = 40; // lines, beyond which only those at work show their numbers
const TOP = 34; // pixels of the picture under its buttons
const PACE = 1600; // milliseconds from step to step
const ICONS = {
  first: "M6 5v14M19 5l-9 7 9 7z", back: "M16 5l-9 7 9 7z", play: "M7 4l12 8-12 8z", pause: "M8 5v14M16 5v14",
  next: "M8 5l9 7-9 7z", last: "M18 5v14M5 5l9 7-9 7z", out: "M5 12h14", in: "M5 12h14M12 5v14",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
};

const icon = (name) => make("svg svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, make("svg path", { d: ICONS[name] }));
const button = (id, label, drawn = id) => make("button", { type: "button", class: `round ${id}`, "data-do": id, "aria-label": label, title: label }, icon(drawn));

// Shows data in root. ask(event) promises the answer to an event; without it everything was told in advance.
export function open(root, data, ask = null) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const page = parts(data, ask !== null);
  const state = { at: 0, folded: new Set(), chosen: null, timer: null, view: { x: 0, y: 0, k: 1 }, steered: false };
  const find = (selector) => page.root.querySelector(selector);
  let shown, drawn, sequence, said, asked = 0;

  // -- what is drawn --

  function draw() {
    shown = scene(data, state.folded);
    drawn = drawing(shown);
    page.graph.replaceChildren(drawn.group);
    sequence = data.steps.map((_, i) => i).filter((i) => {
      const { module, whole } = data.steps[i];
      return module === null || state.folded.has(module) === whole;
    });
    page.slider.max = sequence.length - 1;
    const there = sequence.findIndex((i) => data.steps[i].phase === "seed");
    page.forward.style.flexGrow = there;
    page.backward.style.flexGrow = sequence.length - 1 - there;
    page.rows.forEach((part, place) => {
      const { module } = data.nodes[place];
      if (part) part.row.hidden = state.folded.has(module) && data.modules[module].output !== place;
    });
    if (page.fold) say(page.fold, state.folded.size ? "Unfold all" : "Fold all");
  }

  function show(at) {
    state.at = Math.min(sequence.length - 1, Math.max(0, at));
    const number = sequence[state.at], step = data.steps[number];
    paint(data, drawn, page.rows, number, state.chosen);
    tell(number);
    const last = sequence.length - 1;
    page.slider.value = state.at;
    page.slider.setAttribute("aria-valuetext", `step ${state.at} of ${last}: ${step.title}`);
    say(page.where, `${state.at} / ${last}`);
    page.forward.classList.toggle("on", step.phase === "forward");
    page.backward.classList.toggle("on", step.phase === "backward");
    for (const id of ["first", "back"]) find(`[data-do=${id}]`).disabled = state.at === 0;
    for (const id of ["next", "last"]) find(`[data-do=${id}]`).disabled = state.at === last;
    if (state.at === last) pause();
    follow();
  }

  async function tell(number) {
    const step = data.steps[number], ticket = ++asked;
    const told = step.words === undefined ? await ask({ kind: "tell", node: step.node, value: number }) : step;
    if (ticket !== asked || told.error) return;
    page.phase.className = `phase ${step.phase}`;
    page.phase.parentElement.classList.toggle("backward", step.phase === "backward");
    say(page.phase, told.about);
    say(page.title, step.title);
    page.formula.replaceChildren(...formula(told.formula));
    say(page.words, told.words);
    if (number !== said) { // a leaf that is dragged leaves the panel where it is
      page.side.scrollTop = 0;
      reveal(page.rows[step.node]?.row);
    }
    said = number;
    fit();
  }

  function fit() {
    const visible = page.side.scrollTop ? Infinity : page.side.getBoundingClientRect().bottom;
    setSmaller(page.formula, visible);
    setSmaller(page.derived);
  }

  // -- where one looks --

  const size = () => { // of the picture, below its buttons
    const { width, height } = page.graph.getBoundingClientRect();
    return { w: width, h: height - TOP };
  };
  const whole = () => Math.min((size().w - 24) / shown.width, (size().h - 24) / shown.height);

  function look(view) {
    state.view = view;
    const { x, y, k } = view;
    drawn.group.style.transform = `translate(${x}px, ${y}px) scale(${k})`;
  }

  // The whole graph where its letters stay readable, and where they would not, the part at work.
  function follow() {
    const k = state.steered ? state.view.k : whole() >= READABLE ? Math.min(LARGEST, whole()) : 0.9;
    if (!state.steered && whole() >= READABLE) return centre({ x: 0, y: 0, w: shown.width, h: shown.height }, k);
    const lit = around(shown.boxes.filter((box) => drawn.lit(box)));
    const core = around(shown.boxes.filter((box) => drawn.core(box)));
    if (!core) return state.steered || centre({ x: 0, y: shown.height / 2, w: 0, h: 0 }, k);
    const { w, h } = size(), room = (box, scale) => box.w * scale <= w - 30 && box.h * scale <= h - 30;
    if (state.steered) return within(core) || centre(core, k);
    const scale = room(lit, k) ? k : Math.max(READABLE, Math.min((w - 30) / lit.w, (h - 30) / lit.h));
    return centre(room(lit, scale) ? lit : core, scale);
  }

  function centred(box, k) {
    const { w, h } = size();
    return { x: w / 2 - (box.x + box.w / 2) * k, y: TOP + h / 2 - (box.y + box.h / 2) * k, k };
  }

  // Box in the middle, but no further than the graph reaches; what of it fits stands in the middle as a whole.
  function centre(box, k) {
    const { w, h } = size(), { x, y } = centred(box, k), whole = centred({ x: 0, y: 0, w: shown.width, h: shown.height }, k);
    const bounded = (at, middle, room, length, first) =>
      (length <= room - 24 ? middle : Math.min(first + 12, Math.max(first + room - 12 - length, at)));
    look({ x: bounded(x, whole.x, w, shown.width * k, 0), y: bounded(y, whole.y, h, shown.height * k, TOP), k });
  }

  function within(box) {
    const { x, y, k } = state.view, { w, h } = size();
    return box.x * k + x >= 4 && box.y * k + y >= TOP && (box.x + box.w) * k + x <= w - 4 && (box.y + box.h) * k + y <= TOP + h - 4;
  }

  function zoom(factor, px = size().w / 2, py = size().h / 2) {
    const { x, y, k } = state.view, wanted = Math.min(4, Math.max(Math.min(0.2, whole()), k * factor));
    state.steered = true;
    look({ x: px - ((px - x) * wanted) / k, y: py - ((py - y) * wanted) / k, k: wanted });
  }

  function pan(dx, dy) {
    state.steered = true;
    look({ ...state.view, x: state.view.x + dx, y: state.view.y + dy });
  }

  function overview() { // the whole graph, however small; once more: where the work is
    const { x, y, k } = centred({ x: 0, y: 0, w: shown.width, h: shown.height }, Math.min(LARGEST, whole()));
    const there = Math.hypot(x - state.view.x, y - state.view.y) < 1 && Math.abs(k - state.view.k) < 1e-3;
    state.steered = !there && whole() < READABLE;
    if (state.steered) look({ x, y, k });
    else follow();
  }

  // -- what one does --

  function go(at) {
    pause();
    show(at);
  }

  function pause() {
    clearInterval(state.timer);
    state.timer = null;
    playing(page.play, false);
  }

  function play() {
    if (state.timer !== null) return pause();
    if (state.at === sequence.length - 1) show(0);
    playing(page.play, true);
    state.timer = setInterval(() => show(state.at + 1), PACE);
  }

  // Folded or unfolded, the walk stays at the same node, and the focus at the same module.
  function fold(modules) {
    const { phase, node, module } = data.steps[sequence[state.at]];
    const focused = page.graph.contains(document.activeElement) ? document.activeElement.dataset.module : null;
    state.folded = modules;
    draw();
    const same = (i) => data.steps[i].phase === phase && (data.steps[i].node === node || (module !== null && data.steps[i].module === module));
    show(Math.max(0, sequence.findIndex(same)));
    if (focused) page.graph.querySelector(`[data-module="${focused}"]`)?.focus({ preventScroll: true });
  }

  function toggle(module) {
    const modules = new Set(state.folded);
    if (!modules.delete(module)) modules.add(module);
    fold(modules);
  }

  const foldAll = () => fold(state.folded.size ? new Set() : new Set(data.modules.keys()));

  function hide(wanted) { // whoever derives them alone does not see them
    const hidden = page.root.classList.toggle("hidden-gradients", wanted);
    say(page.hide, hidden ? "Show gradients" : "Hide gradients");
  }

  async function choose(place) {
    if (data.nodes[place].kind === "constant") return;
    state.chosen = place;
    if (ask) page.tutor.hidden = true;
    paint(data, drawn, page.rows, sequence[state.at], place);
    await derive();
    page.heading.focus({ preventScroll: true });
    page.derivation.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
  }

  async function derive() {
    const place = state.chosen, node = data.nodes[place];
    const derived = data.derivations?.[place] ?? await ask({ kind: "derive", node: place, value: null });
    if (place !== state.chosen) return;
    page.derivation.hidden = false;
    say(page.heading, derived.heading ?? node.name);
    page.derived.replaceChildren(...formula(derived.formula ?? ""));
    setSmaller(page.derived);
    say(page.flat, derived.error ?? node.flat ?? "");
    if (ask) touch(page, node);
  }

  // -- what moves: a leaf follows the hand, one event at a time, the last one always --

  let waiting = null, busy = false;

  const move = (place, value) => change({ kind: "set", node: place, value });

  async function change(event) {
    waiting = event;
    if (busy) return;
    busy = true;
    while (waiting) {
      const event = waiting;
      waiting = null;
      const answer = await ask(event);
      if (answer.error) say(event.kind === "set" ? page.said : page.trained, answer.error);
      else update(answer);
    }
    busy = false;
  }

  function update(answer) {
    data = answer;
    data.nodes.forEach((node, place) => { node.place = place; });
    for (const box of shown.boxes) box.node = data.nodes[box.node.place];
    drawn.renew(data);
    if (data.descent) descended(page, data.descent);
    show(state.at);
    if (state.chosen !== null) derive();
  }

  async function wonder(kind, value) {
    const answer = await ask({ kind, node: state.chosen, value });
    say(page.said, answer.error ?? (kind === "check" ? `${answer.right ? "✓" : "✗"} ${answer.words}` : answer.words));
  }

  // The tutor asks for one factor after the other; what happened so far goes along with each event.
  let record = null;

  async function tutor(said) {
    const place = state.chosen, answer = await ask({ kind: "tutor", node: place, value: { record, ...said } });
    if (place !== state.chosen) return;
    const mark = { true: "✓ ", false: "✗ " }[answer.right] ?? "";
    say(page.said, mark + (answer.error ?? answer.words));
    if (answer.error) return;
    record = answer.record;
    page.tutor.hidden = false;
    say(page.asks, answer.asks);
    for (const control of page.tutor.querySelectorAll("input, button")) control.disabled = !answer.asked;
    if (answer.right || !said.entry) page.entry.value = "";
    if (answer.asked) page.entry.focus({ preventScroll: true });
  }

  // -- by mouse, finger and key --

  const actions = {
    first: () => go(0), back: () => go(state.at - 1), play, next: () => go(state.at + 1), last: () => go(Infinity),
    in: () => zoom(1.25), out: () => zoom(0.8), fit: overview, fold: foldAll, hide: () => hide(),
    step: () => change({ kind: "step", value: rate() }), rewind: () => change({ kind: "rewind" }),
    epoch: () => change({ kind: "epochs", value: [1, rate()] }), epochs: () => change({ kind: "epochs", value: [100, rate()] }),
    tutor: () => { record = null; hide(true); tutor({}); }, answer: () => tutor({ entry: page.entry.value }), hint: () => tutor({ hint: true }),
    nudge: () => wonder("nudge", 0.01), check: () => wonder("check", page.own.value),
  };
  const rate = () => Number(page.rate.value);
  const keys = {
    ArrowLeft: actions.back, ArrowRight: actions.next, Home: actions.first, End: actions.last,
    "+": actions.in, "=": actions.in, "-": actions.out, 0: overview,
    f: () => { const { module } = data.steps[sequence[state.at]]; if (module !== null) toggle(module); },
    a: () => { if (data.modules.length) foldAll(); },
    h: () => { if (ask) hide(); },
  };
  const ways = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };

  function press(target) { // what a click or the enter key does, by what it meets
    const part = target.closest("[data-do], [data-module], [data-place]");
    if (!part) return false;
    if (part.dataset.do) actions[part.dataset.do]();
    else if (part.dataset.module) toggle(Number(part.dataset.module));
    else choose(Number(part.dataset.place));
    return true;
  }

  function onKey(event) {
    const written = event.target.matches("input:not([type=range]), select, textarea"), sliding = event.target.matches("input[type=range]");
    if (event.altKey || event.ctrlKey || event.metaKey || written || (sliding && /^(Arrow|Home|End)/.test(event.key))) return;
    const onModule = event.target.closest("[data-module]");
    const act = (event.key === "Enter" || event.key === " ") && onModule ? () => toggle(Number(onModule.dataset.module))
      : event.shiftKey && event.key in ways ? () => pan(...ways[event.key]) : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  const held = new Map(); // the fingers, or the mouse, on the picture
  let dragged = false;
  function onMove(event) {
    if (!held.has(event.pointerId)) return;
    const before = held.get(event.pointerId), now = { x: event.clientX, y: event.clientY };
    if (!dragged && held.size === 1 && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
    dragged = true;
    page.graph.setPointerCapture(event.pointerId);
    const [other] = [...held].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    const frame = page.graph.getBoundingClientRect();
    if (other) zoom(Math.hypot(now.x - other.x, now.y - other.y) / Math.hypot(before.x - other.x, before.y - other.y), (now.x + other.x) / 2 - frame.x, (now.y + other.y) / 2 - frame.y);
    else pan(now.x - before.x, now.y - before.y);
    held.set(event.pointerId, now);
    page.graph.classList.add("dragged");
  }
  function onRelease(event) {
    held.delete(event.pointerId);
    page.graph.classList.remove("dragged");
  }

  page.root.addEventListener("click", (event) => { if (!dragged) press(event.target); });
  page.graph.addEventListener("pointerdown", (event) => { dragged = false; held.set(event.pointerId, { x: event.clientX, y: event.clientY }); });
  page.root.addEventListener("pointerdown", (event) => { if (!page.graph.contains(event.target)) dragged = false; });
  page.graph.addEventListener("pointermove", onMove);
  for (const end of ["pointerup", "pointercancel"]) page.graph.addEventListener(end, onRelease);
  page.graph.addEventListener("wheel", (event) => {
    event.preventDefault();
    const frame = page.graph.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - frame.x, event.clientY - frame.y);
  }, { passive: false });
  page.slider.addEventListener("input", () => go(Number(page.slider.value)));
  for (const field of page.fields) field.addEventListener("input", () => { if (field.value !== "") move(state.chosen, Number(field.value)); });
  page.sample?.addEventListener("change", () => change({ kind: "sample", value: Number(page.sample.value) }));
  page.own?.addEventListener("keydown", (event) => { if (event.key === "Enter") actions.check(); });
  page.entry?.addEventListener("keydown", (event) => { if (event.key === "Enter") actions.answer(); });
  const alone = root.parentElement === document.body; // in a notebook the keys belong to the notebook
  (alone ? document : page.root).addEventListener("keydown", onKey);
  new ResizeObserver(() => { follow(); fit(); }).observe(page.graph);

  root.classList.add("micrograd-host");
  root.replaceChildren(page.root);
  if (data.nodes.length >= FOLDED_FROM) state.folded = new Set(data.modules.keys());
  draw();
  if (data.descent) descended(page, data.descent);
  show(0);
  return { update, close: pause };
}

// ---- parts of the page ----

function parts(data, live) {
  const part = {};
  const hold = (name, element) => { part[name] = element; return element; };
  const leaves = data.nodes.filter((node) => node.kind === "leaf").length;
  part.rows = data.nodes.map((node, place) => (node.kind === "constant" ? null : row(node, place)));
  part.root = make("div", { class: "micrograd-live" },
    make("header", {},
      make("h1", {}, data.title),
      make("p", {}, `${leaves} numbers, ${data.nodes.filter((node) => node.kind === "made").length} operations. Step with the buttons, `
        + "the slider or the arrow keys; choose a value to see its gradient derived."
        + (data.modules.length ? " A click on a frame’s name folds it, a click on a folded box opens it." : ""))),
    make("figure", {},
      hold("graph", make("svg svg", { class: "graph", role: "group", "aria-label": `The graph of ${data.title.split(" ").pop()}; the table lists all of its values` })),
      make("div", { class: "tools", role: "group", "aria-label": "The picture" },
        ...(data.modules.length ? [hold("fold", make("button", { type: "button", "data-do": "fold", title: "Key: a; f for the module at work" }, "Fold all"))] : []),
        ...(live ? [hold("hide", make("button", { type: "button", "data-do": "hide", title: "Derive them yourself: key h" }, "Hide gradients"))] : []),
        button("out", "Zoom out"), button("in", "Zoom in"), button("fit", "Fit")),
      make("figcaption", {}, make("span", { class: "key lit" }, "at work"), make("span", { class: "key positive" }, "gradient above 0"),
        make("span", { class: "key negative" }, "below 0"), make("span", { class: "note" }, "Wider lines carry more of it; the number on a line is the local slope."))),
    hold("side", make("div", { class: "side", tabindex: "0", role: "region", "aria-label": "Formulas and values" },
      make("section", { class: "now", "aria-live": "polite", "aria-atomic": "true", "aria-label": "This step" },
        hold("phase", make("p", { class: "phase" })), hold("title", make("h2")),
        hold("formula", make("div", { class: "formula", tabindex: "0", role: "region", "aria-label": "The formula of this step" })), hold("words", make("p", { class: "words" }))),
      ...(data.descent ? [training(hold, data.descent)] : []),
      hold("derivation", make("section", { class: "derivation", "aria-label": "Derivation", hidden: true },
        hold("heading", make("h2", { tabindex: "-1" })), hold("derived", make("div", { class: "formula", tabindex: "0", role: "region", "aria-label": "The derivation’s formula" })),
        hold("flat", make("p", { class: "words" })), ...(live ? moving(hold) : []))),
      make("section", { class: "table", "aria-label": "All values" }, table(part.rows)))),
    make("nav", { "aria-label": "Steps" },
      make("div", { class: "buttons" }, button("first", "First step"), button("back", "Step back"),
        hold("play", button("play", "Play")), button("next", "Step forward"), button("last", "Last step")),
      make("div", { class: "slide" },
        hold("slider", make("input", { type: "range", class: "slider", min: 0, value: 0, step: 1, "aria-label": "Step" })),
        make("div", { class: "track", "aria-hidden": "true" }, hold("forward", make("span", {}, "forward")), hold("backward", make("span", {}, "backward")))),
      hold("where", make("output"))));
  part.fields = live ? [part.slide, part.field] : [];
  return part;
}

function training(hold, descent) {
  const sample = (row, i) => make("option", { value: i }, `${i + 1}: ${row.map((number, k) => `${descent.columns[k]} = ${short(number)}`).join(", ")}`);
  const press = (id, text) => make("button", { type: "button", "data-do": id }, text);
  return make("section", { class: "training", "aria-label": "Training" },
    make("div", { class: "touch" },
      make("label", {}, "Sample", hold("sample", make("select", {}, ...descent.samples.map(sample)))),
      make("label", {}, "Learning rate", hold("rate", make("input", { type: "number", step: "any", min: 0, value: 0.1 })))),
    make("div", { class: "touch" }, press("step", "One sample"), press("epoch", "One epoch"), press("epochs", "100 epochs"), press("rewind", "Rewind")),
    hold("trained", make("p", { class: "words", "aria-live": "polite" })),
    hold("pictures", make("div", { class: "pictures" })),
    hold("updates", make("div", { class: "updates", tabindex: "0", role: "region", "aria-label": "The last step" })));
}

function moving(hold) {
  return [hold("touch", make("div", { class: "touch" },
    make("label", {}, "Move it", hold("slide", make("input", { type: "range", step: "any" }))),
    make("label", {}, "Number", hold("field", make("input", { type: "number", step: "any" }))),
    make("button", { type: "button", "data-do": "nudge" }, "Nudge by 0.01"))),
  make("div", { class: "touch" },
    make("label", {}, "Your own derivation", hold("own", make("input", { type: "text", autocomplete: "off", spellcheck: "false" }))),
    make("button", { type: "button", "data-do": "check" }, "Check"), make("button", { type: "button", "data-do": "tutor" }, "Ask me step by step")),
  hold("said", make("p", { class: "words said", "aria-live": "polite" })),
  hold("tutor", make("div", { class: "touch", hidden: true },
    make("label", {}, hold("asks", make("span")), hold("entry", make("input", { type: "text", autocomplete: "off", spellcheck: "false" }))),
    make("button", { type: "button", "data-do": "answer" }, "Answer"), make("button", { type: "button", "data-do": "hint" }, "Hint")))];
}

// The fields of the chosen value; a slider that is being moved keeps its ends.
function touch(page, node) {
  page.touch.hidden = node.kind !== "leaf" || node.exact === undefined;
  if (page.touch.hidden) return;
  const x = Number(node.exact), active = page.root.ownerDocument.activeElement;
  if (active !== page.slide || page.slide.dataset.place !== String(node.place)) {
    const reach = Math.max(2, 2 * Math.abs(x));
    Object.assign(page.slide, { min: x - reach, max: x + reach });
    page.slide.dataset.place = node.place;
    page.slide.value = x;
  }
  if (active !== page.field) page.field.value = node.exact;
}

function table(rows) {
  const head = [["value", null], ["made by", "made"], ["number", "number"], ["gradient", "gradient"]];
  return make("table", {},
    make("thead", {}, make("tr", {}, ...head.map(([name, kind]) => make("th", { scope: "col", class: kind }, name)))),
    make("tbody", {}, ...rows.filter(Boolean).map((part) => part.row)));
}

function row(node, place) {
  const name = make("button", { type: "button", "data-place": place }, node.name);
  const number = make("td", { class: "number" }), gradient = make("td", { class: "gradient" });
  const cells = [make("th", { scope: "row" }, name), make("td", { class: "made" }, node.made), number, gradient];
  return { row: make("tr", { "data-place": place }, ...cells), number, gradient };
}

// The scene as SVG, and what can be asked of it: which box is lit, and how to renew its lines.
function drawing(shown) {
  const boxes = shown.boxes.map((box) => ({ box, ...boxDrawn(box) }));
  const lines = shown.edges.map((edge) => ({ edge, ...lineDrawn(edge) }));
  const group = make("svg g", { class: "scene" }, ...shown.frames.map(frameDrawn), ...lines.map((line) => line.group), ...boxes.map((box) => box.group));
  const renew = (data) => {
    for (const line of lines) {
      const node = data.nodes[line.edge.into], from = line.edge.target.module ? data.modules[node.module].edges : node.edges;
      Object.assign(line.edge, from[line.edge.i]);
      line.group.querySelector("text").textContent = line.edge.slope;
    }
    for (const { box } of boxes) if (box.module) box.module = data.modules[box.node.module];
  };
  const marked = (box, ...kinds) => kinds.some((kind) => boxes.find((part) => part.box === box).group.classList.contains(kind));
  return { group, boxes, lines, renew, lit: (box) => marked(box, "at-work", "near"), core: (box) => marked(box, "at-work") };
}

function boxDrawn(box) {
  const { node, module, lines, x, y, w, h } = box, middle = x + w / 2;
  const text = (kind, line, at) => make("svg text", { class: kind, x: middle, y: at, "text-anchor": "middle" }, line);
  const fold = module ? { "data-module": node.module, role: "button", tabindex: "0", "aria-expanded": "false" } : {};
  const group = make("svg g", { class: `node ${module ? "module" : node.kind}`, "data-place": node.place, ...fold });
  if (module) group.append(make("svg rect", { class: "behind", x: x + 4, y: y - 4, width: w, height: h, rx: 9 }));
  group.append(make("svg rect", { x, y, width: w, height: h, rx: 9 }));
  if (node.kind === "constant") {
    const number = text("number", node.number, y + 16);
    group.append(number);
    return { group, number };
  }
  const flat = make("svg g", { class: "flat" }, make("svg title"), make("svg rect", { x: x + w - 58, y: y - 11, width: 62, height: 14, rx: 7 }),
    make("svg text", { x: x + w - 27, y: y - 0.5, "text-anchor": "middle" }));
  const parts = { number: text("number", "", y + 30), gradient: text("gradient", "", y + 43) };
  group.append(text("name", lines[0], y + 16), parts.number, parts.gradient);
  if (module) group.append(text("inside", `+ ${lines[1]}`, y + 58));
  group.append(flat);
  return { group, flat, ...parts };
}

function lineDrawn(edge) {
  const [x, y] = edge.points.at(-1), ended = [...edge.points.slice(0, -1), [x - 5, y]];
  const group = make("svg g", { class: "edge", "data-from": edge.from, "data-into": edge.into },
    make("svg path", { d: path(ended) }), make("svg polygon", { points: `${x - 7},${y - 3.5} ${x},${y} ${x - 7},${y + 3.5}` }),
    make("svg text", { x: edge.spot[0], y: edge.spot[1] + 4, "text-anchor": "middle" }, edge.slope));
  return { group, line: group.firstChild };
}

function frameDrawn({ module, name, x, y, w, h }) {
  const wide = widthOf(name, "11px") + 34;
  return make("svg g", { class: "frame" }, make("svg rect", { x, y, width: w, height: h, rx: 9 }),
    make("svg g", { class: "handle", "data-module": module, role: "button", tabindex: "0", "aria-expanded": "true", "aria-label": `Fold ${name}` },
      make("svg rect", { x: x + 4, y: y + 3, width: wide, height: HEAD, rx: 6 }), make("svg text", { x: x + 12, y: y + 18 }, `− ${name}`)));
}

// The numbers, gradients, marks and widths of a step, in the picture and in the table.
function paint(data, drawn, rows, number, chosen) {
  const step = data.steps[number], made = new Map(), gathered = new Map(), flowed = new Set();
  data.steps.forEach(({ phase, node, gathered: some }, i) => {
    if (phase === "forward" && !(made.get(node) <= i)) made.set(node, i);
    if (i > number) return;
    for (const [place, text, name] of some) gathered.set(place, [text, name]);
    if (phase === "backward") flowed.add(node);
  });
  const backward = step.phase === "backward", near = new Set(step.operands);
  const waits = (node) => node.kind === "made" && !((made.get(node.place) ?? 0) <= number);
  const mark = (element, place, node) => {
    element.classList.toggle("waiting", waits(node));
    element.classList.toggle("at-work", step.node === place);
    element.classList.toggle("near", near.has(place));
    element.classList.toggle("chosen", chosen === place);
  };
  const numbers = ({ number: cell, gradient }, node, place) => {
    say(cell, waits(node) ? "" : node.number);
    const [text, name] = gathered.get(place) ?? ["–", ""];
    if (gradient) say(gradient, text);
    if (gradient) sign(gradient, name);
  };
  for (const part of drawn.boxes) {
    const { node, module } = part.box, flat = (module || node).flat;
    mark(part.group, node.place, node);
    numbers(part, node, node.place);
    if (!part.flat) continue;
    part.flat.classList.toggle("shown", Boolean(flat) && !waits(node));
    say(part.flat.querySelector("title"), flat ?? "");
    say(part.flat.querySelector("text"), (flat ?? "").split(":")[0].toLowerCase());
  }
  for (const { edge, group, line } of drawn.lines) {
    const passed = flowed.has(edge.into), lit = step.node === edge.into && step.phase !== "seed";
    group.classList.toggle("flowed", passed);
    group.classList.toggle("at-work", lit);
    group.classList.toggle("backward", lit && backward);
    sign(group, edge.sign);
    line.style.strokeWidth = passed ? edge.width : "";
  }
  drawn.group.classList.toggle("crowded", drawn.lines.length > CROWDED);
  rows.forEach((part, place) => {
    if (!part) return;
    mark(part.row, place, data.nodes[place]);
    numbers(part, data.nodes[place], place);
  });
}

function playing(element, on) {
  element.setAttribute("aria-label", on ? "Pause" : "Play");
  element.title = on ? "Pause" : "Play";
  element.replaceChildren(icon(on ? "pause" : "play"));
}

// The table, where it scrolls by itself, follows the value at work.
function reveal(row) {
  const table = row?.closest(".table");
  if (!table || table.scrollHeight <= table.clientHeight) return;
  const top = row.offsetTop, seen = top >= table.scrollTop + 30 && top <= table.scrollTop + table.clientHeight - 60;
  if (!seen) table.scrollTop = top - table.clientHeight / 2;
}

// A formula that is larger than its place is set smaller, down to where it can just be read; beyond, it scrolls.
function setSmaller(formula, bottom = Infinity) {
  formula.style.fontSize = "";
  const math = formula.firstElementChild;
  if (!math) return;
  const { width, height } = math.getBoundingClientRect();
  const share = Math.min(formula.clientWidth / width, (bottom - 16 - formula.getBoundingClientRect().top) / height);
  if (share < 1) formula.style.fontSize = `${Math.max(SMALLEST, share * 0.97)}em`;
}

function around(boxes) {
  if (!boxes.length) return null;
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  return { x, y, w: Math.max(...boxes.map((box) => box.x + box.w)) - x, h: Math.max(...boxes.map((box) => box.y + box.h)) - y };
}

// ---- gradient descent: how the loss falls, what is predicted, and how the last step was made ----

const SIDE = 200, EDGE = 32; // of a small plot, and the room for its numbers

function descended(page, descent) {
  const { losses, samples, sample, updates } = descent, [epochs, loss] = losses.at(-1);
  page.sample.value = sample;
  say(page.trained, `After ${short(epochs)} ${epochs === 1 ? "epoch" : "epochs"} the mean loss of ${samples.length} samples is ${loss === null ? "no number" : short(loss)}.`);
  page.pictures.replaceChildren(curveDrawn(losses), ...(descent.picture ? [(descent.picture.axes.length === 2 ? plane : line)(descent)] : []));
  page.updates.replaceChildren(...(updates.length ? [spelled(updates)] : []));
}

const short = (number, digits = 4) => String(Number(number.toPrecision(digits))).replace("-", "−");

function spelled(updates) {
  const head = ["", "was", "slope", "is"].map((word) => make("th", { scope: "col" }, word));
  const rows = updates.map(([name, ...numbers]) => make("tr", {}, make("th", { scope: "row" }, name), ...numbers.map((number) => make("td", {}, number))));
  return make("table", {}, make("caption", {}, "The last step: was − rate · slope = is"), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

// A small plot of what `draw` makes with scales for both axes; ends are written beside them.
function plot(name, [left, right], [low, high], across, up, draw) {
  const scale = (from, to, a, b) => (x) => a + ((x - from) / (to - from || 1)) * (b - a);
  const x = scale(left, right, EDGE, SIDE - 6), y = scale(low, high, SIDE - EDGE, 8);
  const label = (text, at, anchor = "middle") => make("svg text", { x: at[0], y: at[1], "text-anchor": anchor }, text);
  return make("svg svg", { class: "plot", viewBox: `0 0 ${SIDE} ${SIDE}`, role: "img", "aria-label": name },
    make("svg title", {}, name), ...draw(x, y),
    make("svg path", { class: "axes", d: `M${EDGE} 8V${SIDE - EDGE}H${SIDE - 6}` }),
    label(short(left), [EDGE, SIDE - 12], "start"), label(short(right), [SIDE - 6, SIDE - 12], "end"), label(across, [SIDE / 2 + 8, SIDE - 4]),
    label(short(high, 3), [EDGE - 3, 15], "end"), label(short(low, 3), [EDGE - 3, SIDE - EDGE], "end"), label(up, [EDGE - 3, SIDE / 2], "end"));
}

const drawnThrough = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

function curveDrawn(losses) {
  const known = losses.filter(([, loss]) => loss !== null), top = Math.max(...known.map(([, loss]) => loss));
  return plot("The mean loss, epoch by epoch", [0, losses.at(-1)[0]], [0, top], "epoch", "L", (x, y) =>
    [make("svg path", { class: "curve", d: drawnThrough(known.map(([epoch, loss]) => [x(epoch), y(loss)])) })]);
}

const ends = (numbers) => [Math.min(...numbers), Math.max(...numbers)];

// The prediction over two inputs: darker towards the upper end; samples with a target there are discs, others rings.
function plane({ picture, samples, columns }) {
  const [xs, ys] = picture.axes, heights = picture.heights.map((height) => height ?? NaN), [low, high] = ends(heights);
  const targets = samples.map((row) => row.at(-1)), middle = (Math.min(...targets) + Math.max(...targets)) / 2;
  const [i, k] = picture.names.map((name) => columns.indexOf(name)), name = `What is predicted over ${picture.names.join(" and ")}`;
  return plot(name, ends(xs), ends(ys), picture.names[0], picture.names[1], (x, y) => {
    const w = (x(xs[1]) - x(xs[0])) * 1.02, h = (y(ys[0]) - y(ys[1])) * 1.02;
    const cells = heights.map((height, n) => make("svg rect", { x: x(xs[n % xs.length]) - w / 2, y: y(ys[Math.floor(n / xs.length)]) - h / 2, width: w, height: h,
      style: `fill: color-mix(in srgb, var(--positive) ${(8 + 60 * ((height - low) / (high - low || 1) || 0)).toFixed(1)}%, var(--card))` }));
    return [make("svg g", { class: "cells" }, ...cells), ...samples.map((row, n) => make("svg circle", { class: targets[n] > middle ? "disc" : "ring", cx: x(row[i]), cy: y(row[k]), r: 4.5 }))];
  });
}

// The prediction along one input, and the samples.
function line({ picture, samples, columns }) {
  const [xs] = picture.axes, i = columns.indexOf(picture.names[0]), targets = samples.map((row) => row.at(-1));
  const points = xs.map((at, n) => [at, picture.heights[n]]).filter(([, height]) => height !== null);
  return plot(`What is predicted along ${picture.names[0]}`, ends(xs), ends([...targets, ...points.map(([, height]) => height)]), picture.names[0], columns.at(-1), (x, y) => [
    make("svg path", { class: "curve", d: drawnThrough(points.map(([at, height]) => [x(at), y(height)])) }),
    ...samples.map((row, n) => make("svg circle", { class: "disc", cx: x(row[i]), cy: y(targets[n]), r: 4 }))]);
}

// ---- in Jupyter, by anywidget ----

function render({ model, el }) {
  const waiting = new Map();
  let next = 0;
  const ask = (event) => new Promise((resolve) => {
    waiting.set(++next, resolve);
    model.send({ id: next, event });
  });
  const page = open(el, model.get("data"), ask);
  const onMessage = ({ id, answer }) => { waiting.get(id)?.(answer); waiting.delete(id); };
  const onData = () => page.update(model.get("data"));
  model.on("msg:custom", onMessage);
  model.on("change:data", onData);
  return () => { model.off("msg:custom", onMessage); model.off("change:data", onData); page.close(); };
}

export default { render };
