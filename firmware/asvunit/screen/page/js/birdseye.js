// The bird's-eye view: ego up, vehicles with radio around it, ways that cross, L3 and L4, the place of the conflict.
import { attribute, colour, element, say, show } from "./page.js";
import { Scale } from "./scale.js";
import { conflict, ego, label, rings, vehicle } from "./signs.js";

const EGO_DOWN = 0.66; // of the view's height, from above,
const EGO_UP = 0.42; // and where what is told of comes from behind
const CAPTION = 34; // height of the line below
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
  #about = "";
  #drawn = null;
  #up = false;

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

  /** Draws a scene; null: the unit tells none. Without reception an empty picture says nothing, and says so. */
  update(scene, words, receiving) {
    this.#inks ??= inks();
    const known = words.line(receiving ? "radio_only" : "not_received");
    say(this.#caption, known);
    const available = scene !== null && scene.ego.available;
    show(this.#notice, !available || scene.north_up);
    say(this.#notice, words.line(available ? "north_up" : lack(scene)));
    if (document.hidden) return;
    this.#describe(available ? scene : null, lack(scene), words, receiving ? "" : known);
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

  /** What the picture shows, in words: once a second, and at once where it shows something else. */
  #describe(scene, missing, words, notReceived) {
    const now = performance.now();
    const about = [words.language, scene === null ? missing : scene.others[0]?.level, notReceived].join();
    if (now - this.#told < TOLD_MS && this.#about === about) return;
    this.#told = now;
    this.#about = about;
    const parts = [words.line("birdseye"), ...(notReceived ? [`${notReceived}${words.line("stop")}`] : [])];
    if (scene === null) parts.push(words.line(missing));
    else if (scene.others.length) {
      const first = scene.others[0];
      parts.push(words.line(scene.others.length === 1 ? "birdseye_one" : "birdseye_count", { n: scene.others.length }));
      const level = first.level === "none" ? "" : words.line("and_level", { level: words.word("level", first.level) });
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
    const told = scene === null ? [] : scene.others.filter((one) => one.presented);
    if (told.some((one) => one.ahead_m < -15)) this.#up = true;
    else if (told.every((one) => one.ahead_m > 5)) this.#up = false;
    const egoY = height * (this.#up ? EGO_UP : EGO_DOWN);
    const floor = height - egoY - CAPTION * unit;
    const needs = scene === null ? [] : places(scene, told);
    const what = told.map((one) => `${one.function} ${one.level}`).join();
    const span = this.#scale.span(needs, what, width / 2 / egoY, floor / egoY, performance.now());
    const view = { context, unit, pixels: egoY / span, inks: this.#inks, y: egoY, width, height, floor };
    context.translate(width / 2, egoY);
    rings(view, span, words);
    if (scene === null) {
      ego(view, null);
      return;
    }
    for (const one of scene.conflicts) {
      conflict(view, one, scene.others.find((other) => other.id === one.id && other.source === one.source));
    }
    const drawn = [...scene.others].reverse().filter((other) => vehicle(view, other, words)).length;
    const more = scene.more + scene.others.length - drawn;
    ego(view, scene.ego);
    const top = 18 * unit - egoY;
    if (scene.north_up) label(view, words.line("north"), 0, top, view.inks.text, 15);
    if (more > 0) label(view, words.line("more", { n: more }), width / 2 - 38 * unit, top, view.inks.soft, 14);
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

/** What is to be in sight: who is told of, and where the ways meet. */
function places(scene, told) {
  const points = scene.conflicts.filter((one) => one.presented).map((one) => one.point);
  return [...told.map((one) => [one.ahead_m, one.right_m]), ...points];
}
