// Two ways to the same frames: a WebSocket, or event streams where none can be opened. They know frames, not their meaning.
// Both answer { send(frame), close() } and call `onFrame` for each frame and once `onClose(code)`.

export const CODES = { token: 4401, customer: 4403 };

export function openSocket(api, { conversation, hello, onFrame, onClose }) {
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
export function openStream(api, { conversation, hello, onFrame, onClose }) {
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
