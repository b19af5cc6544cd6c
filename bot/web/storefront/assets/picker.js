// The product page: chosen options show their price, stock and picture, and what is not to be had together.

export function showPicker(product) {
  const variants = JSON.parse(product.dataset.variants);
  const form = product.querySelector("form[data-add]");
  const find = (name) => product.querySelector(`[data-${name}]`);
  const groups = [...form.querySelectorAll("[data-option]")];

  const chosen = () => Object.fromEntries(groups.map((group) => [group.dataset.option, group.querySelector(":checked")?.value]));
  const fits = (variant, wanted) => Object.entries(wanted).every(([name, value]) => variant.options[name] === value);

  function show() {
    const wanted = chosen();
    const variant = variants.find((one) => fits(one, wanted));
    for (const group of groups) {
      group.querySelector("[data-said]").textContent = wanted[group.dataset.option] ?? "";
      for (const field of group.querySelectorAll("input")) {
        const there = variants.some((one) => one.state !== "gone" && fits(one, { ...wanted, [group.dataset.option]: field.value }));
        field.parentElement.classList.toggle("without", !there);
      }
    }
    if (variant) {
      find("price").textContent = variant.price;
      find("before").textContent = variant.before;
      find("before").hidden = !variant.before;
      if (find("sku")) find("sku").textContent = variant.sku || variant.id;
    }
    const stock = find("stock");
    stock.dataset.state = variant?.state ?? "gone";
    stock.textContent = variant?.words ?? "Not made in this combination";
    find("buy").disabled = !variant || variant.state === "gone";
    if (wanted.color) showColor(wanted.color);
  }

  function showColor(color) {
    for (const thumb of product.querySelectorAll("[data-picture]")) {
      const current = thumb.dataset.color === color;
      thumb.ariaPressed = String(current);
      if (current) find("main").src = thumb.dataset.picture;
    }
  }

  form.addEventListener("change", show);
  for (const thumb of product.querySelectorAll("[data-picture]")) {
    thumb.addEventListener("click", () => {
      const field = form.querySelector(`[name="option.color"][value="${CSS.escape(thumb.dataset.color)}"]`);
      if (field) { field.checked = true; show(); } else showColor(thumb.dataset.color);
    });
  }
  show();
}
