const merged = ([m, s], logit) => {
  const top = Math.max(m, logit);
  return [top, s * Math.exp(m - top) + Math.exp(logit - top)];
};

function values({ logits, read }) {
  const [first, ...rest] = logits.slice(0, read);
  const states = rest.reduce((states, logit) => [...states, merged(states.at(-1), logit)], [[first, 1]]);
  const [m, s] = states.at(-1);
  const [before, sumBefore] = states.at(-2) ?? states[0];
  return {
    m, s,
    lse: m + Math.log(s),
    terms: logits.slice(0, read).map((logit) => Math.exp(logit - m)),
    before,
    sum_before: sumBefore,
  };
}

function draw({ logits, read }, { m, s, lse, terms, before }, width) {
  const [top, base, column] = [46, 136, width / logits.length];
  const middle = (j) => column * (j + 0.5);
  const [half, rescaled] = [column * 0.36, m > before];
  const bars = terms.map((term, j) => {
    const [height, old] = [(base - top) * term, (base - top) * Math.exp(logits[j] - before)];
    const ghost = rescaled && j < read - 1;
    return [
      ghost ? rect(middle(j) - half, base - old, 2 * half, old, "outline dotted") : "",
      rect(middle(j) - half, base - height, 2 * half, height, "q"),
      text(middle(j), 36, decimal(term), "q"),
    ].join("");
  });
  const lead = argmax(logits.slice(0, read));
  const stream = logits.map((logit, j) => [
    text(middle(j), base + 18, decimal(logit, 1), j < read ? "" : "muted"),
    j === lead ? text(middle(j), base + 34, "m", "p") : "",
    j === read - 1 ? text(middle(j), base + 50, "new") : "",
  ].join(""));
  const kept = [["m", decimal(m, 1), "p"], ["s", decimal(s, 3), "q"]].map(([name, value, color], i) => [
    rect(width / 2 - 104 + 108 * i, base + 66, 100, 28, "outline now"),
    text(width / 2 - 54 + 108 * i, base + 85, `${name} = ${value}`, color),
  ].join(""));
  return [
    text(0, 14, "e^(z − m), together s", "q", "start") + (rescaled ? text(width, 14, "dotted: before", "muted", "end") : "") +
      bars.join("") + line(0, base, width, base, "axis") + stream.join("") + kept.join("") +
      text(width / 2, base + 116, `m + log s = ${decimal(lse, 3)}`),
    base + 124,
  ];
}

function say({ read }, { m, s, lse, terms, before, sum_before }) {
  const end = `m + log s = ${decimal(lse, 3)}`;
  if (read === 1) return `1 of 8 read. One logit alone is its own maximum: m = ${decimal(m, 1)}, s = 1, and ${end}.`;
  const [old, top, sOld, sNew] = [decimal(before, 1), decimal(m, 1), decimal(sum_before, 3), decimal(s, 3)];
  const did = m > before
    ? `A new maximum, ${top}: s becomes ${sOld} · e^(${old} − ${top}) + 1 = ${sNew}`
    : `m stays ${top}, and s grows by ${decimal(terms.at(-1), 3)} to ${sNew}`;
  return `${read} of 8 read. ${did}. ${end} is the log-sum-exp of these ${read}.`;
}

const SURPRISE = 5;

const view = explorer({
  title: "Two numbers are enough. A new maximum replaces one and rescales the other.",
  question: {
    ask: "Five logits are read, and s is about 2.2. The sixth is 3 above the maximum. What will s be after it?",
    choices: ["larger", "smaller", "the same"],
    right: 1,
    show: { logits: [1, 2, 0.5, -1, 1.5, 5, 0, 3], read: 6 },
    shows: ({ logits, read }) => read >= 6 && logits[SURPRISE] >= 4,
  },
  state: ["logits", "read"],
  limits: { logits: list(8, within(-2, 8)), read: whole(1, 8) },
  controls: [
    {
      kind: "bar", label: "sixth logit", wide: true, min: -2, max: 8, step: 0.1,
      get: (state) => state.logits[SURPRISE],
      set: (state, value) => ({ logits: replaced(state.logits, SURPRISE, value) }),
    },
    { kind: "drawing" },
    stepper("read", 1, 8, [["Next", 1], ["Back", -1]]),
  ],
  values, draw, say,
});
export default view;
