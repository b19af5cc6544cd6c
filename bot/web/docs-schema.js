// JSON schemas for people: a table of fields, and an example made of them.
import { element } from "/web/widget/dom.js";

const DEEPEST = 4;

export function resolve(schema, description) {
  if (schema.$ref) return resolve(description.components.schemas[schema.$ref.split("/").at(-1)], description);
  const some = schema.anyOf?.filter((one) => one.type !== "null");
  return some ? { ...resolve(some[0], description), ...schema, anyOf: some, description: schema.description } : schema;
}

export function fields(schema, description, depth = 0) {
  const whole = resolve(schema, description);
  if (whole.type === "array") {
    return element("div", {}, element("p", { className: "note", textContent: `a list of ${typeName(whole.items ?? {}, description)}` }),
      depth < DEEPEST ? fields(whole.items ?? {}, description, depth + 1) : null);
  }
  const rows = Object.entries(whole.properties ?? {}).flatMap(([name, part]) => rowsOf(name, part, whole.required ?? [], description, depth));
  return rows.length ? element("table", {}, element("tbody", {}, ...rows))
    : element("p", { className: "note", textContent: whole.description ?? typeName(schema, description) });
}

// A field's row, and below it, indented, the fields inside it.
function rowsOf(name, part, required, description, depth) {
  const whole = resolve(part, description);
  const inner = whole.properties ? whole : whole.type === "array" ? resolve(whole.items ?? {}, description) : null;
  const inside = inner?.properties && depth < DEEPEST
    ? [element("tr", { className: "inside" }, element("td", { colSpan: 3 }, fields(inner, description, depth + 1)))] : [];
  return [element("tr", {},
    element("th", { scope: "row" }, element("code", { textContent: name }), required.includes(name) ? element("b", { textContent: " required" }) : null),
    element("td", { textContent: typeName(part, description) }),
    element("td", {}, limits(whole), part.description ? element("div", { className: "note", textContent: part.description }) : null)),
  ...inside];
}

function typeName(part, description) {
  if (part.anyOf) return [...new Set(part.anyOf.map((one) => typeName(one, description)))].join(" | ");
  const whole = resolve(part, description);
  if (whole.const !== undefined) return JSON.stringify(whole.const);
  if (whole.enum) return whole.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (whole.type === "array") return `[${typeName(whole.items ?? {}, description)}]`;
  return whole.type ?? "anything";
}

function limits(whole) {
  const told = [];
  if (whole.maxLength) told.push(`at most ${whole.maxLength} characters`);
  if (whole.maxItems) told.push(`at most ${whole.maxItems}`);
  if (whole.minimum !== undefined && whole.maximum !== undefined) told.push(`${whole.minimum} to ${whole.maximum}`);
  if (whole.default !== undefined && whole.default !== null && whole.default !== "") told.push(`default ${JSON.stringify(whole.default)}`);
  return told.join(", ");
}

// Only what must be there, and what is worth seeing: an example is to be read, not to be complete.
export function example(schema, description, name = "", depth = 0) {
  const whole = resolve(schema, description);
  if (whole.const !== undefined) return whole.const;
  if (whole.enum) return whole.enum[0];
  if (whole.type === "array") return depth < DEEPEST ? [example(whole.items ?? {}, description, name, depth + 1)] : [];
  if (whole.properties && depth < DEEPEST) {
    const required = Object.keys(whole.properties).filter((one) => whole.required?.includes(one));
    const shown = required.length ? required : Object.keys(whole.properties).slice(0, 3);
    return Object.fromEntries(shown.map((one) => [one, example(whole.properties[one], description, one, depth + 1)]));
  }
  const sample = { message: "where is my order?", text: "hello", content: "where is my order?", role: "user", sender: "u1", model: "shopclerk" };
  return sample[name] ?? { string: name || "…", integer: 1, number: 1, boolean: true, object: {} }[whole.type] ?? null;
}
