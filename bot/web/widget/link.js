// Keeps a connection: opens it, notices that it is dead, opens it again with growing pauses, falls back to event streams.
// It tells `onState`: "connecting", "open", "waiting" (with the number of tries); what frames mean it does not know.
import { CODES, openSocket, openStream } from "./transports.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 20000;
const SILENCE = 60000;                   // the server is heard every 25 s
const OPENING = 15000;
const SOCKET_TRIES = 2;

export class Link {
  #transport = null;
  #timer = 0;
  #tries = 0;
  #unopened = 0;                          // sockets in a row that never got ready
  #heard = 0;
  #attempt = 0;
  state = "closed";

  // `prepare` answers the conversation to join, made first where there is none
  constructor({ api, prepare, hello, onFrame, onState, onRefused }) {
    Object.assign(this, { api, prepare, hello, onFrame, onState, onRefused });
    addEventListener("online", () => this.wake());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.wake();
    });
  }

  start() {
    if (this.state === "closed") this.#connect();
  }

  stop() {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#transport?.close();
    this.#transport = null;
    this.#tries = 0;
    this.#tell("closed");
  }

  restart() {
    this.stop();
    this.start();
  }

  // Something speaks for a better chance now: no more waiting; a connection that has been silent for long is not trusted.
  wake() {
    if (this.state === "waiting") this.#connect();
    else if (this.state === "open" && Date.now() - this.#heard > SILENCE / 2) this.#lost(1006);
  }

  get ready() { return this.state === "open"; }

  send(frame) {
    if (!this.ready) return false;
    try {
      this.#transport.send(frame);
      return true;
    } catch { return false; }
  }

  async #connect() {
    const attempt = ++this.#attempt;
    clearTimeout(this.#timer);
    this.#tell("connecting");
    this.#timer = setTimeout(() => { if (attempt === this.#attempt) this.#lost(1006); }, OPENING);
    let conversation;
    try {
      conversation = await this.prepare();
    } catch (error) {
      if (attempt === this.#attempt) this.#wait(error);
      return;
    }
    if (attempt !== this.#attempt) return;
    this.streaming = this.#unopened >= SOCKET_TRIES;
    const open = this.streaming ? openStream : openSocket;
    this.#transport = open(this.api, { conversation, hello: this.hello,
      onFrame: (frame) => { if (attempt === this.#attempt) this.#received(frame); },
      onClose: (code) => { if (attempt === this.#attempt) this.#lost(code); } });
  }

  #received(frame) {
    this.#heard = Date.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(1006), SILENCE);
    if (frame.type === "ready" || frame.type === "resync") {
      this.#tries = 0;
      if (!this.streaming) this.#unopened = 0;
      if (!this.ready) this.#tell("open");
    }
    this.onFrame(frame);
  }

  #lost(code) {
    const opened = this.ready;
    this.#attempt += 1;
    this.#transport?.close();
    this.#transport = null;
    if (this.streaming) this.#unopened = SOCKET_TRIES - 1;      // sockets get another chance
    else if (!opened) this.#unopened += 1;
    if (code === CODES.token || code === CODES.customer) {
      this.state = "closed";
      this.onRefused(code === CODES.token ? "token" : "customer");
    } else {
      this.#wait();
    }
  }

  #wait(error) {
    const pause = Math.max((error?.retryAfter ?? 0) * 1000, Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#tries) * (0.5 + Math.random() / 2));
    this.#tries += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), pause);
    this.#tell("waiting", this.#tries);
  }

  #tell(state, tries = 0) {
    this.state = state;
    this.onState(state, tries);
  }
}
