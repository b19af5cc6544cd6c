// The plain chat page: Rasa's REST channel for turns, streamed; a poll for what a person says in between.
import { cardElement, element, sourcesElement, textAround } from "/web/cards.js";

const WEBHOOK = "/webhooks/rest/webhook?stream=true";
const POLL_MS = 3000;
const STATUS = {
  bot: "Orders, returns, products: just ask.",
  queued: "Waiting for a member of our team …",
  agent: "You are talking with a member of our team.",
};
const list = document.getElementById("messages");
const form = document.getElementById("compose");
const field = document.getElementById("text");
const status = document.getElementById("status");
let conversation = null;
let seen = 0;
let mode = "bot";
let busy = false;
let timer = 0;

async function begin(fresh = false) {
  const kept = fresh ? null : localStorage.getItem("shopclerk");
  conversation = kept ? JSON.parse(kept) : await create();
  localStorage.setItem("shopclerk", JSON.stringify(conversation));
  list.replaceChildren();
  seen = 0;
  await poll(true);
  if (!list.children.length) show({ from: "assistant", text: "Hello! How can I help you today?" });
}

async function create() {
  const response = await fetch("/api/v1/conversations", { method: "POST" });
  if (!response.ok) throw new Error((await response.json()).detail);
  return response.json();
}

// everything at first; later only what was not an answer to us
async function poll(everything = false) {
  clearTimeout(timer);
  const response = await fetch(`/api/v1/conversations/${conversation.conversation_id}/messages?after=${seen}`,
    { headers: { Authorization: `Bearer ${conversation.token}` } });
  if (response.status === 401) return begin(true);
  if (response.ok) {
    const answer = await response.json();
    seen = answer.seq;
    setMode(answer.mode);
    for (const message of answer.messages) if (everything || message.pushed) show(message, everything);
  }
  if (mode !== "bot" && !busy) timer = setTimeout(poll, POLL_MS);
}

function setMode(next) {
  if (next === "agent" && mode !== "agent") notice("A member of our team has joined.");
  mode = next;
  status.textContent = STATUS[mode] ?? STATUS.bot;
}

async function send(text, shown = text) {
  if (busy || !text.trim()) return;
  busy = true;
  clearTimeout(timer);
  list.querySelectorAll(".buttons button").forEach((button) => { button.disabled = true; });
  show({ from: "customer", text: shown });
  const waiting = mode === "bot" ? typing() : null;
  try {
    await turn({ sender: conversation.conversation_id, message: text,
      metadata: { message_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, locale: navigator.language, page: { url: location.href } } }, waiting);
  } catch (error) {
    notice(error instanceof TypeError ? "The shop cannot be reached. Please try again." : error.message, true);
  } finally {
    waiting?.remove();
    busy = false;
    await poll().catch(() => {});
    field.focus();
  }
}

async function turn(body, waiting) {
  const response = await fetch(WEBHOOK, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error((await response.json()).detail);
  let draft = null;
  for await (const line of linesOf(response)) {
    if (line.type === "delta") {
      waiting?.remove();
      draft ??= show({ from: "assistant", text: "" });
      draft.querySelector(".bubble").textContent += line.text;
      scroll();
    } else if (line.type === "error") {
      throw new Error(line.detail);
    } else if (!line.custom?.pushed) {
      draft?.remove();
      draft = null;
      waiting?.remove();
      show({ from: "assistant", ...line, ...line.custom });
    }
  }
}

async function* linesOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ?? "";
    const parts = rest.split("\n");
    rest = parts.pop();
    for (const part of parts) if (part) yield JSON.parse(part);
    if (done) return;
  }
}

function show(message, old = false) {
  const item = element("li", { className: message.from });
  if (message.from === "agent") item.append(element("span", { className: "who", textContent: message.agent || "Our team" }));
  const cards = message.cards ?? [];
  const { before, after, numbered } = textAround(message.text ?? "", cards);
  item.append(element("div", { className: "bubble", textContent: before, hidden: !before && cards.length > 0 }));
  if (message.image && /^https?:/.test(message.image)) item.append(element("img", { src: message.image, alt: "", width: 240 }));
  if (cards.length) item.append(element("div", { className: "cards" }, ...cards.map((card, i) => cardElement(card, numbered ? i + 1 : 0))));
  if (after) item.append(element("div", { className: "bubble", textContent: after }));
  if (message.sources?.length) item.append(sourcesElement(message.sources));
  if (message.buttons?.length) item.append(buttons(message.buttons, old));
  list.append(item);
  scroll();
  return item;
}

function buttons(items, old) {
  const made = items.map(({ title, payload }) => {
    const button = element("button", { type: "button", textContent: title, disabled: old });
    button.addEventListener("click", () => send(payload || title, title));
    return button;
  });
  return element("div", { className: "buttons" }, ...made);
}

function typing() {
  const item = element("li", { className: "assistant typing" },
    element("div", { className: "bubble", ariaLabel: "The assistant is writing" }, element("i"), element("i"), element("i")));
  list.append(item);
  scroll();
  return item;
}

function notice(text, error = false) {
  list.append(element("li", { className: error ? "notice error" : "notice", textContent: text }));
  scroll();
}

function scroll() { list.scrollTop = list.scrollHeight; }

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value;
  if (busy) return;
  field.value = "";
  field.style.height = "";
  send(text);
});
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
field.addEventListener("input", () => {
  field.style.height = "";
  field.style.height = `${field.scrollHeight + 2}px`;
});
document.getElementById("restart").addEventListener("click", () => begin(true));
begin().catch((error) => notice(error.message, true));
