// Answers where the exercise stands, and what is solved: in this browser, on all pages of the book, and nowhere else.

(() => {
  const KEY = "xentlib-progress";
  const home = document.currentScript.src;

  // What is solved, in the form of the file that `progress()` reads. A browser may keep nothing: then until it leaves.
  let kept = null;

  function solved() {
    try {
      kept = localStorage.getItem(KEY) ?? kept;
    } catch {} // not allowed to
    try {
      const ids = JSON.parse(kept).solved;
      return new Set(ids.filter((id) => typeof id === "string"));
    } catch {
      return new Set();
    }
  }

  function keep(ids) {
    kept = ids.size ? JSON.stringify({ solved: [...ids].sort() }, null, 1) : null;
    try {
      if (kept) localStorage.setItem(KEY, kept);
      else localStorage.removeItem(KEY);
    } catch {}
    show();
  }

  const shows = [];
  const show = () => shows.forEach((one) => one(solved()));
  addEventListener("storage", ({ key }) => key === KEY && show());
  addEventListener("pageshow", ({ persisted }) => persisted && show());

  // The checker and the chapter's answers, once somebody begins to answer

  const scripts = {};

  function load(name) {
    return scripts[name] ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(`${name}.js`, home);
      script.onload = resolve;
      script.onerror = () => {
        delete scripts[name];
        script.remove();
        reject(new Error("not loaded"));
      };
      document.head.append(script);
    });
  }

  async function exerciseOf(form) {
    const id = form.dataset.exercise;
    await Promise.all([load("checker"), load(id.slice(0, 2))]);
    const bytes = Uint8Array.from(atob(window.xentlibAnswers), (letter) => letter.charCodeAt(0));
    return window.xentlibChecker.revived(new TextDecoder().decode(bytes))[id];
  }

  function element(name, text, kind = "") {
    const made = document.createElement(name);
    [made.textContent, made.className] = [text, kind];
    return made;
  }

  // The first line of a verdict is a sentence; below it are numbers, in columns.
  function written(feedback) {
    const [first, ...rest] = feedback.split("\n");
    const sentence = first[0].toUpperCase() + first.slice(1);
    return [element("p", sentence), ...(rest.length ? [element("pre", rest.join("\n").replace(/^ {2}/gm, ""))] : [])];
  }

  const UNHEARD = "The answers did not come: is there a connection? Check again.";
  const BEYOND = "This goes beyond what the page can work out. The notebook can: open the chapter there.";

  function begin(form) {
    const [verdict, hints] = form.querySelectorAll("[role=status]");
    const field = form.querySelector("input[type=text]");
    const hint = form.querySelector(".hint");
    let given = 0;

    const answer = () => (field ? field.value : form.querySelector("input:checked")?.value ?? "");

    function judged(exercise) {
      try {
        return window.xentlibChecker.judge(exercise, answer());
      } catch (error) {
        if (error instanceof window.xentlibChecker.Beyond) return { solved: false, feedback: `${exercise.id}: ${BEYOND}` };
        throw error;
      }
    }

    form.addEventListener("focusin", () => exerciseOf(form).catch(() => {}), { once: true });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      let result;
      try {
        result = judged(await exerciseOf(form));
      } catch (error) {
        if (error.message !== "not loaded") throw error;
        return verdict.replaceChildren(element("p", UNHEARD));
      }
      verdict.replaceChildren(...written(result.feedback.slice(form.dataset.exercise.length + 2)));
      verdict.dataset.solved = result.solved;
      field?.setAttribute("aria-invalid", String(!result.solved && Boolean(field.value)));
      if (result.solved) keep(solved().add(form.dataset.exercise));
    });
    hint.addEventListener("click", async () => {
      try {
        const { hints: all } = await exerciseOf(form);
        if (given < all.length) hints.append(element("p", `Hint ${++given} of ${all.length}: ${all[given - 1]}`));
        if (given === all.length) hint.setAttribute("aria-disabled", "true");
      } catch {
        hints.replaceChildren(element("p", UNHEARD));
      }
    });
    shows.push((ids) => form.toggleAttribute("data-solved", ids.has(form.dataset.exercise)));
  }

  // The list of all exercises

  function beginList(form) {
    const table = form.nextElementSibling.matches("table") ? form.nextElementSibling : form.nextElementSibling.querySelector("table");
    const ids = form.dataset.exercises.split(" ");
    const rows = [...table.tBodies[0].rows].map((row, i) => {
      const [chapter, , kind, , minutes] = [...row.cells].map((cell) => cell.textContent.trim());
      const mark = element("span", "", "done");
      row.cells[1].prepend(mark);
      return { row, mark, id: ids[i], chapter, kind, minutes: Number(minutes) };
    });
    const count = form.querySelector("[role=status]");
    const chosen = (name) => form.elements[name].value;

    function fits(one, done) {
      return (!chosen("chapter") || one.chapter === chosen("chapter"))
        && (!chosen("kind") || one.kind === chosen("kind"))
        && (!chosen("minutes") || one.minutes <= Number(chosen("minutes")))
        && (!chosen("done") || done === (chosen("done") === "yes"));
    }

    function list(known) {
      for (const one of rows) {
        const done = known.has(one.id);
        one.mark.textContent = done ? "✓" : "";
        if (done) one.mark.append(element("span", " solved: ", "unseen"));
        one.row.hidden = !fits(one, done);
      }
      const shown = rows.filter(({ row }) => !row.hidden);
      const done = shown.filter(({ id }) => known.has(id)).length;
      const text = `${shown.length} ${shown.length === 1 ? "exercise" : "exercises"}, ${done} solved`;
      if (count.textContent !== text) count.textContent = text;
    }

    form.addEventListener("input", () => list(solved()));
    form.querySelector(".export").addEventListener("click", () => {
      const link = element("a", "");
      link.href = URL.createObjectURL(new Blob([JSON.stringify({ solved: [...solved()].sort() }, null, 1)], { type: "application/json" }));
      link.download = "xentlib-progress.json";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    const [file, imported] = [form.querySelector("[type=file]"), form.querySelector(".imported")];
    form.querySelector(".import").addEventListener("click", () => file.click());
    file.addEventListener("change", async () => {
      imported.textContent = "";
      imported.textContent = await merge(file.files[0], ids);
      file.value = ""; // the same file may be chosen again
    });
    form.querySelector(".forget").addEventListener("click", () => {
      if (confirm("Forget in this browser which exercises are solved?")) keep(new Set());
    });
    shows.push(list);
  }

  // Add what a file says is solved to what is kept, and return in a sentence what became of it.
  async function merge(file, ids) {
    let read;
    try {
      read = JSON.parse(await file.slice(0, 1e6).text()).solved;
      if (!read.every((id) => typeof id === "string")) throw new TypeError();
    } catch {
      return `“${file.name}” is not a file of progress, which Export progress writes: nothing was changed.`;
    }
    const before = solved();
    const known = new Set(read.filter((id) => ids.includes(id)));
    const added = [...known].filter((id) => !before.has(id)).length;
    keep(new Set([...before, ...known]));
    const others = new Set(read).size - known.size;
    return `Imported ${known.size} solved, ${added} of them new.${others ? ` ${others} not in this book left out.` : ""}`;
  }

  document.querySelectorAll(".xentlib-answer").forEach(begin);
  document.querySelectorAll(".xentlib-exercises").forEach(beginList);
  show();
})();
