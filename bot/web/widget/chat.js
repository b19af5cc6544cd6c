// The opened chat: ties the conversation to the panel, the launcher and the page.
import { Conversation } from "./conversation.js";
import { element, sheet } from "./dom.js";
import { download, Log, transcriptText } from "./log.js";
import { keepInside, pageContext, Sized } from "./page.js";
import { buildMenu, buildPanel, Composer, confirmSheet, ratingSheet } from "./panel.js";

const SILENT_TYPING = 45000;             // a reply that never came

export async function startChat(host, setup, here) {
  const style = sheet(`${here}web/widget/chat.css`);
  const [loaded] = await Promise.all([style, setup.texts.loadAll()]);
  host.shadowRoot.adoptedStyleSheets.push(loaded);
  return new Chat(host, setup);
}

class Chat {
  #open = false;
  #typingTimer = 0;
  #tries = 0;

  constructor(host, { texts: t, shopName, locale }) {
    Object.assign(this, { host, t, shopName });
    this.panel = buildPanel({ t, host, shopName });
    this.composer = new Composer(this.panel, { send: (text) => this.send(text), typing: () => this.conversation.typing() });
    const acts = { press: (button) => this.#press(button), retry: (item) => this.conversation.retry(item), edit: (item) => this.#edit(item),
      rate: (item, rating, comment) => this.#rate(item, rating, comment), rated: (item) => this.conversation.memory.rated[item.seq] };
    this.log = new Log(this.panel, acts, { t, host });
    this.conversation = new Conversation({ server: host.server, locale, page: () => pageContext(host), on: this.#listeners() });
    this.menu = buildMenu(this.panel, t, { fresh: () => this.#finish("new"), end: () => this.#finish("end"), download: () => this.#download(),
      running: () => this.log.items.length > 0 });
    this.sized = new Sized(host.root);
    this.#starters();
    this.panel.close.addEventListener("click", () => this.close());
    this.panel.human.addEventListener("click", () => this.#press({ title: t("human"), payload: "/handoff" }));
    this.panel.node.addEventListener("keydown", (event) => this.#key(event));
    host.root.prepend(this.panel.node);
    if (host.identity !== undefined) this.conversation.identify(host.identity);
    else this.conversation.resume();
  }

  // --- opening and closing ---

  open(focus = true) {
    const { launcher } = this.host;
    this.conversation.settle();
    if (this.#open) return;
    this.#open = true;
    this.panel.node.hidden = false;
    launcher.ariaExpanded = "true";
    launcher.ariaLabel = this.t("close");
    this.sized.start((phone) => this.panel.node.setAttribute("aria-modal", String(phone)));
    remember("1");
    this.log.toEnd();
    this.#unread();
    if (focus) this.#focusField();
    this.#emit("open");
  }

  close() {
    if (!this.#open) return;
    this.#open = false;
    const focused = this.panel.node.contains(this.host.shadowRoot.activeElement);
    this.panel.sheet?.dismiss();
    this.menu.close();
    this.panel.node.hidden = true;
    this.host.launcher.ariaExpanded = "false";
    this.sized.stop();
    remember("");
    this.#unread();
    if (focused) this.host.launcher.focus();
    this.#emit("close");
  }

  resume() { this.conversation.resume(); }

  pause() { this.conversation.link.stop(); }

  identify(token) { this.conversation.identify(token); }

  // a keyboard that slides up is only welcome when somebody is about to write
  #focusField() {
    (matchMedia("(hover: hover)").matches ? this.panel.field : this.panel.title).focus();
  }

  #key(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      if (this.panel.sheet) this.panel.sheet.dismiss();
      else if (this.menu.isOpen) this.menu.close(true);
      else this.close();
    } else if (event.key === "Tab" && (this.sized.phone || this.panel.sheet)) {
      keepInside(event, this.panel.sheet ? this.panel.node.querySelector(".sheet") : this.panel.node, this.host.shadowRoot);
    }
  }

  // --- saying ---

  send(text) {
    if (!text.trim()) return;
    this.conversation.send(text.trim());
  }

  #press({ title, payload }) {
    const focused = this.panel.log.contains(this.host.shadowRoot.activeElement) || this.panel.intro.contains(this.host.shadowRoot.activeElement);
    this.conversation.send(title, payload || undefined);
    if (focused) this.#focusField();
  }

  #edit(item) {
    this.conversation.withdraw(item);
    this.log.remove(item);
    this.composer.set(item.text);
  }

  #starters() {
    const chips = this.t("starters").map((text) => element("button", { type: "button", className: "starter", textContent: text, onclick: () => this.#press({ title: text }) }));
    this.panel.starters.replaceChildren(...chips);
  }

  // --- what the conversation tells ---

  #listeners() {
    return {
      item: (item) => this.#item(item),
      gone: (item) => this.log.remove(item),
      draft: (piece) => {
        if (piece === null) clearTimeout(this.#typingTimer);
        this.log.write(piece);
      },
      typing: (from) => this.#typing(from),
      mode: (mode, before, quiet) => this.#mode(mode, before, quiet),
      state: (state, tries) => this.#connection(state, tries),
      reset: () => this.log.clear(),
      history: (loading) => {
        this.log.loading(loading);
        if (!loading) this.#unread();
      },
      notice: (key, values) => this.#notice(this.t(key, values)),
      slow: (seconds) => this.#notice(this.t("slow_down", { count: seconds })),
      read: () => this.#unread(),
      begun: (id) => this.#emit("conversation", { id }),
      refused: () => this.#emit("identity-refused"),
    };
  }

  #item(item) {
    const fresh = !item.shown;
    item.shown = true;
    this.log.put(item);
    if (item.state === "failed" && item.from === "customer") this.#announce(this.t("state_failed"));
    if (item.from !== "customer") this.#unread();
    if (fresh) this.#emit("message", { from: item.from, text: item.text, seq: item.seq });
  }

  #typing(from) {
    clearTimeout(this.#typingTimer);
    this.log.dots(Boolean(from));
    if (!from) return;
    this.#announce(this.t("writing", { name: from === "agent" ? this.#agent() : this.t("assistant") }));
    this.#typingTimer = setTimeout(() => this.log.dots(false), SILENT_TYPING);
  }

  #agent() { return this.log.items.findLast((item) => item.from === "agent")?.agent || this.t("our_team"); }

  #mode(mode, before, quiet) {
    const name = this.#agent();
    this.panel.status.textContent = this.t(`status_${mode}`, { name });
    this.panel.node.dataset.mode = mode;
    if (!quiet) this.#notice(this.t(`notice_${mode}`, { name }));
    this.#emit("mode", { mode, before });
  }

  // The first hitch passes unseen; what lasts is said, and what has been said is taken back.
  #connection(state, tries) {
    const { banner } = this.panel;
    const lasting = state === "waiting" && (tries > 1 || navigator.onLine === false);
    if (lasting && tries === 4) console.warn(`shopclerk: ${this.host.server} cannot be reached; if it runs, is ${location.origin} in its server.cors_origins?`);
    if (state === "open" || state === "closed") {
      if (!banner.hidden && state === "open") this.#announce(this.t("connected"));
      banner.hidden = true;
    } else if (lasting) {
      const text = this.t(navigator.onLine === false ? "offline" : this.conversation.begun ? "offline" : "unreachable");
      if (banner.hidden) this.#announce(text);
      banner.replaceChildren(element("span", { textContent: text }),
        element("button", { type: "button", textContent: this.t("try_now"), onclick: () => this.conversation.link.wake() }));
      banner.hidden = false;
    }
    this.panel.node.dataset.connection = state;
    this.#emit("connection", { state });
  }

  #notice(text) { this.log.notice(text, this.conversation.seen + 0.5); }

  #announce(text) { this.panel.live.textContent = text; }

  // --- unread ---

  #read() {
    if (this.#open && document.visibilityState === "visible") {
      if (this.conversation.memory.read < this.conversation.seen) this.conversation.memory.read = this.conversation.seen;
    }
  }

