const [MOST, EACH, BINS, ENOUGH] = [20000, 100, 10, 10]; // answers in all and at a time, bins, answers that make a dot

// Numbers from 0 to 1 that look random and are the same in Python: MurmurHash3 ends like this, here of a counter.
function uniform(seed, counter) {
  let h = (Math.imul(seed, 0x9e3779b9) + counter) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

// Scores, the class that softmax of them drew, and the entropy of that drawing. They stay while T is dragged.
const drawn = remembered((seed) => Array.from({ length: MOST }, (_, n) => {
  const z = [0, 1, 2].map((i) => 6 * (uniform(seed, 4 * n + i) - 0.5));
  const p = softmax(z);
  const at = uniform(seed, 4 * n + 3);
  return { z, truth: Number(at > p[0]) + Number(at > p[0] + p[1]), entropy: -sum(p.map((share) => share * Math.log(share))) };
}));

function remembered(make) {
  let [key, made] = [null, null];
  return (wanted) => {
    if (key !== wanted) [key, made] = [wanted, make(wanted)];
    return made;
  };
}

// The forecaster doubles every score. So it is honest at T = 2.
function values({ temperature, answers, seed }) {
  const bins = Array.from({ length: BINS }, () => ({ count: 0, sure: 0, right: 0 }));
  const running = [];
  let [loss, floor] = [0, 0];
  drawn(seed).slice(0, answers).forEach(({ z, truth, entropy }, n) => {
    const said = z.map((score) => (2 * score) / temperature);
    const q = softmax(said);
    const choice = argmax(q);
    const bin = bins[Math.ceil(q[choice] * BINS) - 1];
    bin.count += 1;
    bin.sure += q[choice];
    bin.right += Number(choice === truth);
    loss += crossEntropyOfLogits(said, truth);
    floor += entropy;
    if ((n + 1) % EACH === 0) running.push(loss / (n + 1));
  });
  const mean = (part) => bins.map((bin) => (bin.count ? bin[part] / bin.count : 0));
  const share = (part) => sum(bins.map((bin) => bin[part])) / answers;
  return {
    count: bins.map(({ count }) => count), sure: mean("sure"), right: mean("right"),
    claimed: share("sure"), accuracy: share("right"),
    ece: sum(bins.map(({ sure, right }) => Math.abs(right - sure))) / answers,
    loss: loss / answers, floor: floor / answers, running,
  };
}

function draw({ answers }, { count, sure, right, loss, floor, running }, width) {
  const wide = width >= 500;
  const [left, top, high] = [34, 30, wide ? 190 : 150];
  const panel = wide ? (width - 40) / 2 - left : width - left - 8;

  // The reliability diagram, from 0.3 to 1 and from 0 to 1
  const at = (c, a) => [left + (panel * (c - 0.3)) / 0.7, top + high * (1 - a)];
  const dots = count.flatMap((n, b) => {
    if (n < ENOUGH) return [];
    const [x, y] = at(sure[b], right[b]);
    return [line(x, y, x, at(0, sure[b])[1], "muted") + circle(x, y, 3 + 14 * Math.sqrt(n / answers), "q")];
  });
  const reliability = [
    text(left, 14, "share that is right", "", "start"),
    line(left, top, left, top + high, "axis"), line(left, top + high, left + panel, top + high, "axis"),
    text(left - 6, top + 5, "1", "muted", "end"), text(left - 6, top + high, "0", "muted", "end"),
    line(...at(0.3, 0.3), ...at(1, 1), "p"),
    ...dots,
    text(left, top + high + 18, "0.3", "muted", "start"), text(left + panel, top + high + 18, "1", "muted", "end"),
    text(left + panel / 2, top + high + 18, "confidence"),
  ].join("");

  // The mean loss, as the answers come
  const [x0, y0] = wide ? [width - panel - 8, top] : [left, top + high + 66];
  const most = Math.max(1.1, 1.1 * Math.max(...running));
  const across = (n) => x0 + (panel * Math.log(n / EACH)) / Math.log(MOST / EACH);
  const down = (nats) => y0 + high * (1 - nats / most);
  const path = running.map((nats, i) => [across(EACH * (i + 1)), down(nats)].map((x) => x.toFixed(1)));
  const settling = [
    text(x0, y0 - 16, "mean loss so far", "", "start"),
    line(x0, y0, x0, y0 + high, "axis"), line(x0, y0 + high, x0 + panel, y0 + high, "axis"),
    text(x0 - 6, y0 + high, "0", "muted", "end"), text(x0 - 6, down(1) + 5, "1", "muted", "end"),
    line(x0, down(floor), x0 + panel, down(floor), "p dotted"),
    text(x0 + 6, down(floor) + 18, `floor ${decimal(floor, 3)}`, "p", "start"),
    `<polyline class="q outline" points="${path.join(" ")}"/>`,
    circle(across(answers), down(loss), 4, "q"),
    text(x0 + panel, down(loss) - 12, decimal(loss, 3), "q", "end"),
    ...[100, 1000, 10000].map((n) => text(across(n), y0 + high + 18, thousands(n), "muted", n === 100 ? "start" : "middle")),
    text(x0 + panel / 2, y0 + high + 34, "answers"),
  ].join("");
  return [reliability + settling, y0 + high + 40];
}

const thousands = (n) => String(n).replace(/(\d)(?=(\d{3})+$)/g, "$1,");

function say({ temperature, answers }, { claimed, accuracy, ece, loss, floor }) {
  const [sure, right, gap, paid, least] = [claimed, accuracy, ece, loss, floor].map((x) => decimal(x, 3));
  return (
    `${thousands(answers)} answers at T = ${decimal(temperature)}: the mean confidence is ${sure}, and ${right} are right. ` +
    `Calibration error ${gap}, mean loss ${paid}. Nobody can expect less than ${least}.`
  );
}

const view = explorer({
  title: "On the diagonal the loss is least. A hundred answers only hint at it, thousands settle it.",
  question: {
    ask: "The forecaster is too sure. Raise T until its dots lie on the diagonal: what does the mean loss do?",
    choices: ["it rises", "it stays", "it falls to its minimum"],
    right: 2,
    show: { temperature: 2, answers: MOST },
    shows: ({ temperature, answers }) => Math.abs(temperature - 2) <= 0.1 && answers >= 5000,
  },
  state: ["temperature", "answers", "seed"],
  limits: { temperature: within(0.1, 5), answers: (n) => whole(EACH, MOST)(n) && n % EACH === 0, seed: whole(0, 999) },
  controls: [
    {
      kind: "bar", label: "temperature T", wide: true, min: 0.1, max: 5, step: 0.1, digits: 2, zero: 1,
      get: (state) => state.temperature, set: (_, value) => ({ temperature: value }),
    },
    { kind: "drawing" },
    {
      kind: "row",
      controls: [
        ...stepper("answers", EACH, MOST, [["100 more", EACH], ["1,000 more", 1000]], 80, EACH).controls,
        { kind: "button", label: "Other photos", press: ({ seed }) => ({ seed: (seed + 1) % 1000 }) },
      ],
    },
  ],
  values, draw, say,
});
export default view;
