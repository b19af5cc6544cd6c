// Cards and sources as DOM. Text only ever goes in as text: nothing a shop or customer wrote is read as HTML.

export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export function cardElement(card) {
  const data = card.data ?? {};
  const build = { product: productCard, confirmation: confirmationCard, order: orderCard }[card.kind] ?? plainCard;
  return build(card, data);
}

export function sourcesElement(sources) {
  const items = sources.map((source) => element("li", { value: source.number },
    safeLink(source.url, source.title || source.id), source.quote ? element("div", {}, element("q", { textContent: source.quote })) : null));
  return element("details", { className: "sources" }, element("summary", { textContent: `Sources (${sources.length})` }), element("ol", {}, ...items));
}

function productCard(card, data) {
  const image = data.image_url ?? data.image;
  return element("article", { className: "card" },
    image && isWebAddress(image) ? element("img", { src: image, alt: "", loading: "lazy" }) : null,
    element("div", { className: "inside" },
      element("h2", {}, safeLink(data.url, card.title)),
      data.price ? element("div", { className: "price" }, money(data.price, data.currency),
        data.compare_at_price ? element("s", { textContent: money(data.compare_at_price, data.currency) }) : null) : null,
      line(optionsText(data.options)), line(data.stock_text ?? stockText(data))));
}

function confirmationCard(card, data) {
  const rows = (data.changes ?? []).map((change) => row(change.label,
    change.before ? element("span", { className: "before", textContent: change.before }) : null,
    change.before && change.after ? " → " : "", change.after));
  const moved = (data.money ?? []).map((m) => row(m.direction === "refund" ? "Refund" : "To pay",
    `${money(m.amount, m.currency)} · ${m.method_label ?? m.method_id ?? ""}`, m.timing ? ` (${m.timing})` : ""));
  return wide(card, "confirmation", [...rows, ...moved], data);
}

function orderCard(card, data) {
  const goods = (data.lines ?? []).map((item) => row(`${item.quantity ?? 1} ×`,
    [item.title, optionsText(item.options)].filter(Boolean).join(", "), item.unit_price ? ` · ${money(item.unit_price, data.currency)}` : ""));
  const facts = [["Status", data.status], ["Total", data.total && money(data.total, data.currency)], ["Placed", day(data.placed_at)]]
    .filter(([, value]) => value).map(([label, value]) => row(label, String(value).replaceAll("_", " ")));
  const parcels = (data.fulfillments ?? []).map((f) => row("Parcel", [f.carrier, f.tracking_number, f.status, f.eta && `due ${f.eta}`]
    .filter(Boolean).join(", ").replaceAll("_", " ")));
  return wide(card, "order", [...facts, ...goods, ...parcels], {});
}

function plainCard(card, data) {
  const rows = Object.entries(data).filter(([key]) => !["rows", "columns", "changes", "money"].includes(key))
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
    element("h2", { textContent: card.title }), rows.length ? element("table", {}, element("tbody", {}, ...rows)) : null, line(data.note)));
}

function row(label, ...value) {
  return element("tr", {}, element("th", { textContent: label, scope: "row" }), element("td", {}, ...value));
}

function line(text) { return text ? element("p", { textContent: text }) : null; }
function shown(value) { return value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value); }
function optionsText(options) { return options ? Object.entries(options).map(([k, v]) => `${k}: ${v}`).join(", ") : ""; }
function day(at) { return at ? String(at).slice(0, 10) : ""; }

function stockText(data) {
  if (data.available === false || data.stock === 0) return "out of stock";
  return data.available || data.stock > 0 ? "in stock" : "";
}

function money(amount, currency) {
  const number = Number(amount);
  if (amount === null || amount === undefined || Number.isNaN(number)) return shown(amount);
  try { return new Intl.NumberFormat(undefined, { style: "currency", currency: currency || "USD" }).format(number); }
  catch { return `${amount} ${currency ?? ""}`; }
}

function isWebAddress(url) { return /^(https?:\/\/|\/(?!\/))/.test(String(url)); }
function safeLink(url, text) {
  return url && isWebAddress(url) ? element("a", { href: url, textContent: text, target: "_blank", rel: "noopener noreferrer" }) : text;
}
