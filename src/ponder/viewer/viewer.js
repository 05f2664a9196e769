"use strict";
// What the pages cannot do themselves: keys, filters that act at once, and word of rollouts that came since.
// Every page works without it.

const body = document.body;
const typing = (element) => element.matches("input, select, textarea") || element.isContentEditable;

function press(key) {
  const found = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key.split(" ").includes(key));
  if (!found) return step(key);
  if (found.matches("input")) found.focus();
  else found.click();
  return true;
}

function step(key) {
  const by = { j: 1, k: -1 }[key];
  const rows = [...document.querySelectorAll("#content a.rollout")];
  if (!by || !rows.length) return false;
  const at = rows.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  rows[next].focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && typing(event.target)) return event.target.blur();
  // An arrow scrolls a text that is wider than the page, and so does not leave it.
  const scrolls = event.target.matches("pre") && event.target.scrollWidth > event.target.clientWidth;
  if (typing(event.target) || (scrolls && event.key.startsWith("Arrow"))) return;
  if (press(event.key)) event.preventDefault();
});

const form = document.querySelector("form.filters");
if (form) {
  if (matchMedia("(min-width: 60rem)").matches) form.querySelector(".drawer").open = true;
  for (const each of form.querySelectorAll("select")) each.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value || value === "newest") event.formData.delete(name);
  });
}

// The links to other rollouts keep the thinking open once it was opened.
const thoughts = document.querySelector("details.thoughts");
if (thoughts) {
  const keep = (address) => {
    const url = new URL(address, location.href);
    if (thoughts.open) url.searchParams.set("think", "1");
    else url.searchParams.delete("think");
    return url.href;
  };
  thoughts.addEventListener("toggle", () => {
    history.replaceState(null, "", keep(location.href));
    for (const link of document.querySelectorAll("a[href*='/rollout/']")) link.href = keep(link.href);
  });
}

async function pulse() {
  let wait = 15000;
  try {
    const told = await (await fetch(`${body.dataset.base}/pulse`)).json();
    const more = told.count - Number(body.dataset.count);
    if (told.reading || told.status === "running") wait = 3000;
    if (more) say(more > 0 ? `${more.toLocaleString("en")} more rollouts.` : "The run has changed.");
    else if (body.dataset.reading === "1" && !told.reading) say("All rollouts are read.");
  } catch {
    say("The viewer has ended; start it again with ponder show.");
  }
  setTimeout(pulse, wait);
}

function say(text) {
  const news = document.getElementById("news");
  if (news.querySelector("span").textContent === text) return;
  news.querySelector("span").textContent = text;
  news.querySelector("a").href = location.href;
  news.hidden = false;
}

setTimeout(pulse, 2000);
