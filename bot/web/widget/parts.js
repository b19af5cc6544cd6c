// The small parts of messages: drawings, links, pictures, words with their citation marks.
import { element } from "./dom.js";

// Line drawings on a field of 24 × 24
export const ICONS = {
  bag: "M5 8h14l-1.2 11.500a1.5 1.5 0 0 1-1.5 1.300H7.700a1.5 1.5 0 0 1-1.5-1.300zM8.5 10.500V7a3.5 3.5 0 0 1 7 0v3.500M9.5 15c1.5 1.5 3.5 1.5 5 0",
  close: "M6 6l12 12M18 6L6 18",
  menu: "M5 12h.01M12 12h.01M19 12h.01",
  send: "M5 12h13M12.5 6l6 6-6 6",
  person: "M12 11.500a3.7 3.7 0 1 0 0-7.4 3.7 3.7 0 0 0 0 7.400zM4.5 20c.6-3.6 3.6-5.5 7.5-5.500s6.9 1.9 7.5 5.5",
  fresh: "M12 5v14M5 12h14",
  end: "M8 5H5v14h3M11 12h9M16.5 8.500L20 12l-3.5 3.5",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.500M5 20h14",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4.500l3 1.5",
  up: "M7 20H4v-9h3M7 20h9.300a2 2 0 0 0 2-1.600l1.2-6A2 2 0 0 0 17.5 10H13l.7-4c.2-1.2-.6-2-1.7-2L7 11z",
  down: "M17 4h3v9h-3M17 4H7.700a2 2 0 0 0-2 1.600l-1.2 6A2 2 0 0 0 6.5 14H11l-.7 4c-.2 1.2.6 2 1.7 2l5-7z",
  left: "M14.5 6l-6 6 6 6",
  right: "M9.5 6l6 6-6 6",
  newest: "M12 5v13M6.5 12.500L12 18l5.5-5.5",
  check: "M5 12.500l4.5 4.500L19 7.5",
  alert: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v5M12 16h.01",
};

// five mouths from sad to glad
export function face(score) {
  const bend = (score - 3) * 1.8;
  return `M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9 9.800h.01M15 9.800h.01M8.2 ${15 - bend / 3}q3.8 ${bend} 7.6 0`;
}

// --- addresses: which may become links and pictures; whatever else a text or card names stays text ---

export function linkTarget(url) {
  try {
    const target = new URL(url, document.baseURI);
    return ["http:", "https:"].includes(target.protocol) ? target : null;
  } catch { return null; }
}

// the shop's own pages open where one is, others beside it
export function linkProperties(target) {
  return { href: target.href, ...(target.origin === location.origin ? {} : { target: "_blank", rel: "noopener noreferrer" }) };
}

// pictures come from the shop, the bot, or where the shop said (data-image-origins); no other server learns who looks
export function pictureAddress(url, host) {
  const target = url && linkTarget(url);
  if (!target) return null;
  const named = (host.dataset.imageOrigins ?? "").split(/[\s,]+/).map((origin) => linkTarget(origin || "?")?.origin);
  return [location.origin, new URL(host.server).origin, ...named].includes(target.origin) ? target.href : null;
}

// --- words: paragraphs, lists, links and citation marks ---

const BULLET = /^\s*[•*-] +/;
const NUMBER = /^\s*\d+[.)] +/;
const MARK = /\[(\d{1,2})\]|https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?]|\*\*([^*\n]+)\*\*/g;

// `cite(number)` answers a node for "[1]", or null where there is no such source
export function richText(text, cite) {
  const blocks = [];
  let list = null;
  for (const line of text.split("\n")) {
    const kind = BULLET.test(line) ? "ul" : NUMBER.test(line) ? "ol" : "p";
    if (kind === "p") {
      list = null;
      if (line.trim()) blocks.push(element("p", {}, inline(line, cite)));
      continue;
    }
    if (list?.localName !== kind) {
      list = element(kind, kind === "ol" ? { start: parseInt(line.trim(), 10) } : {});
      blocks.push(list);
    }
    list.append(element("li", {}, inline(line.replace(kind === "ul" ? BULLET : NUMBER, ""), cite)));
  }
  return blocks;
}

function inline(line, cite) {
  const parts = [];
  let from = 0;
  for (const found of line.matchAll(MARK)) {
    const [mark, number, strong] = found;
    const target = number || strong ? null : linkTarget(mark);
    const node = number ? cite(Number(number)) : strong ? element("strong", { textContent: strong })
      : target && element("a", { ...linkProperties(target), textContent: mark });
    if (!node) continue;
    parts.push(line.slice(from, found.index), node);
    from = found.index + mark.length;
  }
  return [...parts, line.slice(from)];
}
