const NAMES = ["−log(softmax)", "log-sum-exp − z_y", "−log_softmax", "log1p"];
const MOST_DIGITS = 15; // so many decimal digits every float64 holds

// The exact loss, with integers that count units of 2⁻²⁵⁶. No float could judge the formulas below.

const ONE = 1n << 256n;
const fixed = (x) => BigInt(x * 2 ** 256); // exact: that only moves the exponent
const float = (x) => Number(x) / 2 ** 256;
const magnitude = (x) => (x < 0n ? -x : x);

function exponential(x) {
  let [total, term] = [0n, ONE];
  for (let n = 1n; term !== 0n; n++) [total, term] = [total + term, (term * x) / (n * ONE)];
  return total;
}

// 2 artanh(s) with s = x / (2 + x)
function logOfOnePlus(x) {
  const s = (x * ONE) / (2n * ONE + x);
  const square = (s * s) / ONE;
  let total = 0n;
  for (let [power, n] = [s, 1n]; power !== 0n; n += 2n, power = (power * square) / ONE) total += power / n;
  return 2n * total;
}

const exactLoss = (gap) => logOfOnePlus(exponential(-magnitude(gap))) + (gap < 0n ? -gap : 0n);

// The largest n, up to what a float64 holds, for which the value is within 10⁻ⁿ of the exact one, relatively.
function rightDigits(value, exact) {
  if (!Number.isFinite(value)) return 0;
  const error = magnitude(fixed(value) - exact);
  let n = MOST_DIGITS;
  while (n > 0 && error * 10n ** BigInt(n) > exact) n--;
  return n;
}

function naive(z) {
  const weights = z.map(Math.exp);
  return -Math.log(weights[0] / sum(weights));
}

function logSumExpMinusTrue(z) {
  const top = Math.max(...z);
  return top + Math.log(sum(z.map((score) => Math.exp(score - top)))) - z[0];
}

function minusLogSoftmax(z) {
  const top = Math.max(...z);
  return Math.log(sum(z.map((score) => Math.exp(score - top)))) - (z[0] - top);
}

function values({ gap, power }) {
  const offset = power ? 10 ** power : 0;
  const z = [offset + gap, offset]; // the true logit and the other, rounded here: what a formula is given
  const stored = fixed(z[0]) - fixed(z[1]);
  const exact = exactLoss(stored);
  const losses = [naive(z), logSumExpMinusTrue(z), minusLogSoftmax(z), crossEntropyOfLogits(z, 0)];
  return { stored: float(stored), exact: float(exact), losses, digits: losses.map((loss) => rightDigits(loss, exact)) };
}

function draw(_, { stored, exact, losses, digits }, width) {
  const [first, row, bar] = [66, 50, 18];
  const perDigit = (width - 80) / MOST_DIGITS;
  const formulas = NAMES.map((name, i) => {
    const y = first + row * i;
    return [
      text(0, y, name, "", "start"),
      text(width, y, scientific(losses[i]), "", "end"),
      rect(0, y + 8, perDigit * MOST_DIGITS, bar, "faint"),
      rect(0, y + 8, perDigit * digits[i], bar, "muted"),
      text(perDigit * MOST_DIGITS + 10, y + 22, digits[i] === 1 ? "1 digit" : `${digits[i]} digits`, "", "start"),
      line(0.5, y + 4, 0.5, y + 12 + bar, "axis"),
    ].join("");
  });
  const facts = [["gap as stored", decimal(stored, 3)], ["its exact loss", scientific(exact)]].map(([name, value], i) =>
    text(0, 14 + 20 * i, name, "muted", "start") + text(width, 14 + 20 * i, value, "muted", "end"));
  return [facts.join("") + formulas.join(""), first + row * (NAMES.length - 1) + 36];
}

function say(_, { stored, exact, digits }) {
  const kept = NAMES.filter((_, i) => digits[i] >= 6);
  const lost = NAMES.filter((_, i) => digits[i] < 6);
  return (
    `The gap as stored is ${decimal(stored, 3)}, its exact loss ${scientific(exact)}. ` +
    `Six digits or more: ${kept.join(", ")}. Fewer: ${lost.join(", ") || "none"}.`
  );
}

const view = explorer({
  title: "Only log1p keeps its digits everywhere.",
  question: {
    ask: "The true logit leads by 40. Which of the four formulas still has a right digit of the loss?",
    choices: ["all four", "the last two", "log1p alone"],
    right: 2,
    show: { gap: 40, power: 0 },
    shows: ({ gap }, { digits }) => gap >= 37 && digits[3] > 0,
  },
  state: ["gap", "power"],
  limits: { gap: within(-50, 50), power: whole(0, 16) },
  controls: [
    {
      kind: "bar", label: "gap", wide: true, min: -50, max: 50, step: 0.5,
      get: (state) => state.gap, set: (_, value) => ({ gap: value }),
    },
    {
      kind: "bar", label: "offset of both, a power of 10", wide: true, min: 0, max: 16, step: 1, digits: 0,
      get: (state) => state.power, set: (_, value) => ({ power: Math.round(value) }),
      show: (power) => (power ? `10${superscript(power)}` : "none"),
      note: ({ power }) => (power ? `offset 10${superscript(power)}` : "no offset"),
    },
  ],
  values, draw, say,
});
export default view;
