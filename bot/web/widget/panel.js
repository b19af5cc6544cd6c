// The panel: header with its menu, messages, composer, footer, and questions laid over it. What is said is not its business.
import { element, icon } from "./dom.js";
import { face, ICONS, linkProperties, linkTarget } from "./parts.js";

export function buildPanel({ t, host, shopName }) {
  const round = (name, drawing, more = {}) => element("button", { type: "button", className: "round", title: t(name), "aria-label": t(name), ...more }, icon(ICONS[drawing]));
  const title = element("h2", { id: "title", tabIndex: -1, textContent: shopName });
  const status = element("p", { className: "status", textContent: t("status_bot") });
  const menuButton = round("menu", "menu", { "aria-expanded": "false", "aria-controls": "menu" });
  const menu = element("div", { className: "menu", id: "menu", hidden: true });
  const close = round("close", "close");
  const header = element("header", { className: "head" }, avatar(), element("div", { className: "names" }, title, status), menuButton, close, menu);

  const banner = element("div", { className: "banner", hidden: true });
  const starters = element("div", { className: "starters" });
  const intro = element("div", { className: "intro" }, element("p", { className: "greeting", textContent: t("greeting") }),
    element("p", { textContent: t("introduction") }), starters);
  const log = element("div", { className: "log", role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": t("messages"), "aria-busy": "false" });
  const draft = element("div", { className: "bubble draft", "aria-hidden": "true", hidden: true });
  const scroll = element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": t("conversation") }, intro, log, draft);
  const newest = element("button", { type: "button", className: "newest", hidden: true }, icon(ICONS.newest), t("new_messages"));

  const field = element("textarea", { id: "field", rows: 1, maxLength: 4000, placeholder: t("write"), "aria-label": t("write"), enterKeyHint: "send" });
  const send = element("button", { type: "submit", className: "send", title: t("send"), "aria-label": t("send"), disabled: true }, icon(ICONS.send));
  const composer = element("form", { className: "composer" }, field, send);
  const human = element("button", { type: "button", className: "human" }, icon(ICONS.person), t("human"));
  const foot = element("footer", { className: "foot-line" }, human, element("p", { className: "privacy" }, t("privacy"), " ", privacyLink(host, t)));
  const live = element("p", { className: "hidden", role: "status" });

  const node = element("section", { className: "panel", role: "dialog", "aria-labelledby": "title", hidden: true },
    header, banner, element("div", { className: "middle" }, scroll, newest), composer, foot, live);
  return { node, title, status, menu, menuButton, close, banner, intro, starters, scroll, log, draft, newest, composer, field, send, human, live };
}

function avatar() {
  return element("span", { className: "avatar" }, icon(ICONS.bag));
}

function privacyLink(host, t) {
  const target = host.dataset.privacyUrl && linkTarget(host.dataset.privacyUrl);
  return target ? element("a", { ...linkProperties(target), target: "_blank", rel: "noopener", textContent: t("privacy_link") }) : null;
}

// --- what is done seldom: a new conversation, the transcript, times, the end ---

export function buildMenu({ menu, menuButton, log }, t, { fresh, end, download, running }) {
  const item = (name, drawing, act) => element("button", { type: "button", className: "item", onclick: () => {
    state.close(true);
    act();
  } }, icon(ICONS[drawing]), element("span", { textContent: t(name) }));
  const times = item("menu_times", "clock", () => {
    const on = log.classList.toggle("times");
    times.lastChild.textContent = t(on ? "menu_hide_times" : "menu_times");
  });
  const needRun = [item("menu_download", "download", download), times, item("menu_end", "end", end)];
  menu.append(item("menu_new", "fresh", fresh), ...needRun);

  const state = {
    get isOpen() { return !menu.hidden; },
    close(focus = false) {
      menu.hidden = true;
      menuButton.ariaExpanded = "false";
      if (focus) menuButton.focus();
    },
  };
  menuButton.addEventListener("click", () => {
    if (state.isOpen) return state.close();
    for (const button of needRun) button.disabled = !running();
    menu.hidden = false;
    menuButton.ariaExpanded = "true";
    menu.firstElementChild.focus();
  });
  menu.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const items = [...menu.querySelectorAll("button:not(:disabled)")];
    items[(items.indexOf(event.target) + by + items.length) % items.length].focus();
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget) && event.relatedTarget !== menuButton) state.close();
  });
  document.addEventListener("pointerdown", (event) => {
    if (state.isOpen && !event.composedPath().some((node) => node === menu || node === menuButton)) state.close();
  });
  return state;
}

