// What both pages do with the feed: language, theme, the unit gone and back.
import { Feed } from "./feed.js";
import { Gone } from "./gone.js";
import { attribute, THEME, WISHED_LANGUAGE } from "./page.js";
import { Words } from "./words.js";

const WORDS = { en: new Words("en"), ja: new Words("ja") };

/**
 * Follows one of the unit's views, "driver" or "bench": `draw(message, words)` at each message, `forget()` when what
 * is drawn is not current any more. `title`: a line of the words.
 */
export function follow(name, draw, forget, title) {
  const gone = new Gone();
  const main = document.getElementById("view");
  let language = WISHED_LANGUAGE;
  attribute(document.documentElement, "data-theme", THEME);
  if (language !== null) attribute(document.documentElement, "lang", language);

  function take(message) {
    language = WISHED_LANGUAGE ?? message.language;
    attribute(document.documentElement, "lang", language);
    draw(message, WORDS[language]);
    gone.end(); // once all of it is drawn
    attribute(main, "data-n", message.n); // the message that is seen
  }

  function lose(why) {
    forget();
    gone.tell(why, language === null ? [WORDS.en, WORDS.ja] : [WORDS[language]]);
  }

  if (title) document.title = WORDS[language ?? "en"].line(title);
  new Feed(`/ws/${name}`, take, lose).start();
}
