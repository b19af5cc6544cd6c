// One message as elements: words, cards, sources, buttons, state, thumbs. It keeps nothing; the log places it.
import { cardElements, textAround } from "./cards.js";
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
