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

function draw(_, { entropy, divergence, total }, width) {
  // The bill: five nats and more, up to infinity, reach the edge.
  const [perNat, above, bar, below] = [width / 5, 16, 32, 72];
  const endless = perNat * total > width;
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
  return [bill.join(""), below + 8];
}

function say(_, { p, q, entropy, divergence, total }) {
  const [cat, dog, bird] = p.map((x) => decimal(x));
  const reason = { 0: ", as q = p", Infinity: ", as q is 0 where p is not" }[divergence] ?? "";
  return (
    `p is cat ${cat}, dog ${dog}, bird ${bird}; q is ${q.map((x) => decimal(x)).join(", ")}. ` +
    `H(p, q) ${amount(total)} nats: H(p) ${amount(entropy)} and KL(p‖q) ${amount(divergence)}${reason}.`
  );
}

// What one class is given, the others pay in proportion.
const shared = (distribution, i, value) => {
  const rest = 1 - distribution[i];
  return distribution.map((x, j) => (j === i ? value : rest > 0 ? (x / rest) * (1 - value) : (1 - value) / 2));
};

const shareBar = (name, i) => ({
  kind: "bar", label: `${name} of ${CLASSES[i]}`, word: `${CLASSES[i]} ${name}`, name, min: 0, max: 1, step: 0.01,
  get: (_, values) => values[name][i],
  set: (_, value, values) => ({ [name]: shared(values[name], i, value) }),
});

const view = explorer({
  title: "H(p, q) never falls below H(p), and reaches it where q = p.",
  question: {
    ask: "p is what happens, q the forecast. Can a good q bring H(p, q) below H(p)?",
    choices: ["yes", "no, but down to it", "no, it always stays above"],
    right: 1,
    show: { p: [4, 2, 2], q: [4, 2, 2] },
    shows: (_, { divergence }) => divergence < 0.0005,
  },
  state: ["p", "q"],
  limits: { p: list(3, within(0, 10)), q: list(3, within(0, 10)) },
  controls: [
    { kind: "group", label: "p, what happens, and q, the forecast", controls: CLASSES.flatMap((_, i) => [shareBar("p", i), shareBar("q", i)]) },
    {
      kind: "button", label: "q = p",
      press: (state) => ({ q: state.p }),
      off: ({ p, q }) => normalised(p).every((probability, i) => probability === normalised(q)[i]),
    },
  ],
  values, draw, say,
});
export default view;
