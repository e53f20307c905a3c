// Every page: its title, the part of it that the address names, and the names of gradio's own parts.
function arrive() {
  const page = element.querySelector("[data-title]");
  if (page) document.title = page.dataset.title;
  const part = location.hash && document.getElementById(location.hash.slice(1));
  if (part) part.scrollIntoView();
  document.querySelector(".nav-holder nav")?.setAttribute("aria-label", "Pages");
  document.querySelector(".nav-holder a.active")?.setAttribute("aria-current", "page");
}
watch("value", arrive);
