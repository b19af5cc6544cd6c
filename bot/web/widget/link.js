// The way to the server: requests, and a connection that is kept up. What the frames on it mean it does not know.

// --- requests ---

export class Problem extends Error {
  constructor(status, document = {}, retryAfter = 0) {
    super(document.detail ?? `HTTP ${status}`);
    this.status = status;
    this.field = document.field;
    this.retryAfter = retryAfter;
  }
}

export class Api {
  constructor(server) { this.server = server; }

  address(id, what) { return `${this.server}api/v1/conversations/${encodeURIComponent(id)}/${what}`; }

  begin(locale) { return this.json(`${this.server}api/v1/conversations`, { method: "POST", body: { locale } }); }

  messages({ conversation_id: id, token }, after) { return this.json(`${this.address(id, "messages")}?after=${after}`, { token }); }

  feedback({ conversation_id: id, token }, body) { return this.json(this.address(id, "feedback"), { method: "POST", token, body }); }

  async json(url, options) {
    const response = await this.request(url, options);
    return response.status === 204 ? null : response.json();
  }

  async request(url, { method = "GET", token, body, accept = "application/json", signal } = {}) {
    const headers = { Accept: accept };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const response = await fetch(url, { method, headers, signal, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store" });
    if (response.ok) return response;
    throw new Problem(response.status, await response.json().catch(() => ({})), Number(response.headers.get("Retry-After")) || 0);
  }
}

// --- a connection: opened, found dead, opened again with growing pauses; event streams where no socket gets through ---
// It tells `onState`: "connecting", "open", "waiting" (with the number of tries).

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

// --- two ways to the same frames ---
// Both answer { send(frame), close() } and call `onFrame` for each frame and once `onClose(code)`.

const CODES = { token: 4401, customer: 4403 };

function openSocket(api, { conversation, hello, onFrame, onClose }) {
  const socket = new WebSocket(api.address(conversation.conversation_id, "socket").replace(/^http/, "ws"));
  let closed = false;
  const done = (code) => {
    if (closed) return;
    closed = true;
    socket.close();
    onClose(code);
  };
  socket.onopen = () => socket.send(JSON.stringify(hello()));
  socket.onmessage = (event) => { if (!closed) onFrame(JSON.parse(event.data)); };
  socket.onclose = (event) => done(event.code);
  socket.onerror = () => done(1006);
  return { send: (frame) => socket.send(JSON.stringify(frame)), close: () => { closed = true; socket.close(); } };
}

// What is pushed comes by one long GET; each message is a POST whose answer streams its turn.
function openStream(api, { conversation, hello, onFrame, onClose }) {
  const { conversation_id: id, token } = conversation;
  const control = new AbortController();
  const options = { token, accept: "text/event-stream", signal: control.signal };
  const { after, customer_token, locale } = hello();
  let turns = 0;                          // while one streams, the pieces of its reply come twice
  let closed = false;
  const done = (code) => {
    if (closed) return;
    closed = true;
    control.abort();
    onClose(code);
  };
  const failed = (error) => done(error.status === 401 ? CODES.token : 1006);

  const listen = async () => {
    for await (const frame of frames(await api.request(`${api.address(id, "messages")}?after=${after}`, options))) {
      if (closed) return;
      if (!(turns && ["delta", "typing"].includes(frame.type))) onFrame(frame);
    }
    done(1006);
  };

  const turn = async ({ type, ...body }) => {
    turns += 1;
    try {
      const response = await api.request(api.address(id, "messages"), { ...options, method: "POST", body: { ...body, customer_token, locale } });
      for await (const frame of frames(response)) if (!closed) onFrame(frame);
    } catch (error) {
      if (closed) return;
      if (error.status === 401 && error.field === "customer_token") done(CODES.customer);
      else if (error.status) onFrame({ type: "error", code: CODE_OF[error.status] ?? "bad_frame", message: error.message,
        client_id: body.client_id, retry_after: error.retryAfter });
      if (!error.status || error.status === 401) failed(error);
    } finally {
      turns -= 1;
    }
  };

  let order = listen().catch(failed) && Promise.resolve();
  return {
    send: (frame) => { if (frame.type === "message") order = order.then(() => (closed ? null : turn(frame))); },
    close: () => { closed = true; control.abort(); },
  };
}

const CODE_OF = { 413: "too_long", 422: "too_long", 429: "rate_limited", 503: "overloaded" };

// Server-sent events as frames
async function* frames(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const field = (name) => block.split("\n").filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, "")).join("\n");
      const data = field("data");
      if (data) yield { type: field("event"), ...JSON.parse(data) };
    }
  }
}
