// The words of the chat: two files per language (what the launcher says, the rest), the shop's own words over them.

const LANGUAGES = ["en", "zh"];

// `own`: the shop's words, as JSON or as the address of a JSON file
export async function loadTexts(locale, own) {
  const language = LANGUAGES.find((known) => known === locale.toLowerCase().split("-")[0]) ?? LANGUAGES[0];
  const file = (name) => fetchJson(new URL(`texts/${name}.json`, import.meta.url));
  const [first, others] = await Promise.all([file(language), ownTexts(own)]);
  let texts = { ...first, ...others };
  const plural = new Intl.PluralRules(language);
  // {count} also chooses among the forms of a text that has several
  const t = (key, values = {}) => {
    const found = texts[key] ?? key;
    const text = found.other ? found[plural.select(values.count)] ?? found.other : found;
    return typeof text === "string" ? text.replace(/\{(\w+)\}/g, (mark, name) => values[name] ?? mark) : text;
  };
  const loadAll = async () => { texts = { ...await file(`${language}.chat`), ...texts }; };
  return Object.assign(t, { language, dir: texts.dir ?? "ltr", has: (key) => key in texts, loadAll });
}

async function ownTexts(own) {
  if (!own) return {};
  try {
    return own.trim().startsWith("{") ? JSON.parse(own) : await fetchJson(new URL(own, document.baseURI));
  } catch (error) {
    console.warn(`shopclerk: the texts in data-texts could not be read, the standard ones are used (${error.message})`);
    return {};
  }
}

async function fetchJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}
