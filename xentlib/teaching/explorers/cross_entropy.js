const normalised = (weights) => {
  const total = sum(weights);
  return weights.map((weight) => (total ? weight / total : 1 / weights.length));
};

function values(state) {
  const [p, q] = [normalised(state.p), normalised(state.q)];
  const expected = (term) => sum(p.map((probability, i) => (probability > 0 ? probability * term(i) : 0)));
  const terms = p.map((probability, i) => (probability > 0 ? probability * Math.log(probability / q[i]) : 0) - probability + q[i]);
  return {
    p, q,
    entropy: 0 - expected((i) => Math.log(p[i])),
    divergence: sum(terms.map((term) => Math.max(term, 0))), // as in Gibbs' inequality: no term is negative
    total: 0 - expected((i) => Math.log(q[i])),
  };
}

// The end of an equation. A small amount is not passed off as 0.
function amount(nats) {
  if (nats === Infinity) return "= ∞";
  return nats > 0 && nats < 0.0005 ? "< 0.001" : `= ${decimal(nats, 3)}`;
}

const equation = (name, nats) => `${name} ${amount(nats)}`.replace("<", "&lt;");

function pairOfBars(x, apart, pair, top, base) {
  return ["p", "q"].map((name, side) => {
    const [middle, height] = [x + (side - 0.5) * apart, (base - top) * pair[name]];
    return [
      rect(middle - apart * 0.45, base - height, apart * 0.9, height, name),
      text(middle, base - height - 6, decimal(pair[name]), name),
      text(middle, base + 16, name, name),
    ].join("");
  }).join("");
}

function draw(_, { p, q, entropy, divergence, total }, width) {
  const [top, base, column] = [20, 120, width / 3];
  const pairs = CLASSES.map((name, i) =>
    pairOfBars(column * (i + 0.5), column * 0.4, { p: p[i], q: q[i] }, top, base) + text(column * (i + 0.5), base + 34, name, name));

  // The bill: 3.04 nats is the most that the sliders can make it, but for infinity.
  const [perNat, above, bar, below] = [width / 3.3, base + 66, base + 82, base + 122];
  const endless = total === Infinity;
  const end = endless ? width : perNat * total;
  const floor = perNat * entropy;
  const head = 18;
  const bill = [
    text(0, above, `${equation("H(p, q)", total)} nats`, "q", "start"),
    endless ? arrow(0, above + 8, end, above + 8, "q") : line(0, above + 8, end, above + 8, "q shaft"),
    rect(0, bar, floor, 22, "p"),
    rect(floor, bar, end - floor - (endless ? head : 0), 22, "muted"),
    endless ? `<polygon class="muted" points="${end - head},${bar - 5} ${end},${bar + 11} ${end - head},${bar + 27}"/>` : "",
    line(0.5, above + 2, 0.5, bar + 27, "axis"),
    text(0, below, equation("H(p)", entropy), "p", "start"),
    text(Math.max(floor, 110), below, equation("KL(p‖q)", divergence), "muted", "start"),
  ];
  return [pairs.join("") + line(0, base, width, base, "axis") + bill.join(""), below + 8];
}

function say(_, { p, q, entropy, divergence, total }) {
  const [cat, dog, bird] = p.map((x) => decimal(x));
  const reason = { 0: ", as q = p", Infinity: ", as q is 0 where p is not" }[divergence] ?? "";
  return (
    `p is cat ${cat}, dog ${dog}, bird ${bird}; q is ${q.map((x) => decimal(x)).join(", ")}. ` +
    `H(p, q) ${amount(total)} nats: H(p) ${amount(entropy)} and KL(p‖q) ${amount(divergence)}${reason}.`
  );
}

const weightSlider = (name, i) => ({
  kind: "range", label: `${name}, ${CLASSES[i]}`, name, min: 0, max: 10, step: 1,
  get: (state) => state[name][i],
  set: (state, value) => ({ [name]: replaced(state[name], i, value) }),
  show: (value) => decimal(value, 0),
});

const view = explorer({
  title: "H(p, q) never falls below H(p), and reaches it where q = p.",
  state: ["p", "q"],
  controls: [
    ...CLASSES.flatMap((_, i) => [weightSlider("p", i), weightSlider("q", i)]),
    {
      kind: "button", label: "q = p",
      press: (state) => ({ q: state.p }),
      off: ({ p, q }) => normalised(p).every((probability, i) => probability === normalised(q)[i]),
    },
  ],
  values, draw, say,
});
export default view;
