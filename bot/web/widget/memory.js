// What this browser keeps: which conversation runs, what could not be sent yet, what was read. Never what was said.
// Every unsent message has a key of its own, so that tabs of one browser do not overwrite each other.

export class Memory {
  #prefix;
  #storage;

  constructor(server) {
    this.#prefix = `shopclerk ${server} `;
    this.#storage = usable();
  }

  // { conversation_id, token, who }
  get conversation() { return this.#get("conversation"); }
  set conversation(value) { this.#set("conversation", value); }

  get read() { return this.#get("read") ?? 0; }
  set read(seq) { this.#set("read", seq); }

  get rated() { return this.#get("rated") ?? {}; }
  rate(seq, rating) { this.#set("rated", { ...this.rated, [seq]: rating }); }

  unsent() {
    const keys = Object.keys(this.#storage).filter((key) => key.startsWith(`${this.#prefix}unsent `));
    return keys.map((key) => this.#get(key.slice(this.#prefix.length))).filter(Boolean)
      .sort((a, b) => a.at - b.at || a.order - b.order);
  }

  keep(message) { this.#set(`unsent ${message.client_id}`, message); }
  drop(clientId) { this.#set(`unsent ${clientId}`, null); }

  forget() {
    for (const message of this.unsent()) this.drop(message.client_id);
    for (const name of ["conversation", "read", "rated"]) this.#set(name, null);
  }

  // another tab began, ended or read the conversation
  onChange(listener) {
    addEventListener("storage", (event) => {
      if (event.key === null) listener("conversation");
      else if (event.key.startsWith(this.#prefix)) listener(event.key.slice(this.#prefix.length).split(" ")[0]);
    });
  }

  #get(name) {
    try { return JSON.parse(this.#storage[this.#prefix + name] ?? "null"); } catch { return null; }
  }

  #set(name, value) {
    try {
      if (value === null) delete this.#storage[this.#prefix + name];
      else this.#storage[this.#prefix + name] = JSON.stringify(value);
    } catch (error) {
      console.warn(`shopclerk: the browser keeps nothing for the chat (${error.message})`);
    }
  }
}

// a page in a frame, or a strict browser, may forbid storage: then this page's life has to be enough
function usable() {
  try {
    localStorage.setItem("shopclerk try", "1");
    localStorage.removeItem("shopclerk try");
    return localStorage;
  } catch { return {}; }
}
