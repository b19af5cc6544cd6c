// Cards as elements, drawn from their data. What they mean is the server's business; labels come from the texts.
import { element, icon } from "./dom.js";
import { ICONS, linkProperties, linkTarget, pictureAddress } from "./parts.js";

const TRACK = ["pending", "processed", "shipped", "delivered"];

// A message's text tells its cards too, for channels that show none; here what a card shows is not said twice.
// The text before the cards, the text after them, and whether the cards stand for a numbered list.
export function textAround(text, cards) {
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
export function cardElements(cards, numbered, choice, { t, host }) {
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
    element("p", { className: "kicker", textContent: t("please_check") }),
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
    Array.isArray(columns) ? element("thead", {}, element("tr", {}, columns.map((name) => element("th", { scope: "col", textContent: shown(name) })))) : null,
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
