// The one script tag: defines <shopclerk-chat>, shows its launcher, and loads the chat itself when it is wanted.
import { element, icon, sheet } from "./web/widget/dom.js";

const HERE = new URL(".", import.meta.url).href;
const TAG = [...document.scripts].find((script) => script.src === import.meta.url);
const CHAT = "M4 5.5h16v11h-9l-4.5 4v-4H4z";
const LANGUAGES = ["en", "zh"];
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

// --- words: two files per language (what the launcher says, the rest), the shop's own words over them ---

// `own`: the shop's words, as JSON or as the address of a JSON file
async function loadTexts(locale, own) {
  const language = LANGUAGES.find((known) => known === locale.toLowerCase().split("-")[0]) ?? LANGUAGES[0];
  const file = (name) => fetchJson(`${HERE}web/widget/texts/${name}.json`);
  const [first, others] = await Promise.all([file(language), ownTexts(own)]);
  let texts = { ...first, ...others };
  const plural = new Intl.PluralRules(language);
  // {count} also chooses among the forms of a text that has several
  const t = (key, values = {}) => {
    const found = texts[key] ?? key;
    const text = found.other ? found[plural.select(values.count)] ?? found.other : found;
    return typeof text === "string" ? text.replace(/\{(\w+)\}/g, (mark, name) => values[name] ?? mark) : text;
  };
  const loadAll = async () => { texts = { ...await file(`${language}.chat`), ...texts }; };
  return Object.assign(t, { language, dir: texts.dir ?? "ltr", has: (key) => key in texts, loadAll });
}

async function ownTexts(own) {
  if (!own) return {};
  try {
    return own.trim().startsWith("{") ? JSON.parse(own) : await fetchJson(new URL(own, document.baseURI));
  } catch (error) {
    console.warn(`shopclerk: the texts in data-texts could not be read, the standard ones are used (${error.message})`);
    return {};
  }
}

async function fetchJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

// --- the page ---

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
