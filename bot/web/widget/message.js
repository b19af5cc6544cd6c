// One message as elements: words, cards drawn from their data, sources, buttons, state, thumbs. The log places it.
import { element, icon } from "./dom.js";
import { ICONS, linkProperties, linkTarget, pictureAddress, richText } from "./parts.js";

// `acts`: press(button), retry(item), edit(item), rate(item, rating, comment); `look`: { t, host }
export function messageElement(item, acts, look) {
  const { t, host } = look;
  const cards = item.cards ?? [];
  const { before, after, numbered } = textAround(item.text ?? "", cards);
  const sources = sourcesElement(item.sources ?? [], t);
  const cite = (number) => citation(number, sources, t);
  const say = (text) => (item.from === "customer" ? element("p", { textContent: text }) : richText(text, cite));
  const binding = cards.some((card) => card.kind === "confirmation");
  const buttons = buttonsElement(item.buttons ?? [], acts, binding);
  const choice = binding ? element("footer", {}, after ? say(after) : null, buttons) : null;
  const image = pictureAddress(item.image, host);
  return element("div", { className: `row ${item.from}` },
    author(item, t),
    before ? element("div", { className: "bubble" }, say(before)) : null,
    image ? element("img", { className: "shared", src: image, alt: "", loading: "lazy" }) : null,
    cardElements(cards, numbered, choice, look),
    after && !binding ? element("div", { className: "bubble" }, say(after)) : null,
    sources?.node,
    binding ? null : buttons,
    footer(item, acts, t));
}

function author(item, t) {
  if (item.from !== "agent") return element("span", { className: "hidden", textContent: `${t(`from_${item.from}`)}: ` });
  const name = item.agent || t("our_team");
  return element("span", { className: "who" }, element("span", { className: "initial", "aria-hidden": "true", textContent: name[0].toUpperCase() }),
    name, element("span", { className: "tag", textContent: t("team_member") }));
}

// --- buttons: which are still to be pressed, and which was, the log tells by `mark` ---

function buttonsElement(buttons, acts, binding) {
  if (!buttons.length) return null;
  return element("div", { className: binding ? "choice" : "replies", role: "group" }, buttons.map((button, i) => element("button", {
    type: "button", className: binding ? (i ? "secondary" : "primary") : "reply", onclick: () => acts.press(button) },
  element("span", { textContent: button.title }))));
}

export function markButtons(row, buttons, answer, t) {
  const nodes = row.querySelectorAll(".choice > button, .replies > button");
  nodes.forEach((node, i) => {
    const chosen = answer !== undefined && buttons[i].title === answer;
    node.disabled = answer !== undefined;
    if (chosen === node.classList.contains("chosen")) return;
    node.classList.toggle("chosen", chosen);
    node.querySelector("svg")?.remove();
    node.removeAttribute("aria-label");
    if (!chosen) return;
    node.prepend(icon(ICONS.check));
    node.setAttribute("aria-label", t("chosen", { title: buttons[i].title }));
  });
}

// --- sources ---

function sourcesElement(sources, t) {
  if (!sources.length) return null;
  const items = new Map(sources.map((source) => {
    const target = source.url && linkTarget(source.url);
    const title = source.title || source.id;
    return [source.number, element("li", { tabIndex: -1 }, element("span", { className: "number", textContent: source.number }),
      element("div", {}, target ? element("a", { ...linkProperties(target), textContent: title }) : element("strong", { textContent: title }),
        source.quote ? element("q", { textContent: source.quote }) : null))];
  }));
  const node = element("details", { className: "sources" },
    element("summary", { textContent: t("sources", { count: sources.length }) }), element("ol", {}, [...items.values()]));
  return { node, items };
}

function citation(number, sources, t) {
  const item = sources?.items.get(number);
  if (!item) return null;
  return element("button", { type: "button", className: "mark", "aria-label": t("source", { count: number }), textContent: number,
    onclick: () => {
      sources.node.open = true;
      item.focus();
    } });
}

