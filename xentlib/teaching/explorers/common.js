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

// Two decimals unless said, with a true minus sign and none on a zero; NaN and ∞ by name.
function decimal(x, digits = 2) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "NaN" : String(x).replace("-", "−").replace("Infinity", "∞");
  const text = x.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

// Three digits, with a power of ten where it is small or large.
function scientific(x) {
  if (!Number.isFinite(x)) return decimal(x);
  if (x === 0) return "0";
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

// The frame: a question, if any, that the reader answers first, controls, a drawing, and a sentence that says what is to be
// seen, also to those who do not see it.
//
// `title` is the finding. `question` has `ask`, `choices`, which of them is `right`, `shows(state, values)`, which tells
// whether the answer is to be seen, `show`, the changes that bring it about, and perhaps `how` to try it. `state` names the traits, and `limits`
// tells of each what it may be. `values(state)` are the numbers that are shown, `draw(state, values, width)`, if any,
// returns [SVG, height], `drag(state, x, y, width, from)` the changes that a pointer in it makes, which went down
// at `from.x`, `from.y` in `from.state`, and `say(state, values)` the sentence. What only a pointer can do has bars beside it that do the same by keyboard.
function explorer({ title, question, state: names, limits, controls, values, draw, say, drag }) {
  function render({ model, el }) {
    const current = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
    const first = model.first ?? current();
    const stage = element("div", { class: "stage" });
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("aria-hidden", "true"); // the sentence below says it
    const said = element("p", { class: "said", role: "status" });
    const refused = element("p", { class: "refused", role: "alert" });
    const frame = { current, change, refuse, hush, shown: () => values(current()), first, model, names, stage };

    function change(changes) {
      Object.entries(changes).forEach(([name, value]) => model.set(name, value));
      model.save_changes();
      redraw();
    }

    function refuse(words) {
      refused.textContent = words;
    }

    // While it plays, nothing is read out but where it ends.
    function hush(quiet) {
      said.setAttribute("aria-live", quiet ? "off" : "polite");
      if (!quiet) said.textContent = "";
      redraw();
    }

    const asked = question ? ask(question, title, frame) : [element("p", { class: "title" }, title), () => {}];
    const made = controls.map((control) => (control.kind === "drawing" ? [drawing, () => {}] : MAKE[control.kind](control, frame)));
    stage.append(...made.map(([node]) => node));
    if (draw && !drawing.parentNode) stage.append(drawing);
    const tools = MAKE.tools({}, frame);
    const refreshers = [...made, tools, asked].map(([, refresh]) => refresh);

    function redraw() {
      const state = current();
      const shown = values(state);
      if (draw) {
        const width = Math.min(600, Math.max(240, Math.floor(stage.clientWidth || 560)));
        const [svg, height] = draw(state, shown, width);
        drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
        drawing.setAttribute("width", width);
        drawing.setAttribute("height", height);
        drawing.innerHTML = svg;
      }
      refreshers.forEach((refresh) => refresh(state, shown));
      const sentence = say(state, shown);
      if (said.textContent !== sentence) said.textContent = sentence;
    }

    if (drag) whereItIs(drawing, (x, y, from) => change(drag(current(), x, y, drawing.clientWidth, from)), frame);
    const root = element("section", { class: "xentlib-explorer", "aria-label": question?.ask ?? title }, asked[0], stage, refused, said, tools[0]);
    // JupyterLab would take the arrow keys for its own, except where an element says that it wants them.
    root.querySelectorAll("input, button, [tabindex]").forEach((control) => control.setAttribute("data-lm-suppress-shortcuts", "true"));
    el.replaceChildren(root);
    names.forEach((name) => model.on(`change:${name}`, redraw));
    const resized = new ResizeObserver(redraw);
    resized.observe(root);
    redraw();
    if (model.complaint) refuse(model.complaint);
    return () => {
      resized.disconnect();
      made.forEach(([, , stop]) => stop?.());
      names.forEach((name) => model.off(`change:${name}`, redraw));
    };
  }
  return { render, values, say, names, limits };
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
  node.append(...children);
  return node;
}

function pressed(label, press, attributes = {}) {
  const node = element("button", { type: "button", ...attributes }, label);
  node.addEventListener("click", press);
  return node;
}

// The question, and below it what became of the answer: it is told when the explorer shows it.
function ask({ ask: words, choices, right, shows, show, how = "drag a bar, type a number" }, title, { change, stage, model }) {
  const focus = () => stage.querySelector("[tabindex='0']").focus({ preventScroll: true }); // what is dragged
  const verdict = element("p", { class: "verdict", "aria-live": "polite" });
  const showMe = pressed("Show me", () => {
    focus(); // this button is about to go
    change(show);
  });
  const answers = element("div", { class: "abreast", role: "group", "aria-label": "Your prediction" },
    ...choices.map((choice, i) => pressed(choice, () => open(i))), pressed("Skip", () => open(null), { class: "quiet" }));
  const after = element("div", { class: "after" }, verdict, showMe);
  const node = element("div", { class: "question" }, element("p", { class: "title" }, words), answers, after);
  let [answer, told] = [null, false];
  stage.inert = true;
  after.hidden = true;

  function open(choice) {
    answer = choice;
    [answers.hidden, after.hidden, stage.inert] = [true, false, false];
    tell(false);
    focus();
  }

  function tell(seen) {
    told = seen;
    showMe.hidden = seen;
    const said = answer === null ? "" : `You said: ${choices[answer]}. `;
    const judged = answer === null ? "" : answer === right ? "That is right. " : `The answer: ${choices[right]}. `;
    verdict.textContent = seen ? `${said}${judged}${title}` : `${said}Now try it: ${how}.`;
  }

  if (model.linked) [answers.hidden, after.hidden, stage.inert] = [true, false, false];
  tell(false);
  return [node, (state, shown) => { if (!stage.inert && !told && shows(state, shown)) tell(true); }];
}

// Dragging. A finger that moves up or down scrolls the page, and changes nothing: `touch-action: pan-y` lets the browser
// take that for its own, and until a finger has moved sideways, or is lifted, it is not known what it wants.
function whereItIs(node, at, { current, change }) {
  let held = null;
  node.classList.add("dragged");
  const place = (event) => {
    const box = node.getBoundingClientRect();
    at(event.clientX - box.left, event.clientY - box.top, { x: held.x - box.left, y: held.y - box.top, state: held.before });
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    held = { id: event.pointerId, x: event.clientX, y: event.clientY, sure: event.pointerType === "mouse", before: current() };
    node.setPointerCapture(event.pointerId);
    if (held.sure) place(event);
  });
  node.addEventListener("pointermove", (event) => {
    if (held?.id !== event.pointerId) return;
    const [across, along] = [Math.abs(event.clientX - held.x), Math.abs(event.clientY - held.y)];
    held.sure ||= across > 4 && across > along;
    if (held.sure) place(event);
  });
  node.addEventListener("pointerup", (event) => {
    if (held?.id === event.pointerId && !held.sure) place(event);
    held = null;
  });
  node.addEventListener("pointercancel", () => {
    if (held?.sure) change(held.before);
    held = null;
  });
}

