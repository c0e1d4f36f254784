// What `check` says of an answer, for the exercises that are answered on a page: the package `checking` once
// more, and of `diagnosis` what it says of numbers. A test holds the two against each other.

const ROUNDED = "Right as far as it goes, but it is rounded too far: give more digits.";
const ASKED_FOR = { predict: "a value", break: "an input", explain: "the letter of an option" };

// Return an exercise whose arrays are no longer data.
function revived(exercise) {
  const value = (told) => (told && !Array.isArray(told) && typeof told === "object" ? fromData(told) : told);
  const mistakes = exercise.mistakes?.map((one) => ({ ...one, wrong: value(one.wrong), becomes: value(one.becomes) }));
  return { ...exercise, mistakes, answer: value(exercise.answer), expected: value(exercise.expected) };
}

// Return whether the text of an answer solves an exercise, and what there is to say about it.
function judge(exercise, text) {
  const blank = exercise.kind !== "explain" && !text.trim();
  if (blank || text === "") return notYet(exercise, `not answered yet. Asked for: ${ASKED_FOR[exercise.kind]}.`);
  return JUDGES[exercise.kind](exercise, text);
}

const solved = (exercise, says) => ({ solved: true, says: `${exercise.id}: solved. ${says}` });
const notYet = (exercise, says, ...more) =>
  ({ solved: false, says: [`${exercise.id}: ${says}`, ...more].join("\n  ") });

// Numbers as text

const FRACTION = /^([+-]?)(\d*)\s*([¼-¾⅐-⅞])$/u;
const THOUSANDS = /^[+-]?[1-9]\d{0,2}(,\d{3})+$/;
const FLOAT = /^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i;
const WORD = /^([+-]?)(inf|infinity|nan)$/i;

function float(text) {
  text = text.trim();
  if (FLOAT.test(text)) return Number(text.replaceAll("_", ""));
  const word = WORD.exec(text);
  if (!word) return null;
  return word[2].toLowerCase() === "nan" ? NaN : word[1] === "-" ? -Infinity : Infinity;
}

function number(text) {
  text = text.trim().replaceAll("−", "-").replaceAll("∞", "inf").replace(/^np\./, "");
  const fraction = FRACTION.exec(text);
  if (fraction) {
    const [top, bottom] = fraction[3].normalize("NFKC").split("⁄").map(Number);
    return Number(`${fraction[1]}1`) * (Number(fraction[2]) + top / bottom);
  }
  if (THOUSANDS.test(text)) text = text.replaceAll(",", "");
  const percent = text.endsWith("%");
  const [top, ...bottom] = text.replace(/%$/, "").split("/");
  const [above, below] = [float(top), bottom.length ? float(bottom.join("/")) : 1];
  return above === null || below === null || below === 0 ? null : above / below / (percent ? 100 : 1);
}

// The spaces within one number, as in "50 %" and "1 / 2", are not between two.
const tight = (text) => text.replace(/\s+%|\s*\/\s*/g, (sign) => sign.trim());

const bare = (text) => text.trim().replace(/^[()[\]]+|[()[\]]+$/g, "").trim();

// Return the array that a text stands for, or the text, where it stands for none.
function numbers(text, axes) {
  const one = number(text);
  if (one !== null || axes === 0) return one === null ? text : scalar(one);
  const rows = axes === 2 ? bare(text).split(/\s*(?:;|\n|\]\s*,?\s*\[)\s*/).filter((row) => row.trim()) : [text];
  const found = rows.map((row) => tight(bare(row)).split(/\s*[,;]\s*|\s+/).map(number));
  if (!found.length || found.flat().includes(null)) return text;
  if (found.some((row) => row.length !== found[0].length)) return { odd: "a value of type list" };
  const shape = rows.length > 1 ? [rows.length, found[0].length] : [found[0].length];
  return size(shape) === 1 ? scalar(found[0][0]) : array(shape, found.flat());
}

function word(said, known) {
  return known.find((one) => one.toLowerCase() === said.trim().toLowerCase()) ?? said;
}

function words(text, known) {
  if (text.includes(">")) return text; // the largest first, or the best?
  let found = text.match(/[\p{L}\p{N}_]+/gu) ?? [];
  if (found.length === 1 && known.every((one) => [...one].length === 1)) found = [...found[0]];
  return found.map((said) => word(said, known));
}

// Predict