// --- below the message: time, state, thumbs ---

function footer(item, acts, t) {
  const time = item.at ? element("time", { dateTime: new Date(item.at * 1000).toISOString(),
    textContent: new Intl.DateTimeFormat(t.language, { timeStyle: "short" }).format(item.at * 1000) }) : null;
  const state = item.from === "customer" ? element("span", { className: "state" }) : null;
  const thumbs = item.from === "assistant" && item.seq ? thumbsElement(item, acts, t) : null;
  return element("div", { className: "under" }, thumbs, time, state);
}

export function markState(row, item, acts, t) {
  const node = row.querySelector(".state");
  if (!node) return;
  const { state = "sent", reason } = item;
  row.dataset.state = state;
  const drawing = { waiting: ICONS.clock, sending: ICONS.clock, sent: ICONS.check, failed: ICONS.alert }[state];
  const tooLong = reason === "too_long";
  const again = state !== "failed" ? null : element("button", { type: "button", className: "again", textContent: t(tooLong ? "edit" : "retry"),
    onclick: () => (tooLong ? acts.edit(item) : acts.retry(item)) });
  node.replaceChildren(...[icon(drawing), element("span", { textContent: t(tooLong ? "state_too_long" : `state_${state}`) }), again].filter(Boolean));
}

function thumbsElement(item, acts, t) {
  const group = element("span", { className: "thumbs", role: "group" });
  const show = (rating, comment = false) => {
    const thumb = (name, label) => element("button", { type: "button", className: "thumb", title: t(label), "aria-label": t(label),
      "aria-pressed": String(rating === name), onclick: () => rate(name) }, icon(ICONS[name]));
    group.replaceChildren(thumb("up", "helpful"), thumb("down", "not_helpful"));
    group.dataset.rating = rating ?? "";
    group.parentNode?.querySelector(".comment")?.remove();
    if (comment) group.after(commentForm(rating));
  };
  const rate = async (rating) => {
    if (await acts.rate(item, rating)) {
      show(rating, true);
      group.querySelector('[aria-pressed="true"]').focus();
    }
  };
  const commentForm = (rating) => {
    const field = element("input", { type: "text", maxLength: 1000, placeholder: t("feedback_comment"), "aria-label": t("feedback_comment") });
    return element("form", { className: "comment", onsubmit: async (event) => {
      event.preventDefault();
      const said = field.value.trim();
      if (!said || await acts.rate(item, rating, said)) show(rating);
      group.querySelector('[aria-pressed="true"]').focus();
    } }, field, element("button", { type: "submit", textContent: t("send_feedback") }));
  };
  show(acts.rated(item));
  return group;
}

// --- cards: what they mean is the server's business, labels come from the texts ---

const TRACK = ["pending", "processed", "shipped", "delivered"];

// A message's text tells its cards too, for channels that show none; here what a card shows is not said twice.
// The text before the cards, the text after them, and whether the cards stand for a numbered list.
function textAround(text, cards) {
  const confirmation = cards.find((card) => card.kind === "confirmation");
  const paragraphs = text.split("\n\n");
  const itemised = paragraphs.map((paragraph) => /^• /m.test(paragraph));
  if (confirmation && itemised.includes(true)) {
    const after = paragraphs.slice(itemised.lastIndexOf(true) + 1).join("\n\n");
    return { before: paragraphs.slice(0, itemised.indexOf(true)).join("\n\n"),
      after: after.replace(confirmation.data?.totals || "\n\n", "").trim(), numbered: false };
  }
  const lines = text.split("\n");
  const rest = lines.filter((said) => !cards.some((card, i) => card.kind === "product" && said.startsWith(`${i + 1}. ${card.title}`)));
  const numbered = cards.length > 1 && lines.length - rest.length === cards.length;
  return { before: numbered ? rest.join("\n").trim() : text, after: "", numbered };
}

