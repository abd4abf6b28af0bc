// How many metres the bird's-eye view spans: in steps, out at once, in again only after a while.

const STEPS_M = [40, 60, 100, 150, 200, 400];
const USUAL_M = 100;
const MARGIN = 1.12;
const CALM_MS = 1200;

export const RINGS = { 40: [20, 40], 60: [30, 60], 100: [50, 100], 150: [50, 100, 150], 200: [100, 200], 400: [200, 400] };

/** The span: metres from ego to the upper edge. */
export class Scale {
  #span_m = USUAL_M;
  #calmSince = 0;
  #told = "";

  /**
   * `needs`: places [ahead_m, right_m] that are to be seen; `told`: what the driver is told, with which it may change
   * at once; `aspect`, `below`: half the width, and the height below ego, to the height above ego.
   */
  span(needs, told, aspect, below, now_ms) {
    let wanted = USUAL_M;
    if (needs.length) {
      const far = needs.map(([ahead, right]) => Math.max(ahead, -ahead / below, Math.abs(right) / aspect));
      const least = Math.max(...far) * MARGIN;
      wanted = STEPS_M.find((step) => step >= least) ?? STEPS_M.at(-1);
    }
    if (wanted >= this.#span_m) {
      this.#span_m = wanted;
      this.#calmSince = now_ms;
    } else if (told !== this.#told || now_ms - this.#calmSince > CALM_MS) {
      this.#span_m = wanted;
    }
    this.#told = told;
    if (wanted === this.#span_m) this.#calmSince = now_ms;
    return this.#span_m;
  }
}