// --- where one writes: grows with the text, Enter sends, and the other side is told that somebody writes ---

const TYPING_EVERY = 4000;

export class Composer {
  #told = 0;

  constructor({ composer, field, send }, { send: say, typing }) {
    Object.assign(this, { field, button: send });
    composer.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = field.value;
      if (!text.trim()) return;
      this.set("");
      say(text);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      composer.requestSubmit();
    });
    field.addEventListener("input", () => {
      this.#fit();
      if (field.value && Date.now() - this.#told > TYPING_EVERY) {
        this.#told = Date.now();
        typing();
      }
    });
  }

  set(text) {
    this.field.value = text;
    this.#told = 0;
    this.#fit();
    if (text) this.field.focus();
  }

  #fit() {
    this.field.style.height = "";
    if (this.field.value) this.field.style.height = `${this.field.scrollHeight + 2}px`;
    this.button.disabled = !this.field.value.trim();
  }
}

// --- questions over the panel: a confirmation, the rating at the end. Each answers a promise; Escape answers null ---

export function confirmSheet(panel, t, what) {
  return sheet(panel, `${what}_question`, t, (answer) => [
    element("p", { textContent: t(`${what}_explained`) }),
    element("div", { className: "actions" },
      element("button", { type: "button", className: "primary", textContent: t(`${what}_confirm`), onclick: () => answer(true) }),
      element("button", { type: "button", className: "secondary", textContent: t("keep"), onclick: () => answer(null) })),
  ]);
}

// null: skipped; else { score, comment? }
export function ratingSheet(panel, t) {
  return sheet(panel, "csat_question", t, (answer) => {
    const send = element("button", { type: "submit", className: "primary", textContent: t("csat_send"), disabled: true });
    const comment = element("textarea", { rows: 2, maxLength: 1000, placeholder: t("csat_comment"), "aria-label": t("csat_comment") });
    const faces = [1, 2, 3, 4, 5].map((score) => element("label", { title: t(`csat_${score}`) },
      element("input", { type: "radio", name: "score", value: score, "aria-label": t(`csat_${score}`), onchange: () => { send.disabled = false; } }),
      icon(face(score))));
    return [element("form", { onsubmit: (event) => {
      event.preventDefault();
      const said = comment.value.trim();
      answer({ score: Number(new FormData(event.target).get("score")), ...(said ? { comment: said } : {}) });
    } }, element("div", { className: "faces", role: "radiogroup", "aria-label": t("csat_question") }, faces), comment,
    element("div", { className: "actions" }, send, element("button", { type: "button", className: "secondary", textContent: t("skip"), onclick: () => answer(null) })))];
  });
}

function sheet(panel, heading, t, content) {
  return new Promise((resolve) => {
    const cover = element("div", { className: "cover" });
    const answer = (value) => {
      cover.remove();
      panel.sheet = null;
      for (const part of others) part.inert = false;
      resolve(value);
    };
    const others = [...panel.node.children];
    for (const part of others) part.inert = true;
    const title = element("h2", { id: "sheet-title", tabIndex: -1, textContent: t(heading) });
    cover.append(element("div", { className: "sheet", role: "dialog", "aria-modal": "true", "aria-labelledby": "sheet-title" }, title, content(answer)));
    panel.sheet = { dismiss: () => answer(null) };
    panel.node.append(cover);
    title.focus();
  });
}