  #unread() {
    this.#read();
    const { badge, launcher } = this.host;
    const { read } = this.conversation.memory;
    const count = this.#open ? 0 : this.log.items.filter((item) => item.from !== "customer" && item.seq > read).length;
    badge.hidden = !count;
    badge.textContent = count > 9 ? "9+" : count;
    if (!this.#open) launcher.ariaLabel = count ? this.t("unread", { count }) : this.t("open");
  }

  // --- the end ---

  async #finish(what) {
    if (this.log.items.length) {
      if (!await confirmSheet(this.panel, this.t, what)) return this.panel.menuButton.focus();
      await this.#rateAll();
    }
    this.conversation.restart();
    if (what === "end") this.close();
    else this.#focusField();
  }

  async #rateAll() {
    if (!this.conversation.begun) return;
    const rating = await ratingSheet(this.panel, this.t);
    if (!rating) return;
    await this.conversation.feedback(rating).then(() => this.#announce(this.t("csat_thanks")), () => this.#announce(this.t("feedback_failed")));
  }

  async #rate(item, rating, comment) {
    try {
      await this.conversation.feedback({ seq: item.seq, rating, ...(comment ? { comment } : {}) });
    } catch {
      this.#notice(this.t("feedback_failed"));
      return false;
    }
    this.conversation.memory.rate(item.seq, rating);
    this.#announce(this.t("feedback_thanks"));
    return true;
  }

  #download() {
    download(transcriptText(this.log.items, this), `${this.t("transcript_file")}-${new Date().toISOString().slice(0, 10)}.txt`);
  }

  #emit(name, detail = {}) {
    this.host.dispatchEvent(new CustomEvent(`shopclerk:${name}`, { detail, bubbles: true, composed: true }));
  }
}

// so that the next page of the shop shows the chat as this one did
function remember(open) {
  try { sessionStorage.setItem("shopclerk open", open); } catch { /* then it does not */ }
}
