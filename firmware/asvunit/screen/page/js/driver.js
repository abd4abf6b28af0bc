// The driver's page.
import { Banner } from "./banner.js";
import { Birdseye } from "./birdseye.js";
import { element, say, show } from "./page.js";
import { follow } from "./screen.js";
import { Strip } from "./strip.js";

const main = document.getElementById("view");
const banner = new Banner(document.getElementById("banner"));
const birdseye = new Birdseye(document.getElementById("birdseye"));
const strip = new Strip(document.getElementById("strip"));
const test = element("section", { class: "test", role: "status" }, element("h1"), element("p"));
test.hidden = true;
main.append(test);

/** The side that ego turns to: the winker tells it where traffic keeps right. */
const turn = (scene) => (scene?.ego.winker === "left" ? "left" : "right");

function draw(message, words) {
  main.classList.toggle("telling", message.shown.level !== "none");
  banner.update(message.shown, words, turn(message.scene));
  strip.update(message, words);
  say(test.firstChild, message.self_test ? words.line("self_test") : "");
  say(test.lastChild, message.self_test ? words.line("self_test_text") : "");
  show(test, message.self_test && message.shown.level === "none");
  birdseye.update(message.scene, words, message.system.receiving);
}

/** Nothing of what was told stays, not even out of sight. */
function forget() {
  main.classList.remove("telling");
  banner.clear();
  birdseye.clear();
  strip.clear();
}

follow("driver", draw, forget);
