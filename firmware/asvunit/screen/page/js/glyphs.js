// Vehicles on the bird's-eye view, drawn around 0 0 with the nose up; a pixel is a 1 of the given unit.

const TWO_WHEELERS = ["motorcycle", "moped2", "moped1", "bicycle", "light_vehicle"];
const LARGE = ["bus", "large_truck", "tram", "special"];

function polygon(context, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.closePath();
}

/** The outline by kind: arrow, slender arrow, long blunt arrow, disc; a diamond where no course is told. */
export function outline(context, kind, course, size) {
  const s = size;
  if (kind === "pedestrian") {
    context.beginPath();
    context.arc(0, 0, s * 0.55, 0, 7);
  } else if (course === null) polygon(context, [[0, -s], [s * 0.75, 0], [0, s], [-s * 0.75, 0]]);
  else if (TWO_WHEELERS.includes(kind)) {
    polygon(context, [[0, -s], [s * 0.5, s * 0.9], [0, s * 0.5], [-s * 0.5, s * 0.9]]);
  } else if (LARGE.includes(kind)) {
    polygon(context, [[0, -s * 1.35], [s * 0.72, -s * 0.6], [s * 0.72, s * 1.2], [-s * 0.72, s * 1.2], [-s * 0.72, -s * 0.6]]);
  } else polygon(context, [[0, -s], [s * 0.8, s * 0.9], [0, s * 0.5], [-s * 0.8, s * 0.9]]);
}

/** Ego: a car from above. */
export function egoOutline(context, s) {
  context.beginPath();
  context.roundRect(-s * 0.6, -s * 1.15, s * 1.2, s * 2.3, s * 0.35);
}

/** Small rays around an emergency vehicle in action. */
export function rays(context, s) {
  context.beginPath();
  for (let turn = 0; turn < 8; turn++) {
    const [x, y] = [Math.sin((turn * Math.PI) / 4), Math.cos((turn * Math.PI) / 4)];
    context.moveTo(x * s * 1.5, y * s * 1.5);
    context.lineTo(x * s * 2, y * s * 2);
  }
  context.stroke();
}