// `choice`: what stands below a confirmation, its question and its buttons
function cardElements(cards, numbered, choice, { t, host }) {
  const make = (card, i) => {
    const build = { product: productCard, confirmation: confirmationCard, order: orderCard }[card.kind] ?? plainCard;
    return build({ ...card, title: card.title ?? "", data: card.data ?? {} }, { t, host, number: numbered ? i + 1 : 0, choice });
  };
  const products = cards.filter((card) => card.kind === "product");
  const others = cards.filter((card) => card.kind !== "product").map(make);
  const shown = products.map(make);
  return [...(shown.length > 1 ? [carousel(shown, t)] : shown), ...others];
}

function productCard({ title, data }, { t, host, number }) {
  const source = pictureAddress(data.image, host);
  const target = data.url && linkTarget(data.url);
  const options = Object.values(data.options ?? {}).join(", ");
  return element("article", { className: "card product" },
    element("div", { className: "picture" }, source ? picture(source) : icon(ICONS.bag),
      number ? element("span", { className: "nth", textContent: number }) : null),
    element("div", { className: "inside" },
      line("brand", data.brand),
      element("h3", {}, target ? element("a", { ...linkProperties(target), textContent: title }) : title),
      line("options", options),
      element("p", { className: "foot" }, element("strong", { textContent: data.price ?? "" }),
        data.in_stock === undefined ? null : element("span", { className: data.in_stock ? "stock" : "stock none",
          textContent: t(data.in_stock ? "in_stock" : "out_of_stock") }))));
}

function orderCard({ title, data }, { t }) {
  const step = TRACK.indexOf(data.status);
  const parcel = [data.carrier, data.tracking, data.eta && t("due", { date: data.eta })].filter(Boolean).join(" · ");
  return element("article", { className: "card order" },
    element("header", {}, element("h3", { textContent: t("order", { number: title }) }),
      data.placed ? element("span", { textContent: t("placed", { date: data.placed }) }) : null),
    step < 0 ? element("p", { className: "state-now", textContent: t("status") + ": " + stateName(data.status, t) }) : track(step, t),
    element("ul", { className: "lines" }, (data.lines ?? []).map((item) => element("li", {},
      element("span", {}, item.quantity > 1 ? `${item.quantity} × ` : "", item.title,
        element("small", { textContent: Object.values(item.options ?? {}).join(", ") })),
      element("span", { textContent: [item.price, item.quantity > 1 && t("each")].filter(Boolean).join(" ") })))),
    facts([["parcel", parcel], ["address", data.address], ["total", data.total]], t));
}

function track(step, t) {
  return element("ol", { className: "track", "aria-label": t("status") }, TRACK.map((name, i) => {
    const item = element("li", { className: i <= step ? "done" : "" }, element("span", { textContent: stateName(name, t) }));
    if (i === step) item.setAttribute("aria-current", "step");
    return item;
  }));
}

// one block per operation: what changes, before → after, and the money
function confirmationCard({ data }, { t, choice }) {
  const operations = data.operations ?? [];
  return element("article", { className: "card confirmation" },
    operations.map((operation) => element("section", {},
      element("h3", {}, t.has(`operation_${operation.kind}`) ? t(`operation_${operation.kind}`) : words(operation.kind),
        operation.order_number ? element("span", { textContent: t("order", { number: operation.order_number }) }) : null),
      element("dl", {}, (operation.changes ?? []).map((change) => [element("dt", { textContent: change.label }), changed(change, t)]),
        (operation.money ?? []).map((money) => [
          element("dt", { textContent: t(money.direction === "refund" ? "you_get_back" : "you_pay") }),
          element("dd", {}, element("strong", { textContent: money.amount }),
            element("small", { textContent: [money.method, money.timing].filter(Boolean).join(" · ") }))])))),
    line("totals", data.totals), choice);
}

