// The page's script. The address holds the state; the server makes the page of any address, and only the parts of it that
// changed are put in place, so that what plays or is being written stays.
const find = (selector, within = element) => within.querySelector(selector);
const all = (selector, within = element) => [...within.querySelectorAll(selector)];
const parts = (root) => new Map(all("[data-part]", root).map((part) => [part.dataset.part, part]));
let asked = 0;
let received = new Map();

// Shows the page of an address. `move` is "pushState", or "replaceState" where no step back shall lead here. `kept` is a
// part that says already what the address does, because somebody just filled it in.
async function go(address, move, kept) {
  const number = ++asked;
  const state = address.slice(address.indexOf("?"));
  history[move](null, "", location.pathname + state);
  element.setAttribute("aria-busy", "true");
  try {
    const page = await server.shown(state);
    if (number === asked) put(new DOMParser().parseFromString(page, "text/html"), kept);
  } finally {
    if (number === asked) element.removeAttribute("aria-busy");
  }
}

function put(page, kept) {
  const root = find(".explorer", page);
  const [old, fresh] = [parts(find(".explorer")), parts(root)];
  const same = find(".explorer").dataset.tab === root.dataset.tab;
  const focused = document.activeElement?.id;
  if (!same) {
    received = new Map([...fresh].map(([name, part]) => [name, part.outerHTML]));
    find(".explorer").replaceWith(root);
  } else {
    for (const [name, part] of fresh) {
      const html = part.outerHTML;
      const changed = html !== received.get(name);
      received.set(name, html);
      if (!changed || name === kept) continue;
      all("details", part).forEach((one, i) => (one.open ||= all("details", old.get(name))[i]?.open ?? false));
      old.get(name).replaceWith(part);
    }
  }
  arrive();
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
}

// What every page needs once it is in place.
function arrive() {
  const root = find(".explorer");
  if (!root) return;
  document.title = root.dataset.title;
  all("video[data-poster]").forEach((video) => posters.observe(video));
  const chosen = find("[data-query][data-part]")?.dataset.query;
  for (const row of all("a[data-row]")) {
    if (row.dataset.row === chosen) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  const [list, row] = [find(".list ol"), find("a[aria-current=true]")];
  if (row && (row.offsetTop < list.scrollTop || row.offsetTop + row.offsetHeight > list.scrollTop + list.clientHeight)) {
    list.scrollTop = row.offsetTop - list.clientHeight / 3;
  }
  const look = find("dialog.look");
  if (look && !look.open) look.showModal();
  if (root.dataset.tab === "live" && find("form.live") && new URLSearchParams(location.search).has("ask")) search();
}

// A poster is fetched when its clip comes into sight; the clip itself when it is played.
const posters = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    if (!isIntersecting) continue;
    target.poster = target.dataset.poster;
    posters.unobserve(target);
  }
}, { rootMargin: "300px" });

// The state that the forms of the page say, on top of what the address says besides.
function said(form) {
  const address = new URLSearchParams(location.search);
  for (const field of form.elements) if (field.name) address.delete(field.name);
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && value) address.append(name, value);
  if (address.get("tab") === "queries") address.delete("tab");
  for (const name of ["look", "sheet"]) address.delete(name);
  return address;
}

let typed;
element.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.matches("form.view")) {
    clearTimeout(typed);
    const wait = event.target.type === "search" ? 250 : 0;
    typed = setTimeout(() => {
      const address = said(form);
      address.delete("query");
      go(`?${address}`, "replaceState", "filters");
    }, wait);
  }
  if (event.target.name === "zoom") find(".picture img").style.width = `${event.target.value}%`;
  if (event.target.matches(".weights [type=range]")) find("b", event.target.closest("label")).textContent = event.target.value;
});

element.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!event.target.matches("form.live .weights input")) return;
  if (event.target.type === "range") form.elements.weigh.checked = true;
  if (find(".found").childElementCount) search();
});

element.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("form.view, form.live")) event.preventDefault();
  if (form.matches("form.live")) search();
  if (form.closest("dialog.voting") && event.submitter.value === "cast") {
    event.preventDefault();
    cast(Object.fromEntries(new FormData(form)));
  }
});

element.addEventListener("click", (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
  const link = event.target.closest("a[data-go]");
  if (link && plain) {
    event.preventDefault();
    const far = link.dataset.row && find(".detail").getBoundingClientRect().top > innerHeight / 2;
    go(link.getAttribute("href"), "pushState").then(() => far && find(".detail").scrollIntoView());
  }
  const vote = event.target.closest("[data-vote]");
  if (vote) openVote(vote.dataset);
  const undo = event.target.closest("[data-undo]")?.dataset;
  if (undo) cast({ query: undo.query, document: undo.document, by: undo.by, verdict: "withdrawn" });
  const clip = event.target.closest("video");
  if (clip && !clip.controls) clip.play().catch(() => {});
  if (clip) listen(clip);
});

