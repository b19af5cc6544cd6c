// One operation of the interface as a card: who may call, what it takes and answers, a curl line, and a try for reading.
import { element } from "/web/widget/dom.js";
import { example, fields, resolve } from "/web/docs-schema.js";

export function operationCard({ path, method, operation }, description, key) {
  const parameters = operation.parameters ?? [];
  const body = operation.requestBody?.content["application/json"]?.schema;
  return element("details", { className: "operation", id: operation.operationId },
    element("summary", {},
      element("span", { className: `method ${method}`, textContent: method }),
      element("code", { textContent: path }),
      element("span", { className: "what", textContent: operation.summary }),
      element("span", { className: "who", textContent: caller(operation) })),
    operation.description ? element("p", {}, ...marked(operation.description)) : null,
    parameters.length ? [heading("Parameters"), parameterTable(parameters, description)] : null,
    body ? [heading("Body"), fields(body, description), code(JSON.stringify(example(body, description), null, 2))] : null,
    heading("Answers"), answers(operation, description),
    heading("As curl"), code(curl({ path, method, operation }, description)),
    method === "get" && !path.endsWith("/socket") ? tryOut(path, parameters, key) : null);
}

function caller(operation) {
  const open = !operation.security || operation.security.some((one) => !Object.keys(one).length);
  if (open) return operation.security ? "key where wanted" : "open";
  return operation.security.some((one) => "conversation" in one) ? "token" : "API key";
}

function parameterTable(parameters, description) {
  return element("table", {}, element("tbody", {}, ...parameters.map((one) => element("tr", {},
    element("th", { scope: "row" }, element("code", { textContent: one.name }), one.required ? element("b", { textContent: " required" }) : null),
    element("td", { textContent: `in ${one.in}` }),
    element("td", {}, resolve(one.schema, description).enum?.join(" | ") || resolve(one.schema, description).type || "",
      one.description ? element("div", { className: "note", textContent: one.description }) : null)))));
}

function answers(operation, description) {
  const problems = [], cards = [];
  for (const [status, answer] of Object.entries(operation.responses)) {
    const kinds = Object.entries(answer.content ?? {});
    if (Number(status) >= 400 && kinds.every(([kind]) => kind.includes("json"))) { problems.push([status, answer]); continue; }
    cards.push(element("details", { className: "answer" },
      element("summary", {}, element("b", { textContent: status }), ` ${answer.description} `, ...kinds.map(([kind]) => element("code", { textContent: kind }))),
      ...kinds.map(([kind, { schema }]) => kind === "application/json" ? fields(schema, description)
        : element("p", { className: "note", textContent: `${kind}: ${schema.description ?? "text"}` }))));
  }
  if (problems.length) {
    const schema = Object.values(problems[0][1].content ?? {})[0]?.schema;
    cards.push(element("details", { className: "answer" },
      element("summary", {}, ...problems.map(([status, answer]) => element("span", { className: "problem", title: answer.description, textContent: status })), " problems"),
      schema ? fields(schema, description) : null));
  }
  return element("div", {}, ...cards);
}

function curl({ path, method, operation }, description) {
  const lines = [`curl -X ${method.toUpperCase()} '${location.origin}${path}'`];
  if (operation.security?.length) lines.push(`-H 'Authorization: Bearer ${operation.security.some((one) => "conversation" in one) ? "TOKEN" : "KEY"}'`);
  const body = operation.requestBody?.content["application/json"]?.schema;
  if (body) lines.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(example(body, description)).replaceAll("'", "'\\''")}'`);
  return lines.join(" \\\n  ");
}

function tryOut(path, parameters, key) {
  const inputs = parameters.map((one) => element("input", { name: one.name, required: one.required, placeholder: one.name, "aria-label": one.name }));
  const output = element("div", { className: "output", "aria-live": "polite" });
  const form = element("form", { className: "try" }, ...inputs, element("button", { textContent: "Send" }));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(inputs.map((input) => [input.name, input.value]));
    let target = path.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(values[name]));
    const query = new URLSearchParams(parameters.filter((p) => p.in === "query" && values[p.name]).map((p) => [p.name, values[p.name]]));
    if (query.size) target += `?${query}`;
    output.replaceChildren("…");
    try {
      const answer = await fetch(target, { headers: key() ? { Authorization: `Bearer ${key()}` } : {} });
      output.replaceChildren(
        element("p", {}, element("b", { textContent: `${answer.status} ${answer.statusText}` }), ` ${answer.headers.get("Content-Type") ?? ""} `,
          element("span", { className: "note", textContent: `request ${answer.headers.get("X-Request-Id")}` })),
        code(pretty(await answer.text())));
    } catch (failure) {
      output.replaceChildren(element("p", { textContent: `no answer: ${failure.message}` }));
    }
  });
  return [heading("Try it"), form, output];
}

function pretty(text) {
  const most = 20000;
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* no JSON: as it came */ }
  return shown.length > most ? `${shown.slice(0, most)}\n… ${shown.length - most} characters more` : shown;
}

const heading = (text) => element("h4", { textContent: text });
const code = (text) => element("pre", { tabIndex: 0 }, element("code", { textContent: text }));
const marked = (text) => text.split("`").map((part, n) => n % 2 ? element("code", { textContent: part }) : part);
