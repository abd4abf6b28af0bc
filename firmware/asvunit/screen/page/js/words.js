// Words of both languages by group; a word that is not in a table is told as it is, with spaces.
import en from "./words_en.js";
import ja from "./words_ja.js";

const TABLES = { en, ja };

/** The words of a language: `word("state", "silent")`, `line("muted")`. */
export class Words {
  constructor(language) {
    this.language = language;
    this.table = TABLES[language];
  }

  word(group, code) {
    const found = Object.hasOwn(this.table[group], code) ? this.table[group][code] : null;
    return found ?? String(code ?? "").replaceAll("_", " ");
  }

  /** A fixed line of the pages, with figures in it: "{n} m". */
  line(name, figures = {}) {
    return this.table.lines[name].replace(/\{(\w+)\}/g, (_all, key) => String(figures[key]));
  }

  /** Why an input is as it is; some reasons mean something else of an input than of a support. */
  reason(code, input = "") {
    const special = `${input}.${code}`;
    return Object.hasOwn(this.table.input_reason, special) ? this.table.input_reason[special] : this.word("reason", code);
  }
}
