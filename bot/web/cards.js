// Cards and sources as DOM. Text only ever goes in as text: nothing a shop or customer wrote is read as HTML.

export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export function cardElement(card, number = 0) {
  const data = card.data ?? {};
  const build = { product: productCard, confirmation: confirmationCard, order: orderCard }[card.kind] ?? plainCard;
  return build(card, data, number);
}

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

export function sourcesElement(sources) {
  const items = sources.map((source) => element("li", { value: source.number },
    safeLink(source.url, source.title || source.id), source.quote ? element("div", {}, element("q", { textContent: source.quote })) : null));
  return element("details", { className: "sources" }, element("summary", { textContent: `Sources (${sources.length})` }), element("ol", {}, ...items));
}

function productCard(card, data, number) {
  return element("article", { className: "card" },
    isWebAddress(data.image) ? picture(data.image) : null,
    element("div", { className: "inside" },
      element("h2", {}, number ? `${number}. ` : "", safeLink(data.url, card.title)),
      data.price ? element("div", { className: "price", textContent: data.price }) : null,
      line(data.brand), line(optionsText(data.options)), line(stockText(data))));
}

// one block per operation: what changes, before → after, and the money
function confirmationCard(card, data) {
  const operations = data.operations ?? [];
  const rows = operations.flatMap((operation) => [
    heading([operation.kind.replaceAll("_", " "), operation.order_number && `order ${operation.order_number}`].filter(Boolean).join(", ")),
    ...(operation.changes ?? []).map((change) => row(change.label,
      change.before ? element("span", { className: change.after ? "before" : "", textContent: words(change.before) }) : null,
      change.before && change.after ? " → " : "", words(change.after))),
    ...(operation.money ?? []).map((m) => row(m.direction === "refund" ? "You get back" : "You pay",
      [m.amount, m.method].filter(Boolean).join(" · "), m.timing ? ` (${m.timing})` : "")),
  ]);
  return wide({ title: "" }, "confirmation", rows, { note: data.totals });
}

function heading(text) {
  return element("tr", {}, element("th", { colSpan: 2, className: "operation", textContent: text }));
}

function orderCard(card, data) {
  const goods = (data.lines ?? []).map((item) => row(`${item.quantity ?? 1} ×`,
    [item.title, optionsText(item.options)].filter(Boolean).join(", "), item.price ? ` · ${item.price}${item.quantity > 1 ? " each" : ""}` : ""));
  const parcel = [data.carrier, data.tracking, data.eta && `due ${data.eta}`].filter(Boolean).join(", ");
  const facts = (pairs) => pairs.filter(([, value]) => value).map(([label, value]) => row(label, value));
  const rows = [...facts([["Status", words(data.status)], ["Parcel", parcel]]), ...goods,
    ...facts([["Total", data.total], ["To", data.address], ["Placed", data.placed]])];
  return wide({ title: `Order ${card.title}` }, "order", rows, {});
}

function plainCard(card, data) {
  const rows = Object.entries(data).filter(([key]) => !["rows", "columns"].includes(key) && value !== "" && value !== null)
    .map(([key, value]) => row(key.replaceAll("_", " "), shown(value)));
  return wide(card, card.kind, [...tableRows(data), ...rows], {});
}

function tableRows(data) {
  if (!Array.isArray(data.rows)) return [];
  const head = Array.isArray(data.columns) ? [element("tr", {}, ...data.columns.map((c) => element("th", { textContent: shown(c) })))] : [];
  const cells = (r) => (Array.isArray(r) ? r : Object.values(r)).map((c) => element("td", { textContent: shown(c) }));
  return [...head, ...data.rows.map((r) => element("tr", {}, ...cells(r)))];
}

function wide(card, kind, rows, data) {
  return element("article", { className: `card wide ${kind}` }, element("div", { className: "inside" },
    card.title ? element("h2", { textContent: card.title }) : null, rows.length ? element("table", {}, element("tbody", {}, ...rows)) : null, line(data.note)));
}

function row(label, ...value) {
  return element("tr", {}, element("th", { textContent: label, scope: "row" }), element("td", {}, ...value));
}

function line(text) { return text ? element("p", { textContent: text }) : null; }
function shown(value) { return value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value); }
// a state's name ("return_requested") in words; whatever else stands as it is
function words(value) { return /^[a-z_]+$/.test(value ?? "") ? value.replaceAll("_", " ") : value; }
function optionsText(options) { return options ? Object.entries(options).map(([k, v]) => `${k}: ${v}`).join(", ") : ""; }
function stockText(data) { return data.in_stock === undefined ? "" : data.in_stock ? "in stock" : "out of stock"; }

// a shop's own paths mean nothing here: this page is not its storefront
function isWebAddress(url) { return /^https?:\/\//.test(String(url)); }

function picture(source) {
  const image = element("img", { src: source, alt: "", loading: "lazy" });
  image.addEventListener("error", () => image.remove());
  return image;
}

function safeLink(url, text) {
  return url && isWebAddress(url) ? element("a", { href: url, textContent: text, target: "_blank", rel: "noopener noreferrer" }) : text;
}
