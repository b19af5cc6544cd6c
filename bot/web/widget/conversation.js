// One conversation: what was said, what is still to be sent, who holds it. It knows frames and storage, no element.
import { Api, Link } from "./link.js";

const ANSWERED = 20000;                   // an acknowledgement takes milliseconds; after this the customer is told

export class Conversation {
  #timers = new Map();
  #byId = new Map();                      // client_id → item
  #bySeq = new Map();
  #welcomed = false;                      // the first `ready` of this connection came
  #pausedUntil = 0;
  #order = 0;
  #identity;                              // undefined: the page has not said yet who this is
  seen = 0;
  mode = "bot";

  // `on`: item, draft, typing, mode, state, reset, notice, history: what a view shows
  constructor({ server, locale, page, on }) {
    Object.assign(this, { locale, page, on });
    this.memory = new Memory(server);
    this.api = new Api(server);
    this.link = new Link({
      api: this.api,
      prepare: () => this.#prepare(),
      hello: () => this.#hello(),
      onFrame: (frame) => this.#receive(frame),
      onState: (state, tries) => this.#connection(state, tries),
      onRefused: (what) => this.#refused(what),
    });
    this.memory.onChange((what) => this.#changedElsewhere(what));
  }

  get items() { return [...new Set([...this.#bySeq.values(), ...this.#byId.values()])]; }

  get begun() { return Boolean(this.memory.conversation); }

  // --- who it is ---

  // Another customer, or nobody any more: what was said before is not theirs to see.
  identify(token) {
    const known = this.memory.conversation;
    const before = this.#identity;
    this.#identity = token;
    if (!known) return;
    if (known.who !== subject(token)) this.restart();
    else if (token && before === null) this.link.restart();
    else this.link.start();
  }

  // Join what is kept, unless it belongs to a customer the page has not named (yet).
  resume() {
    const known = this.memory.conversation;
    if (known && (this.#identity !== undefined || !known.who)) this.link.start();
    return Boolean(known);
  }

  // Somebody is looking or writing: who has not been named by now is a guest.
  settle() {
    if (this.#identity === undefined) this.identify(null);
  }

  // --- saying something ---

  send(text, payload) {
    this.settle();
    const item = { from: "customer", client_id: newId(), text, payload, page: this.page(), at: Date.now() / 1000, order: ++this.#order };
    this.memory.keep(item);
    this.#dispatch(item);
    this.link.start();
    return item;
  }

  retry(item) {
    this.memory.keep({ ...item, failed: undefined });
    this.#dispatch(item);
    this.link.start();
    this.link.wake();
  }

  withdraw(item) {
    this.memory.drop(item.client_id);
    this.#byId.delete(item.client_id);
  }

  typing() { this.link.send({ type: "typing" }); }

  feedback(body) { return this.api.feedback(this.memory.conversation, body); }

  // --- beginning anew ---

  restart({ carry = false } = {}) {
    const unsent = carry ? this.memory.unsent() : [];
    this.link.stop();
    this.memory.forget();
    unsent.forEach((item) => this.memory.keep(item));
    this.#clear();
    this.#setMode("bot", true);
    unsent.forEach((item) => this.#dispatch(item));
    if (unsent.length) this.link.start();
  }

  #clear() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const kept of [this.#timers, this.#byId, this.#bySeq]) kept.clear();
    this.seen = 0;
    this.on.reset();
  }

  #changedElsewhere(what) {
    if (what === "read") return this.on.read();
    if (what !== "conversation") return;
    this.link.stop();
    this.#clear();
    this.#setMode("bot", true);
    this.resume();
  }

  // --- connection ---

  async #prepare() {
    const known = this.memory.conversation;
    if (known) return known;
    const begun = await this.api.begin(this.locale);
    this.memory.conversation = { ...begun, who: subject(this.#identity) };
    this.on.begun(begun.conversation_id);
    return begun;
  }

  #hello() {
    this.#welcomed = false;
    this.on.history(true);
    return { type: "hello", token: this.memory.conversation.token, after: this.seen, locale: this.locale, customer_token: this.#identity || undefined };
  }

  #connection(state, tries) {
    if (state !== "open") {
      this.#welcomed = false;
      this.on.draft(null);
      this.on.typing(null);
      this.on.history(false);
      for (const item of this.#byId.values()) if (item.state === "sending") this.#mark(item, "waiting");
    }
    this.on.state(state, tries);
  }

  #refused(what) {
    if (what === "customer") {
      this.#identity = null;              // the conversation stays theirs: a fresh token goes on with it
      this.on.notice("notice_guest");
      this.on.refused();
      this.link.start();
    } else {
      this.restart({ carry: true });
      this.on.notice("notice_lost");
    }
  }

  // --- frames ---

  #receive(frame) {
    switch (frame.type) {
      case "ready": return this.#ready(frame);
      case "ack": return this.#acknowledged(frame.client_id);
      case "typing": return this.on.typing(frame.from ?? "assistant");
      case "delta": return this.on.draft(frame.text);
      case "message": return this.#said(frame);
      case "resync": return this.#anew();
      case "error": return this.#problem(frame);
    }
  }

  #ready({ seq, mode }) {
    this.#setMode(mode, !this.#welcomed && !this.seen);
    this.seen = Math.max(this.seen, seq);       // frames come in order: what was said up to there has been told
    if (this.#welcomed) return;
    this.#welcomed = true;
    this.on.history(false);
    this.#flush();
  }

  // Too old or ahead of the server: what is shown is replaced by what the server has; what comes meanwhile is kept.
  async #anew() {
    this.#clear();
    const conversation = this.memory.conversation;
    try {
      const { messages } = await this.api.messages(conversation, 0);
      if (this.memory.conversation?.conversation_id !== conversation.conversation_id) return;
      this.on.history(true);
      for (const message of messages) this.#said(message);
      this.on.history(false);
    } catch { this.link.restart(); }
  }

  #said(message) {
    const { type, ...item } = message;
    this.seen = Math.max(this.seen, item.seq);
    const own = item.client_id && this.#byId.get(item.client_id);
    if (item.client_id) this.#settled(item.client_id);
    if (this.#bySeq.has(item.seq)) return;
    if (item.from === "customer") this.#takeTogether(item, own);
    const kept = own ? Object.assign(own, item, { text: own.text, state: "sent" }) : item;
    this.#bySeq.set(item.seq, kept);
    if (item.from !== "customer") {
      this.on.draft(null);
      this.on.typing(null);
    }
    this.on.item(kept);
  }

  // What was written in a hurry is kept as one message: its lines stand in their bubbles here, and nowhere else.
  #takeTogether(item, own) {
    const parts = [...this.#byId.values()].filter((part) => part !== own && !part.seq && holds(item.text, part.text));
    parts.forEach((part, i) => {
      if (!own) return this.on.gone(part);
      Object.assign(part, { seq: item.seq - 0.1 + i / 1000, state: "sent" });
      this.on.item(part);
    });
  }

  #acknowledged(clientId) {
    this.#settled(clientId);
    const item = this.#byId.get(clientId);
    if (item) this.#mark(item, "sent");
  }

  #settled(clientId) {
    clearTimeout(this.#timers.get(clientId));
    this.#timers.delete(clientId);
    this.memory.drop(clientId);
  }

  #problem({ code, client_id: clientId, retry_after: wait }) {
    const item = clientId && this.#byId.get(clientId);
    if (code === "stopping") {
      if (item) this.#mark(item, "waiting");
    } else if (code === "rate_limited" || code === "overloaded") {
      const pause = Math.max(1, wait || 2);
      this.#pausedUntil = Date.now() + pause * 1000;
      if (item) this.#mark(item, "waiting");
      this.on.slow(Math.ceil(pause));
      setTimeout(() => this.#flush(), pause * 1000 + 50);
    } else if (item) {
      this.#settled(clientId);
      this.memory.keep({ ...item, failed: code });
      this.#mark(item, "failed", code);
    }
  }

  // --- the queue ---

  #flush() {
    for (const kept of this.memory.unsent()) {
      const item = this.#byId.get(kept.client_id) ?? kept;
      this.#order = Math.max(this.#order, kept.order);
      if (kept.failed) this.#show(item, "failed", kept.failed);
      else if (item === kept && this.items.some((said) => said.from === "customer" && holds(said.text, kept.text))) this.#transmit(kept);
      else this.#dispatch(item);
    }
  }

  #dispatch(item) {
    this.#show(item, "waiting");
    if (Date.now() < this.#pausedUntil || !this.#welcomed) return;
    if (!this.#transmit(item)) return;
    this.#mark(item, "sending");
    clearTimeout(this.#timers.get(item.client_id));
    this.#timers.set(item.client_id, setTimeout(() => this.#mark(item, "failed", "unanswered"), ANSWERED));
  }

  #transmit({ client_id, text, payload, page }) {
    return this.link.send({ type: "message", client_id, text, payload, page });
  }

  #show(item, state, reason) {
    this.#byId.set(item.client_id, item);
    this.#mark(item, state, reason);
  }

  #mark(item, state, reason) {
    Object.assign(item, { state, reason });
    this.on.item(item);
  }

  // `quiet`: it was so before anybody looked
  #setMode(mode = "bot", quiet = false) {
    if (mode === this.mode) return;
    const before = this.mode;
    this.mode = mode;
    this.on.mode(mode, before, quiet);
  }
}

function holds(text, line) {
  return text !== line && `\n${text}\n`.includes(`\n${line}\n`);
}

// whose token this is; only to notice a change, the server verifies
function subject(token) {
  if (!token) return "";
  const parts = token.split(".");
  if (parts.length === 3) {
    try { return String(JSON.parse(atob(parts[1].replaceAll("-", "+").replaceAll("_", "/"))).sub); } catch { return token; }
  }
  return token.slice(0, token.lastIndexOf("."));
}

function newId() {
  return crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// --- what this browser keeps: which conversation runs, what could not be sent yet, what was read; never what was said ---
// Every unsent message has a key of its own, so that tabs of one browser do not overwrite each other.

class Memory {
  #prefix;
  #storage;

  constructor(server) {
    this.#prefix = `shopclerk ${server} `;
    this.#storage = usable();
  }

  // { conversation_id, token, who }
  get conversation() { return this.#get("conversation"); }
  set conversation(value) { this.#set("conversation", value); }

  get read() { return this.#get("read") ?? 0; }
  set read(seq) { this.#set("read", seq); }

  get rated() { return this.#get("rated") ?? {}; }
  rate(seq, rating) { this.#set("rated", { ...this.rated, [seq]: rating }); }

  unsent() {
    const keys = Object.keys(this.#storage).filter((key) => key.startsWith(`${this.#prefix}unsent `));
    return keys.map((key) => this.#get(key.slice(this.#prefix.length))).filter(Boolean)
      .sort((a, b) => a.at - b.at || a.order - b.order);
  }

  keep(message) { this.#set(`unsent ${message.client_id}`, message); }
  drop(clientId) { this.#set(`unsent ${clientId}`, null); }

  forget() {
    for (const message of this.unsent()) this.drop(message.client_id);
    for (const name of ["conversation", "read", "rated"]) this.#set(name, null);
  }

  // another tab began, ended or read the conversation
  onChange(listener) {
    addEventListener("storage", (event) => {
      if (event.key === null) listener("conversation");
      else if (event.key.startsWith(this.#prefix)) listener(event.key.slice(this.#prefix.length).split(" ")[0]);
    });
  }

  #get(name) {
    try { return JSON.parse(this.#storage[this.#prefix + name] ?? "null"); } catch { return null; }
  }

  #set(name, value) {
    try {
      if (value === null) delete this.#storage[this.#prefix + name];
      else this.#storage[this.#prefix + name] = JSON.stringify(value);
    } catch (error) {
      console.warn(`shopclerk: the browser keeps nothing for the chat (${error.message})`);
    }
  }
}

// a page in a frame, or a strict browser, may forbid storage: then this page's life has to be enough
function usable() {
  try {
    localStorage.setItem("shopclerk try", "1");
    localStorage.removeItem("shopclerk try");
    return localStorage;
  } catch { return {}; }
}
