// What both pages do with the feed: language, theme, the unit gone and back.
import { Feed } from "./feed.js";
import { Gone } from "./gone.js";
import { attribute, STATE, THEME, WISHED_LANGUAGE } from "./page.js";
import { Words } from "./words.js";

const WORDS = { en: new Words("en"), ja: new Words("ja") };

/** Follows a view of the unit; `draw(message, words)` at each message, `forget()` when what is drawn is not current. */
export function follow(view, draw, forget, title) {
  const gone = new Gone();
  let language = WISHED_LANGUAGE;
  attribute(document.documentElement, "data-theme", THEME);
  if (language !== null) attribute(document.documentElement, "lang", language);

  function take(message) {
    language = WISHED_LANGUAGE ?? message.language;
    attribute(document.documentElement, "lang", language);
    gone.end();
    draw(message, WORDS[language]);
  }

  function lose(why) {
    forget();
    gone.tell(why, language === null ? [WORDS.en, WORDS.ja] : [WORDS[language]]);
  }

  if (title) document.title = WORDS[language ?? "en"].line(title);
  const wish = STATE === null ? "" : `?state=${encodeURIComponent(STATE)}`;
  new Feed(`/ws/${view}${wish}`, take, lose).start();
}
