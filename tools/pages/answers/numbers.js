// Arrays of numbers, and the little of NumPy and xentlib that the checker and the exercises call.

// Thrown at what the page cannot work out: then the notebook has to.
class Beyond extends Error {}

const array = (shape, data, type = "float64") => ({ shape, data, type });
const scalar = (x, type = "float64") => array([], [Number(x)], type);
const isArray = (value) => value !== null && typeof value === "object" && "shape" in value;
const size = (shape) => shape.reduce((n, length) => n * length, 1);

function asArray(value) {
  if (isArray(value)) return value;
  if (!Array.isArray(value)) throw new Beyond("no number");
  const parts = value.map(asArray);
  if (!parts.length) return array([0], []);
  if (parts.some((part) => !same(part.shape, parts[0].shape))) throw new Beyond("a ragged list");
  return array([parts.length, ...parts[0].shape], parts.flatMap((part) => part.data), promoted(...parts));
}

const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

function promoted(...arrays) {
  const types = new Set(arrays.map(({ type }) => type));
  if (types.has("float16")) throw new Beyond("arithmetic in float16");
  return ["float64", "int64", "bool"].find((type) => types.has(type));
}

const each = (f, a, type = a.type) => array(a.shape, a.data.map((x, i) => Number(f(x, i))), type);

// Return f of two arrays, entry by entry, each repeated where the other is longer.
function both(f, a, b, type) {
  [a, b] = [asArray(a), asArray(b)];
  const axes = Math.max(a.shape.length, b.shape.length);
  const [one, other] = [a, b].map(({ shape }) => [...Array(axes - shape.length).fill(1), ...shape]);
  const shape = one.map((length, i) => {
    if (length !== other[i] && length !== 1 && other[i] !== 1) throw new Beyond("shapes that do not fit");
    return length === 1 ? other[i] : length;
  });
  const place = (own, index) => own.reduce((n, length, i) => n * length + (length === 1 ? 0 : index[i]), 0);
  const data = indices(shape).map((index) => Number(f(a.data[place(one, index)], b.data[place(other, index)])));
  return array(shape, data, type ?? promoted(a, b));
}

function indices(shape) {
  return shape.reduce((found, length) => found.flatMap((index) => Array.from({ length }, (_, i) => [...index, i])), [[]]);
}

// Return f of all entries, or of those along one axis.
function along(f, a, axis, type, keep = false) {
  a = asArray(a);
  if (axis === undefined) return array(keep ? a.shape.map(() => 1) : [], [Number(f(a.data))], type ?? a.type);
  const n = (axis + a.shape.length) % a.shape.length;
  const [before, length, after] = [size(a.shape.slice(0, n)), a.shape[n], size(a.shape.slice(n + 1))];
  const data = [];
  for (let i = 0; i < before; i++) {
    for (let k = 0; k < after; k++) {
      data.push(Number(f(Array.from({ length }, (_, j) => a.data[(i * length + j) * after + k]))));
    }
  }
  return array([...a.shape.slice(0, n), ...(keep ? [1] : []), ...a.shape.slice(n + 1)], data, type ?? a.type);
}

const total = (xs) => xs.reduce((a, b) => a + b, 0);
const largest = (xs) => xs.reduce((a, b) => (a > b || Number.isNaN(a) ? a : b));
const smallest = (xs) => -largest(xs.map((x) => -x));
const firstWhere = (xs, x) => xs.findIndex((one) => Object.is(one, x) || one === x);

function transposed(a) {
  if (a.shape.length < 2) return a;
  const [rows, columns] = a.shape;
  return array([columns, rows], indices([columns, rows]).map(([i, j]) => a.data[j * columns + i]), a.type);
}

function reshaped(a, shape) {
  const rest = a.data.length / -size(shape);
  return array(shape.map((n) => (n === -1 ? rest : n)), a.data, a.type);
}

function dot(a, b) {
  const [left, right] = [a, b].map(({ shape }) => shape.length);
  const [rows, inner] = left === 1 ? [1, a.shape[0]] : a.shape;
  const columns = right === 1 ? 1 : b.shape[1];
  if (inner !== b.shape[0]) throw new Beyond("shapes that do not fit");
  const term = (i, j) => total(Array.from({ length: inner }, (_, k) => a.data[i * inner + k] * b.data[k * columns + j]));
  const shape = [...(left === 1 ? [] : [rows]), ...(right === 1 ? [] : [columns])];
  return array(shape, indices([rows, columns]).map(([i, j]) => term(i, j)), promoted(a, b));
}

const rowsOf = (a) => {
  const step = size(a.shape.slice(1));
  return Array.from({ length: a.shape[0] }, (_, i) =>
    array(a.shape.slice(1), a.data.slice(i * step, (i + 1) * step), a.type));
};

