// What all explorers share. Each explorer's file follows this one in the same module, since a widget is one module.

// Numbers, as xentlib computes them: shifted by the largest logit, the loss by log1p, the true class as a sum.

const sum = (numbers) => numbers.reduce((total, x) => total + x, 0);
const argmax = (numbers) => numbers.indexOf(Math.max(...numbers));
const others = (numbers, y) => numbers.filter((_, j) => j !== y);

function softmax(z) {
  const top = Math.max(...z);
  const weights = z.map((score) => Math.exp(score - top));
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}

function crossEntropyOfLogits(z, y) {
  const lead = argmax(z);
  return z[lead] - z[y] + Math.log1p(sum(others(z, lead).map((score) => Math.exp(score - z[lead]))));
}

function gradientOfLogits(z, y) {
  const q = softmax(z);
  return q.map((probability, i) => (i === y ? -sum(others(q, y)) : probability));
}

// Text

const CLASSES = ["cat", "dog", "bird"];

// Two decimals unless said, with a true minus sign and none on a zero.
function decimal(x, digits = 2) {
  const text = x.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

// Three digits, with a power of ten where it is small or large.
function scientific(x) {
  if (x === 0 || !Number.isFinite(x)) return Number.isNaN(x) ? "NaN" : String(x).replace("-", "−").replace("Infinity", "∞");
  const size = Math.abs(x);
  if (size >= 0.001 && size < 1000) return x.toPrecision(3).replace("-", "−");
  const [digits, power] = x.toExponential(2).split("e");
  return `${digits}\u00a0·\u00a010${superscript(Number(power))}`.replace("-", "−");
}

function superscript(n) {
  return [...String(n)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("");
}

// Drawing: strings of SVG. One unit is one pixel; a class of CSS gives the colour.

const rect = (x, y, width, height, name) =>
  `<rect class="${name}" x="${x}" y="${y}" width="${Math.max(width, 0)}" height="${Math.max(height, 0)}" rx="2"/>`;
const line = (x1, y1, x2, y2, name) => `<line class="${name}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
const text = (x, y, content, name = "", anchor = "middle") =>
  `<text class="${name}" x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;
const circle = (x, y, radius, name) => `<circle class="${name}" cx="${x}" cy="${y}" r="${radius}"/>`;

function arrow(x1, y1, x2, y2, name) {
  const length = Math.hypot(x2 - x1, y2 - y1);
  if (length < 1) return "";
  const head = Math.min(8, length);
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
  const [bx, by] = [x2 - head * ux, y2 - head * uy];
  const corners = [[x2, y2], [bx - 0.5 * head * uy, by + 0.5 * head * ux], [bx + 0.5 * head * uy, by - 0.5 * head * ux]];
  return `${line(x1, y1, bx, by, `${name} shaft`)}<polygon class="${name}" points="${corners.map((c) => c.join(",")).join(" ")}"/>`;
}

// The frame: controls, a drawing, and a sentence that says what is to be seen, also to those who do not see it.
//
// `state` names the traits. `controls` are ranges, choices and buttons. `values(state)` are the numbers that are shown,
// `draw(state, values, width)` returns [SVG, height], and `say(state, values)` the sentence.
function explorer({ title, state: names, controls, values, draw, say }) {
  function render({ model, el }) {
    const root = element("section", { class: "xentlib-explorer", "aria-label": title }, element("p", { class: "title" }, title));
    const panel = element("div", { class: "controls" });
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("aria-hidden", "true"); // the sentence below says it
    const said = element("p", { class: "said", role: "status" });
    const current = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
    const refreshers = controls.map((control) => {
      const [node, refresh] = MAKE[control.kind](control, current, change);
      panel.append(node);
      return refresh;
    });

    function change(changes) {
      Object.entries(changes).forEach(([name, value]) => model.set(name, value));
      model.save_changes();
    }

    function redraw() {
      const state = current();
      const shown = values(state);
      const width = Math.min(600, Math.max(280, Math.floor(panel.clientWidth || 560)));
      const [svg, height] = draw(state, shown, width);
      drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
      drawing.setAttribute("width", width);
      drawing.setAttribute("height", height);
      drawing.innerHTML = svg;
      refreshers.forEach((refresh) => refresh(state));
      const sentence = say(state, shown);
      if (said.textContent !== sentence) said.textContent = sentence;
    }

    // JupyterLab would take the arrow keys for its own, except where an element says that it wants them.
    panel.querySelectorAll("input, button").forEach((control) => control.setAttribute("data-lm-suppress-shortcuts", "true"));
    root.append(panel, drawing, said);
    el.replaceChildren(root);
    names.forEach((name) => model.on(`change:${name}`, redraw));
    const resized = new ResizeObserver(redraw);
    resized.observe(root);
    redraw();
    return () => {
      resized.disconnect();
      names.forEach((name) => model.off(`change:${name}`, redraw));
    };
  }
  return { render, values, say };
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
  node.append(...children);
  return node;
}

// Each maker takes a control, returns its node, and a function that shows a state in it.
const MAKE = {
  // { kind: "range", label, name, min, max, step, get(state), set(state, value), show(value) }
  range({ label, name = "", min, max, step, get, set, show = decimal }, current, change) {
    const input = element("input", { type: "range", min, max, step, class: name });
    const output = element("span", { class: "number", "aria-hidden": "true" }); // the slider says it, as its value
    input.addEventListener("input", () => change(set(current(), Number(input.value))));
    const refresh = (state) => {
      const value = get(state);
      if (Number(input.value) !== value) input.value = value;
      output.textContent = show(value);
      input.setAttribute("aria-valuetext", show(value));
    };
    return [element("label", { class: "range" }, element("span", {}, label), input, output), refresh];
  },

  // { kind: "choice", label, options, get(state) → index, set(state, index) }
  choice({ label, options, get, set }, current, change) {
    const group = `choice-${Math.random().toString(36).slice(2)}`;
    const buttons = options.map((option, index) => {
      const input = element("input", { type: "radio", name: group });
      input.addEventListener("change", () => change(set(current(), index)));
      return [input, element("label", {}, input, ` ${option}`)];
    });
    const refresh = (state) => buttons.forEach(([input], index) => { input.checked = get(state) === index; });
    const legend = element("legend", {}, label);
    return [element("fieldset", { class: "choice" }, legend, ...buttons.map(([, node]) => node)), refresh];
  },

  // { kind: "button", label, press(state) → changes, off(state) → whether there is nothing to press }
  button({ label, press, off = () => false }, current, change) {
    const node = element("button", { type: "button" }, label);
    node.addEventListener("click", () => { if (!off(current())) change(press(current())); });
    // Not `disabled`: that would throw the focus away from under a keyboard.
    return [node, (state) => node.setAttribute("aria-disabled", off(state))];
  },

  // { kind: "row", controls }, side by side in one place of the panel
  row({ controls }, current, change) {
    const made = controls.map((control) => MAKE[control.kind](control, current, change));
    const refresh = (state) => made.forEach(([, refreshOne]) => refreshOne(state));
    return [element("div", { class: "abreast" }, ...made.map(([node]) => node)), refresh];
  },
};

const replaced = (numbers, index, value) => numbers.map((x, i) => (i === index ? value : x));

// A slider for each logit of the running example, in the colour of its class.
const logitSliders = (min, max, step = 0.1) =>
  CLASSES.map((name, i) => ({
    kind: "range", label: `z, ${name}`, name, min, max, step,
    get: (state) => state.logits[i],
    set: (state, value) => ({ logits: replaced(state.logits, i, value) }),
  }));

const trueClass = {
  kind: "choice", label: "true class", options: CLASSES,
  get: (state) => state.label,
  set: (_, index) => ({ label: index }),
};

// Buttons that move a whole number of the state, and have nothing to press at either end. `moves` are [label, by].
const stepper = (name, first, last, moves) => ({
  kind: "row",
  controls: [...moves, ["Start again", -Infinity]].map(([label, by]) => {
    const moved = (state) => Math.min(last, Math.max(first, state[name] + by));
    return { kind: "button", label, press: (state) => ({ [name]: moved(state) }), off: (state) => moved(state) === state[name] };
  }),
});
