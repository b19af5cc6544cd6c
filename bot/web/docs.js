// The page of the interface: contents, search, and one card per operation of /openapi.json.
import { element } from "/web/widget/dom.js";
import { operationCard } from "/web/docs-operation.js";

const description = await (await fetch("/openapi.json")).json();
const key = document.getElementById("key");
key.form.addEventListener("submit", (event) => event.preventDefault());
const main = document.getElementById("operations");
const contents = document.getElementById("contents");
document.getElementById("about").textContent = `${description.info.description} Version ${description.info.version}.`;

const groups = new Map();
for (const [path, operations] of Object.entries(description.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const tag = operation.tags[0];
    groups.set(tag, [...(groups.get(tag) ?? []), { path, method, operation }]);
  }
}

const entries = [];                 // one per operation: its card, its link, what it can be found by
for (const [tag, operations] of groups) {
  const links = element("ul");
  const section = element("section", {}, element("h2", { textContent: tag }));
  for (const one of operations) {
    const card = operationCard(one, description, () => key.value.trim());
    const link = element("li", {}, element("a", { href: `#${one.operation.operationId}` },
      element("span", { className: `method ${one.method}`, textContent: one.method }), one.operation.summary));
    entries.push({ card, link, text: `${tag} ${one.method} ${one.path} ${JSON.stringify(one.operation)}`.toLowerCase() });
    section.append(card);
    links.append(link);
  }
  contents.append(element("section", {}, element("h3", { textContent: tag }), links));
  main.append(section);
}

document.getElementById("find").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const { card, link, text } of entries) card.hidden = link.hidden = !words.every((word) => text.includes(word));
  for (const section of document.querySelectorAll("section")) section.hidden = !section.querySelector("li:not([hidden]), details.operation:not([hidden])");
});

function openNamed() {
  const card = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (card?.matches("details")) { card.open = true; card.scrollIntoView(); }
}
addEventListener("hashchange", openNamed);
openNamed();
