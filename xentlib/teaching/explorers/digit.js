// DATA is digit.json: weights and biases in thousandths, and three test images with their labels.

const DIGITS = DATA.bias.map((_, k) => k);
const EMPTY = Array(64).fill(0);

function values({ ink, label }) {
  // Whole numbers up to here: the sum is exact.
  const logits = DATA.weight.map((row, k) => (sum(row.map((w, d) => w * ink[d])) + 16 * DATA.bias[k]) / 16000);
  return { logits, q: softmax(logits), loss: crossEntropyOfLogits(logits, label), grad: gradientOfLogits(logits, label) };
}

function say({ label }, { logits, q, loss, grad }) {
  const [first, second] = [...DIGITS].sort((i, k) => logits[k] - logits[i]);
  return (
    `It says ${first}, with ${decimal(q[first], 3)}, before ${second}, with ${decimal(q[second], 3)}. ` +
    `You mean a ${label}: the loss is ${scientific(loss)}, and q − p of ${label} is ${decimal(grad[label], 3)}.`
  );
}

// The pen: a disc with a soft edge, about as wide as the strokes of the data. Ink adds up to no more than the pen's;
// a pen without ink wipes.

const RADIUS = 0.65;

function dab(ink, [x, y], pen) {
  return ink.map((old, d) => {
    const touched = clamped(RADIUS + 0.5 - Math.hypot(x - (d % 8) - 0.5, y - Math.floor(d / 8) - 0.5), 0, 1);
    return pen ? Math.max(old, Math.round(pen * touched)) : Math.min(old, Math.round(16 * (1 - touched)));
  });
}

function stroke(ink, from, to, pen) {
  const steps = Math.ceil(4 * Math.hypot(to[0] - from[0], to[1] - from[1])) || 1;
  for (let step = 0; step <= steps; step++) ink = dab(ink, from.map((x, i) => x + ((to[i] - x) * step) / steps), pen);
  return ink;
}

// The square, a grid of 64 cells. One of them can be reached by Tab, and from there the others by the arrows.
function square(frame) {
  const cells = EMPTY.map((_, d) => element("span", { role: "gridcell", tabindex: d ? -1 : 0 }));
  const rows = DIGITS.slice(0, 8).map((row) => element("div", { role: "row" }, ...cells.slice(8 * row, 8 * row + 8)));
  const help = "Arrows move, Space inks, Delete wipes; with Shift the arrows draw.";
  const grid = element("div", { class: "pad", role: "grid", "aria-label": `The square to draw in. ${help}` }, ...rows);
  const keys = element("p", { class: "note", "aria-hidden": "true" }, help);
  const draw = (from, to) => frame.change({ ink: stroke(frame.current().ink, from, to, frame.current().pen) });
  const middle = (d) => [(d % 8) + 0.5, Math.floor(d / 8) + 0.5];

  function reach(d) {
    cells.forEach((cell, each) => cell.setAttribute("tabindex", each === d ? 0 : -1));
    cells[d].focus({ preventScroll: true });
  }

  grid.addEventListener("keydown", (event) => {
    const at = cells.indexOf(event.target);
    const [column, row] = [at % 8, Math.floor(at / 8)];
    const goals = { ArrowLeft: [column - 1, row], ArrowRight: [column + 1, row], ArrowUp: [column, row - 1], ArrowDown: [column, row + 1], Home: [0, row], End: [7, row] };
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in goals) {
      const [x, y] = goals[event.key].map((n) => clamped(n, 0, 7));
      reach(8 * y + x);
      if (event.shiftKey) draw(middle(at), middle(8 * y + x));
    } else if (event.key === " " || event.key === "Enter") draw(middle(at), middle(at));
    else if (event.key === "Delete" || event.key === "Backspace") frame.change({ ink: replaced(frame.current().ink, at, 0) });
    else return;
    event.preventDefault();
  });

  let held = null;
  const place = (event) => {
    const box = grid.getBoundingClientRect();
    return [(8 * (event.clientX - box.left)) / box.width, (8 * (event.clientY - box.top)) / box.height];
  };
  grid.addEventListener("pointerdown", (event) => {
    if (event.button || held) return;
    held = { id: event.pointerId, last: place(event), before: frame.current() };
    grid.setPointerCapture(event.pointerId);
    reach(cells.indexOf(event.target.closest("[role=gridcell]") ?? cells[0]));
    frame.hush(true);
    draw(held.last, held.last);
    event.preventDefault();
  });
  grid.addEventListener("pointermove", (event) => {
    if (held?.id !== event.pointerId) return;
    const [from, to] = [held.last, place(event)];
    held.last = to;
    draw(from, to);
  });
  const lift = (event) => {
    if (held?.id !== event.pointerId) return;
    if (event.type === "pointercancel") frame.change(held.before);
    held = null;
    frame.hush(false);
  };
  grid.addEventListener("pointerup", lift);
  grid.addEventListener("pointercancel", lift);

  const refresh = ({ ink }) => cells.forEach((cell, d) => {
    if (cell.dataset.ink === String(ink[d])) return;
    cell.dataset.ink = ink[d];
    cell.style.setProperty("--ink", `${(100 * ink[d]) / 16}%`);
    cell.setAttribute("aria-label", `row ${Math.floor(d / 8)}, column ${d % 8}: ink ${ink[d]}`);
  });
  return [element("div", {}, grid, keys), refresh];
}

