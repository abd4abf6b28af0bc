// The unit's own states: on, receiving, fault, muted. Said in words too, and never in a level's colour.
import { sign } from "./icons.js";
import { attribute, element, say, show } from "./page.js";

const WORST = ["disconnected", "implausible", "stale", "silent", "overloaded"];
const INPUTS = ["gnss", "can", "radio"];

function lamp(name) {
  const text = element("span");
  const made = element("p", { class: `lamp ${name}` }, element("i", { "aria-hidden": "true" }), text);
  return { made, text };
}

export class Strip {
  #lamps = { on: lamp("on"), receiving: lamp("receiving"), fault: lamp("fault"), muted: lamp("muted") };
  #root;

  constructor(root) {
    this.#root = root;
    this.#lamps.muted.made.firstChild.replaceWith(sign("speaker_off"));
    root.replaceChildren(...Object.values(this.#lamps).map((one) => one.made));
    attribute(root, "role", "status");
  }

  update(message, words) {
    const { on, receiving, fault } = message.system;
    attribute(this.#root, "aria-label", words.line("states"));
    this.#set("on", on, words.line(on ? "on" : "not_on"));
    this.#set("receiving", receiving, words.line(receiving ? "receiving" : "not_receiving"));
    const what = worst(message);
    const named = what ? words.line("fault_of", { what: words.word("input_short", what) }) : words.line("fault");
    this.#set("fault", fault, fault ? named : "");
    show(this.#lamps.fault.made, fault);
    this.#set("muted", message.shown.muted, message.shown.muted ? words.line("muted") : "");
    show(this.#lamps.muted.made, message.shown.muted);
  }

  /** No state is told. */
  clear() {
    for (const name of Object.keys(this.#lamps)) this.#set(name, false, "");
  }

  #set(name, lit, text) {
    this.#lamps[name].made.classList.toggle("lit", lit);
    say(this.#lamps[name].text, text);
  }
}

/** The input that a fault is of: the worst state, in the order of what support needs first. */
export function worst(message) {
  const states = Object.entries(message.inputs);
  for (const state of WORST) {
    const found = states.filter((one) => one[1].state === state).map((one) => one[0]);
    const first = INPUTS.find((name) => found.includes(name)) ?? found[0];
    if (first && !(first === "radio" && ["silent", "stale"].includes(state))) return first;
  }
  return null;
}
