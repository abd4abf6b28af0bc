// Tables of figures: real ones, with a heading each; rows and cells are kept, and written where they differ.
import { attribute, element, say, show } from "./page.js";

/** A card with a heading and a table. `columns`: [key, kind], kind "number" is right-aligned, "wide" takes the room. */
export class Table {
  root;
  #title = element("h2");
  #body = element("tbody");
  #heads;
  #columns;
  #empty = element("p", { class: "empty" });
  #table;

  constructor(name, columns) {
    this.#columns = columns;
    this.#heads = columns.map(([key, kind = ""]) => element("th", { scope: "col", class: `${key} ${kind}` }));
    this.#title.id = `title-${name}`;
    const head = element("thead", {}, element("tr", {}, ...this.#heads));
    this.#table = element("table", { "aria-labelledby": this.#title.id }, head, this.#body);
    const scroll = element("div", { class: "scroll" }, this.#table);
    this.root = element("section", { class: `card ${name}` }, this.#title, scroll, this.#empty);
  }

  /** `rows`: [{key: text}], each with `class` if it has one; `headings`: text by column. */
  update(title, headings, rows, empty) {
    say(this.#title, title);
    this.#columns.forEach(([key], place) => say(this.#heads[place], headings(key)));
    while (this.#body.rows.length > rows.length) this.#body.deleteRow(-1);
    while (this.#body.rows.length < rows.length) this.#body.append(this.#row());
    rows.forEach((row, place) => this.#write(this.#body.rows[place], row));
    say(this.#empty, rows.length ? "" : empty);
    show(this.#empty, !rows.length);
    show(this.#table, rows.length > 0);
  }

  #row() {
    const first = this.#columns[0];
    const cells = this.#columns.slice(1).map(([key, kind = ""]) => element("td", { class: `${key} ${kind}` }));
    return element("tr", {}, element("th", { scope: "row", class: `${first[0]} ${first[1] ?? ""}` }), ...cells);
  }

  #write(line, row) {
    attribute(line, "class", row.class ?? "");
    this.#columns.forEach(([key], place) => say(line.cells[place], String(row[key] ?? "")));
  }
}
