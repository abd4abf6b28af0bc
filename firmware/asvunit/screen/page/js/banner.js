// The banner: level's colour, function's icon, side, text. A new cue is seen as a change.
import { functionIcon, sideArrow, sign } from "./icons.js";
import { attribute, CALM, element, say, show } from "./page.js";

const URGENT = ["caution", "warning"];
const ENTER = { left: "translateX(-12%)", right: "translateX(12%)" };

/** While nothing is told the banner is taken away, and there is no word in it. */
export class Banner {
  #root;
  #parts;
  #drawn = "";
  #cue = null;
  #beatUntil = 0;

  constructor(root) {
    this.#root = root;
    const parts = (this.#parts = {
      level: element("span", { class: "level" }),
      function: element("span", { class: "function" }),
      side: element("span", { class: "unseen" }),
      sign: element("div", { class: "sign" }),
      text: element("p", { class: "text" }),
    });
    root.replaceChildren(element("p", { class: "kind" }, parts.level, parts.function, parts.side), parts.sign, parts.text);
    attribute(root, "aria-atomic", "true");
  }

  /** Draws what is told. `turn`: the side that ego turns to, for the icon of oncoming vehicles. */
  update(shown, words, turn = "right") {
    const telling = shown.level !== "none";
    const root = this.#root;
    attribute(root, "data-level", shown.level);
    attribute(root, "data-function", telling ? shown.function : null);
    attribute(root, "data-direction", shown.direction);
    attribute(root, "data-light", shown.light);
    if (telling) this.#write(shown, words, turn);
    else this.#empty();
    show(root, telling);
    if (telling && this.#cue !== null && shown.cue_n !== this.#cue) this.#noticed(shown);
    else if (telling && this.#cue === null) this.#beat(shown);
    this.#cue = shown.cue_n;
    if (performance.now() > this.#beatUntil || !URGENT.includes(shown.level) || shown.muted) root.classList.remove("beat");
  }

  /** Takes away what was told, and forgets the last cue: what comes next is not new. */
  clear() {
    this.#cue = null;
    this.#root.classList.remove("beat");
    this.#empty();
    show(this.#root, false);
  }

  #empty() {
    for (const name of ["role", "aria-label", "data-direction", "data-function"]) attribute(this.#root, name, null);
    attribute(this.#root, "data-level", "none");
    for (const part of Object.values(this.#parts)) part.replaceChildren();
    this.#drawn = "";
  }

  #write(shown, words, turn) {
    const { level, function: name, side, sign: place, text } = this.#parts;
    const wording = shown.text[words.language] || words.word("function", shown.function);
    const direction = shown.direction ? words.word("from", shown.direction) : "";
    say(level, words.word("level", shown.level));
    say(name, words.word("function", shown.function));
    say(side, direction);
    say(text, wording);
    attribute(this.#root, "role", URGENT.includes(shown.level) ? "alert" : "status");
    const name_ = [words.word("level", shown.level), words.word("function", shown.function), direction, wording];
    attribute(this.#root, "aria-label", name_.filter(Boolean).join(", "));
    const drawn = [shown.function, shown.direction, shown.text_id === "keep_watching", turn].join();
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const held = shown.text_id === "keep_watching" || shown.function === "none";
    const aim = shown.function === "right_turn" ? turn : shown.direction;
    const picture = held ? sign("keep_watching") : functionIcon(shown.function, aim);
    place.replaceChildren(sideArrow("left"), picture, sideArrow("right"));
  }

  #noticed(shown) {
    this.#beat(shown);
    if (CALM.matches) return;
    const from = ENTER[shown.direction] ?? "translateY(-8%)";
    const moving = [{ transform: from, opacity: 0.2 }, { transform: "none", opacity: 1 }];
    this.#root.animate(moving, { duration: 220, easing: "ease-out" });
    const edge = (width) => `inset 0 0 0 ${width} currentColor`;
    this.#root.animate([{ boxShadow: edge("14px") }, { boxShadow: edge("0px") }], { duration: 900, easing: "ease-in" });
  }

  /** The icon goes with the lamp's two seconds; the animation begins anew. */
  #beat(shown) {
    if (shown.light !== "caution" || shown.muted) return;
    this.#root.classList.remove("beat");
    void this.#root.offsetWidth;
    this.#root.classList.add("beat");
    this.#beatUntil = performance.now() + 2100;
  }
}
