// Floating-point numbers of 16, 32 and 64 bits: the nearest one to a float64, the even one of two.

function nearestFloat16(x) {
  const size = Math.abs(x);
  if (!(size > 0) || size === Infinity) return x;
  const unit = 2 ** Math.max(Math.floor(Math.log2(size)) - 10, -24); // the distance between those around x
  const units = size / unit;
  const down = Math.floor(units);
  const even = units - down === 0.5 ? down + (down % 2) : Math.round(units);
  const rounded = even * unit > 65504 ? Infinity : even * unit;
  return x < 0 ? -rounded : rounded;
}

const NEAREST = { 16: Math.f16round ?? nearestFloat16, 32: Math.fround, 64: (x) => x };

// `weights` and `total` are what is divided, each rounded to the format.
function values({ logits, temperature, shift, bits, subtract_max }) {
  const nearest = NEAREST[bits];
  const stored = logits.map((z) => nearest(z + shift));
  const top = subtract_max ? Math.max(...stored) : 0;
  const weights = stored.map((z) => nearest(Math.exp((z - top) / temperature)));
  const total = weights.reduce((sofar, weight) => nearest(sofar + weight));
  const q = subtract_max
    ? softmax(stored.map((z) => z / temperature)).map(nearest)
    : weights.map((weight) => nearest(weight / total));
  return { stored, weights, total, q };
}

function say({ temperature, bits, subtract_max }, { stored, weights, total, q }) {
  const given = CLASSES.map((name, i) => `${name} ${decimal(q[i], 3)}`);
  const shares = `${given[0]}, ${given[1]} and ${given[2]}`;
  if (subtract_max) {
    const end = bits === 64 ? "The shift does not enter." : `float${bits} stores the scores as ${stored.map((z) => decimal(z)).join(", ")}.`;
    return `At temperature ${decimal(temperature)} softmax gives ${shares}. ${end}`;
  }
  const why = total === Infinity ? "It overflows. " : total === 0 ? "It underflows. " : "";
  return (
    `${why}With nothing subtracted, float${bits} makes the exponentials ${weights.map(scientific).join(", ")}, ` +
    `their sum ${scientific(total)}, and the probabilities ${shares}.`
  );
}

const view = explorer({
  title: "A shift changes nothing. A temperature flattens or sharpens.",
  question: {
    ask: "Add 1000 to all three scores. What happens to the probabilities?",
    choices: ["they stay", "they come closer together", "the largest takes all"],
    right: 0,
    show: { shift: 1000, subtract_max: true },
    shows: ({ shift, subtract_max }) => Math.abs(shift) >= 100 && subtract_max,
  },
  state: ["logits", "temperature", "shift", "bits", "subtract_max"],
  limits: {
    logits: list(3, within(-3, 3)), temperature: within(0.1, 5), shift: within(-1000, 1000), bits: oneOf(16, 32, 64),
    subtract_max: oneOf(true, false),
  },
  controls: [
    logitBars(-3, 3),
    {
      kind: "bar", label: "temperature T", wide: true, min: 0.1, max: 5, step: 0.1, digits: 2, zero: 1,
      get: (s) => s.temperature, set: (_, v) => ({ temperature: v }),
    },
    {
      kind: "bar", label: "shift of all z", wide: true, min: -1000, max: 1000, step: 10, digits: 0,
      get: (s) => s.shift, set: (_, v) => ({ shift: v }),
    },
    {
      kind: "choice", label: "before exp", options: ["subtract the largest z", "subtract nothing"],
      get: (s) => Number(!s.subtract_max), set: (_, index) => ({ subtract_max: index === 0 }),
    },
    {
      kind: "choice", label: "numbers of", options: ["float16", "float32", "float64"],
      get: (s) => [16, 32, 64].indexOf(s.bits), set: (_, index) => ({ bits: [16, 32, 64][index] }),
    },
    probabilityBars(-3, 3, (state) => state.temperature, (i) => ({
      note: (_, { weights, total }) => `${scientific(weights[i])} of ${scientific(total)}`,
    })),
  ],
  values, say,
});
export default view;
