// The bird's-eye view: ego up, vehicles with radio around it, ways that cross, L3 and L4, the place of the conflict.
import { egoOutline, outline, rays } from "./glyphs.js";
import { attribute, colour, element, say, show } from "./page.js";
import { RINGS, Scale } from "./scale.js";

const EGO_DOWN = 0.66; // of the view's height, from above,
const EGO_UP = 0.42; // and where what is told of comes from behind
const TOLD_MS = 1000; // between two changes of the text alternative
const NAMES = ["information", "caution", "warning"];

export class Birdseye {
  #canvas = element("canvas", { role: "img" });
  #caption = element("figcaption");
  #notice = element("p", { class: "notice", role: "status" });
  #root;
  #context;
  #scale = new Scale();
  #inks = null;
  #size = [0, 0, 1];
  #told = -Infinity;
  #language = "";
  #drawn = null;

  constructor(root) {
    this.#root = root;
    root.replaceChildren(this.#canvas, this.#notice, this.#caption);
    this.#context = this.#canvas.getContext("2d");
    new ResizeObserver(() => this.#resize()).observe(root);
  }

  /** Nothing of a scene is kept. */
  clear() {
    this.#drawn = null;
    this.#context.setTransform(1, 0, 0, 1, 0, 0);
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    attribute(this.#canvas, "aria-label", null);
    this.#told = -Infinity;
  }

  /** Draws a scene; null: the unit tells none. */
  update(scene, words) {
    this.#inks ??= inks();
    say(this.#caption, words.line("radio_only"));
    const available = scene !== null && scene.ego.available;
    show(this.#notice, !available || scene.north_up);
    say(this.#notice, words.line(available ? "north_up" : lack(scene)));
    if (document.hidden) return;
    this.#describe(available ? scene : null, lack(scene), words);
    this.#drawn = [available ? scene : null, words];
    this.#draw(...this.#drawn);
  }

  #resize() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.#size = [this.#root.clientWidth, this.#root.clientHeight, ratio];
    this.#canvas.width = Math.max(1, Math.round(this.#root.clientWidth * ratio));
    this.#canvas.height = Math.max(1, Math.round(this.#root.clientHeight * ratio));
    if (this.#drawn !== null) this.#draw(...this.#drawn); // its pixels are gone
  }

  /** What the picture shows, in words, once a second at most. */
  #describe(scene, missing, words) {
    const now = performance.now();
    if (now - this.#told < TOLD_MS && this.#language === words.language) return;
    this.#told = now;
    this.#language = words.language;
    const parts = [words.line("birdseye")];
    if (scene === null) parts.push(words.line(missing));
    else if (scene.others.length) {
      const first = scene.others[0];
      parts.push(words.line(scene.others.length === 1 ? "birdseye_one" : "birdseye_count", { n: scene.others.length }));
      const level = first.level === "none" ? "" : `, ${words.word("level", first.level)}`;
      const distance = Math.round(Math.hypot(first.ahead_m, first.right_m));
      const kind = words.word("kind", first.kind);
      parts.push(words.line("birdseye_nearest", { kind, distance, where: words.line(where(first)), level }));
    }
    attribute(this.#canvas, "aria-label", parts.join(" "));
  }

  #draw(scene, words) {
    const [width, height, ratio] = this.#size;
    const context = this.#context;
    if (width < 2 || height < 2) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const unit = Math.max(0.8, Math.min(width / 320, height / 424, 3)); // sizes of signs go with the display
    const egoY = height * (scene?.others.some((one) => one.presented && one.function === "left_turn") ? EGO_UP : EGO_DOWN);
    const needs = scene === null ? [] : places(scene);
    const span = this.#scale.span(needs, scene === null ? "" : told(scene), width / 2 / egoY, (height - egoY) / egoY, performance.now());
    const view = { context, unit, pixels: egoY / span, inks: this.#inks, x: width / 2, y: egoY, width, height };
    context.translate(width / 2, egoY);
    rings(view, span, words);
    if (scene === null) {
      ego(view, null);
      return;
    }
    for (const one of scene.conflicts) conflict(view, one, scene.others.find((other) => other.id === one.id && other.source === one.source));
    for (const other of [...scene.others].reverse()) vehicle(view, other, words);
    ego(view, scene.ego);
    if (scene.north_up) label(view, words.line("north"), 0, 18 * unit - egoY, view.inks.text, 15);
    if (scene.more > 0) label(view, words.line("more", { n: scene.more }), width / 2 - 34 * unit, 18 * unit - egoY, view.inks.soft, 11);
  }
}

const lack = (scene) => (scene === null ? "no_scene" : "no_own_position");

function inks() {
  const names = ["ground", "text", "soft", "ring", "vehicle", "ego", "line", ...NAMES.map((name) => `${name}-ink`)];
  return Object.fromEntries(names.map((name) => [name, colour(name)]));
}

/** "ahead_left" and so on, of a vehicle's place. */
export function where(other) {
  const side = other.right_m < 0 ? "left" : "right";
  if (Math.abs(other.right_m) > 3 * Math.abs(other.ahead_m)) return side;
  const along = other.ahead_m < 0 ? "behind" : "ahead";
  return Math.abs(other.ahead_m) > 3 * Math.abs(other.right_m) ? along : `${along}_${side}`;
}

const told = (scene) => scene.others.filter((one) => one.presented).map((one) => `${one.function} ${one.level}`).join();

function places(scene) {
  const presented = scene.others.filter((one) => one.presented).map((one) => [one.ahead_m, one.right_m]);
  return [...presented, ...scene.conflicts.filter((one) => one.presented).map((one) => one.point)];
}

const ink = (view, level) => (level === "none" ? view.inks.vehicle : view.inks[`${level}-ink`]);
const toPixels = (view, [ahead, right]) => [right * view.pixels, -ahead * view.pixels];

function rings(view, span, words) {
  const { context, unit, pixels } = view;
  for (const radius of RINGS[span]) {
    context.strokeStyle = view.inks.ring;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(0, 0, radius * pixels, 0, 7);
    context.stroke();
    const up = radius === span ? 0.9 : 1; // the outer one touches the edge
    const turn = 0.42;
    label(view, words.line("metres", { n: radius }), Math.sin(turn) * radius * pixels * up, -Math.cos(turn) * radius * pixels * up, view.inks.soft, 11);
  }
  context.strokeStyle = view.inks.ring;
  context.lineWidth = 1.5;
  way(context, [0, -view.y], [0, -26 * unit]);
}

function label(view, text, x, y, colour_, size) {
  const { context, unit } = view;
  context.font = `${Math.round(size * unit)}px ${getFont()}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 4 * unit;
  context.lineJoin = "round";
  context.strokeStyle = view.inks.ground;
  context.strokeText(text, x, y);
  context.fillStyle = colour_;
  context.fillText(text, x, y);
}

let font = "";
function getFont() {
  font ||= getComputedStyle(document.body).fontFamily;
  return font;
}

function ego(view, state) {
  const { context, unit } = view;
  if (state !== null && state.error_m !== null && state.error_m * view.pixels > 16 * unit) {
    circle(view, 0, 0, state.error_m * view.pixels, view.inks.soft, [4, 5]);
  }
  context.lineWidth = 3 * unit;
  context.strokeStyle = view.inks.ground;
  egoOutline(context, 13 * unit);
  context.stroke();
  context.fillStyle = view.inks.ego;
  context.fill();
}

function circle(view, x, y, radius, colour_, dash = []) {
  const { context } = view;
  context.save();
  context.setLineDash(dash);
  context.lineWidth = 1.5;
  context.strokeStyle = colour_;
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.stroke();
  context.restore();
}

/** A vehicle; one that is told of outside the view stands at its edge. */
function vehicle(view, other, words) {
  const { context, unit } = view;
  let [x, y] = toPixels(view, [other.ahead_m, other.right_m]);
  const edge = 14 * unit;
  const [left, top, bottom] = [view.width / 2 - edge, view.y - edge, view.height - view.y - 2 * edge];
  const outside = Math.abs(x) > left || -y > top || y > bottom;
  if (outside && !other.presented) return;
  [x, y] = [Math.max(-left, Math.min(left, x)), Math.max(-top, Math.min(bottom, y))];
  const size = (other.presented ? 15 : other.level === "none" ? 9 : 12) * unit;
  const colour_ = ink(view, other.level);
  if (other.presented && other.error_m !== null && !outside) circle(view, x, y, Math.max(other.error_m * view.pixels, size * 1.5), colour_, [4, 5]);
  context.save();
  context.translate(x, y);
  if (other.emergency) {
    context.strokeStyle = colour_;
    context.lineWidth = 2 * unit;
    rays(context, size);
  }
  context.rotate(((other.course_deg ?? 0) * Math.PI) / 180);
  outline(context, other.kind, other.course_deg, size);
  context.lineJoin = "round";
  context.lineWidth = 4 * unit;
  context.strokeStyle = view.inks.ground;
  context.stroke();
  context.fillStyle = colour_;
  if (other.presented || other.level === "none") context.fill();
  else {
    context.lineWidth = 2 * unit;
    context.strokeStyle = colour_;
    context.stroke();
  }
  context.restore();
  if (other.presented) {
    const distance = Math.round(Math.hypot(other.ahead_m, other.right_m));
    label(view, words.line("metres", { n: distance }), Math.max(22 * unit - view.width / 2, Math.min(view.width / 2 - 22 * unit, x)), y + size * 2.3, colour_, 14);
  }
}

/** The ways that cross, the places where L3 and L4 are reached, and where the ways meet. */
function conflict(view, one, target) {
  const { context, unit } = view;
  const [x, y] = toPixels(view, one.point);
  const colour_ = ink(view, one.level);
  context.save();
  context.globalAlpha = one.presented ? 1 : 0.5;
  context.strokeStyle = colour_;
  context.lineWidth = 3 * unit;
  context.lineCap = "round";
  if (target !== undefined && !(target.distance_m < 0)) way(context, toPixels(view, [target.ahead_m, target.right_m]), [x, y]);
  context.setLineDash([2, 7 * unit]);
  way(context, [0, -16 * unit], [x, y]);
  context.setLineDash([]);
  if (one.error_m !== null) {
    context.globalAlpha *= 0.16;
    context.fillStyle = colour_;
    context.beginPath();
    context.arc(x, y, Math.max(one.error_m * view.pixels, 4), 0, 7);
    context.fill();
    context.globalAlpha = one.presented ? 1 : 0.5;
  }
  const s = 7 * unit;
  context.lineWidth = 4 * unit;
  way(context, [x - s, y - s], [x + s, y + s]);
  way(context, [x - s, y + s], [x + s, y - s]);
  if (one.presented) {
    mark(view, "L3", one.l3, one.point, colour_, 1);
    mark(view, "L4", one.l4, one.point, colour_, -1);
  }
  context.restore();
}

function way(context, [fromX, fromY], [toX, toY]) {
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
}

/** A short stroke across the target's way, with its name on one side of it. */
function mark(view, name, place, point, colour_, side) {
  if (place === null) return;
  const { context, unit } = view;
  const [x, y] = toPixels(view, place);
  const [toX, toY] = toPixels(view, point);
  const length = Math.hypot(toX - x, toY - y);
  if (length < 1 || Math.abs(x) > view.width / 2 || -y > view.y || y > view.height - view.y) return;
  const [across, along] = [(-(toY - y) / length) * 9 * unit, ((toX - x) / length) * 9 * unit];
  context.lineWidth = 3 * unit;
  context.strokeStyle = colour_;
  way(context, [x - across, y - along], [x + across, y + along]);
  label(view, name, x + across * 2.2 * side, y + along * 2.2 * side, view.inks.text, 13);
  context.strokeStyle = colour_;
}
