// Hosts the explorers on a page of the book, where no kernel is: a model is all that a widget's view asks for.

(() => {
  class Model {
    #state;
    #listeners = {};

    constructor(state) { this.#state = state; }
    get(name) { return this.#state[name]; }
    set(name, value) {
      this.#state = { ...this.#state, [name]: value };
      (this.#listeners[`change:${name}`] ?? []).forEach((listener) => listener());
    }
    save_changes() {} // nobody else to tell
    on(event, listener) { (this.#listeners[event] ??= []).push(listener); }
    off(event, listener) { this.#listeners[event] = (this.#listeners[event] ?? []).filter((one) => one !== listener); }
  }

  for (const place of document.querySelectorAll("[data-explorer]")) {
    const model = new Model(JSON.parse(place.dataset.state));
    window.xentlibExplorers[place.dataset.explorer].render({ model, el: place });
  }
})();
