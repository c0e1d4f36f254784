// A reference to an equation shows it while it is pointed at or has the focus. A finger follows the link, as ever.
(() => {
  const REFERENCE = 'article a.reference[href*="#equation-"]';
  const PAUSE = 200; // milliseconds, in which a pointer passes by, or comes over to the equation
  const pages = { [location.pathname]: document };
  const box = document.createElement("div");
  Object.assign(box, { id: "equation-preview", popover: "auto", role: "tooltip" }); // a click elsewhere closes it
  let named, timer; // the link that is shown, or will be when its page is here

  const page = async ({ pathname }) =>
    (pages[pathname] ??= new DOMParser().parseFromString(await (await fetch(pathname)).text(), "text/html"));

  async function show(link) {
    hide();
    named = link;
    const source = await page(link).catch(() => undefined); // none where the book is opened as files
    const equation = source?.getElementById(link.hash.slice(1));
    if (!equation || named !== link) return;
    box.replaceChildren(document.importNode(equation, true));
    box.querySelectorAll(".headerlink").forEach((e) => e.remove());
    box.firstChild.removeAttribute("id");
    document.body.append(box);
    box.showPopover();
    link.setAttribute("aria-describedby", box.id);
    place(link.getBoundingClientRect());
  }

  function place(link) {
    box.style.fontSize = "";
    const formula = box.querySelector("mjx-container");
    if (formula.scrollWidth > formula.clientWidth)
      box.style.fontSize = `${(0.98 * formula.clientWidth) / formula.scrollWidth}em`;
    const left = Math.min(link.left, document.documentElement.clientWidth - box.offsetWidth - 8);
    const isBelow = link.bottom + box.offsetHeight <= innerHeight;
    box.style.left = `${Math.max(left, 8) + scrollX}px`;
    box.style.top = `${(isBelow ? link.bottom : link.top - box.offsetHeight) + scrollY}px`;
  }

  function hide() {
    if (box.isConnected) box.hidePopover();
    named = undefined;
  }

  const leave = () => named?.matches(":focus-visible") || hide(); // the keyboard may have come in between

  box.addEventListener("beforetoggle", ({ newState }) => {
    if (newState === "open") return;
    named?.removeAttribute("aria-describedby");
    named = undefined;
  });
  document.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType === "touch") return;
    clearTimeout(timer);
    const link = target.closest(REFERENCE);
    if (link && link !== named) timer = setTimeout(show, PAUSE, link);
    else if (!link && !box.contains(target)) timer = setTimeout(leave, PAUSE);
  });
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
  document.addEventListener("focusin", ({ target }) => target.matches(`${REFERENCE}:focus-visible`) && show(target));
  document.addEventListener("focusout", ({ target }) => target === named && hide());
})();