function predicted(exercise, text) {
  const program = new Program(exercise.functions);
  const reference = exercise.answer;
  if (!isArray(reference)) return ordered(exercise, words(text, reference));
  let given = numbers(text, reference.shape.length);
  if (!isArray(given)) given = typeof given === "string" ? { odd: "a string" } : given;
  const comparable = exercise.through && !differenceInKind(given, reference);
  const through = comparable ? program.value(exercise.through) : (value) => value;
  const [got, expected] = [through(given), comparable ? exercise.expected : reference];
  if (agree(exercise, got, expected)) return solved(exercise, exercise.solved);
  const isIt = ({ wrong, becomes, when }) =>
    when ? isArray(given) && isTrue(program.value(when)(given)) : agree(exercise, got, comparable ? becomes : wrong);
  const name = exercise.mistakes.find(isIt)?.says
    || ifRounded(exercise, given)
    || (comparable && beforeTheLogarithm(exercise, through, given, expected))
    || diagnosed(exercise, got, expected);
  let what = name || differenceInKind(got, expected) || whichAreRight(exercise, got, expected);
  if (what === ROUNDED) what = `${what} ${nearEnough(exercise)}`;
  const made = comparable ? `, which gives ${show(got)}` : "";
  return notYet(exercise, `not yet. ${what}`, `got  ${describe(given)}${made}`);
}

function ordered(exercise, given) {
  const right = exercise.answer;
  if (typeof given === "string" || given.length !== right.length) {
    const kind = typeof given === "string" ? "a string" : `a tuple of ${given.length}`;
    return notYet(exercise, `not yet. Asked for: a tuple of ${right.length}; got ${kind}.`, `got  ${kind}`);
  }
  if (same(given, right)) return solved(exercise, exercise.solved);
  const named = exercise.mistakes.find(({ wrong }) => same(given, wrong));
  const what = named?.says ?? "The order, or a word in it, is another one.";
  return notYet(exercise, `not yet. ${what}`, `got  (${given.map(quoted).join(", ")})`);
}

function ifRounded(exercise, given) {
  if (!isArray(given) || isRoundedAs(given, exercise.answer)) return "";
  const rounded = exercise.mistakes.filter(({ wrong }) => isArray(wrong) && isRoundedAs(given, wrong));
  return rounded.length === 1 && !rounded[0].when ? rounded[0].says : "";
}

function beforeTheLogarithm(exercise, through, given, expected) {
  if (!given.data.every((x) => x > 0) || !agree(exercise, through(each(Math.log, given)), expected)) return "";
  return "This is right once you take the logarithm of each number.";
}

const isExact = ({ rtol, atol }) => rtol < 1e-6 && atol < 1e-6;

function nearEnough(exercise) {
  if (isExact(exercise)) return "The exact value is asked for.";
  const ofWhat = exercise.through ? "of what it gives" : "of the right value";
  return `Within ${tolerance(exercise)} ${ofWhat} is near enough.`;
}

function tolerance({ rtol, atol }) {
  const shares = [];
  if (rtol >= 1e-6) shares.push(`${general(100 * rtol, 6)} %`);
  if (atol >= 1e-6) shares.push(general(atol, 1));
  return shares.join(" or ");
}

function whichAreRight(exercise, got, expected) {
  if (got.data.some(Number.isNaN)) return "NaN is not a number.";
  const right = got.data.map((x, i) => isClose(x, expected.data[i], exercise.rtol, exercise.atol));
  if (right.length === 1) {
    const near = Math.abs(got.data[0] - expected.data[0]) <= 0.05 * Math.abs(expected.data[0]);
    const than = got.data[0] < expected.data[0] ? "larger" : "smaller";
    return `${near ? "You are near, but t" : "T"}he right value is ${than}. ${nearEnough(exercise)}`;
  }
  const places = right.flatMap((yes, i) => (yes ? [i] : []));
  if (!places.length) return `No entry is right. ${nearEnough(exercise)}`;
  const entries = places.length === 1 ? "entry" : "entries";
  return `Right: only ${entries} ${list(places, "and")}. ${nearEnough(exercise)}`;
}

const list = (items, last) =>
  [items.slice(0, -1).join(", "), String(items.at(-1))].filter(Boolean).join(` ${last} `);

// Diagnosis of numbers

// A diagnosis that fails is none.
function diagnosed(exercise, got, expected) {
  try {
    return ofValue(got, expected, (a, b) => allClose(a, b, exercise.rtol, exercise.atol));
  } catch (error) {
    if (error instanceof Beyond) return "";
    throw error;
  }
}

const allClose = (a, b, rtol, atol) => a.every((x, i) => isClose(x, b[i], rtol, atol));

function ofValue(got, expected, close) {
  if (!isArray(got)) return "";
  if (isRounded(got, expected) || isCutOff(got, expected)) return ROUNDED;
  if (!got.data.some((x) => x !== 0)) return ""; // zeros are near many things
  const alike = (digits) => (a, b) =>
    (a.length === b.length && allClose(a, b, 5e-4, 1e-12) && close(a, b)) ||
    isRounded({ ...got, data: a }, { ...expected, data: b }, digits);
  const hundredth = got.data.map((x) => x / 100);
  if (same(got.shape, expected.shape) && close(hundredth, expected.data) && allClose(hundredth, expected.data, 0.02, 1e-12)) {
    return factor("100", 1);
  }
  if (!same(got.shape, expected.shape)) return "";
  return spoiling(got, expected, alike(2)) || (got.data.some(Number.isFinite) ? ofSample(got, expected, alike(3)) : "");
}

