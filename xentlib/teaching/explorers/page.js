// Hosts the explorers on a page of the book, where no kernel is: a model is all that a widget's view asks for.

(() => {
  // The state stands in the page's address as ?softmax=[…], a value for each trait.
  class Model {
    #name;
    #names;
    #state;
    #listeners = {};

    constructor(name, { names, limits }, first) {
      [this.#name, this.#names, this.#state, this.first] = [name, names, first, first];
      const words = new URLSearchParams(location.search).get(name);
      if (words === null) return;
      const linked = read(words, names, limits);
      if (linked) [this.#state, this.linked] = [linked, true];
      else this.complaint = `The link's values for this explorer are not ones that it can show; got “${words}”. It shows its first ones.`;
    }

    get(name) { return this.#state[name]; }
    set(name, value) {
      this.#state = { ...this.#state, [name]: value };
      (this.#listeners[`change:${name}`] ?? []).forEach((listener) => listener());
    }
    save_changes() {} // nobody else to tell
    on(event, listener) { (this.#listeners[event] ??= []).push(listener); }
    off(event, listener) { this.#listeners[event] = (this.#listeners[event] ?? []).filter((one) => one !== listener); }

    link() {
      const url = new URL(location.href);
      url.search = new URLSearchParams({ [this.#name]: JSON.stringify(this.#names.map((name) => this.#state[name])) });
      url.hash = `explorer-${this.#name}`;
      return url.href;
    }
  }

  // Return the state that a link holds, or null where it is none: whoever wrote it may have written anything.
  function read(words, names, limits) {
    try {
      const values = JSON.parse(words);
      if (values.length !== names.length) return null;
      const state = Object.fromEntries(names.map((name, i) => [name, values[i]]));
      return names.every((name) => limits[name](state[name])) ? state : null;
    } catch {
      return null;
    }
  }

  for (const place of document.querySelectorAll("[data-explorer]")) {
    const view = window.xentlibExplorers[place.dataset.explorer];
    view.render({ model: new Model(place.dataset.explorer, view, JSON.parse(place.dataset.state)), el: place });
  }
})();
