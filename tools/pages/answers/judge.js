// What is typed, read and given to the checker; and numbers as Python and NumPy show them.

// Return whether the text of an answer solves an exercise, and the feedback on it.
function judge(exercise, text) {
  if (text === "" || (exercise.kind !== "explain" && !text.trim())) return python.unanswered({}, exercise);
  const judged = python[{ predict: "judge_value", break: "judge_input", explain: "judge_option" }[exercise.kind]];
  return judged({}, exercise, normalized(exercise.answer).shape?.length === 2 ? rows(text) : text);
}

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

// Return the numbers that a text stands for, or the text, where it stands for none.
function numbers(answer, inARow) {
  if (typeof answer !== "string") return answer;
  const one = number(answer);
  if (one !== null || !inARow) return one === null ? answer : scalar(one);
  const found = tight(bare(answer)).split(/\s*[,;]\s*|\s+/).map(number);
  if (found.includes(null)) return answer;
  return found.length === 1 ? scalar(found[0]) : array([found.length], found);
}

// Return the rows of numbers that a text stands for, as an array where they are of one length.
function rows(text) {
  const parts = bare(text).split(/\s*(?:;|\n|\]\s*,?\s*\[)\s*/).filter((row) => row.trim());
  const found = parts.map((row) => numbers(row, true));
  if (!found.length || !found.every(isArray)) return text;
  return found.length === 1 ? found[0] : found.map((row) => reshaped(row, [-1]));
}

function word(said, known) {
  return known.find((one) => one.toLowerCase() === said.trim().toLowerCase()) ?? said;
}

function words(text, known) {
  if (typeof text !== "string" || text.includes(">")) return text; // the largest first, or the best?
  let found = text.match(/[\p{L}\p{N}_]+/gu) ?? [];
  if (found.length === 1 && known.every((one) => [...one].length === 1)) found = [...found[0]];
  return found.map((said) => word(said, known));
}

const LETTER = /^[^\p{L}\p{N}_]*(?:(?:option|answer)[^\p{L}\p{N}_]+)?([A-Za-z])[^\p{L}\p{N}_]*$/iu;

const letter = (text) => LETTER.exec(text)?.[1].toUpperCase() ?? null;

const isWords = (value) => typeof value === "string" || (Array.isArray(value) && typeof value[0] === "string");

function normalized(value, like = null) {
  if (isWords(like) ? Array.isArray(value) && value.length === like.length : like === null && isWords(value)) return value;
  try {
    if (!isWords(value) && !isWords(like)) return asArray(value);
  } catch {
    return { kind: "a value of type list" }; // with rows of several lengths
  }
  return { kind: python.kind_of({}, value) };
}

function show(value, digits = 6) {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `(${value.map((part) => show(part)).join(", ")})`;
  if (!isArray(value)) return value.kind;
  const { shape, data, type } = value;
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

function formatted(value, spec) {
  if (typeof value === "string") return value.padEnd(value.length - [...value].length + Number(spec));
  if (typeof value === "function") return value.name;
  if (Array.isArray(value)) return `(${value.map((one) => formatted(one, "")).join(", ")}${value.length === 1 ? "," : ""})`;
  const [x] = value.data;
  if (spec) return general(x, Number(spec.slice(1, -1) || 6));
  return value.type === "float64" ? repr(x) : String(x);
}

function quoted(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t").replaceAll(mark, `\\${mark}`);
  return `${mark}${escaped}${mark}`.slice(0, 80);
}
