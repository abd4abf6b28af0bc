// The unit's messages: the newest one, or that the unit is gone. Comes back by itself.
import { read } from "./message.js";

export const OLD_MS = 700; // a message after which nothing came for so long is not current
const LOOK_MS = 100;
const BACKOFF_MS = [250, 500, 1000, 2000];
const DEAF_MS = 5000; // a connection that brings nothing is opened anew,
const DEAF_GONE_MS = 15000; // later if it has told that the unit is gone
const DRIFT = 0.001; // of the two clocks: by so much the least delay may grow
const TOO_MANY = 1013; // the close code of a server that has enough clients

/** Follows a websocket. `take(message)` for each current one, `gone(why)` when there is none. */
export class Feed {
  #path;
  #take;
  #gone;
  #socket = null;
  #last = -Infinity; // when the last current message came
  #heardAt = 0; // when the connection last brought anything, or was begun
  #saidGone = false; // the server itself says that the unit is gone
  #failures = 0;
  #retry = 0;
  #least = null; // the shortest delay of this connection, and when
  #why = "connecting";
  #told = null;
  #waiting = null; // the newest message, to be drawn
  #turn = new MessageChannel(); // of its turn: no timer, which a hidden page would hold back

  constructor(path, take, gone) {
    [this.#path, this.#take, this.#gone] = [path, take, gone];
  }

  start() {
    this.#turn.port1.onmessage = () => {
      this.#draw();
      this.#look();
    };
    setInterval(() => this.#turn.port2.postMessage(0), LOOK_MS); // a look comes after what has come by now
    document.addEventListener("visibilitychange", () => this.#look());
    addEventListener("pageshow", () => this.#look());
    this.#open();
    this.#look();
  }

  #open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.#path}`);
    this.#socket = socket;
    this.#heardAt = performance.now();
    this.#least = null;
    this.#saidGone = false;
    socket.onmessage = (event) => socket === this.#socket && this.#heard(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#leave(this.#reasonOf(event.code));
  }

  #reasonOf(code) {
    if (code === TOO_MANY) return "too_many";
    return this.#why === "stopped" ? "stopped" : "lost";
  }

  /** Gives the connection up; another is tried after a while that grows. */
  #leave(why) {
    const socket = this.#socket;
    this.#socket = null;
    this.#waiting = null;
    this.#last = -Infinity;
    this.#why = why;
    const wait = BACKOFF_MS[Math.min(this.#failures++, BACKOFF_MS.length - 1)];
    this.#retry = performance.now() + wait * (0.8 + 0.4 * Math.random());
    if (socket !== null) socket.close();
    this.#look();
  }

  #heard(data) {
    const message = read(data);
    if (message === null) return; // no message of a unit: no sign of life either
    this.#heardAt = performance.now();
    this.#saidGone = !message.alive;
    if (!message.alive) {
      this.#last = -Infinity;
      this.#least = null;
      this.#why = message.why_gone;
    } else {
      // Drawn when all that has come by now is read: a slow page skips messages, and is never behind
      if (this.#waiting === null) this.#turn.port2.postMessage(0);
      this.#waiting = { message, at: this.#heardAt };
      return;
    }
    this.#waiting = null;
    this.#failures = 0;
    this.#look();
  }

  #draw() {
    if (this.#waiting === null) return; // told to be gone since
    const { message, at } = this.#waiting;
    this.#waiting = null;
    if (this.#late(message.t)) {
      this.#leave("silent"); // what waited on the way is not current; a new connection begins with the newest
      return;
    }
    try {
      this.#take(message);
    } catch (error) {
      console.error(error); // what could not be drawn is not on the page: it must not pass for current
      return;
    }
    this.#last = at;
    this.#why = "silent"; // what it is if nothing follows
    this.#told = null;
    this.#failures = 0;
  }

  /** Whether a message took much longer than others of this connection did. */
  #late(sent_s) {
    const now = performance.now();
    const delay = now - sent_s * 1000;
    this.#least ??= { delay, at: now };
    const floor = this.#least.delay + (now - this.#least.at) * DRIFT;
    if (delay <= floor) this.#least = { delay, at: now };
    return delay - floor > OLD_MS;
  }

  #look() {
    const now = performance.now();
    if (this.#socket === null && now >= this.#retry) this.#open();
    else if (this.#socket !== null && now - this.#heardAt > (this.#saidGone ? DEAF_GONE_MS : DEAF_MS)) {
      this.#leave(this.#saidGone ? this.#why : "silent");
    }
    if (now - this.#last <= OLD_MS || this.#told === this.#why) return;
    this.#told = this.#why;
    this.#gone(this.#why);
  }
}
