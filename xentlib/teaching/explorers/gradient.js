function values({ logits, label }) {
  return {
    q: softmax(logits),
    loss: crossEntropyOfLogits(logits, label),
    push: gradientOfLogits(logits, label).map((slope) => -slope),
  };
}

// With hair spaces, since three of them stand side by side on a phone.
const signed = (x) => ((x > 0 ? "+" : "") + scientific(x)).replaceAll("\u00a0", "\u200a");

function draw({ label }, { q, loss, push }, width) {
  const [top, base, gutter] = [48, 178, 34]; // the chart between probability 1 and 0; the gutter names the rows below
  const column = (width - gutter) / 3;
  const at = (probability) => base - (base - top) * probability;
  const classes = CLASSES.map((name, i) => {
    const left = gutter + column * i;
    const middle = left + column / 2;
    const target = i === label ? 1 : 0;
    return [
      rect(left + column * 0.12, at(q[i]), column * 0.38, base - at(q[i]), name),
      line(left + column * 0.06, at(target), left + column * 0.94, at(target), "p shaft"),
      arrow(left + column * 0.72, at(q[i]), left + column * 0.72, at(target), name),
      target ? text(middle, at(1) - 8, "target", "p") : "",
      text(middle, base + 20, name, name),
      text(middle, base + 40, decimal(q[i], 3), name),
      text(middle, base + 60, String(target), "p"),
      text(middle, base + 80, signed(push[i])),
    ].join("");
  });
  const rows = [["q", "q"], ["p", "p"], ["push", ""]];
  const names = rows.map(([row, name], i) => text(0, base + 40 + 20 * i, row, name, "start"));
  return [
    text(0, 14, `loss −log q of ${CLASSES[label]} = ${scientific(loss)}`, "", "start") +
      line(gutter, base, width, base, "axis") + classes.join("") + names.join(""),
    base + 88,
  ];
}

function say({ label }, { q, loss, push }) {
  const given = CLASSES.map((name, i) => `${name} ${decimal(q[i], 3)}`).join(", ");
  const down = others([0, 1, 2], label).map((i) => `${CLASSES[i]} by ${scientific(-push[i])}`).join(", ");
  const up = `${CLASSES[label]} by ${scientific(push[label])}`;
  return `Loss ${scientific(loss)}; q is ${given}. Pushed up: ${up}. Down, as much in all: ${down}.`;
}

const view = explorer({
  title: "What the true class lacks pushes it up. What the others have pushes them down.",
  state: ["logits", "label"],
  controls: [...logitSliders(-6, 6), trueClass],
  values, draw, say,
});
export default view;
