// The list of messages: order, days, what may still be pressed, the reply being written, and where one is in it.
import { element } from "./dom.js";
import { markButtons, markState, messageElement } from "./message.js";

const NEAR = 80;                         // so close to the end, a reader wants to see what comes

export class Log {
  #rows = [];                            // { item, node } in order
  #loading = false;

  constructor(panel, acts, look) {
    Object.assign(this, { panel, acts, look });
    panel.scroll.addEventListener("scroll", () => { if (this.#atEnd()) panel.newest.hidden = true; }, { passive: true });
    panel.newest.addEventListener("click", () => {
      panel.scroll.focus();
      this.toEnd();
    });
    // pictures and the keyboard change the height
    const observer = new ResizeObserver(() => { if (this.#stuck) this.toEnd(); });
    observer.observe(panel.log);
    observer.observe(panel.scroll);
    panel.scroll.addEventListener("scroll", () => { this.#stuck = this.#atEnd(); }, { passive: true });
  }

  #stuck = true;

  get items() { return this.#rows.map((row) => row.item).filter((item) => item.from !== "notice"); }

  // while history comes in, a screen reader is told nothing and nothing moves
  loading(on) {
    this.#loading = on;
    this.panel.log.setAttribute("aria-busy", String(on));
    if (!on) {
      this.#refresh();
      this.toEnd();
    }
  }

  // A new item, or one that has changed: its state, or its place among the others.
  put(item) {
    let row = this.#rows.find((known) => known.item === item);
    const node = row?.node ?? messageElement(item, this.acts, this.look);
    if (row && item.seq && !row.seq) this.#rows.splice(this.#rows.indexOf(row), 1);
    if (!row || (item.seq && !row.seq)) {
      row = { item, node, seq: item.seq };
      this.#place(row);
    }
    markState(node, item, this.acts, this.look.t);
    if (!this.#loading) this.#refresh();
    return node;
  }

  notice(text, seq) {
    const node = element("div", { className: "notice", textContent: text });
    this.#place({ item: { from: "notice", seq, order: 0 }, node, seq });
    this.#follow(node, false);
  }

  remove(item) {
    const at = this.#rows.findIndex((row) => row.item === item);
    if (at >= 0) this.#rows.splice(at, 1)[0].node.remove();
    this.#refresh();
  }

  clear() {
    this.#rows = [];
    this.panel.log.replaceChildren();
    this.write(null);
    this.#refresh();
  }

  // --- the reply being written: outside the live region, so that it is read out once, when it is whole ---

  write(piece) {
    const { draft } = this.panel;
    if (piece === null) {
      draft.hidden = true;
      draft.textContent = "";
      return;
    }
    const near = this.#atEnd();
    if (draft.classList.contains("dots")) draft.textContent = "";
    draft.classList.remove("dots");
    draft.textContent += piece;
    draft.hidden = false;
    if (near) this.toEnd();
  }

  dots(on) {
    const { draft } = this.panel;
    if (!draft.hidden && !draft.classList.contains("dots")) return;       // words are coming already
    const near = this.#atEnd();
    draft.hidden = !on;
    draft.classList.toggle("dots", on);
    draft.replaceChildren(...(on ? [element("i"), element("i"), element("i")] : []));
    if (on && near) this.toEnd();
  }

  // --- places ---

  #place(row) {
    const rank = ({ item }) => item.seq ?? 1e12 + item.order;
    const at = this.#rows.findIndex((other) => rank(other) > rank(row));
    const near = this.#atEnd();
    if (at < 0) {
      this.#rows.push(row);
      this.panel.log.append(row.node);
    } else {
      this.panel.log.insertBefore(row.node, this.#rows[at].node);
      this.#rows.splice(at, 0, row);
    }
    if (!this.#loading) this.#follow(row.node, near || row.item.from === "customer");
  }

  #follow(node, near) {
    if (!near) {
      this.panel.newest.hidden = this.#atEnd();
      return;
    }
    const { scroll } = this.panel;
    if (node.offsetHeight > scroll.clientHeight - 60) scroll.scrollTop = node.offsetTop - 12;     // begin at its beginning
    else this.toEnd();
  }

  #atEnd() {
    const { scroll } = this.panel;
    return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
  }

  toEnd() {
    const { scroll, newest } = this.panel;
    scroll.scrollTop = scroll.scrollHeight;
    this.#stuck = true;
    newest.hidden = true;
  }

  // --- what depends on the neighbours ---

  #refresh() {
    let answer;                          // what the customer said next, seen from the end
    let lastOwn = true;
    let follower = "";
    for (const { item, node } of [...this.#rows].reverse()) {
      if (item.buttons?.length) markButtons(node, item.buttons, answer, this.look.t);
      node.classList.toggle("stale", answer !== undefined);
      node.classList.toggle("latest", item.from === "customer" && lastOwn);
      node.classList.toggle("last", !follower);
      if (item.from === "customer") [answer, lastOwn] = [item.text, false];
      if (item.from !== "notice") follower = item.from;
    }
    this.#days();
    this.panel.intro.classList.toggle("begun", this.#rows.length > 0);
  }

  #days() {
    let before = "";
    for (const { item, node } of this.#rows) {
      if (!item.at) continue;
      const day = new Date(item.at * 1000).toDateString();
      const shown = node.previousElementSibling?.classList.contains("day") ? node.previousElementSibling : null;
      if (day === before) shown?.remove();
      else if (shown?.dataset.day !== day) {
        shown?.remove();
        node.before(element("div", { className: "day", role: "separator" }, element("span", { textContent: this.#dayName(item.at * 1000) })));
        node.previousElementSibling.dataset.day = day;
      }
      before = day;
    }
  }

  #dayName(time) {
    const { t } = this.look;
    const day = new Date(time).toDateString();
    if (day === new Date().toDateString()) return t("today");
    if (day === new Date(Date.now() - 864e5).toDateString()) return t("yesterday");
    return new Intl.DateTimeFormat(t.language, { dateStyle: "full" }).format(time);
  }
}

// What was said, as a text file.
export function transcriptText(items, { t, shopName }) {
  const time = new Intl.DateTimeFormat(t.language, { dateStyle: "medium", timeStyle: "short" });
  const said = items.map((item) => {
    const who = t(`from_${item.from}`, { name: item.agent || t("our_team") });
    const cards = (item.cards ?? []).filter((card) => !(item.text ?? "").includes(card.title)).map((card) => `[${card.title}]`);
    const sources = (item.sources ?? []).map((source) => `  [${source.number}] ${source.title}${source.url ? ` <${source.url}>` : ""}`);
    return [`${time.format((item.at ?? 0) * 1000)}  ${who}:`, item.text, ...cards, ...sources].filter(Boolean).join("\n");
  });
  return `${t("transcript_title", { shop: shopName })}\n\n${said.join("\n\n")}\n`;
}

export function download(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
