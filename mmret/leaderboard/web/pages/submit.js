// The page to submit. The file goes to the same address of the API as from the command line, with the team's token.
const find = (selector) => element.querySelector(selector);
const make = (name, text, kind = "") => Object.assign(document.createElement(name), { textContent: text, className: kind });

// The commands name the chosen benchmark and this server.
function name() {
  const chosen = find("[name=benchmark]")?.selectedOptions[0];
  if (!chosen) return;
  const words = { ...chosen.dataset, id: chosen.value, url: new URL(".", location.href).href.replace(/\/$/, "") };
  for (const place of element.querySelectorAll("[data-fill]")) place.textContent = words[place.dataset.fill];
  for (const part of element.querySelectorAll("[data-hidden]:not(option)")) part.hidden = part.dataset.hidden !== words.hidden;
}

function say(kind, words, faults = [], more) {
  const notice = make("div", "", `notice ${kind}`);
  notice.append(make("p", words[0].toUpperCase() + words.slice(1)));
  if (more) notice.append(more);
  const list = make("ul", "");
  for (const fault of faults) {
    const item = make("li", "");
    item.append(make("b", `${fault.severity === "error" ? "Error" : "Warning"} ${fault.code}: `), fault.message);
    if (fault.where.length) {
      const rest = fault.count > fault.where.length ? ` … (${fault.count.toLocaleString("en")} in all)` : "";
      item.append(make("br"), make("code", fault.where.join(", ")), rest);
    }
    list.append(item);
  }
  if (faults.length) notice.append(list);
  find(".answer").replaceChildren(notice);
}

function send(form) {
  const request = new XMLHttpRequest();
  const bar = find("progress");
  request.open("POST", `api/v1/benchmarks/${encodeURIComponent(form.benchmark.value)}/submissions`);
  request.setRequestHeader("Authorization", `Bearer ${form.token.value.trim()}`);
  request.setRequestHeader("Content-Type", "application/vnd.apache.parquet");
  request.upload.onprogress = (event) => (bar.value = event.loaded / event.total);
  request.responseType = "json";
  return new Promise((resolve) => {
    request.onloadend = () => resolve(request);
    request.send(form.file.files[0]);
  });
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// What became of a submission, once it is scored; null where the token may not read or it takes longer than a minute.
async function outcome(id, token) {
  for (let wait = 500; wait < 15_000; wait *= 1.3) {
    const answer = await fetch(`api/v1/submissions/${id}`, { headers: { Authorization: `Bearer ${token}` } });
    if (!answer.ok) return null;
    const found = await answer.json();
    if (found.state !== "pending") return found;
    await pause(wait);
  }
  return null;
}

const WORDS = {
  verified: "Scored and ranked",
  flagged: "Scored; a moderator looks at it before it is ranked",
  failed: "It could not be scored; this costs no quota",
};

async function submit(form) {
  const { status, response } = await send(form);
  if (status === 0) return say("bad", "The server cannot be reached.");
  if (status >= 400) return say("bad", response?.detail ?? `The server answered ${status}.`, response?.faults);
  const link = make("a", `Submission ${response.submission}`);
  link.href = `submission?id=${response.submission}`;
  const came = response.created ? "Accepted; it is being scored …" : "Your team has sent this very file before.";
  say("good", came, response.warnings, link);
  const found = await outcome(response.submission, form.token.value.trim());
  if (!found) return;
  const words = [WORDS[found.state] ?? `It is ${found.state}`, found.reason].filter(Boolean).join(": ");
  say(found.state === "verified" ? "good" : "bad", words, response.warnings, link);
}

element.addEventListener("submit", (event) => {
  event.preventDefault();
  const busy = [event.submitter, find("progress")];
  say("", "The file is being sent and checked …");
  [busy[0].disabled, busy[1].hidden] = [true, false];
  submit(event.target).finally(() => ([busy[0].disabled, busy[1].hidden] = [false, true]));
});
element.addEventListener("change", (event) => event.target.name === "benchmark" && name());
watch("value", name);
name();
