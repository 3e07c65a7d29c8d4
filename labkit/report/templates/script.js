
"use strict";
// Everything can be read without this. It adds filters, search, links that keep what is open, and the age of the run.
(() => {
  const $ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const form = document.getElementById("filters");
  const fields = ["q", "show", "topic", "version"];
  const claims = $(".claim").map(element => {
    const told = element.dataset.cells.trim().split(" ").map(cell => cell.split("="));
    const topic = element.closest(".topic");
    return {
      element, topic, id: element.querySelector(".body").id,
      cells: new Map(told),
      off: element.dataset.off.split(" ").filter(Boolean),
      changed: (element.dataset.changed || "").split(" ").filter(Boolean),
      corrected: "corrected" in element.dataset,
    };
  });
  for (const element of $(".js")) element.hidden = false;
  document.body.classList.add("scripted");

  // What is searched is made once, when it is first needed.
  const words = claim => claim.words ??= [claim.id, ...$("summary h3, summary .corrects, .story, .prose, .typed", claim.element)
    .map(part => part.textContent)].join("\n").toLowerCase();

  const tests = {
    "": (claim, on) => !on || !claim.off.includes(on),
    changed: (claim, on) => on ? claim.changed.includes(on) : claim.changed.length > 0,
    broken: (claim, on) => verdicts(claim, on).some(v => v === "broken" || v === "bug-not-seen" || v === "vacuous"),
    known: (claim, on) => verdicts(claim, on).includes("known-bug"),
    unclear: (claim, on) => verdicts(claim, on).some(v => v === "inconclusive" || v === "not-run"),
    corrected: (claim, on) => claim.corrected && tests[""](claim, on),
  };
  const ran = new Set(claims.flatMap(claim => [...claim.cells].filter(cell => cell[1] !== "not-run").map(cell => cell[0])));
  const verdicts = (claim, on) => [...claim.cells].filter(cell => on ? cell[0] === on : ran.has(cell[0])).map(cell => cell[1]);

  function filter() {
    const wanted = Object.fromEntries(fields.map(name => [name, form.elements[name].value]));
    const looked = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    const topics = new Set();
    for (const claim of claims) {
      const fits = (!wanted.topic || claim.topic.dataset.topic === wanted.topic)
        && tests[wanted.show](claim, wanted.version)
        && looked.every(word => words(claim).includes(word));
      claim.element.hidden = !fits;
      if (fits) { shown++; topics.add(claim.topic); }
    }
    const any = Object.values(wanted).some(Boolean);
    for (const topic of $(".topic")) topic.hidden = any && !topics.has(topic);
    for (const claim of claims) if (claim.element.open) unfold(claim);
    document.getElementById("count").textContent = any ? `${shown} of ${claims.length} claims` : `${claims.length} claims`;
    return wanted;
  }

  // What was seen on the version that is picked is open, where it is told apart from the newest.
  function unfold(claim) {
    for (const run of $("details.run", claim.element)) if (run.dataset.of === form.elements.version.value) run.open = true;
  }

  // A link is #claim, #claim@version, #?show=changed&topic=health, or both: #claim?q=probe. It keeps what a reader sees.
  let open = "";
  function keep() {
    const asked = new URLSearchParams(fields.map(name => [name, form.elements[name].value]).filter(pair => pair[1]));
    const hash = open + (asked.size ? `?${asked}` : "");
    if (decodeURIComponent(location.hash.slice(1)) !== decodeURIComponent(hash))
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  function follow() {
    let hash = location.hash.slice(1);
    try { hash = decodeURIComponent(hash); } catch { /* as it is */ }
    const [place, asked] = [hash.split("?")[0], new URLSearchParams(hash.slice(hash.split("?")[0].length + 1))];
    const filters = hash.includes("?");
    const [id] = place.split("@");
    const claim = claims.find(one => one.id === id);
    if (filters || claim) for (const name of fields) {
      const field = form.elements[name], value = asked.get(name) || "";
      field.value = value;
      if (field.value !== value) field.value = "";
    }
    filter();
    if (claim) {
      claim.element.hidden = claim.topic.hidden = false;
      claim.element.open = true;
      open = place;
      const target = document.getElementById(place) || document.getElementById(id);
      for (let inner = target.closest("details"); inner; inner = inner.parentElement.closest("details")) inner.open = true;
      claim.element.querySelector("summary").focus({ preventScroll: true });
      (target === claim.element.querySelector(".body") ? claim.element : target).scrollIntoView({ block: "start", behavior: "instant" });
    } else if (filters) {
      open = "";
      form.scrollIntoView({ block: "start", behavior: "instant" });
    } else if (place.startsWith("changed-in-") && document.getElementById(place)) {
      document.getElementById(place).closest("details").open = true;
      document.getElementById(place).scrollIntoView({ block: "start", behavior: "instant" });
    } else if (document.getElementById(place)?.closest("[hidden]")) {
      form.reset();
      filter();
      document.getElementById(place).scrollIntoView({ behavior: "instant" });
    }
  }

  for (const claim of claims) claim.element.addEventListener("toggle", () => {
    if (claim.element.open) {
      if (open.split("@")[0] !== claim.id) open = claim.id;
      button(claim);
      unfold(claim);
    } else if (open.split("@")[0] === claim.id) open = "";
    keep();
  });
  function button(claim) {
    const ids = claim.element.querySelector(".ids");
    if (!navigator.clipboard || ids.querySelector("button")) return;
    const copy = document.createElement("button");
    copy.type = "button";
    copy.textContent = "Copy link";
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(location.href.split("#")[0] + "#" + claim.id);
        copy.textContent = "Copied";
      } catch { copy.textContent = "Copy the address bar"; }
    });
    ids.append(copy);
  }

  form.addEventListener("input", () => { filter(); keep(); });
  document.getElementById("clear").addEventListener("click", () => { form.reset(); filter(); keep(); });
  form.addEventListener("submit", event => event.preventDefault());
  addEventListener("hashchange", follow);

  for (const time of $("time[data-ago]")) {
    const days = Math.floor((Date.now() - Date.parse(time.dateTime)) / 864e5);
    if (days >= 0) time.after(days === 0 ? ", less than a day ago" : days === 1 ? ", a day ago" : `, ${days} days ago`);
  }
  follow();
})();
