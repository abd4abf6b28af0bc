// What the tables of the bench's page say: rows of text from a message.

const HOPS = ["parsed", "taken", "decoded", "judged", "decided", "commanded", "lit", "sounded", "written"];
const QUANTILES = ["frame_to_table", "frame_to_judged", "cause_to_pin", "cycle_late", "send_late"];
const FIGURES = [
  "vehicles", "frames_per_s", "arrival_percent", "longest_gap_ms", "worst_vehicle_id", "worst_source", "worst_percent",
];
const LIMIT_MS = 300; // system delay [G 3.4(4)]
export const LATENCY = ["time", "level", "cause", ...HOPS, "share"];

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const fixed = (value, digits = 1) => (isNumber(value) ? value.toFixed(digits) : "");
const milliseconds = (value) => (isNumber(value) ? (value / 1000).toFixed(2) : "");

function clock(epoch_s) {
  if (!isNumber(epoch_s)) return "";
  const at = new Date(epoch_s * 1000);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((one) => String(one).padStart(2, "0")).join(":");
}

export function neighbours(message, words) {
  return (message.scene?.others ?? []).map((one) => ({
    id: one.id, source: one.source, kind: words.word("kind", one.kind),
    level: one.level === "none" ? "" : words.word("level", one.level),
    function: one.level === "none" ? "" : words.word("function", one.function),
    reason: words.word("reason", one.reason),
    distance: fixed(one.distance_m ?? Math.hypot(one.ahead_m, one.right_m)),
    where: `${fixed(one.ahead_m, 0)} / ${fixed(one.right_m, 0)}`,
    speed: fixed(one.speed_kmh, 0), course: fixed(one.course_deg, 0), ttc: fixed(one.ttc_s), error: fixed(one.error_m),
    age: fixed(one.age_ms, 0),
    class: one.presented ? `told ${one.level}` : "",
  }));
}

export function inputs(message, words) {
  return Object.entries(message.inputs).map(([name, one]) => ({
    input: words.word("input", name), state: words.word("state", one.state), since: clock(one.since),
    reason: words.reason(one.reason, name), detail: one.detail,
    class: one.state === "ok" ? "ok" : one.state === "off" ? "off" : "bad",
  }));
}

export function signals(message, words) {
  return Object.entries(message.signals).map(([name, one]) => ({
    signal: words.word("signal", name), state: words.word("state", one.state), since: clock(one.since),
    reason: words.reason(one.reason, "can"), bus: one.bus, class: one.state === "ok" ? "ok" : "bad",
  }));
}

export function latency(message, words) {
  return message.latency.last.map((one) => ({
    time: clock(one.t), level: words.word("level", one.level), cause: words.word("cause", one.input),
    ...Object.fromEntries(HOPS.map((hop) => [hop, milliseconds(one[`${hop}_us`])])),
    share: isNumber(one.written_us) ? `${(one.written_us / 10 / LIMIT_MS).toFixed(1)} %` : "",
    class: one.written_us > LIMIT_MS * 1000 ? "bad" : "",
  }));
}

export function statistics(message, words) {
  const told = message.latency.statistics ?? {};
  return QUANTILES.filter((name) => typeof told[name] === "object" && told[name] !== null).map((name) => ({
    hop: words.line(name), count: told[name].count,
    ...Object.fromEntries(["p50", "p95", "p99", "max"].map((key) => [key, milliseconds(told[name][`${key}_us`])])),
  }));
}

export function explanations(message, words) {
  return message.supports.map((one) => ({
    time: clock(one.t), id: one.vehicle_id ?? words.word("origin", one.source ?? "function"),
    function: words.word("function", one.function),
    level: words.word("level", one.level), presented: one.level === "none" ? "" : words.line(one.presented ? "yes" : "no"),
    explanation: explained(one, words), class: one.presented ? `told ${one.level}` : "",
  }));
}

/** The unit's own sentence, which is English; in other languages the reason and its numbers. */
function explained(one, words) {
  if (words.language === "en" && typeof one.why === "string" && one.why) return one.why;
  const parts = [words.word("reason", one.reason)];
  if (isNumber(one.distance_m) && isNumber(one.error_m)) {
    const [distance, error] = [fixed(one.distance_m), fixed(one.error_m)];
    const limit = isNumber(one.threshold_m) ? words.line("limit", { n: fixed(one.threshold_m) }) : "";
    parts.push(words.line("numbers", { distance, error, corrected: fixed(one.distance_m - one.error_m) }) + limit);
  }
  return parts.join(words.language === "ja" ? "：" : ": ");
}

export function radio(message, words) {
  return FIGURES.filter((name) => message.radio !== null && (message.radio[name] ?? null) !== null)
    .map((name) => ({ figure: words.line(name), value: message.radio[name] }));
}

/** The own message, lamps and sound. */
export function own(message, words) {
  const rows = [];
  const told = message.own_message;
  if (told !== null) {
    rows.push({ figure: words.line("position"), value: sent(told.position, told.reason, words) });
    rows.push({ figure: words.line("own_state"), value: sent(told.state, told.state_reason, words) });
  }
  const lit = message.lamps.map((name) => words.word("lamp", name)).join(", ");
  rows.push({ figure: words.line("lamps"), value: lit || words.line("dark") });
  const hz = message.shown.tone_hz;
  rows.push({ figure: words.line("sound"), value: hz ? words.line("tone", { n: hz }) : words.line("silence") });
  return rows;
}

const sent = (is, why, words) => (is ? words.line("sent") : words.line("not_sent", { why: words.word("reason", why) }));