function ofSample(got, expected, close) {
  return spoiling(got, expected, close) || wrongFactor(got, expected, close)
    || order(got, expected, close) || constant(got, expected, close);
}

const several = (by) => (xs, shape) => (shape.length ? by(xs) : xs.map(() => NaN));
const entries = (f) => (xs) => xs.map(f);
const SPOILT = [
  ["The sign is turned round: this is minus the right answer.", entries((x) => -x)],
  ["This is the transpose: rows and columns are swapped.", entries((x) => x)],
  ["The ratio is turned round: this is one over the right answer.", entries((x) => 1 / x)],
  ["These are probabilities. The logits that softmax turns into them are asked for.", several(softmaxOf)],
  ["This is the logarithm of what is asked for.", entries(Math.log)],
  ["This is the exponential of what is asked for: take its logarithm.", entries(Math.exp)],
  ["This is a probability whose −log is asked for.", entries((x) => Math.exp(-x))],
  ["This is minus the logarithm of what is asked for.", entries((x) => -Math.log(x))],
  ["This is 1 minus what is asked for.", entries((x) => 1 - x)],
];

function spoiling(got, expected, close) {
  return SPOILT.find(([, by]) => close(got.data, by(expected.data, expected.shape)))?.[0] ?? "";
}

const FACTORS = [["2", 2], ["log 2", Math.LN2], ["100", 100]];

function wrongFactor(got, expected, close) {
  for (const sign of [1, -1]) {
    for (const [name, size] of FACTORS) {
      for (const exponent of [1, -1]) {
        const by = sign * (exponent === 1 ? size : 1 / size);
        if (!close(got.data, expected.data.map((x) => x * by))) continue;
        return factor(name, exponent) + (sign < 0 ? " The sign is turned round as well." : "");
      }
    }
  }
  return "";
}

function factor(name, exponent) {
  const units = { "log 2": ["bits where nats", "nats where bits"], 100: ["hundredths where percent", "percent where a plain number"] }[name];
  if (!units) return "A factor is wrong: is something counted twice, or a division missing?";
  const [which, verb] = [units[exponent > 0 ? 1 : 0], name === "100" && exponent > 0 ? "is" : "are"];
  return `A factor is wrong: are these ${which} ${verb} asked for?`;
}

function order(got, expected, close) {
  const sorted = ({ data }) => [...data].sort((a, b) => (Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b));
  if (expected.data.length < 2 || !close(sorted(got), sorted(expected))) return "";
  return "The numbers are right, but in another order: an index is swapped, or an axis.";
}

function constant(got, expected, close) {
  if (got.data.length < 2) return "";
  const shift = got.data[0] - expected.data[0];
  if (!close(got.data, expected.data.map((x) => x + shift))) return "";
  return Number.isFinite(shift) && shift
    ? "Right up to a constant, and here the constant matters."
    : "Right up to a constant that is the same for all entries, and here it matters.";
}

function isRounded(got, expected, digits = 1) {
  if (!same(got.shape, expected.shape) || !got.data.every(Number.isFinite) || !got.data.length) return false;
  const places = decimals(got.data);
  const shown = places + 1 + Math.floor(Math.log10(largest(got.data.map(Math.abs)) || 1e-99));
  const one = got.data.length === 1;
  if (places > 8 || places < Number(!one || digits > 1) || shown < digits) return false;
  const near = got.data.every((x, i) => Math.abs(x - expected.data[i]) <= 0.501 * Number(`1e${-places}`));
  return near && (!one || Math.abs(got.data[0] - expected.data[0]) <= 0.2 * Math.abs(expected.data[0]));
}

const isRoundedAs = (got, wrong) => isRounded(got, wrong, got.data.length > 1 ? 1 : 2);

function isCutOff(got, expected) {
  if (got.shape.length || expected.shape.length || !Number.isFinite(expected.data[0])) return false;
  const places = decimals(got.data);
  if (places < 1 || places > 8 || Math.abs(got.data[0]) < Number(`1e${1 - places}`)) return false;
  return Math.trunc(expected.data[0] * 10 ** places) === even(got.data[0] * 10 ** places);
}

// Return how many decimals numbers show.
function decimals(data) {
  const texts = data.map(repr);
  if (texts.some((text) => text.includes("e"))) return 99;
  return Math.max(...texts.map((text) => (text.split(".")[1] ?? "").replace(/0+$/, "").length));
}

// Break

