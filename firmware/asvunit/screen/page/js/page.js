// Small tools of both pages: the address's wishes, elements made without any markup, text that changes only when it does.

const WISHES = new URLSearchParams(location.search);

export const THEME = WISHES.get("theme") === "light" ? "light" : "dark";
export const WISHED_LANGUAGE = ["ja", "en"].includes(WISHES.get("lang")) ? WISHES.get("lang") : null;
export const CALM = matchMedia("(prefers-reduced-motion: reduce)");

/** An element with attributes and children; what comes from outside is text, never markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Sets the text where it differs: nothing is laid out again for nothing, and a reader hears changes alone. */
export function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

export function attribute(target, name, value) {
  if (value === null) target.removeAttribute(name);
  else if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

export function show(target, shown) {
  if (target.hidden === shown) target.hidden = !shown;
}

/** A colour of the style sheets. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
