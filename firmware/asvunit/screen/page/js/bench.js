// The bench's page: the driver's view, and beside it what the unit hears, judges and how long it took.
import { Banner } from "./banner.js";
import * as rows from "./bench_rows.js";
import { Birdseye } from "./birdseye.js";
import { element, say } from "./page.js";
import { follow } from "./screen.js";
import { Strip } from "./strip.js";
import { Table } from "./table.js";

const TABLES_MS = 200; // a person reads no faster

const numbers = (...names) => names.map((name) => [name, "number"]);
const CARDS = {
  neighbours: [rows.neighbours, [
    ["id"], ["kind"], ["level"], ["function"],
    ...numbers("distance", "where", "speed", "course", "ttc", "error", "age"), ["reason", "wide"], ["source"],
  ]],
  inputs: [rows.inputs, [["input"], ["state"], ["since"], ["reason"], ["detail", "wide"]]],
  latency: [rows.latency, rows.LATENCY.map((name) => (["time", "level", "cause"].includes(name) ? [name] : [name, "number"]))],
  explanations: [rows.explanations, [["time"], ["id"], ["function"], ["level"], ["presented"], ["explanation", "wide"]]],
  signals: [rows.signals, [["signal"], ["state"], ["since"], ["reason", "wide"], ["bus", "number"]]],
  latency_statistics: [rows.statistics, [["hop", "wide"], ...numbers("count", "p50", "p95", "p99", "max")]],
  radio: [rows.radio, [["figure", "wide"], ["value", "number"]]],
  own_message: [rows.own, [["figure"], ["value", "wide"]]],
};
const IN_MILLISECONDS = ["latency", "latency_statistics"];

const banner = new Banner(document.getElementById("banner"));
const birdseye = new Birdseye(document.getElementById("birdseye"));
const strip = new Strip(document.getElementById("strip"));
const head = { title: element("h1"), unit: element("p"), idle: element("p", { class: "idle" }) };
document.getElementById("head").replaceChildren(head.title, head.unit);
document.getElementById("banner").after(head.idle);
const tables = Object.entries(CARDS).map(([name, [, columns]]) => [name, new Table(name, columns)]);
document.getElementById("cards").replaceChildren(...tables.map((one) => one[1].root));
let written = -Infinity;
let cue = null;

function draw(message, words) {
  const shown = message.shown;
  banner.update(shown, words, message.scene?.ego.winker === "left" ? "left" : "right");
  strip.update(message, words);
  birdseye.update(message.scene, words, message.system.receiving);
  head.idle.hidden = shown.level !== "none";
  say(head.idle, shown.level === "none" ? words.line(message.self_test ? "self_test" : "nothing_told") : "");
  const now = performance.now();
  if (document.hidden || (now - written < TABLES_MS && shown.cue_n === cue)) return;
  say(head.title, words.line("bench"));
  say(head.unit, `${words.line("vehicle_id", { id: message.unit.vehicle_id ?? "" })} · asvkit ${message.unit.asvkit}`);
  for (const [name, table] of tables) {
    const unit = IN_MILLISECONDS.includes(name) ? `, ${words.line("ms")}` : "";
    table.update(words.line(name) + unit, (key) => words.line(key), CARDS[name][0](message, words), words.line("empty"));
  }
  [written, cue] = [now, shown.cue_n]; // all of them
}

function forget() {
  written = -Infinity;
  banner.clear();
  birdseye.clear();
  strip.clear();
}

follow("bench", draw, forget, "bench");
