// The page around the chat: what the customer is looking at, how much of it is visible, where the focus may go.

const CART_LINES = 50;

export function pageContext(host) {
  const told = host.page;
  const product = told.product_id ?? (host.dataset.productId || productOnPage());
  const cart = Array.isArray(told.cart) ? told.cart.slice(0, CART_LINES) : undefined;
  return { url: (told.url ?? location.href).slice(0, 2000), title: (told.title ?? document.title).slice(0, 200),
    ...(product ? { product_id: String(product).slice(0, 200) } : {}), ...(cart?.length ? { cart } : {}) };
}

// schema.org data that shops publish for search engines
function productOnPage() {
  for (const script of document.querySelectorAll('script[type="application/ld+json"]')) {
    try {
      const product = findProduct(JSON.parse(script.textContent));
      if (product) return product.productID ?? product.sku;
    } catch { continue; }                   // broken data of the page are not ours to report
  }
  return undefined;
}

function findProduct(data) {
  const items = Array.isArray(data) ? data : data?.["@graph"] ?? [data];
  return items.find((item) => [item?.["@type"]].flat().some((type) => type === "Product" || type === "ProductGroup"));
}

// --- the panel on a phone: the visible part of the window while the keyboard is up ---

const PHONE = "(max-width: 480px), (max-height: 420px)";

export class Sized {
  #phone = matchMedia(PHONE);
  #listener = null;

  constructor(root) { this.root = root; }

  get phone() { return this.#phone.matches; }

  start(changed) {
    this.#listener = () => {
      const { height, offsetTop } = window.visualViewport ?? { height: innerHeight, offsetTop: 0 };
      this.root.style.setProperty("--seen-height", `${height}px`);
      this.root.style.setProperty("--seen-top", `${offsetTop}px`);
      changed(this.phone);
    };
    this.#each("addEventListener");
    this.#listener();
  }

  stop() {
    if (this.#listener) this.#each("removeEventListener");
    this.#listener = null;
  }

  #each(method) {
    this.#phone[method]("change", this.#listener);
    for (const kind of ["resize", "scroll"]) window.visualViewport?.[method](kind, this.#listener);
  }
}

// Tab goes round inside `box` as long as it is a dialog over everything else
export function keepInside(event, box, shadow) {
  const stops = [...box.querySelectorAll("a[href], button:not(:disabled), input, textarea, summary, [tabindex='0']")]
    .filter((node) => node.checkVisibility() && !node.closest("[inert]"));
  const at = stops.indexOf(shadow.activeElement);
  if (event.shiftKey ? at <= 0 : at === stops.length - 1) {
    event.preventDefault();
    stops.at(event.shiftKey ? -1 : 0)?.focus();
  }
}
