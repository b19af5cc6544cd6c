// Shows /openapi.json for people: one fold per operation, grouped by tag.
import { element } from "/web/widget/dom.js";

const description = await (await fetch("/openapi.json")).json();
const groups = new Map();
for (const [path, operations] of Object.entries(description.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const tag = operation.tags[0];
    groups.set(tag, [...(groups.get(tag) ?? []), fold(path, method, operation)]);
  }
}
for (const [tag, folds] of groups) document.getElementById("paths").append(element("h2", { textContent: tag }), ...folds);

function fold(path, method, operation) {
  const body = operation.requestBody?.content["application/json"].schema;
  const answers = Object.entries(operation.responses).map(([status, answer]) => element("li", {}, `${status} ${answer.description}`));
  return element("details", {},
    element("summary", {}, element("span", { className: "method", textContent: method }), element("code", { textContent: path }), ` ${operation.summary}`),
    operation.description ? element("p", { textContent: operation.description }) : null,
    ...(operation.parameters ?? []).map((p) => element("p", {}, element("code", { textContent: p.name }), ` (${p.in}) ${p.description ?? ""}`)),
    body ? element("pre", { textContent: JSON.stringify(body, null, 1) }) : null,
    element("ul", {}, ...answers));
}