// A row for each digit: its weights as a picture, brighter where there is ink, its score, its probability, and q − p.
function answers() {
  const lines = DIGITS.map((k) => {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("viewBox", "0 0 8 8");
    picture.setAttribute("aria-hidden", "true");
    picture.innerHTML = DATA.weight[k].map((w, d) => `<rect class="${w > 0 ? "dog" : "cat"}" x="${d % 8}" y="${Math.floor(d / 8)}" width="1" height="1"/>`).join("");
    const fill = element("span", { class: "fill" });
    const [z, q, slope] = ["", "", ""].map((name) => element("td", { class: name }));
    const share = element("td", { class: "share", "aria-hidden": "true" }, fill);
    const row = element("tr", {}, element("th", { scope: "row" }, k), element("td", {}, picture), z, share, q, slope);
    return { row, picture, fill, z, q, slope };
  });
  const heads = ["digit", "W", "z", "", "q", "q − p"].map((head) => (head ? element("th", { scope: "col" }, head) : element("td")));
  const table = element("table", { class: "answers" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...lines.map(({ row }) => row)));
  const refresh = ({ ink, label }, shown) => lines.forEach(({ row, picture, fill, z, q, slope }, k) => {
    DATA.weight[k].forEach((w, d) => picture.children[d].setAttribute("fill-opacity", ((Math.abs(w) / 2000) * (0.5 + (0.5 * ink[d]) / 16)).toFixed(2)));
    fill.style.width = `${100 * shown.q[k]}%`;
    z.textContent = decimal(shown.logits[k]);
    q.textContent = decimal(shown.q[k], 3);
    slope.textContent = decimal(shown.grad[k], 3);
    row.classList.toggle("first", argmax(shown.logits) === k);
    row.classList.toggle("p", label === k);
  });
  return [table, refresh];
}

const start = (label, changes) => ({
  kind: "button", label, press: () => changes,
  off: (state) => Object.entries(changes).every(([name, value]) => JSON.stringify(state[name]) === JSON.stringify(value)),
});

const view = explorer({
  title: "A score is ink times weight, plus a bias. Without ink the biases are left, and the largest one wins.",
  question: {
    ask: "Wipe all ink away. What does the classifier call the empty square?",
    choices: ["none of the ten", "each of the ten, with 0.100", "one of the ten"],
    right: 2,
    how: "draw a digit, or wipe it",
    show: { ink: EMPTY },
    shows: ({ ink }) => ink.every((x) => x === 0),
  },
  state: ["ink", "label", "pen"],
  limits: { ink: list(64, whole(0, 16)), label: whole(0, 9), pen: whole(0, 16) },
  controls: [
    { kind: "choice", label: "you mean a", options: DIGITS, get: (state) => state.label, set: (_, index) => ({ label: index }) },
    { kind: "own", make: square },
    { kind: "own", make: answers },
    { kind: "row", controls: [start("Wipe all", { ink: EMPTY }), ...DATA.images.map((ink, n) => start(`Show a ${DATA.labels[n]}`, { ink, label: DATA.labels[n] }))] },
    {
      kind: "bar", label: "ink of the pen", wide: true, min: 0, max: 16, step: 1, digits: 0,
      show: (x) => (x ? decimal(x, 0) : "0, it wipes"),
      get: (state) => state.pen, set: (_, value) => ({ pen: Math.round(value) }),
    },
  ],
  values, say,
});
export default view;
