// The one script tag: defines <shopclerk-chat>, shows its launcher, and loads the chat itself when it is wanted.
import { element, icon, sheet } from "./web/widget/dom.js";
import { loadTexts } from "./web/widget/texts.js";

const HERE = new URL(".", import.meta.url).href;
const TAG = [...document.scripts].find((script) => script.src === import.meta.url);
const CHAT = "M4 5.5h16v11h-9l-4.5 4v-4H4z";
const CLOSE = "M6 6l12 12M18 6L6 18";

class ShopclerkChat extends HTMLElement {
  static observedAttributes = ["data-customer-token"];
  #chat = null;
  #started = null;
  #page = {};

  constructor() {
    super();
    this.attachShadow({ mode: "open" });
  }

  connectedCallback() {
    for (const [name, value] of Object.entries(TAG?.dataset ?? {})) this.dataset[name] ??= value;
    // the page's layers and transforms end below the top layer; where there is none, the highest layer has to do
    this.popover = "manual";
    this.showPopover?.();
    this.#started ??= this.#start().catch((error) => this.#failed(error));
    this.#chat?.then((chat) => chat?.resume());
  }

  disconnectedCallback() {
    this.#chat?.then((chat) => chat?.pause());
  }

  attributeChangedCallback(_name, before, now) {
    if (before !== now && this.#chat) this.identify(now);
  }

  // --- what a page may call ---

  async open({ focus = true } = {}) {
    await this.#started;
    (await this.#load())?.open(focus);
  }

  async close() { (await this.#chat)?.close(); }

  async send(text) {
    await this.#started;
    (await this.#load())?.send(String(text));
  }

  // `null`: nobody is signed in (any more)
  async identify(token) {
    await this.#started;
    this.identity = token || null;
    (await this.#chat)?.identify(this.identity);
  }

  // more about the page than can be read from it: { product_id, cart: [{ product_id, variant_id, quantity }] }
  setPage(facts) { this.#page = { ...this.#page, ...facts }; }

  get page() { return this.#page; }

  get server() {
    const address = new URL(this.dataset.server || HERE, document.baseURI).href;
    return address.endsWith("/") ? address : `${address}/`;
  }

  // --- launcher ---

  async #start() {
    const locale = this.dataset.locale || document.documentElement.lang || navigator.language || "en";
    const [texts, style] = await Promise.all([loadTexts(locale, this.dataset.texts), sheet(`${HERE}web/widget/launcher.css`)]);
    this.setup = { texts, locale, shopName: this.dataset.shopName || meta("og:site_name") || texts("title") };
    this.shadowRoot.adoptedStyleSheets = [style];
    this.badge = element("span", { className: "badge", hidden: true });
    this.launcher = element("button", { type: "button", className: "launcher", "aria-expanded": "false", "aria-label": texts("open"),
      onclick: () => (this.launcher.ariaExpanded === "true" ? this.close() : this.open()) },
    element("span", { className: "face chat" }, icon(CHAT)), element("span", { className: "face close" }, icon(CLOSE)), this.badge);
    this.root = element("div", { className: "root", lang: texts.language, dir: texts.dir }, this.launcher);
    // a page's own short cuts must not fire while somebody writes here
    for (const kind of ["keydown", "keypress", "keyup"]) this.root.addEventListener(kind, (event) => event.stopPropagation());
    this.shadowRoot.replaceChildren(this.root);
    if (this.dataset.customerToken) this.identity = this.dataset.customerToken;
    if (kept(`shopclerk ${this.server} conversation`)) this.#load();
    if (this.dataset.open !== undefined || this.#wasOpen()) this.open({ focus: false });
  }

  #wasOpen() {
    return matchMedia("(min-width: 481px)").matches && kept("shopclerk open", () => sessionStorage);
  }

  #load() {
    this.#chat ??= import("./web/widget/chat.js").then(({ startChat }) => startChat(this, this.setup, HERE)).catch((error) => {
      this.#chat = null;                    // the next try may find the network again
      this.#failed(error);
    });
    return this.#chat;
  }

  #failed(error) {
    console.warn(`shopclerk: the chat could not be loaded from ${HERE} (${error.message})`);
  }
}

function meta(name) {
  return document.querySelector(`meta[property="${name}"]`)?.content;
}

// storage may be forbidden; then nothing was kept
function kept(key, storage = () => localStorage) {
  try { return storage().getItem(key); } catch { return null; }
}

function show() {
  const chat = document.querySelector("shopclerk-chat") ?? document.body.appendChild(document.createElement("shopclerk-chat"));
  window.shopclerk ??= chat;
}

if (!customElements.get("shopclerk-chat")) {
  customElements.define("shopclerk-chat", ShopclerkChat);
  if (document.body) show();
  else addEventListener("DOMContentLoaded", show);
}
