// How pointed the ears are, how long the snout is, and the class: cat or dog. The first is the pet of the chapter.
const PETS = [
  [0.5, 1, 1], [0.12, 0.78, 1], [0.92, 1.13, 1], [0.7, 0.62, 1],
  [0.26, 0.2, 0], [0.63, 0.3, 0], [0.86, 0.42, 0], [1.08, 0.62, 0],
];
const SIZE = Math.sqrt(3.25); // of dog's weights (−1, 1.5): those of the chapter, less the mean of cat's and dog's

const dot = (one, two) => sum(one.map((x, i) => x * two[i]));
const turned = (angle) => (Math.PI * angle) / 180;

function values({ place, angle, times }) {
  const dog = [-Math.sin(turned(angle)), Math.cos(turned(angle))].map((x) => times * SIZE * x);
  const weight = [dog.map((x) => -x), dog];
  const bias = weight.map((row) => -dot(row, place));
  const logits = PETS.map(([ears, snout]) => weight.map((row, k) => dot(row, [ears, snout]) + bias[k]));
  return {
    weight, bias,
    q: logits.map(softmax),
    grad: logits.map((z, n) => gradientOfLogits(z, PETS[n][2])),
    loss: sum(logits.map((z, n) => crossEntropyOfLogits(z, PETS[n][2]))) / PETS.length,
  };
}

function say(_, { q, grad, loss }) {
  const own = q.map((row, n) => row[PETS[n][2]]);
  const worst = own.indexOf(Math.min(...own));
  const [ears, snout, label] = PETS[worst];
  return (
    `${own.filter((share) => share > 0.5).length} of 8 on the right side; the loss is ${scientific(loss)}. ` +
    `Worst off is the ${CLASSES[label]} at ears ${decimal(ears)}, snout ${decimal(snout)}: ` +
    `q of ${CLASSES[label]} is ${scientific(own[worst])}, and q − p is ${decimal(grad[worst][label], 3)}.`
  );
}

// The plane, from 0 to 1.2 along both features.
const END = 1.2;
const ARM = 0.25; // from the middle of the border to the handles that turn it

function plane(width) {
  const side = Math.min(width - 34, 360);
  const [left, top] = [(width - side) / 2 + 9, 8];
  const unit = side / END;
  return {
    side, left, top, unit,
    at: ([ears, snout]) => [left + unit * ears, top + side - unit * snout],
    of: (x, y) => [(x - left) / unit, (top + side - y) / unit],
  };
}

const along = ({ place, angle }, by) => [place[0] + by * Math.cos(turned(angle)), place[1] + by * Math.sin(turned(angle))];

// The part of a polygon where a function, linear in the plane, is not negative.
function part(corners, height) {
  return corners.flatMap((here, n) => {
    const next = corners[(n + 1) % corners.length];
    const [h, after] = [height(here), height(next)];
    const kept = h >= 0 ? [here] : [];
    if (h * after < 0) kept.push(here.map((x, axis) => x + ((next[axis] - x) * h) / (h - after)));
    return kept;
  });
}

const SQUARE = [[0, 0], [END, 0], [END, END], [0, END]];

