// What makes the pages nicer where scripts run; without them every page still works by itself.
import { showPicker } from "./picker.js";

const body = document.body;
const toast = document.querySelector(".toast");
let facts = JSON.parse(body.dataset.page);

// --- the assistant knows the page, and the page may ask it ---

const chat = customElements.whenDefined("shopclerk-chat").then(() => window.shopclerk);

async function tellPage(more = {}) {
  facts = { ...facts, ...more };
  (await chat).setPage(facts);
}

async function ask(question) {
  const assistant = await chat;
  await assistant.open();
  assistant.send(question);
}

// --- the cart ---

async function send(form) {
  const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" } });
  const answer = await response.json();
  const badge = document.querySelector("[data-cart-count]");
  badge.textContent = answer.count;
  badge.hidden = !answer.count;
  await tellPage({ cart: answer.cart });
  return answer;
}

let fading;
function say(words) {
  toast.textContent = words;
  toast.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { toast.hidden = true; }, 3500);
}

document.querySelector("form[data-add]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  try {
    say((await send(form)).words);
  } catch {
    form.submit();                        // the plain way still works
  }
});

// --- small conveniences ---

document.addEventListener("click", (event) => {
  const question = event.target.closest?.("[data-ask]")?.dataset.ask;
  if (question) ask(question);
  for (const menu of document.querySelectorAll("details[name][open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[name][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
for (const form of document.querySelectorAll("form[data-auto], form[data-quantity]")) {
  form.addEventListener("change", (event) => {
    // what opens the filters is no filter; where there is a button (a phone) several are chosen before it is pressed
    if (!event.target.name || form.querySelector(".apply").checkVisibility()) return;
    for (const field of form.querySelectorAll("input")) field.disabled ||= field.type !== "checkbox" && field.value === "";
    form.requestSubmit();
  });
}

// an empty field would only clutter the address; back in history the fields are there again
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

const product = document.querySelector("[data-product]");
if (product) showPicker(product);
tellPage();
