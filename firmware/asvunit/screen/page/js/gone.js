// That the unit is gone: over the whole page, in neutral colours, with nothing behind it that could be taken for now.
import { sign } from "./icons.js";
import { attribute, element, show } from "./page.js";

export class Gone {
  #root = document.getElementById("gone");
  #view = document.getElementById("view");

  /** Takes the view away. Without words, before the unit's language is known, in both. */
  tell(why, both) {
    show(this.#view, false);
    const lines = both.flatMap((words, place) => {
      const stop = words.language === "ja" ? "。" : ". ";
      const [title, support] = [words.word("why_gone", why), words.line("gone_support")];
      return [
        element(place === 0 ? "h1" : "p", { lang: words.language }, title),
        element("p", { lang: words.language }, `${support}${stop}${words.line("gone_retry")}${stop}`.trim()),
      ];
    });
    this.#root.replaceChildren(sign("no_link"), ...lines);
    attribute(this.#root, "data-why", why);
    show(this.#root, true);
  }

  /** The unit is there. */
  end() {
    if (this.#root.hidden) return;
    show(this.#root, false);
    this.#root.replaceChildren();
    show(this.#view, true);
  }
}