function draw(state, { weight, bias, grad }, width) {
  const { side, left, top, unit, at } = plane(width);
  // By how much the log-odds of class k exceed those of a probability.
  const above = (k, share) => (x) => 2 * (dot(weight[k], x) + bias[k]) - Math.log(share / (1 - share));
  const level = (k, share, name, words = "") => {
    const ends = part(part(SQUARE, above(k, share)), (x) => 1e-9 - above(k, share)(x)); // a line is a very thin part
    if (ends.length < 2) return "";
    const [from, to] = [at(ends[0]), at(ends.at(-1))];
    const [x, y] = from.map((start, axis) => 0.86 * start + 0.14 * to[axis]);
    const room = Math.hypot(to[0] - from[0], to[1] - from[1]) > side / 3; // else it would be on the name in the corner
    return line(...from, ...to, name) + (room ? text(x, y + 4, words, "number") : "");
  };
  const sides = [0, 1].map((k) => {
    const shades = [0.5, 0.9].map((share) => {
      const corners = part(SQUARE, above(k, share)).map(at);
      return `<polygon class="${CLASSES[k]} shade" points="${corners.join(" ")}"/>`;
    });
    const heights = SQUARE.map(above(k, 0.5));
    const [x, y] = at(SQUARE[argmax(heights)]);
    const [right, low] = [x > left + side / 2, y > top + side / 2];
    const name = text(x + (right ? -8 : 8), y + (low ? -8 : 18), CLASSES[k], `bold ${CLASSES[k]}`, right ? "end" : "start");
    return shades.join("") + level(k, 0.9, "muted dotted", "0.9") + (Math.max(...heights) > 0 ? name : "");
  });
  const pets = PETS.map(([ears, snout, label], n) => {
    const [x, y] = at([ears, snout]);
    const reach = 0.3 * unit * grad[n][label] * (label ? 1 : -1);
    const [across, down] = [reach * Math.sin(turned(state.angle)), reach * Math.cos(turned(state.angle))];
    return (
      arrow(x, y, x + across, y + down, "ink") + circle(x, y, 5, CLASSES[label]) +
      text(x, y + (down > 0 ? -9 : 17), decimal(grad[n][label]), "number")
    );
  });
  const handles = [[0, 8], [ARM, 6], [-ARM, 6]].map(([by, radius]) => circle(...at(along(state, by)), radius, "handle"));
  return [
    [
      sides.join(""),
      `<rect class="outline" x="${left}" y="${top}" width="${side}" height="${side}"/>`,
      level(1, 0.5, "axis shaft"),
      pets.join(""),
      handles.join(""),
      text(left + side / 2, top + side + 18, "how pointed the ears are, x₀", "muted"),
      `<text class="muted" text-anchor="middle" transform="translate(${left - 8} ${top + side / 2}) rotate(-90)">how long the snout is, x₁</text>`,
      text(left + side / 2, top + side + 38, "at each pet: q − p of its class", "muted"),
    ].join(""),
    top + side + 44,
  ];
}

const GRASP = 24; // pixels around a handle
const RANGE = [0.2, 1]; // of the place: so no handle leaves the plane

// Whoever took hold of an outer handle turns the border. Elsewhere the border comes to where the pointer is.
function drag(state, x, y, width, from) {
  const { at, of } = plane(width);
  const apart = (point) => Math.hypot(at(point)[0] - from.x, at(point)[1] - from.y);
  const arm = [ARM, -ARM].find((by) => apart(along(from.state, by)) < Math.min(GRASP, apart(from.state.place)));
  const [ears, snout] = of(x, y);
  if (arm === undefined) return { place: [ears, snout].map((feature) => clamped(Number(feature.toFixed(2)), ...RANGE)) };
  const [across, up] = [ears - state.place[0], snout - state.place[1]].map((d) => d * Math.sign(arm));
  return { angle: Math.round((Math.atan2(up, across) * 180) / Math.PI) };
}

const pair = (numbers) => `(${numbers.map((x) => decimal(x)).join(", ")})`;

const view = explorer({
  title: "The border stays. Every probability moves away from ½: right answers become surer, and wrong ones too.",
  question: {
    ask: "Multiply all weights and biases by 3. Where does the border go?",
    choices: ["towards the cats", "away from the corner (0, 0)", "nowhere"],
    right: 2,
    how: "drag a bar or the border itself, type a number",
    show: { times: 3 },
    shows: ({ times }) => times >= 2.5,
  },
  state: ["place", "angle", "times"],
  limits: { place: list(2, within(...RANGE)), angle: within(-180, 180), times: within(0.1, 10) },
  controls: [
    { kind: "drawing" },
    {
      kind: "group", label: "a point of the border",
      controls: ["ears", "snout"].map((feature, axis) => ({
        kind: "bar", label: `${feature} of a point of the border`, word: feature, min: RANGE[0], max: RANGE[1], step: 0.01,
        get: (state) => state.place[axis], set: (state, value) => ({ place: replaced(state.place, axis, value) }),
      })),
    },
    {
      kind: "bar", label: "its direction, in degrees", wide: true, min: -180, max: 180, step: 1, digits: 0,
      get: (state) => state.angle, set: (_, value) => ({ angle: value }),
    },
    {
      kind: "bar", label: "all weights and biases, times c", wide: true, min: 0.1, max: 10, step: 0.1, zero: 1,
      get: (state) => state.times, set: (_, value) => ({ times: value }),
      note: (_, { weight, bias }) => CLASSES.slice(0, 2).map((name, k) => `${name}: W ${pair(weight[k])}, b ${decimal(bias[k])}`).join("; "),
    },
  ],
  values, draw, say, drag,
});
export default view;