const clamped = (x, min, max) => Math.min(max, Math.max(min, x));
const decimalsOf = (step) => (String(step).split(".")[1] ?? "").length;

// What was typed, with whatever minus sign or decimal comma; NaN if it is no number.
const typed = (words) => (words.trim() === "" ? NaN : Number(words.trim().replace("−", "-").replace(",", ".")));

const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Each maker takes a control, returns its node, a function that shows a state in it, and perhaps one that ends it.
const MAKE = {
  // A quantity that is dragged where it is, and beside it the number, to be typed:
  // { kind: "bar", label, name, min, max, step, get(state, values), set(state, value, values), show(value), digits, zero,
  //   wide: whether it takes a line of its own, note(state, values), mark(state, values), where the value ought to be }
  bar({ label, name = "", min, max, step, get, set, digits = Math.max(decimalsOf(step), 1), show = (x) => decimal(x, digits), zero = clamped(0, min, max), wide, note, mark, word = label }, frame) {
    const [fill, grip, goal] = ["fill", "grip", "goal"].map((part) => element("span", { class: part }));
    const track = element("div", { class: "track", role: "slider", tabindex: 0, "aria-label": label, "aria-valuemin": min, "aria-valuemax": max }, fill, grip);
    const field = element("input", { type: "text", size: 6, autocomplete: "off", "aria-label": `${label}, as a number` });
    if (min >= 0) field.setAttribute("inputmode", "decimal");
    const beside = element("span", { class: "note", "aria-hidden": "true" });
    const node = element("div", { class: `bar ${name} ${wide ? "wide" : ""}` }, element("span", { class: "label", "aria-hidden": "true" }, word), track, field);
    if (note) node.append(beside);
    const reach = element("span", { class: "reach" });
    if (mark) track.append(goal, reach);

    const percent = (x) => clamped((100 * (x - min)) / (max - min), 0, 100);
    const snapped = (x) => clamped(Number((Math.round(x / step) * step).toFixed(decimalsOf(step))), min, max);
    const value = () => get(frame.current(), frame.shown());
    const put = (x) => {
      frame.refuse("");
      delete field.dataset.value; // shown anew, even if the value stays
      frame.change(set(frame.current(), x, frame.shown()));
    };
    whereItIs(track, (x) => put(snapped(min + (x / track.clientWidth) * (max - min))), frame);
    track.addEventListener("keydown", (event) => {
      const moves = { ArrowRight: step, ArrowUp: step, ArrowLeft: -step, ArrowDown: -step, PageUp: 10 * step, PageDown: -10 * step, Home: -Infinity, End: Infinity };
      if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const by = moves[event.key];
      put(Number.isFinite(by) ? snapped((Number.isFinite(value()) ? value() : min) + by) : by < 0 ? min : max);
    });
    field.addEventListener("change", () => {
      const x = typed(field.value);
      if (x >= min && x <= max) return put(x);
      field.setAttribute("aria-invalid", "true");
      frame.refuse(`${label} must be a number from ${show(min)} to ${show(max)}; got “${field.value}”.`);
    });
    const refresh = (state, shown) => {
      const x = get(state, shown);
      const known = Number.isFinite(x);
      const [from, to] = [percent(zero), known ? percent(x) : percent(zero)];
      fill.style.left = `${Math.min(from, to)}%`;
      fill.style.width = `${Math.abs(to - from)}%`;
      grip.style.left = `${to}%`;
      grip.hidden = !known;
      track.setAttribute("aria-valuenow", known ? x : min);
      const words = note ? `${show(x)}, ${note(state, shown)}` : show(x);
      track.setAttribute("aria-valuetext", words);
      if (field.dataset.value !== String(x)) { // what was typed and refused stays until the value moves
        field.dataset.value = x;
        field.value = known ? decimal(x, digits) : scientific(x);
        field.removeAttribute("aria-invalid");
      }
      if (note) beside.textContent = note(state, shown);
      if (mark) {
        const aim = percent(mark(state, shown));
        goal.style.left = `${aim}%`;
        reach.style.left = `${Math.min(to, aim)}%`;
        reach.style.width = `${Math.abs(aim - to)}%`;
        reach.classList.toggle("back", aim < to);
        reach.hidden = Math.abs(aim - to) < 4; // shorter than its head
      }
    };
    return [node, refresh];
  },

  // { kind: "group", label, controls }, bars that belong together
  group({ label, controls }, frame) {
    const made = controls.map((control) => MAKE[control.kind](control, frame));
    const node = element("div", { class: "group", role: "group", "aria-label": label }, element("p", { class: "heading", "aria-hidden": "true" }, label), ...made.map(([one]) => one));
    return [node, (state, shown) => made.forEach(([, refresh]) => refresh(state, shown))];
  },

  // { kind: "own", make(frame) → what a maker returns }, what one explorer alone has
  own({ make }, frame) {
    return make(frame);
  },

  // { kind: "choice", label, options, get(state) → index, set(state, index) }
  choice({ label, options, get, set }, { current, change }) {
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
  button({ label, press, off = () => false }, { current, change }) {
    const node = pressed(label, () => { if (!off(current())) change(press(current())); });
    // Not `disabled`: that would throw the focus away from under a keyboard.
    return [node, (state) => node.setAttribute("aria-disabled", off(state))];
  },

  // { kind: "play", next(state) → changes, end(state) → whether it has ended, pause: in milliseconds }.
  // Where motion is not wanted, there is none, and the buttons beside it take the steps.
  play({ next, end, pause }, { current, change, hush, first }) {
    let timer = null;
    const stop = () => {
      clearInterval(timer);
      timer = null;
      node.textContent = "Play";
    };
    const halt = () => { stop(); hush(false); };
    const node = pressed("Play", () => {
      if (timer !== null) return halt();
      if (end(current())) change(next(first));
      node.textContent = "Pause";
      hush(true);
      timer = setInterval(() => (node.isConnected && !end(current()) ? change(next(current())) : halt()), pause);
    });
    node.hidden = reducedMotion();
    return [node, () => {}, stop];
  },

  // { kind: "row", controls }, side by side in one place of the panel
  row({ controls }, frame) {
    const made = controls.map((control) => MAKE[control.kind](control, frame));
    const refresh = (state, shown) => made.forEach(([, refreshOne]) => refreshOne(state, shown));
    return [element("div", { class: "abreast" }, ...made.map(([node]) => node)), refresh, () => made.forEach(([, , stop]) => stop?.())];
  },

  // What all have: back to the beginning, and on a page a link that keeps the state.
  tools(_, { current, change, refuse, first, model, names }) {
    const same = (state) => names.every((name) => JSON.stringify(state[name]) === JSON.stringify(first[name]));
    const [reset, refresh] = MAKE.button({ label: "Reset", press: () => { refuse(""); return first; }, off: same }, { current, change });
    const node = element("div", { class: "abreast tools" }, reset);
    if (!model.link) return [node, refresh];
    // A link, which can also be copied, kept or followed where the clipboard is out of reach.
    const link = element("a", {}, "Copy link to this state");
    const copied = element("span", { role: "log" });
    link.addEventListener("click", (event) => {
      if (!navigator.clipboard) return;
      event.preventDefault();
      navigator.clipboard.writeText(link.href).then(() => { copied.textContent = "Copied."; }, () => { location.href = link.href; });
    });
    node.append(link, copied);
    return [node, (state) => {
      refresh(state);
      copied.textContent = "";
      link.href = model.link();
    }];
  },
};

const replaced = (numbers, index, value) => numbers.map((x, i) => (i === index ? value : x));

// What a trait may be, where a link sets it.
const within = (min, max) => (x) => typeof x === "number" && x >= min && x <= max;
const whole = (min, max) => (x) => Number.isInteger(x) && x >= min && x <= max;
const list = (n, allowed) => (x) => Array.isArray(x) && x.length === n && x.every(allowed);
const oneOf = (...options) => (x) => options.includes(x);

// A bar for each logit of the running example, in the colour of its class.
const logitBars = (min, max, more = {}) => ({
  kind: "group", label: "scores z",
  controls: CLASSES.map((name, i) => ({
    kind: "bar", label: `z of ${name}`, word: name, name, min, max, step: 0.1, digits: 2,
    get: (state) => state.logits[i],
    set: (state, value) => ({ logits: replaced(state.logits, i, value) }),
    ...more,
  })),
});

// A bar for each probability. It moves the score of its class until softmax gives that, as far as the scores go.
const probabilityBars = (min, max, temperature, more = () => ({})) => ({
  kind: "group", label: "probabilities q",
  controls: CLASSES.map((name, i) => ({
    kind: "bar", label: `q of ${name}`, word: name, name, min: 0, max: 1, step: 0.01, digits: 3,
    get: (_, { q }) => q[i],
    set: (state, value) => {
      const T = temperature(state);
      const rest = others(state.logits, i).map((z) => z / T);
      const top = Math.max(...rest);
      const score = T * (Math.log(value / (1 - value)) + top + Math.log(sum(rest.map((z) => Math.exp(z - top)))));
      return { logits: replaced(state.logits, i, clamped(Number(score.toFixed(2)), min, max)) };
    },
    ...more(i),
  })),
});

const trueClass = {
  kind: "choice", label: "true class", options: CLASSES,
  get: (state) => state.label,
  set: (_, index) => ({ label: index }),
};

// Buttons that move a whole number of the state, and have nothing to press at either end. `moves` are [label, by].
// *Play* moves it by `by`.
const stepper = (name, first, last, moves, pause = 800, by = 1) => ({
  kind: "row",
  controls: [
    { kind: "play", next: (state) => ({ [name]: Math.min(last, state[name] + by) }), end: (state) => state[name] === last, pause },
    ...[...moves, ["Start again", -Infinity]].map(([label, move]) => {
      const moved = (state) => clamped(state[name] + move, first, last);
      return { kind: "button", label, press: (state) => ({ [name]: moved(state) }), off: (state) => moved(state) === state[name] };
    }),
  ],
});
