// Python's own words, as far as the translated functions use them: operators, built-in functions, text.

const arithmetic = (f, type) => (a, b) => both(f, a, b, type);
const Sub = arithmetic((x, y) => x - y);
const Div = arithmetic((x, y) => x / y, "float64");
const Pow = arithmetic((x, y) => x ** y);
const MatMult = dot;
const USub = (a) => each((x) => -x, a);
const Invert = (a) => each((x) => Number(!x), a);
const Not = (value) => scalar(!isTrue(value), "bool");

function Add(a, b) {
  if (typeof a === "string") return a + b;
  return Array.isArray(a) && Array.isArray(b) ? [...a, ...b] : both((x, y) => x + y, a, b);
}

function Mult(a, b) {
  if (Array.isArray(a)) return Array(b.data[0]).fill(a).flat();
  return both((x, y) => x * y, a, b);
}

const first = (ends) => (...parts) => {
  let value;
  for (const part of parts) {
    value = part();
    if (ends(value)) break;
  }
  return value;
};
const And = first((value) => !isTrue(value));
const Or = first(isTrue);

const ORDERED = {
  Eq: (x, y) => x === y,
  NotEq: (x, y) => x !== y,
  Lt: (x, y) => x < y,
  LtE: (x, y) => x <= y,
  Gt: (x, y) => x > y,
  GtE: (x, y) => x >= y,
};
const OPPOSITE = { NotEq: "Eq", IsNot: "Is", NotIn: "In" };

// Return what a chain of comparisons gives.
function compared(names, ...values) {
  const found = names.map((name, i) => compare(name, values[i], values[i + 1]));
  return found.find((one) => names.length > 1 && !isTrue(one)) ?? found.at(-1);
}

function compare(name, a, b) {
  if (isArray(a) && isArray(b)) return both(ORDERED[name], a, b, "bool");
  if (name in OPPOSITE) return Not(compare(OPPOSITE[name], a, b));
  if (name === "In") return scalar(typeof b === "string" ? b.includes(a) : some(b, (one) => isTrue(compare("Eq", a, one))), "bool");
  const alike = Array.isArray(a) && Array.isArray(b)
    ? a.length === b.length && a.every((part, i) => isTrue(compare("Eq", part, b[i])))
    : (a ?? null) === (b ?? null);
  return scalar(alike, "bool");
}

function isTrue(value) {
  if (typeof value === "boolean" || typeof value === "function") return Boolean(value);
  if (value === null || value === undefined) return false;
  if (typeof value === "string" || Array.isArray(value)) return value.length > 0;
  if (value.data.length !== 1) throw new Beyond("a truth of many");
  return value.data[0] !== 0;
}

function listed(value) {
  if (isArray(value)) return rowsOf(value);
  return Symbol.iterator in Object(value) ? value : Object.keys(value);
}

function some(values, test) {
  for (const one of listed(values)) if (test(one)) return true;
  return false;
}

const span = (...ends) => ({ range: ends.map((end) => end?.data[0]) });

// Return what stands behind the dot.
function attribute(value, name) {
  const methods = isArray(value) ? METHODS : { string: TEXT, function: TYPE }[typeof value];
  if (!methods) return name === "get" ? (_, key, other = null) => value[key] ?? other : value[name] ?? null;
  if (!(name in methods)) throw new Beyond(name);
  return PROPERTIES.has(name) ? methods[name](value) : (named, ...args) => methods[name](value, named, ...args);
}

const PROPERTIES = new Set(["shape", "ndim", "size", "dtype", "T", "kind", "__name__"]);
const TEXT = {
  join: (text, _, parts) => [...parts].join(text),
  lower: (text) => text.toLowerCase(),
  partition: (text, _, mark) => {
    const [before, ...after] = text.split(mark);
    return [before, after.length ? mark : "", after.join(mark)];
  },
  rstrip: (text, _, marks = " ") => text.replace(RegExp(`[${marks}]+$`), ""),
};
const TYPE = {
  kind: ({ name }) => ({ bool: "b", int64: "i" })[name] ?? "f",
  __name__: ({ name }) => name,
};
const KINDS = {
  ndarray: isArray,
  str: (value) => typeof value === "string",
  list: Array.isArray,
  tuple: Array.isArray,
  Unsupported: (value) => value !== null && typeof value === "object" && "kind" in value,
};
const isOne = (value, ...kinds) => kinds.some(({ name }) => KINDS[name](value));

function known(name) {
  if (!(name in KNOWN)) throw new Beyond(name);
  return KNOWN[name];
}

// Built-in functions, and the checker's own that are written here. Each gets what is named as an object, then the rest.
Object.assign(KNOWN, {
  any: (_, values) => scalar(isArray(values) ? values.data.some(Boolean) : some(values, isTrue), "bool"),
  all: (_, values) => scalar(!some(values, (one) => !isTrue(one)), "bool"),
  bool: (_, value) => scalar(isTrue(value), "bool"),
  callable: (_, value) => scalar(typeof value === "function", "bool"),
  enumerate: (_, values) => [...listed(values)].map((one, i) => [scalar(i, "int64"), one]),
  filter: (_, test, values) => [...listed(values)].filter(isTrue),
  len: (_, value) => scalar(isArray(value) ? value.shape[0] : [...value].length, "int64"),
  list: (_, values) => [...listed(values)],
  map: (_, f, values) => [...listed(values)].map((one) => f({}, one)),
  max: (_, ...values) => extreme(values, (a, b) => b > a),
  min: (_, ...values) => extreme(values, (a, b) => b < a),
  next: (_, values, otherwise) => {
    for (const one of values) return one;
    return otherwise;
  },
  object: () => null,
  product: (_, ...lists) =>
    lists.reduce((found, list) => found.flatMap((some) => list.map((one) => [...some, one])), [[]]),
  round: (_, a) => each(even, a, "int64"),
  set: (_, values) => [...new Set([...listed(values)].map(({ data: [x] }) => x))].map((x) => scalar(x)),
  sorted: (_, values) => {
    if (values.length) throw new Beyond("an order"); // of the factors' names: no value has any
    return values;
  },
  str: (_, value) => formatted(value, ""),
  tuple: (_, values) => [...listed(values)],
  type: (_, value) => KNOWN[Object.keys(KINDS).find((kind) => KINDS[kind](value))],
  zip: (_, ...lists) => {
    const columns = lists.map((list) => [...listed(list)]);
    return columns[0].slice(0, Math.min(...columns.map(({ length }) => length))).map((_, i) => columns.map((one) => one[i]));
  },
  ndarray: () => null,
  Unsupported: (_, kind) => ({ kind }),
  Sample: (_, got, expected, factors = {}) => ({ got, expected, factors }),
  Result: (_, solved, feedback) => ({ solved: isTrue(solved), feedback }),
  normalize: (_, value, like) => normalized(value, like),
  numbers: ({ in_a_row: inARow }, answer) => numbers(answer, inARow === undefined || isTrue(inARow)),
  words: (_, answer, names) => words(answer, names),
  letter: (_, answer) => letter(answer),
  show: ({ digits }, value) => show(value, digits?.data[0]),
  run: (_, f) => ({ value: f({}), failure: "" }),
  diagnosed: (_, f, ...what) => {
    try {
      return f({}, ...what);
    } catch (error) {
      if (error instanceof Beyond) return "";
      throw error;
    }
  },
});

function extreme(values, isBeyond) {
  const all = values.length > 1 ? values : [...listed(values[0])];
  return all.reduce((a, b) => (isBeyond(a.data[0], b.data[0]) ? b : a));
}