element.addEventListener("close", (event) => {
  if (event.target.matches("dialog.look")) go(event.target.dataset.close, "replaceState");
}, true);

// Votes.
const NAME = "mmret-name";

function openVote({ vote, query, document: name }) {
  const form = find("dialog.voting form");
  Object.assign(form.elements.query, { value: query });
  Object.assign(form.elements.document, { value: name });
  Object.assign(form.elements.verdict, { value: vote });
  form.elements.by.value ||= localStorage.getItem(NAME) ?? "";
  form.elements.reason.value = "";
  find("[role=alert]", form).hidden = true;
  find("h2", form).textContent = vote === "also right" ? `${name} is also right for ${query}` : `The label of ${name} is wrong`;
  find("dialog.voting").showModal();
}

async function cast(vote) {
  const body = JSON.stringify(vote);
  const answer = await fetch("votes", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const notice = find("dialog.voting [role=alert]");
  notice.hidden = answer.ok;
  if (!answer.ok) {
    notice.textContent = await reason(answer);
    if (!find("dialog.voting").open) find("dialog.voting").showModal();
    return;
  }
  localStorage.setItem(NAME, vote.by);
  find("dialog.voting").close();
  go(location.search || "?", "replaceState");
}

async function reason(answer) {
  const found = await answer.json().catch(() => ({}));
  return found.error ?? found.detail ?? `The server answered ${answer.status}.`;
}

// Live queries: the address is the query, and the body the file, if there is one.
async function search() {
  const form = find("form.live");
  const address = said(form);
  address.set("tab", "live");
  if (!form.elements.weigh.checked) all("[type=range]", form).forEach((field) => address.delete(field.name));
  history.replaceState(null, "", `${location.pathname}?${address}`);
  const [file, place, button] = [form.elements.file.files[0], find(".found"), find("button", form)];
  if (file) address.set("name", file.name);
  button.disabled = true;
  place.textContent = "Searching …";
  try {
    const answer = await fetch(`live?${address}`, { method: "POST", body: file });
    if (answer.ok) place.innerHTML = await answer.text();
    else place.replaceChildren(Object.assign(document.createElement("p"), { className: "notice bad", textContent: await reason(answer) }));
    all("video[data-poster]", place).forEach((video) => posters.observe(video));
  } finally {
    button.disabled = false;
  }
}

// Clips: one plays at a time. One that the keyboard comes to plays without sound until Enter is pressed.
element.addEventListener("play", (event) => {
  event.target.controls = true;
  for (const one of all("video, audio")) if (one !== event.target) one.pause();
}, true);
element.addEventListener("focusin", (event) => {
  const clip = event.target;
  if (!clip.matches("video:focus-visible") || clip.controls) return;
  clip.muted = true;
  clip.dataset.preview = "";
  clip.play().catch(() => {});
});
element.addEventListener("focusout", (event) => {
  if (!("preview" in (event.target.dataset ?? {}))) return;
  event.target.pause();
  listen(event.target);
});

function listen(clip) {
  if (!("preview" in clip.dataset)) return;
  delete clip.dataset.preview;
  clip.muted = false;
}

function play(which) {
  const clip = find(`[data-play=${which}] :is(video, audio)`);
  if (!clip) return;
  listen(clip);
  if (clip.paused) clip.play().catch(() => {});
  else clip.pause();
}

const STEPS = { j: "after", ArrowRight: "after", k: "before", ArrowLeft: "before" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !find(".explorer") || find("dialog[open]")) return;
  const clip = event.target.closest("video");
  if (clip && "preview" in clip.dataset && event.key === "Enter") return listen(clip);
  if (event.target.matches("textarea, select, input:not([type=checkbox])")) return;
  if (event.key.startsWith("Arrow") && event.target.closest("video, [role=region]")) return;
  const step = event.key in STEPS && find(`[data-step=${STEPS[event.key]}]`);
  if (step) step.click();
  else if (event.key === "s") play("source");
  else if (event.key === "t") play("target");
  else if (event.key === "/" && find("[type=search]")) find("[type=search]").focus();
  else return;
  event.preventDefault();
});

window.addEventListener("popstate", () => go(location.search || "?", "replaceState"));
watch("value", () => {
  received = new Map([...parts(element)].map(([name, part]) => [name, part.outerHTML]));
  arrive();
});
