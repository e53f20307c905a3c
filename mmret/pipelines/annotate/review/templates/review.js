// The page's script: what its buttons and keys do is asked of the server, which makes the HTML of what is seen next.
const find = (selector, within = element) => within.querySelector(selector);
const KEYS = { a: "accept", r: "reject", s: "skip", u: "undo", v: "verdicts", n: "next", b: "both" };
let reviewer = "";
let busy = false;
let following = null; // the clip that plays when another has ended

async function ask(route, body = {}) {
  if (busy) return;
  busy = true;
  find(".desk").setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`review/${route}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ reviewer, ...body }),
    });
    if (answer.ok) {
      put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } else {
      const { detail } = await answer.json().catch(() => ({}));
      say(typeof detail === "string" ? detail : `The server answered ${answer.status}.`);
    }
  } catch {
    say("The server does not answer. All votes before are kept; try again.");
  } finally {
    busy = false;
    find(".desk").removeAttribute("aria-busy");
  }
}

// Puts what is new in place. An item that stays is left as it is: its clips may play, its reason may be half written.
function put(page) {
  const desk = find(".desk");
  const item = (root) => find("article", root)?.dataset.item;
  const same = item(desk) && item(desk) === item(page.body);
  for (const part of page.querySelectorAll("[data-part]")) {
    const old = find(`[data-part=${part.dataset.part}]`, desk);
    if (!old) desk.append(part);
    else if (!same || part.dataset.part !== "item") old.replaceWith(part);
  }
  find(".enter").hidden = true;
  history.replaceState(null, "", `?${new URLSearchParams({ reviewer })}`);
  say(find("[data-part=progress]").dataset.notice);
  if (same) return find(".last h2")?.focus();
  following = null;
  find(".review").scrollIntoView();
  find(".text").focus({ preventScroll: true });
}

function say(words) {
  const notice = find("[role=alert]");
  notice.textContent = words;
  notice.hidden = !words;
}

function act(name) {
  const { item } = find("article").dataset;
  if (name === "both") {
    following = clip(2);
    play(clip(1), 0);
  } else if (name === "accept" || name === "reject") {
    ask("vote", { item, accept: name === "accept", reason: find("[name=reason]").value });
  } else {
    ask(name, name === "skip" ? { item } : {});
  }
}

const clip = (number) => find(`[data-play="${number}"]`);

function play(video, from = video.currentTime) {
  video.currentTime = from;
  video.play().catch(() => {});
}

element.addEventListener("play", ({ target }) => {
  for (const video of element.querySelectorAll("video")) if (video !== target) video.pause();
}, true);
element.addEventListener("ended", ({ target }) => {
  if (!following || target === following) return;
  play(following, 0);
  following = null;
}, true);
element.addEventListener("error", ({ target }) => {
  if (target.matches("video")) say("A clip cannot be played. Skip this item, and tell whoever runs the review.");
}, true);

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) act(button.dataset.act);
});
element.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!event.target.matches(".enter")) return;
  reviewer = event.target.elements.reviewer.value;
  ask("next");
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !find("article") || !find("[name=keys]").checked) return;
  const key = event.key.toLowerCase();
  if (event.target.matches("input:not([type=checkbox]), select, textarea")) {
    if (event.target.name === "reason" && (key === "enter" || key === "escape")) find(".text").focus();
  } else if ((key === "1" || key === "2") && clip(key)) {
    if (clip(key).paused) play(clip(key));
    else clip(key).pause();
  } else if (key === "e" && find("[name=reason]")) {
    event.preventDefault(); // the letter is no part of the reason
    find("[name=reason]").focus();
  } else if (key in KEYS) {
    find(`[data-act=${KEYS[key]}]`)?.click();
  }
});

reviewer = new URLSearchParams(location.search).get("reviewer") ?? "";
if (reviewer) ask("next");
