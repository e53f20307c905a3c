// Every page: its title, and the part of it that the address names, once it is there.
function arrive() {
  const page = element.querySelector("[data-title]");
  if (page) document.title = page.dataset.title;
  const part = location.hash && document.getElementById(location.hash.slice(1));
  if (part) part.scrollIntoView();
}
watch("value", arrive);
