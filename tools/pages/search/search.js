// The search page: what Pagefind finds for the words in the field, with a wrong letter mended.
(() => {
  "use strict";
  const AT_ONCE = 10; // results
  const ENOUGH = 3; // results with all words; where there are fewer, those with the rarer words follow
  const PAUSE = 150; // milliseconds without a key, after which the words are looked up
  // What a match counts for in the title of a result, by its kind, and in the words it has in bold.
  const KINDS = { Chapter: 20, Section: 5, Equation: 5, Exercise: 2, Function: 5, Page: 2, Work: 0 };
  const RANKING = { metaWeights: { ...KINDS, terms: 5, page: 0.5 } };
  const NAME = /^(\p{L}+ )?\(?\d[\d.]*\)?$/u; // such as 5.1, or Exercise 5.1

  const page = document.querySelector(".search-page");
  const field = page.querySelector("input");
  const [status, list, more] = ["[role=status]", "ol", "button"].map((part) => page.querySelector(part));
  let pagefind, vocabulary; // all words of the book, those that are in most places first

  async function load() {
    const folder = new URL("pagefind/", document.baseURI);
    [pagefind, vocabulary] = await Promise.all([
      import(`${folder}pagefind.js`),
      fetch(`${folder}words.json`).then((answer) => answer.json()),
    ]);
    await pagefind.options({ ranking: RANKING });
  }

  // Words

  const commonness = (word) => vocabulary.findIndex((known) => known.startsWith(word));

  const isKnown = (word) =>
    commonness(word) >= 0 || (word.endsWith("s") && vocabulary.includes(word.slice(0, -1)));

  // Whether one letter more, less or different makes a word of the other, or two that changed places.
  function isOneLetterOff(a, b) {
    let start = 0;
    while (start < a.length && a[start] === b[start]) start++;
    let end = 0;
    while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
    const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
    return (x.length < 2 && y.length < 2) || (x.length === 2 && x[1] + x[0] === y);
  }

  // The word that is meant, or nothing if the book has none like it.
  function meant(word) {
    if (isKnown(word)) return word;
    const close = word.length > 3 && vocabulary.find((known) => known.length > 3 && isOneLetterOff(word, known));
    return close || (vocabulary.some((known) => known.length > 3 && word.startsWith(known)) ? word : undefined);
  }

  // Pagefind knows log-sum-exp as logsumexp, and also by its parts.
  function wordsOf(query) {
    return query.toLowerCase().split(/[\s_]+|\.(?=\p{L})/u).flatMap((word) => {
      const parts = word.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
      const whole = parts.join("");
      return whole && isKnown(whole) ? [whole] : parts;
    });
  }

  // Results

  async function find(query) {
    if (NAME.test(query)) {
      const { results } = await pagefind.search(`"${query}"`);
      if (results.length) return { results, words: [query], missing: [] };
    }
    const typed = wordsOf(query);
    const words = typed.map(meant).filter(Boolean);
    const results = [];
    for (let rest = words; rest.length && results.length < ENOUGH; ) {
      const found = (await pagefind.search(rest.join(" "))).results;
      results.push(...found.filter(({ id }) => results.every((result) => result.id !== id)));
      const most = rest.reduce((a, b) => (commonness(a) <= commonness(b) ? a : b));
      rest = rest.filter((word) => word !== most);
    }
    return { results, words, missing: typed.filter((word) => meant(word) !== word) };
  }

  function announcement(query, { results, words, missing }) {
    const number = results.length === 1 ? "1 result" : `${results.length} results`;
    if (!missing.length) return `${number} for “${query}”.`;
    const lack = `The book has no “${missing.join("” and no “")}”.`;
    return words.length ? `${lack} ${number} for “${words.join(" ")}”.` : lack;
  }

  function entry({ url, meta, excerpt, content }) {
    const kind = Object.keys(KINDS).find((kind) => kind in meta);
    const [item, link, place, text] = ["li", "a", "span", "p"].map((name) => document.createElement(name));
    link.href = url.replace(/\.html$/, ""); // Pagefind takes each record for a page of its own
    link.textContent = kind === "Function" ? link.hash.replace(/^#xentlib\./, "") : meta[kind];
    place.textContent = meta.page === meta[kind] ? kind : `${kind} in ${meta.page}`;
    text.innerHTML = excerpt; // which Pagefind has escaped, but for its <mark>
    const said = text.textContent;
    text.prepend(content.startsWith(said) ? "" : "… ");
    text.append(content.endsWith(said) ? "" : " …");
    item.append(link, place, text);
    return item;
  }

  let latest = 0; // searches so far: an answer that comes after the next question is dropped
  let waiting = []; // results that are not shown yet

  async function entries() {
    return Promise.all(waiting.splice(0, AT_ONCE).map(async (result) => entry(await result.data())));
  }

  async function search() {
    const turn = ++latest;
    const query = field.value.trim();
    history.replaceState(null, "", query ? `?q=${encodeURIComponent(query)}` : location.pathname);
    const found = await find(query);
    if (turn !== latest) return;
    const said = query && announcement(query, found);
    waiting = found.results;
    const shown = await entries();
    if (turn !== latest) return;
    list.replaceChildren(...shown);
    status.textContent = said;
    more.hidden = !waiting.length;
  }

  async function showMore() {
    const shown = await entries();
    list.append(...shown);
    more.hidden = !waiting.length;
    shown[0].querySelector("a").focus();
  }

  function moveWithArrows(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const stops = [field, ...list.querySelectorAll("a")];
    const at = stops.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    stops[at + step]?.focus();
  }

  async function start() {
    field.value = new URLSearchParams(location.search).get("q") ?? "";
    field.focus();
    if (location.protocol === "file:") {
      status.innerHTML =
        'The search needs a server, and this page was opened as a file. The <a href="genindex.html">index</a> needs none.';
      return;
    }
    try {
      await load();
    } catch {
      status.textContent = "The search could not be loaded.";
      return;
    }
    let pause;
    field.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(search, PAUSE);
    });
    field.form.addEventListener("submit", (event) => {
      event.preventDefault();
      search();
    });
    more.addEventListener("click", showMore);
    page.addEventListener("keydown", moveWithArrows);
    await search();
  }

  start();
})();
