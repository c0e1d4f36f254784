function values({ logits, label }) {
  const top = Math.max(...logits);
  const lse = top + Math.log(sum(logits.map((z) => Math.exp(z - top))));
  return {
    exps: logits.map(Math.exp),
    total: Math.exp(lse),
    lse,
    loss: crossEntropyOfLogits(logits, label),
    at_total: Math.exp(-lse),
    q: softmax(logits),
    grad: gradientOfLogits(logits, label),
  };
}

// The nodes by stage: the lane of each box, what it says, and the steps that bring its value and its slope.
function nodesOf({ logits, step }, { exps, total, lse, loss, at_total, q, grad }) {
  const atScores = step < 10 ? q : grad;
  return [
    CLASSES.map((word, lane) => ({ lane, word, value: decimal(logits[lane], 1), slope: decimal(atScores[lane], 3) })),
    exps.map((x, lane) => ({ lane, word: "exp", value: decimal(x, 3), slope: decimal(at_total, 3) })),
    [{ lane: 1, word: "sum", value: decimal(total, 3), slope: decimal(at_total, 3) }],
    [{ lane: 1, word: "log", value: decimal(lse, 3), slope: "1" }],
    [{ lane: 1, word: "loss", value: decimal(loss, 3), slope: "1" }],
  ].map((nodes, stage) => nodes.map((node) => ({ ...node, stage, forward: stage, back: 9 - stage })));
}

// An edge through some points: bare, then an arrow forward, then one back.
function edge(points, forward, back, name) {
  if (!forward) return points.slice(1).map((point, i) => line(...points[i], ...point, "faint")).join("");
  const [kind, way] = back ? [name, [...points].reverse()] : ["muted", points];
  const last = way.length - 1;
  return way.slice(1, last).map((point, i) => line(...way[i], ...point, `${kind} shaft`)).join("") +
    arrow(...way[last - 1], ...way[last], kind);
}

function draw(state, shown, width) {
  const { label, step } = state;
  const wide = width >= 520; // then values go to the right, and elsewhere downwards
  const point = (along, across) => (wide ? [along, across] : [across, along]);
  const [margin, edgeOfLanes] = [18, wide ? 12 : 8];
  const perLane = wide ? 60 : (width - 2 * edgeOfLanes) / 3;
  const [boxWidth, boxHeight] = [wide ? 88 : Math.min(92, perLane - 3), 42];
  const [halfAlong, halfAcross] = wide ? [boxWidth / 2, boxHeight / 2] : [boxHeight / 2, boxWidth / 2];
  const perStage = wide ? (width - margin - boxWidth - 2) / 4 : 66;
  const along = (stage) => margin + halfAlong + perStage * stage;
  const across = (lane) => edgeOfLanes + perLane * (lane + 0.5);

  const stages = nodesOf(state, shown);
  const edges = stages.slice(1).flatMap((nodes, before) => stages[before].flatMap((from) => nodes
    .filter((to) => nodes.length === 1 || to.lane === from.lane)
    .map((to) => edge([
      point(along(from.stage) + halfAlong, across(from.lane)),
      point(along(to.stage) - halfAlong, across(to.lane) + (from.lane - to.lane) * halfAcross * 0.5),
    ], step >= to.forward, step >= from.back, "q"))));

  // The other road, from the score of the true class past everything else to the loss.
  const side = label === 2 ? 1 : -1;
  const passing = across(label) + side * perLane / 2;
  const road = edge([
    point(along(0) - halfAlong, across(label)), point(4, across(label)), point(4, passing),
    point(along(4), passing), point(along(4), across(1) + side * halfAcross),
  ], step >= 4, step >= 10, "p");
  const [x, y] = point(along(3), passing);
  const inwards = label === 0 ? 1 : -1;
  const beside = wide ? [x, y + (inwards > 0 ? 18 : -8)] : [x + 8 * inwards, y + 5];
  const anchor = wide ? "middle" : inwards > 0 ? "start" : "end";
  const slopeOfRoad = step < 10 ? "" : text(...beside, "−1", "p", anchor);

  const boxes = stages.flat().map((node) => {
    const [middle, height] = point(along(node.stage), across(node.lane));
    const now = step === 10 ? node.stage === 0 && node.lane === label : step === node.forward || step === node.back;
    return [
      rect(middle - boxWidth / 2, height - boxHeight / 2, boxWidth, boxHeight, now ? "outline now" : "outline"),
      text(middle, height - 4, step >= node.forward ? `${node.word} ${node.value}` : node.word, node.stage ? "" : node.word),
      step >= node.back ? text(middle, height + 14, node.slope) : "",
    ].join("");
  });

  const end = wide ? across(2) + perLane / 2 + edgeOfLanes : along(4) + halfAlong;
  const caption = text(width / 2, end + 18, "in a box: the value, and below it the slope", "muted");
  return [edges.join("") + road + slopeOfRoad + boxes.join("") + caption, end + 24];
}

function say({ logits, label, step }, shown) {
  const name = CLASSES[label];
  const score = logits[label] < 0 ? `(${decimal(logits[label], 1)})` : decimal(logits[label], 1);
  const [exps, q, grad] = [shown.exps, shown.q, shown.grad].map((numbers) => numbers.map((x) => decimal(x, 3)));
  const [total, lse, loss, atTotal] = [shown.total, shown.lse, shown.loss, shown.at_total].map((x) => decimal(x, 3));
  const said = [
    `Three scores, and ${name} is the true class. First the values go forward, to the loss.`,
    `Take the exponential of each score: ${exps.join(", ")}.`,
    `Add them up: ${exps.join(" + ")} = ${total}.`,
    `Take the logarithm: log ${total} = ${lse}.`,
    `Subtract the score of ${name}: ${lse} − ${score} = ${loss}, the loss. Now the slopes come back.`,
    "A nudge of the loss moves the loss by as much: its slope is 1.",
    "The loss is the logarithm minus a score. The local slope is 1, so the logarithm gets 1 · 1 = 1.",
    `The local slope of a logarithm is one over its argument, so the sum gets 1 · 1/${total} = ${atTotal}.`,
    `The local slope of a sum is 1 in each term, so each exponential gets ${atTotal} · 1 = ${atTotal}.`,
    `The local slope of an exponential is itself. Times ${atTotal} that is q: ${q.join(", ")}.`,
    `Another road brings −1 to ${name}, and roads add, so the scores get q − p: ${grad.join(", ")}.`,
  ];
  return `${step} of 10. ${said[step]}`;
}

const view = explorer({
  title: "Slopes multiply along a road and add where roads meet. The scores end up with q − p.",
  question: {
    ask: "On the way back the sum gets a slope. How can you make it as large as possible?",
    choices: ["raise all scores", "lower all scores", "raise the true one"],
    right: 1,
    show: { logits: [-3, -3, -3], step: 7 },
    shows: ({ step }, { at_total }) => step >= 7 && at_total > 1,
  },
  state: ["logits", "label", "step"],
  limits: { logits: list(3, within(-3, 3)), label: whole(0, 2), step: whole(0, 10) },
  controls: [
    logitBars(-3, 3, { digits: 1 }),
    trueClass,
    { kind: "drawing" },
    stepper("step", 0, 10, [["Next", 1], ["Back", -1]]),
  ],
  values, draw, say,
});
export default view;