function changed({ before, after }, t) {
  if (!before || !after) return element("dd", { textContent: words(after || before) });
  return element("dd", {}, element("span", { className: "hidden", textContent: `${t("before")}: ` }), element("s", { textContent: words(before) }),
    element("span", { className: "arrow", "aria-hidden": "true", textContent: "→" }),
    element("span", { className: "hidden", textContent: ` ${t("after")}: ` }), element("b", { textContent: words(after) }));
}

function plainCard({ kind, title, data }, { t }) {
  const rest = Object.entries(data).filter(([key, value]) => !["rows", "columns", "note"].includes(key) && value !== "" && value !== null);
  return element("article", { className: `card plain ${/^[a-z]+$/.test(kind) ? kind : ""}` },
    element("h3", { textContent: kind === "case" ? t("case", { number: title }) : title }), table(data),
    rest.length ? element("dl", {}, rest.map(([key, value]) => [element("dt", { textContent: words(key) }), element("dd", { textContent: shown(value) })])) : null,
    line("note", data.note));
}

function table({ columns, rows }) {
  if (!Array.isArray(rows)) return null;
  const cells = (row) => (Array.isArray(row) ? row : Object.values(row));
  return element("div", { className: "wide", tabIndex: 0, role: "group" }, element("table", {},
    Array.isArray(columns) ? element("thead", {}, element("tr", {}, columns.map((name) => element(name ? "th" : "td", { textContent: shown(name) })))) : null,
    element("tbody", {}, rows.map((row) => element("tr", {}, cells(row).map((value, i) => (i
      ? element("td", { textContent: shown(value) }) : element("th", { scope: "row", textContent: shown(value) }))))))));
}

function facts(pairs, t) {
  return element("dl", {}, pairs.filter(([, value]) => value)
    .map(([name, value]) => [element("dt", { textContent: t(name) }), element("dd", { textContent: value })]));
}

// --- several products: swipe, arrow keys, or the two buttons ---

function carousel(cards, t) {
  const row = element("ul", { className: "cards", tabIndex: 0, "aria-label": t("products") }, cards.map((card) => element("li", {}, card)));
  const backwards = () => getComputedStyle(row).direction === "rtl";
  const move = (by) => row.scrollBy({ left: by * (backwards() ? -1 : 1) * (row.firstElementChild.offsetWidth + 10), behavior: "smooth" });
  const previous = element("button", { type: "button", className: "round", "aria-label": t("previous"), onclick: () => move(-1) }, icon(ICONS.left));
  const next = element("button", { type: "button", className: "round", "aria-label": t("next"), onclick: () => move(1) }, icon(ICONS.right));
  const steps = element("div", { className: "steps" }, previous, next);

  const update = () => {
    const at = Math.abs(row.scrollLeft);
    const room = row.scrollWidth - row.clientWidth;
    steps.hidden = room < 4;
    previous.disabled = at < 4;
    next.disabled = at > room - 4;
  };
  row.addEventListener("scroll", update, { passive: true });
  row.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    move(backwards() ? -by : by);
  });
  new ResizeObserver(update).observe(row);
  return element("section", { className: "carousel", role: "group", "aria-roledescription": t("carousel"), "aria-label": t("products") }, row, steps);
}

function picture(source) {
  const image = element("img", { src: source, alt: "", loading: "lazy", decoding: "async", referrerPolicy: "no-referrer" });
  image.addEventListener("error", () => image.replaceWith(icon(ICONS.bag)));
  return image;
}

function line(name, text) { return text ? element("p", { className: name, textContent: text }) : null; }
function shown(value) { return value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value); }
function stateName(status, t) { return t.has(`order_${status}`) ? t(`order_${status}`) : words(status); }
// a state's name ("return_requested") in words; whatever else stands as it is
function words(value) { return /^[a-z_]+$/.test(value ?? "") ? value.replaceAll("_", " ") : value ?? ""; }
