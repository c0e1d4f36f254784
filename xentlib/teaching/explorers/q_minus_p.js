function values({ logits, label }) {
  return { q: softmax(logits), grad: gradientOfLogits(logits, label) };
}

function say({ label }, { q, grad }) {
  const given = CLASSES.map((name, i) => `${name} ${decimal(q[i])}`).join(", ");
  const down = others([0, 1, 2], label).map((i) => `${CLASSES[i]} down by ${decimal(grad[i])}`).join(", ");
  const name = CLASSES[label];
  return `The classifier says ${given}. It is a ${name}, so ${name} should go up by ${decimal(-grad[label])}, ${down}.`;
}

// A line for each class, and in it what is said, what is true, and the difference, from −1 to 1.
function draw({ label }, { q, grad }, width) {
  const [names, gap, line1, top, rowHeight] = [40, 26, 14, 42, 40];
  const wide = (width - names - 2 * gap) / 3;
  const left = (column) => names + column * (wide + gap);
  const p = CLASSES.map((_, i) => Number(i === label));
  const columns = [[q, "q", "it says"], [p, "p", "is true"], [grad, "q − p", "too much"]];
  const heads = columns.map(([, symbol, words], n) => {
    const middle = left(n) + wide / 2;
    const sign = n ? text(left(n) - gap / 2, line1, "−="[n - 1]) : "";
    return text(middle, line1, symbol, "bold") + text(middle, line1 + 17, words, "muted") + sign;
  });
  const rows = CLASSES.map((name, i) => {
    const y = top + i * rowHeight;
    const bars = columns.map(([numbers], n) => {
      const unit = n === 2 ? wide / 2 : wide;
      const zero = left(n) + (n === 2 ? unit : 0);
      const x = numbers[i];
      const bar = rect(Math.min(zero, zero + x * unit), y + 16, Math.abs(x) * unit, 14, name);
      return bar + line(zero, y + 13, zero, y + 33, "axis") + text(left(n) + wide / 2, y + 11, n === 1 ? x : decimal(x));
    });
    return text(0, y + 27, name, name, "start") + bars.join("");
  });
  return [heads.join("") + rows.join(""), top + 3 * rowHeight];
}

const scores = logitBars(-1, 4);

const view = explorer({
  title: "Drag a score, and see q − p follow.",
  state: ["logits", "label"],
  limits: { logits: list(3, within(-1, 4)), label: whole(0, 2) },
  controls: [
    // The arrow in each bar ends where q − p, taken off, would bring the score.
    { ...scores, controls: scores.controls.map((bar, i) => ({ ...bar, mark: ({ logits }, { grad }) => logits[i] - grad[i] })) },
    { ...trueClass, label: "what is true:" },
    { kind: "drawing" },
    {
      kind: "button", label: "Take q − p off the scores",
      press: moved, off: (state) => moved(state).logits.every((z, i) => z === state.logits[i]),
    },
  ],
  values, draw, say,
});

function moved(state) {
  const { grad } = values(state);
  return { logits: state.logits.map((z, i) => clamped(Number((z - grad[i]).toFixed(2)), -1, 4)) };
}

export default view;