function item(value, ...places) {
  if (typeof places[0] === "string") return value[places[0]];
  if (typeof value === "string" || Array.isArray(value)) {
    return places[0].range ? value.slice(...places[0].range) : value.at(places[0].data[0]);
  }
  const [place, ...rest] = places;
  if (place === undefined) return value;
  if (place === null) return array([1, ...item(value, ...rest).shape], item(value, ...rest).data, value.type);
  const rows = rowsOf(value);
  if (isArray(place) && !place.shape.length) {
    const row = rows.at(place.data[0]);
    if (!row) throw new Beyond("an index out of range");
    return item(row, ...rest);
  }
  const chosen = place.range ? rows.slice(...place.range)
    : place.type === "bool" ? rows.filter((_, i) => place.data[i]) : asArray(place).data.map((i) => rows.at(i));
  if (!chosen.length) return array([0, ...value.shape.slice(1)], [], value.type);
  return asArray(chosen.map((row) => item(row, ...rest)));
}

function isClose(a, b, rtol, atol) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  return a === b || (Number.isFinite(b) && Math.abs(a - b) <= atol + rtol * Math.abs(b));
}

// IEEE half precision: 11 bits, from 2^−24 to 65504, ties to even.
function half(x) {
  if (!Number.isFinite(x) || x === 0) return x;
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -14) - 10);
  const rounded = even(x / step) * step;
  return Math.abs(rounded) > 65504 ? Math.sign(x) * Infinity : rounded;
}

function even(x) {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

// The loss and what belongs to it, as xentlib's formulas have them, for rows of logits. A row without a finite largest
// logit is an error there, and none of the exercises asks for it.

function ahead(row) {
  const m = largest(row);
  if (!Number.isFinite(m)) throw new Beyond("logits that are not finite");
  const argmax = row.indexOf(m);
  const powers = row.map((x) => Math.exp(x - m));
  return { m, argmax, powers, rest: total(powers.filter((_, i) => i !== argmax)) };
}

const softmaxOf = (row) => {
  const { powers, rest } = ahead(row);
  return powers.map((x) => x / (1 + rest));
};

function byRow(f, z) {
  z = asArray(z);
  if (!z.shape.length) throw new Beyond("logits without classes");
  const classes = z.shape.at(-1);
  const rows = Array.from({ length: size(z.shape.slice(0, -1)) }, (_, i) => z.data.slice(i * classes, (i + 1) * classes));
  return array(z.shape, rows.flatMap(f));
}

function losses(z, labels) {
  [z, labels] = [asArray(z), asArray(labels)];
  const grads = byRow((row, n) => {
    const [{ argmax, powers, rest }, y] = [ahead(row), labels.data[n]];
    const others = total(powers.filter((_, i) => i !== y));
    return powers.map((x, i) => (i !== y ? x : y === argmax ? -rest : -others) / (1 + rest));
  }, z);
  const classes = z.shape.at(-1);
  const values = labels.data.map((y, n) => {
    const row = z.data.slice(n * classes, (n + 1) * classes);
    const { m, rest } = ahead(row);
    return m - row[y] + Math.log1p(rest);
  });
  return [array(labels.shape, values), each((x) => x / values.length, grads)];
}

// NaN comes last.
const ascending = (a, b) => (Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b);
const mean = (xs) => total(xs) / xs.length;
const logaddexp = (a, b) => (a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b))));
const axisOf = ({ axis }) => axis?.data[0];
const entrywise = (f, type = "float64") => (_, a) => each(f, asArray(a), type);
const reduced = (f, type) => (a, named) => along(f, a, axisOf(named), type, Boolean(named.keepdims?.data[0]));
const identity = (n) => array([n, n], indices([n, n]).map(([i, j]) => Number(i === j)));

const METHODS = {
  shape: (a) => a.shape.map((n) => scalar(n, "int64")),
  ndim: (a) => scalar(a.shape.length, "int64"),
  size: (a) => scalar(a.data.length, "int64"),
  T: transposed,
  dtype: ({ type }) => KNOWN[type],
  copy: (a) => a,
  max: reduced(largest),
  min: reduced(smallest),
  mean: reduced(mean, "float64"),
  any: reduced((xs) => xs.some((x) => x !== 0), "bool"),
  all: reduced((xs) => xs.every((x) => x !== 0), "bool"),
  argmax: reduced((xs) => firstWhere(xs, largest(xs)), "int64"),
  argmin: reduced((xs) => firstWhere(xs, smallest(xs)), "int64"),
  sum: (a, named) => reduced(total, a.type === "bool" ? "int64" : a.type)(a, named),
  reshape: (a, _, ...lengths) => reshaped(a, lengths.map(({ data: [n] }) => n)),
  astype: (a, _, type) => type({}, a),
  tolist: (a) => (a.shape.length ? rowsOf(a).map((row) => METHODS.tolist(row)) : a),
};

