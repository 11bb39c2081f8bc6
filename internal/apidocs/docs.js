// What the page can do beyond being read: search, copy, a menu on small screens,
// and lines for curl that go to this server. Nothing is fetched, and no text
// becomes markup.
"use strict";

const $ = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

document.documentElement.classList.remove("scriptless");

// Lines for curl go to the server that this page came from.
for (const pre of all("pre.curl")) {
  const code = pre.querySelector("code");
  code.textContent = code.textContent.replaceAll("http://127.0.0.1:8080", location.origin);
  const box = document.createElement("div");
  box.className = "copier";
  pre.replaceWith(box);
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "copy";
  copy.textContent = "Copy";
  copy.setAttribute("aria-label", "Copy: " + pre.getAttribute("aria-label"));
  box.append(pre);
  if (!navigator.clipboard) continue; // a page from elsewhere over plain HTTP has none
  box.append(copy);
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
}

// The menu of small screens.
const menu = $("menu"), side = $("side");
const small = matchMedia("(max-width: 56rem)");
const show = (open) => {
  side.classList.toggle("open", open);
  menu.setAttribute("aria-expanded", String(open));
};
const fit = () => { menu.hidden = !small.matches; show(false); };
small.addEventListener("change", fit);
fit();
menu.addEventListener("click", () => show(!side.classList.contains("open")));
side.addEventListener("click", (e) => { if (e.target.closest("a")) show(false); });

// The search: every word must be in an operation's words.
const query = $("query"), found = $("found"), main = $("main");
$("find").hidden = false;
const none = document.createElement("p");
none.className = "none";
none.hidden = true;
none.textContent = "No operation has all of these words. Try part of a path, a field or an error code.";
main.append(none);

function search() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const one of all("[data-words]")) {
    one.hidden = !words.every((w) => one.dataset.words.includes(w));
  }
  for (const group of all("[data-group]")) {
    group.hidden = !group.querySelector("[data-words]:not([hidden])");
  }
  for (const other of all("[data-static]")) other.hidden = words.length > 0;
  const n = all("article[data-words]:not([hidden])").length;
  none.hidden = n > 0;
  found.textContent = words.length === 0 ? "" : n === 1 ? "1 operation" : n + " operations";
}
query.addEventListener("input", search);
addEventListener("keydown", (e) => {
  if (e.key === "/" && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.closest("input, textarea, [contenteditable]")) {
    e.preventDefault();
    query.focus();
  }
  if (e.key === "Escape" && (query.value !== "" || side.classList.contains("open"))) {
    query.value = "";
    search();
    show(false);
  }
});

// A link leads somewhere also while a search hides it.
addEventListener("hashchange", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.closest("[hidden]")) {
    query.value = "";
    search();
    target.scrollIntoView();
  }
});

// Where one is, marked in the contents.
const links = new Map(all("nav a").map((a) => [a.getAttribute("href").slice(1), a]));
let current;
const watch = new IntersectionObserver((entries) => {
  for (const e of entries) {
    const link = e.isIntersecting && links.get(e.target.id);
    if (!link || link === current) continue;
    current?.removeAttribute("aria-current");
    current = link;
    link.setAttribute("aria-current", "true");
    const at = link.offsetTop - side.offsetTop; // the contents follow, and only they
    if (at < side.scrollTop || at > side.scrollTop + side.clientHeight - 60) side.scrollTop = at - side.clientHeight / 2;
  }
}, { rootMargin: "-80px 0px -75% 0px" });
for (const target of all("article[id], main > section[id]")) watch.observe(target);
