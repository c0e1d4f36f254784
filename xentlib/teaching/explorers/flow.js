function values({ logits, label, rate, steps }) {
  const path = [softmax(logits)];
  let z = logits;
  for (let step = 0; step < steps; step++) {
    const slopes = gradientOfLogits(z, label);
    z = z.map((score, i) => score - rate * slopes[i]);
    path.push(softmax(z));
  }
  return { path, loss: crossEntropyOfLogits(z, label) };
}

function draw({ label }, { path }, width) {
  const side = Math.min(width - 80, 340);
  const [left, top] = [(width - side) / 2, 26];
  const base = top + side * Math.sqrt(3) / 2;
  const corners = [[left, base], [left + side / 2, top], [left + side, base]];
  const at = (q) => [0, 1].map((axis) => sum(q.map((share, i) => share * corners[i][axis])));
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
      circle(6, 50, 6, "q"),
      text(16, 54, "now", "", "start"),
      `<polyline class="q outline" points="${points.join(" ")}"/>`,
      points.map(([x, y]) => circle(x, y, 2, "q")).join(""),
      circle(...points[0], 5, "outline"),
      circle(...points.at(-1), 6, "q"),
      names.map(([x, y], i) => text(x, y, `${CLASSES[i]} ${decimal(last[i], 3)}`, CLASSES[i])).join(""),
    ].join(""),
    base + 28,
  ];
}

function say({ logits, label, steps }, { path, loss }) {
  const shares = path.at(-1).map((q, i) => `${CLASSES[i]} ${decimal(q, 3)}`).join(", ");
  if (steps === 0) return `Before the first step q is ${shares}; the loss is ${scientific(loss)}.`;
  const step = path.at(-1)[label] - path.at(-2)[label];
  // In steps of at most 2 the stronger of two wrong classes never gains, and never becomes the weaker one.
  const [one, two] = others([0, 1, 2], label);
  const weaker = logits[two] < logits[one] ? two : one;
  const [start, most] = [path[0][weaker], Math.max(...path.map((q) => q[weaker]))];
  const name = CLASSES[weaker][0].toUpperCase() + CLASSES[weaker].slice(1);
  const said = `Step ${steps} gave ${CLASSES[label]} ${scientific(step)}: ${shares}; the loss is ${scientific(loss)}.`;
  return most - start > 0.001 ? `${said} ${name} rose from ${decimal(start, 3)} to ${decimal(most, 3)} on the way.` : said;
}

const view = explorer({
  title: "All roads lead to the true class and slow down before it. A wrong class may gain on the way.",
  state: ["logits", "label", "rate", "steps"],
  controls: [
    ...logitSliders(-3, 3),
    {
      kind: "range", label: "step size η", min: 0.1, max: 2, step: 0.1,
      get: (state) => state.rate,
      set: (_, value) => ({ rate: value }),
      show: (value) => decimal(value, 1),
    },
    trueClass,
    stepper("steps", 0, 200, [["Step", 1], ["Ten steps", 10]]),
  ],
  values, draw, say,
});
export default view;