// The functions by their names in Python. Each gets what is named as an object, and then the rest.
const KNOWN = {
  abs: (_, a) => each(Math.abs, asArray(a)),
  absolute: (_, a) => each(Math.abs, asArray(a)),
  exp: entrywise(Math.exp),
  log: entrywise(Math.log),
  log10: entrywise(Math.log10),
  negative: (_, a) => each((x) => -x, a),
  floor: (_, a) => each(Math.floor, a, "int64"),
  trunc: (_, a) => each(Math.trunc, a, "int64"),
  isnan: entrywise(Number.isNaN, "bool"),
  tanh: entrywise(Math.tanh),
  isfinite: entrywise(Number.isFinite, "bool"),
  maximum: (_, a, b) => both((x, y) => largest([x, y]), a, b),
  logaddexp: (_, a, b) => both(logaddexp, a, b, "float64"),
  isclose: ({ rtol, atol }, a, b) => both((x, y) => isClose(x, y, rtol.data[0], atol.data[0]), a, b, "bool"),
  allclose: (named, a, b) => METHODS.all(KNOWN.isclose(named, a, b), {}),
  where: (_, test, a, b) => {
    const [yes, no] = [both((_, x) => x, test, a, "float64"), both((_, x) => x, test, b, "float64")];
    return array(test.shape, test.data.map((t, i) => (t ? yes.data[i] : no.data[i])));
  },
  ptp: (_, a) => both((x, y) => x - y, along(largest, a), along(smallest, a)),
  sum: (named, a) => METHODS.sum(isArray(a) ? a : asArray([...a]), named),
  diff: (_, a) => array([a.shape[0] - 1], a.data.slice(1).map((x, i) => x - a.data[i]), a.type),
  delete: (_, a, { data: [place] }) => array([a.shape[0] - 1], a.data.filter((_, i) => i !== place), a.type),
  sort: ({ axis }, a) => byRow((row) => [...row].sort(ascending), axis === null ? reshaped(a, [-1]) : a),
  flatnonzero: (_, a) => {
    const found = a.data.flatMap((x, i) => (x ? [i] : []));
    return array([found.length], found, "int64");
  },
  eye: (_, { data: [n] }) => identity(n),
  diag: (_, a) => both((x, y) => x * y, a, identity(a.shape[0])),
  outer: (_, a, b) => both((x, y) => x * y, array([a.shape[0], 1], a.data), b),
  array: (_, a) => each(Number, asArray(a), "float64"),
  shape: (_, a) => METHODS.shape(asArray(a)),
  ndim: (_, a) => METHODS.ndim(asArray(a)),
  size: (_, a) => METHODS.size(asArray(a)),
  asarray: (_, a) => asArray(a),
  ravel: (_, a) => reshaped(a, [-1]),
  atleast_1d: (_, a) => (a.shape.length ? a : reshaped(a, [1])),
  squeeze: (_, a) => reshaped(a, a.shape.filter((n) => n !== 1)),
  transpose: (_, a) => transposed(a),
  argwhere: (_, a) => {
    const found = indices(a.shape).filter((_, i) => a.data[i]);
    return array([found.length, a.shape.length], found.flat(), "int64");
  },
  float16: (_, a) => each(half, asArray(a), "float16"),
  float64: (_, a) => each(Number, asArray(a), "float64"),
  float: (_, a) => each(Number, asArray(a), "float64"),
  int64: (_, a) => each(Math.trunc, asArray(a), "int64"),
  softmax: ({ temperature }, z) => byRow((row) => softmaxOf(row.map((x) => x / (temperature?.data[0] ?? 1))), z),
  log_softmax: (_, z) => byRow((row) => {
    const { m, rest } = ahead(row);
    return row.map((x) => x - m - Math.log1p(rest));
  }, z),
  logsumexp: (_, z) => {
    const { m, rest } = ahead(z.data);
    return scalar(m + Math.log1p(rest));
  },
  softmax_cross_entropy: ({ reduction }, z, labels) => {
    const [values] = losses(z, labels);
    return reduction === "none" ? values : scalar(mean(values.data));
  },
  softmax_cross_entropy_with_grad: (_, z, labels) => {
    const [values, grads] = losses(z, labels);
    return [scalar(mean(values.data)), grads];
  },
  softmax_cross_entropy_hvp: (_, { data: z }, { data: v }) => {
    const [q, top] = [softmaxOf(z), v[ahead(z).argmax]];
    const mixed = (xs) => total(xs.map((x, i) => q[i] * x));
    const c = top + mixed(v.map((x) => x - top));
    const left = v.map((x) => x - c);
    return array([v.length], left.map((x, i) => (x - mixed(left)) * q[i]));
  },
  cross_entropy: (_, p, q) => scalar(total(p.data.map((x, i) => (x ? -x * Math.log(q.data[i]) : 0)))),
};
