function stepped(z, label, rate) {
  const slopes = gradientOfLogits(z, label);
  return z.map((score, i) => score - rate * slopes[i]);
}

function values({ logits, label, rate, steps }) {
  const [path, adamPath] = [[softmax(logits)], [softmax(logits)]];
  let [z, w] = [logits, logits]; // of gradient descent and of Adam
  let [mean, square] = [[0, 0, 0], [0, 0, 0]];
  for (let step = 1; step <= steps; step++) {
    z = stepped(z, label, rate);
    path.push(softmax(z));

    const grad = gradientOfLogits(w, label);
    mean = mean.map((m, i) => 0.9 * m + 0.1 * grad[i]);
    square = square.map((v, i) => 0.999 * v + 0.001 * grad[i] * grad[i]);
    const [m, v] = [1 - 0.9 ** step, 1 - 0.999 ** step];
    w = w.map((score, i) => score - (rate * (mean[i] / m)) / (Math.sqrt(square[i] / v) + 1e-8));
    adamPath.push(softmax(w));
  }
  return { path, loss: crossEntropyOfLogits(z, label), adam_path: adamPath, adam_loss: crossEntropyOfLogits(w, label) };
}

const RATES = Array.from({ length: 20 }, (_, i) => (i + 1) / 10);

// The triangle, whose corners are the classes.
function triangle(width) {
  const side = Math.min(width - 80, 340);
  const [left, top] = [(width - side) / 2, 26];
  const base = top + side * Math.sqrt(3) / 2;
  const corners = [[left, base], [left + side / 2, top], [left + side, base]];
  const at = (q) => [0, 1].map((axis) => sum(q.map((share, i) => share * corners[i][axis])));
  return { left, top, side, base, corners, at };
}

const firstStep = ({ logits, label }, rate) => softmax(stepped(logits, label, rate));

function draw(state, { path, adam_path }, width) {
  const { label, adam, rate } = state;
  const { left, top, side, base, corners, at } = triangle(width);
  const points = path.map(at);
  const middle = at([0, 1, 2].map((i) => (i === label ? 0 : 0.5))); // of the side where the true class has nothing

  const last = path.at(-1);
  const names = [[left, base + 20], [left + side / 2, top - 10], [left + side, base + 20]];
  return [
    [
      `<polygon class="outline" points="${corners.join(" ")}"/>`,
      line(...middle, ...corners[label], "muted dotted"),
      line(width - 16, 30, width, 30, "muted dotted"),
      text(width - 20, 34, others(CLASSES, label).join(" = "), "muted", "end"),
      circle(6, 30, 5, "outline"),
      text(16, 34, "start", "", "start"),
      circle(6, 50, 4, "outline now"),
      text(16, 54, "step", "", "start"),
      circle(6, 70, 6, "q"),
      text(16, 74, "now", "", "start"),
      adam ? `<polyline class="p outline" points="${adam_path.map(at).join(" ")}"/>` : "",
      adam ? adam_path.map((q) => circle(...at(q), 2, "p")).join("") + circle(...at(adam_path.at(-1)), 6, "p") : "",
      adam ? circle(6, 90, 6, "p") + text(16, 94, "Adam", "", "start") : "",
      `<polyline class="q outline" points="${points.join(" ")}"/>`,
      points.map(([x, y]) => circle(x, y, 2, "q")).join(""),
      circle(...points[0], 5, "outline"),
      circle(...points.at(-1), 6, "q"),
      line(...points[0], ...at(firstStep(state, rate)), "axis"),
      circle(...at(firstStep(state, rate)), 4, "outline now"),
      names.map(([x, y], i) => text(x, y, `${CLASSES[i]} ${decimal(last[i], 3)}`, CLASSES[i])).join(""),
    ].join(""),
    base + 28,
  ];
}

const GRASP = 16; // pixels around the end of the first step

// Whoever took hold of the end of the first step drags the step. Elsewhere the path starts where the pointer is, as
// close to the sides as the scores can be.
function drag(state, x, y, width, from) {
  const { left, side, base, top, at } = triangle(width);
  const apart = (q, here) => Math.hypot(at(q)[0] - here.x, at(q)[1] - here.y);
  const away = apart(firstStep(from.state, from.state.rate), from);
  if (away < GRASP && away < apart(softmax(from.state.logits), from)) {
    const misses = RATES.map((rate) => apart(firstStep(state, rate), { x, y }));
    return { rate: RATES[misses.indexOf(Math.min(...misses))] };
  }
  const dog = (base - y) / (base - top);
  const bird = (x - left) / side - dog / 2;
  const q = [1 - dog - bird, dog, bird];
  if (Math.min(...q) < -0.1) return {}; // beside the triangle
  const logs = q.map((share) => Math.log(Math.max(share, 0.001)));
  return { logits: logs.map((log) => Number((log - sum(logs) / 3).toFixed(2))) };
}

function say({ logits, label, steps, adam }, { path, loss, adam_path, adam_loss }) {
  const named = (q) => q.map((share, i) => `${CLASSES[i]} ${decimal(share, 3)}`).join(", ");
  const shares = named(path.at(-1));
  if (steps === 0) return `Before the first step q is ${shares}; the loss is ${scientific(loss)}.`;
  const step = path.at(-1)[label] - path.at(-2)[label];
  // In steps of at most 2 the stronger of two wrong classes never gains, and never becomes the weaker one.
  const [one, two] = others([0, 1, 2], label);
  const weaker = logits[two] < logits[one] ? two : one;
  const [start, most] = [path[0][weaker], Math.max(...path.map((q) => q[weaker]))];
  const name = CLASSES[weaker][0].toUpperCase() + CLASSES[weaker].slice(1);
  const said = `Step ${steps} gave ${CLASSES[label]} ${scientific(step)}: ${shares}; the loss is ${scientific(loss)}.`;
  const gained = most - start > 0.001 ? ` ${name} rose from ${decimal(start, 3)} to ${decimal(most, 3)} on the way.` : "";
  return said + gained + (adam ? ` Adam is at ${named(adam_path.at(-1))}, with the loss ${scientific(adam_loss)}.` : "");
}

const view = explorer({
  title: "All roads lead to the true class and slow down before it. A wrong class may gain on the way.",
  question: {
    ask: "A hundred steps of descent lead dog near to 1. How far will a second hundred lead?",
    choices: ["as far again", "hardly any further", "back again"],
    right: 1,
    show: { steps: 200 },
    shows: ({ steps }) => steps > 150,
  },
  state: ["logits", "label", "rate", "adam", "steps"],
  limits: {
    logits: list(3, within(-6, 6)), label: whole(0, 2), rate: within(0.1, 2), adam: oneOf(true, false), steps: whole(0, 200),
  },
  controls: [
    logitBars(-6, 6),
    {
      kind: "bar", label: "step size η", wide: true, min: 0.1, max: 2, step: 0.1,
      get: (state) => state.rate,
      set: (_, value) => ({ rate: value }),
    },
    trueClass,
    {
      kind: "choice", label: "descent by", options: ["the gradient", "Adam as well"],
      get: (state) => Number(state.adam), set: (_, index) => ({ adam: index === 1 }),
    },
    { kind: "drawing" },
    stepper("steps", 0, 200, [["Step", 1], ["Ten steps", 10]], 80),
  ],
  values, draw, say, drag,
});
export default view;
