// What stands on the bird's-eye view: rings, ego, vehicles, ways that cross, marks. Around ego at 0 0, in pixels.
//
// `view`: context, unit (of the signs' sizes), pixels (a metre), inks, y (of ego in the picture), width, height, floor (below
// ego, where words begin).
import { egoOutline, outline, rays } from "./glyphs.js";
import { RINGS } from "./scale.js";

const ink = (view, level) => (level === "none" ? view.inks.vehicle : view.inks[`${level}-ink`]);
const toPixels = (view, [ahead, right]) => [right * view.pixels, -ahead * view.pixels];

/** Distances around ego, and straight ahead. */
export function rings(view, span, words) {
  const { context, unit, pixels } = view;
  for (const radius of RINGS[span]) {
    context.strokeStyle = view.inks.ring;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(0, 0, radius * pixels, 0, 7);
    context.stroke();
    const up = radius === span ? 0.9 : 1; // the outer one touches the edge
    const turn = 0.42;
    const [x, y] = [Math.sin(turn) * radius * pixels * up, -Math.cos(turn) * radius * pixels * up];
    label(view, words.line("metres", { n: radius }), x, y, view.inks.soft, 11);
  }
  context.strokeStyle = view.inks.ring;
  context.lineWidth = 1.5;
  way(context, [0, -view.y], [0, -26 * unit]);
}

/** Words that stand out from what is behind them. */
export function label(view, text, x, y, colour_, size) {
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

const fonts = new Map(); // by language
function getFont() {
  const language = document.documentElement.lang;
  if (!fonts.has(language)) fonts.set(language, getComputedStyle(document.body).fontFamily);
  return fonts.get(language);
}

/** Ego, and its position error where that is more than the sign. */
export function ego(view, state) {
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

/** A vehicle; one that is told of outside the view stands at its edge, another there is not drawn: false. */
export function vehicle(view, other, words) {
  const { context, unit } = view;
  let [x, y] = toPixels(view, [other.ahead_m, other.right_m]);
  const edge = 14 * unit;
  const [left, top, bottom] = [view.width / 2 - edge, view.y - edge, view.floor - edge];
  const outside = Math.abs(x) > left || -y > top || y > bottom;
  if (outside && !other.presented) return false;
  [x, y] = [Math.max(-left, Math.min(left, x)), Math.max(-top, Math.min(bottom, y))];
  const size = (other.presented ? 15 : other.level === "none" ? 9 : 12) * unit;
  const colour_ = ink(view, other.level);
  let below = size * 2.3; // the distance, not on the circle's line
  if (other.presented && other.error_m !== null && !outside) {
    const radius = Math.max(other.error_m * view.pixels, size * 1.5);
    circle(view, x, y, radius, colour_, [4, 5]);
    if (Math.abs(radius - below) < 10 * unit) below = radius + 10 * unit;
  }
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
    const most = view.width / 2 - 22 * unit;
    label(view, words.line("metres", { n: distance }), Math.max(-most, Math.min(most, x)), y + below, colour_, 14);
  }
  return true;
}

/** The ways that cross, the places where L3 and L4 are reached, and where the ways meet. */
export function conflict(view, one, target) {
  const { context, unit } = view;
  const [x, y] = toPixels(view, one.point);
  const colour_ = ink(view, one.level);
  context.save();
  context.globalAlpha = one.presented ? 1 : 0.5;
  context.strokeStyle = colour_;
  context.lineWidth = 3 * unit;
  context.lineCap = "round";
  if (target !== undefined && !(target.distance_m < 0)) { // it has not passed
    way(context, toPixels(view, [target.ahead_m, target.right_m]), [x, y]);
  }
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
  if (length < 1 || Math.abs(x) > view.width / 2 || -y > view.y || y > view.floor) return;
  const [across, along] = [(-(toY - y) / length) * 9 * unit, ((toX - x) / length) * 9 * unit];
  context.lineWidth = 3 * unit;
  context.strokeStyle = colour_;
  way(context, [x - across, y - along], [x + across, y + along]);
  label(view, name, x + across * 2.2 * side, y + along * 2.2 * side, view.inks.text, 13);
  context.strokeStyle = colour_;
}