function broken(exercise, text) {
  const program = new Program(exercise.functions);
  const told = (node) => program.value(node)(given);
  const given = numbers(text, exercise.axes);
  if (!isArray(given)) {
    return notYet(exercise, `not yet. Asked for: an input of numbers; got ${given.odd ?? "a string"}.`);
  }
  const complaint = told(exercise.legal);
  if (complaint) return notYet(exercise, `not yet. This input is not allowed: ${complaint}.`, `got       ${describe(given)}`);
  const outcomes = [told(exercise.faulty), told(exercise.right)].map(asArray);
  const width = Math.max(...exercise.outcomes.map((name) => [...name].length));
  const values = exercise.outcomes.map((name, i) => `${name.padEnd(width)}  ${describe(outcomes[i])}`);
  if (!agree(exercise, ...outcomes)) return solved(exercise, ["The fault shows.", ...values].join("\n  "));
  const name = exercise.mistakes.find(({ when }) => isTrue(told(when)))?.says ?? "";
  return notYet(exercise, `not yet: ${howNear(exercise, ...outcomes)}. ${name}`.trimEnd(), `tried     ${show(given)}`, ...values);
}

function howNear(exercise, faulty, right) {
  if (show(faulty, 17) === show(right, 17)) return "the two are the same here";
  const enough = isExact(exercise) ? "rounding" : tolerance(exercise);
  return `the two do not differ enough here: a fault is a difference of more than ${enough}`;
}

// Explain

const LETTER = /^[^\p{L}\p{N}_]*(?:(?:option|answer)[^\p{L}\p{N}_]+)?([A-Za-z])[^\p{L}\p{N}_]*$/iu;

function explained(exercise, text) {
  const given = LETTER.exec(text)?.[1].toUpperCase();
  if (!(given in exercise.verdicts)) {
    const letters = list(Object.keys(exercise.verdicts), "or");
    return notYet(exercise, `not yet. Asked for: a letter, ${letters}; got ${quoted(text)}.`);
  }
  const says = exercise.verdicts[given];
  return given === exercise.answer ? solved(exercise, says) : notYet(exercise, `not yet. ${says}`);
}

const JUDGES = { predict: predicted, break: broken, explain: explained };

// Values: compared, shown

function agree(exercise, got, expected) {
  return !differenceInKind(got, expected) && allClose(got.data, expected.data, exercise.rtol, exercise.atol);
}

function differenceInKind(got, expected) {
  const alike = isArray(got) && same(got.shape, expected.shape) && (got.type === "bool") === (expected.type === "bool");
  return alike ? "" : `Asked for: ${kind(expected)}; got ${kind(got)}.`;
}

function kind(value) {
  if (!isArray(value)) return value.odd;
  const what = value.type === "bool" ? "truth value" : "number";
  return value.shape.length ? `an array of ${what}s of shape ${tuple(value.shape)}` : `a ${what}`;
}

const tuple = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

function describe(value) {
  if (!isArray(value)) return value.odd;
  const what = value.shape.length ? `array of shape ${tuple(value.shape)}` : "number";
  return `${show(value)}  (${what}, ${value.type})`;
}

function show({ shape, data, type }, digits = 6) {
  const written = { bool: (x) => (x ? "True" : "False"), int64: String }[type] ?? ((x) => general(x, digits));
  let texts = data.map(written);
  if (type !== "float64") texts = texts.map((text) => text.padStart(Math.max(...texts.map((one) => one.length))));
  return nested(texts, shape, texts.length > 24).replace(/\s+/g, " ");
}

function nested(texts, shape, many) {
  if (!shape.length) return texts[0];
  const step = texts.length / shape[0];
  const parts = Array.from({ length: shape[0] }, (_, i) =>
    nested(texts.slice(i * step, (i + 1) * step), shape.slice(1), many));
  return `[${(many && parts.length > 6 ? [...parts.slice(0, 3), "...", ...parts.slice(-3)] : parts).join(", ")}]`;
}

// Return a number in so many digits, as Python's format "g", and 0 without a sign.
function general(x, digits) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x < 0 ? "-inf" : "inf";
  if (x === 0) return "0";
  const [mantissa, power] = x.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  return exponent < -4 || exponent >= digits
    ? `${trimmed(mantissa)}e${padded(exponent)}`
    : trimmed(x.toFixed(digits - 1 - exponent));
}

const padded = (exponent) => `${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;

// Return a number as Python writes it.
function repr(x) {
  if (!Number.isFinite(x)) return general(x, 6);
  const [mantissa, power] = x.toExponential().split("e");
  const exponent = Number(power);
  if (x !== 0 && (exponent < -4 || exponent >= 16)) return `${mantissa}e${padded(exponent)}`;
  return Number.isInteger(x) ? `${x}.0` : String(x);
}

function quoted(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t").replaceAll(mark, `\\${mark}`);
  return `${mark}${escaped}${mark}`.slice(0, 80);
}
