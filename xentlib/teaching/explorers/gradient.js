function values({ logits, label }) {
  return {
    q: softmax(logits),
    loss: crossEntropyOfLogits(logits, label),
    push: gradientOfLogits(logits, label).map((slope) => -slope),
  };
}

const signed = (x) => (x > 0 ? "+" : "") + scientific(x);

function say({ label }, { q, loss, push }) {
  const given = CLASSES.map((name, i) => `${name} ${decimal(q[i], 3)}`).join(", ");
  const down = others([0, 1, 2], label).map((i) => `${CLASSES[i]} by ${scientific(-push[i])}`).join(", ");
  const up = `${CLASSES[label]} by ${scientific(push[label])}`;
  return `Loss ${scientific(loss)}; q is ${given}. Pushed up: ${up}. Pushed down, by as much in all: ${down}.`;
}

const view = explorer({
  title: "What the true class lacks pushes it up. What the others have pushes them down.",
  question: {
    ask: "Make the classifier sure, and wrong. How long can the arrow of the true class get?",
    choices: ["up to 1", "up to e", "without limit"],
    right: 0,
    show: { logits: [6, -6, 0], label: 1 },
    shows: ({ label }, { push }) => push[label] > 0.95,
  },
  state: ["logits", "label"],
  limits: { logits: list(3, within(-6, 6)), label: whole(0, 2) },
  controls: [
    logitBars(-6, 6),
    trueClass,
    probabilityBars(-6, 6, () => 1, (i) => ({
      mark: ({ label }) => Number(i === label),
      note: ({ label }, { push }) => `target ${Number(i === label)}, push ${signed(push[i])}`,
    })),
  ],
  values, say,
});
export default view;
