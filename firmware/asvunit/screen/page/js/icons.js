// Icons as inline SVG, in the colour of the text around them: the scene of each function seen from above, ego below.
// Ways are faint; ego is an outline, the vehicle to look for is solid.

const SPACE = "http://www.w3.org/2000/svg";
const CAR = "M-11 -24h22q4 0 4 5v38q0 5-4 5h-22q-4 0-4-5v-38q0-5 4-5z"; // nose up, around 0 0
const GLASS = "M-10 -9h20l-2.500 7h-15z";
const CROSSROADS = "M78 0h44v54h78v44h-78v102h-44v-102h-78v-44h78z";
const TURN = { left: -1, right: 1 };

const path = (d, more = {}) => ["path", { d, ...more }];
const STROKE = { fill: "none", stroke: "currentColor", "stroke-linecap": "round" };
const line = (d, width, more = {}) => path(d, { ...STROKE, "stroke-width": width, ...more });
const way = (d, width = 44) => line(d, width, { "stroke-linecap": "butt", opacity: 0.2 });
const at = (x, y, turn, ...parts) => ["g", { transform: `translate(${x} ${y}) rotate(${turn})` }, ...parts];
const rider = () => [ // a motorcycle with its rider, nose up
  line("M0 -30v60", 11), line("M-17 -13q17 -9 34 0", 6), path("M-10 -8q10 -7 20 0l4 18q-14 10-28 0z"),
  ["circle", { cx: 0, cy: 1, r: 8.5, class: "cut" }], ["circle", { cx: 0, cy: 1, r: 5.5, fill: "currentColor" }],
];
const ego = (x, y) => at(x, y, 0, line(CAR, 5), line(GLASS, 4));
const target = (...parts) => ["g", { class: "target" }, ...parts];
const other = (x, y, turn) => target(at(x, y, turn, path(CAR), line("M-9 33v8M0 33v12M9 33v8", 4.5, { opacity: 0.75 })));

function crossing(side) {
  const cars = [];
  if (side !== "right") cars.push(other(46, 76, 90));
  if (side !== "left") cars.push(other(154, 76, -90));
  return [path(CROSSROADS, { opacity: 0.2 }), ...cars, ego(100, 168)];
}

/** `side` is where ego turns: to the right where traffic keeps left. */
function oncoming(side) {
  const s = side === "left" ? -1 : 1;
  const x = (offset) => 100 + s * offset;
  return [
    path(`M${x(-46)} 0H${x(46)}V62H${x(100)}V130H${x(46)}V200H${x(-46)}z`, { opacity: 0.2 }),
    other(x(24), 46, 180), ego(x(-24), 164),
    line(`M${x(-24)} 124Q${x(-24)} 96 ${x(14)} 96H${x(62)}M${x(48)} 82l${s * 15} 14l${s * -15} 14`, 8, { "stroke-linejoin": "round" }),
  ];
}

function behind(side) {
  const x = 100 + 44 * TURN[side === "right" ? "right" : "left"];
  return [
    way("M100 0V200", 150), ego(100, 76),
    target(at(x, 142, 0, ...rider(), line("M-7 40v9M0 42v13M7 40v9", 4, { opacity: 0.75 }))),
  ];
}

function surrounding() {
  return [
    ego(100, 100),
    line("M100 40a60 60 0 0 1 60 60M100 160a60 60 0 0 1-60-60", 6, { opacity: 0.55 }),
    line("M100 12a88 88 0 0 1 88 88M100 188a88 88 0 0 1-88-88", 6, { opacity: 0.3 }),
    target(at(46, 46, -20, path(CAR)), at(156, 152, -20, path(CAR))),
  ];
}

function emergency() {
  return [
    path("M46 176v-58l18-40q3-6 10-6h52q7 0 10 6l18 40v58q0 6-6 6h-12q-6 0-6-6v-8h-60v8q0 6-6 6h-12q-6 0-6-6z"),
    ["path", { d: "M66 112l11-26h46l11 26z", class: "cut" }],
    ["circle", { cx: 66, cy: 138, r: 8, class: "cut" }],
    ["circle", { cx: 134, cy: 138, r: 8, class: "cut" }],
    path("M82 64v-8q0-14 18-14t18 14v8z"),
    line("M100 12v14M62 24l9 12M138 24l-9 12M40 50l14 6M160 50l-14 6", 8),
  ];
}

function eye() {
  return [
    line("M14 100q40-58 86-58t86 58q-40 58-86 58t-86-58z", 10, { "stroke-linejoin": "round" }),
    ["circle", { cx: 100, cy: 100, r: 27, fill: "currentColor" }],
  ];
}

const FUNCTIONS = { crossing, right_turn: oncoming, left_turn: behind, surrounding, emergency };
const SIGNS = {
  keep_watching: eye,
  speaker_off: () => [
    path("M24 76h38l46-38v124l-46-38h-38z"), line("M134 74l48 52M182 74l-48 52", 14),
  ],
  no_link: () => [
    line("M52 72a70 70 0 0 1 96 0M74 100a38 38 0 0 1 52 0M24 44a110 110 0 0 1 152 0", 11, { opacity: 0.45 }),
    ["circle", { cx: 100, cy: 134, r: 12, fill: "currentColor" }], line("M40 172L160 24", 11),
  ],
};

function draw([name, attributes, ...children]) {
  const made = document.createElementNS(SPACE, name);
  if (name === "path") made.setAttribute("fill", "currentColor");
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.map(draw));
  return made;
}

function icon(parts, name, box = "0 0 200 200") {
  return draw(["svg", { viewBox: box, "aria-hidden": "true", focusable: "false", class: name }, ...parts]);
}

/** The icon of a function; `side`: where to look, of oncoming vehicles where ego turns. */
export const functionIcon = (name, side) => icon(FUNCTIONS[name](side), `icon ${name}`);

export const sign = (name) => icon(SIGNS[name](), `icon ${name}`);

const ARROWS = { left: "M46 4L4 50l42 46V66L32 50l14-16z", right: "M4 4l42 46L4 96V66l14-16L4 34z" };

/** The side to look to: a big arrow at that edge. */
export const sideArrow = (side) =>
  icon([path(ARROWS[side])], `side ${side}`, "0 0 50 100");
