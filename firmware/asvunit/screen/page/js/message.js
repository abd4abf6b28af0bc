// Reads a message: whatever comes, what leaves here has every key with the right kind of value, and bounded sizes.

const LEVELS = ["none", "information", "caution", "warning"];
const FUNCTIONS = ["none", "crossing", "right_turn", "left_turn", "surrounding", "emergency"];
const SIDES = ["left", "right", "both"];
const LIGHTS = ["off", "steady", "caution", "warning"];
const GONE = ["stopped", "silent", "lost"];
const TEXT = 300; // characters of any text
const MOST = 64; // of any list

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const object = (value) => (isObject(value) ? value : {});
const list = (value, most = MOST) => (Array.isArray(value) ? value.slice(0, most) : []);
const objects = (value, most = MOST) => list(value, most).filter(isObject);
const text = (value) => (typeof value === "string" ? value.slice(0, TEXT) : "");
const word = (value, words, otherwise) => (words.includes(value) ? value : otherwise);
const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);
const named = (value) => Object.fromEntries(Object.entries(object(value)).slice(0, MOST).filter((one) => isObject(one[1])));

/** A message, or null for what is none. */
export function read(data) {
  let raw = null;
  try {
    raw = JSON.parse(data);
  } catch {
    return null;
  }
  if (!isObject(raw) || number(raw.n) === null || number(raw.t) === null || typeof raw.alive !== "boolean") return null;
  if (raw.alive && !isObject(raw.shown)) return null; // an empty view would be a statement
  return {
    n: raw.n,
    t: raw.t,
    alive: raw.alive,
    why_gone: word(raw.why_gone, GONE, "silent"),
    language: word(raw.language, ["ja", "en"], "en"),
    unit: { vehicle_id: number(object(raw.unit).vehicle_id), asvkit: text(object(raw.unit).asvkit) },
    shown: readShown(object(raw.shown)),
    self_test: raw.self_test === true,
    system: flags(raw.system, ["on", "receiving", "fault"]),
    lamps: list(raw.lamps).map(text),
    inputs: named(raw.inputs),
    signals: named(raw.signals),
    own_message: isObject(raw.own_message) ? raw.own_message : null,
    scene: isObject(raw.scene) ? readScene(raw.scene) : null,
    latency: readLatency(object(raw.latency)),
    radio: isObject(raw.radio) ? raw.radio : null,
    supports: objects(raw.supports, 40),
  };
}

function flags(raw, names) {
  return Object.fromEntries(names.map((name) => [name, object(raw)[name] === true]));
}

function readShown(raw) {
  return {
    level: word(raw.level, LEVELS, "none"),
    function: word(raw.function, FUNCTIONS, "none"),
    direction: word(raw.direction, SIDES, null),
    light: word(raw.light, LIGHTS, "off"),
    sound: text(raw.sound),
    tone_hz: number(raw.tone_hz) ?? 0,
    cue_n: number(raw.cue_n) ?? 0,
    muted: raw.muted === true,
    text: { en: text(object(raw.text).en), ja: text(object(raw.text).ja) },
    text_id: text(raw.text_id),
  };
}

function readScene(raw) {
  const ego = object(raw.ego);
  return {
    north_up: raw.north_up === true,
    ego: { available: ego.available === true, error_m: number(ego.error_m), winker: text(ego.winker) },
    others: objects(raw.others, 48).map(readOther).filter((one) => one.ahead_m !== null && one.right_m !== null),
    more: number(raw.more) ?? 0,
    conflicts: objects(raw.conflicts, 16).map(readConflict).filter((one) => one.point !== null),
  };
}

function readOther(raw) {
  const figures = ["id", "ahead_m", "right_m", "course_deg", "speed_kmh", "length_m", "error_m", "age_ms", "distance_m", "ttc_s"];
  const words = ["source", "kind", "function", "reason"];
  return {
    ...Object.fromEntries(figures.map((name) => [name, number(raw[name])])),
    ...Object.fromEntries(words.map((name) => [name, text(raw[name])])),
    level: word(raw.level, LEVELS, "none"),
    presented: raw.presented === true,
    emergency: raw.emergency === true,
  };
}

function point(value) {
  const both = list(value, 2).map(number);
  return both.length === 2 && both.every((one) => one !== null) ? both : null;
}

function readConflict(raw) {
  return {
    id: number(raw.id),
    source: text(raw.source),
    function: text(raw.function),
    level: word(raw.level, LEVELS, "none"),
    presented: raw.presented === true,
    point: point(raw.point),
    l3: point(raw.l3),
    l4: point(raw.l4),
    error_m: number(raw.error_m),
  };
}

function readLatency(raw) {
  return { last: objects(raw.last, 20), statistics: isObject(raw.statistics) ? raw.statistics : null };
}
