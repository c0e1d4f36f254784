const values = ({ logits, temperature, shift }) => ({
  q: softmax(logits.map((z) => (z + shift) / temperature)),
});

function draw({ logits, shift }, { q }, width) {
  const [top, height, column] = [24, 130, width / 3];
  const base = top + height;
  const bars = q.map((probability, i) => {
    const [x, name] = [column * (i + 0.5), CLASSES[i]];
    return [
      rect(x - column * 0.3, base - height * probability, column * 0.6, height * probability, name),
      text(x, base - height * probability - 6, decimal(probability, 3), name),
      text(x, base + 18, `${name}: z = ${decimal(logits[i] + shift, 1)}`, name),
    ];
  });
  return [bars.flat().join("") + line(0, base, width, base, "axis"), base + 28];
}

const say = ({ temperature }, { q }) =>
  `At temperature ${decimal(temperature)} softmax gives cat ${decimal(q[0], 3)}, dog ${decimal(q[1], 3)} and bird ` +
  `${decimal(q[2], 3)}. The shift does not enter.`;

const view = explorer({
  title: "A shift changes nothing. A temperature flattens or sharpens.",
  state: ["logits", "temperature", "shift"],
  controls: [
    ...logitSliders(-3, 3),
    { kind: "range", label: "temperature T", min: 0.1, max: 5, step: 0.1, get: (s) => s.temperature, set: (_, v) => ({ temperature: v }) },
    { kind: "range", label: "shift of all z", min: -1000, max: 1000, step: 10, get: (s) => s.shift, set: (_, v) => ({ shift: v }), show: (v) => decimal(v, 0) },
  ],
  values, draw, say,
});
export default view;
