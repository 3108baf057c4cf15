"use strict";
// The menu lies open where there is room for it.
const wide = matchMedia("(min-width: 56.01rem)");
const menu = document.getElementById("menu");
const place = () => { menu.open = wide.matches; };
wide.addEventListener("change", place);
place();

// Everything folded, unfolded at once; and on paper.
const folds = () => document.querySelectorAll("main details");
const unfold = document.getElementById("unfold");
if (unfold) unfold.addEventListener("click", () => {
  const open = unfold.getAttribute("aria-pressed") !== "true";
  folds().forEach((fold) => { fold.open = open; });
  unfold.setAttribute("aria-pressed", open);
  unfold.textContent = open ? "Fold all steps" : "Unfold all steps";
});
addEventListener("beforeprint", () => folds().forEach((fold) => { fold.open = true; }));

// A display or a printout that is too wide for the screen is set smaller, as long as it can be read.
const smallest = 0.62, readable = 7.5;
const least = (box) => {
  const letters = [...box.querySelectorAll("mi, mn, mo, mtext, code")].filter((e) => e.textContent);
  const sizes = letters.map((letter) => parseFloat(getComputedStyle(letter).fontSize));
  return Math.max(smallest, readable / Math.min(...sizes));
};
const fit = () => {
  const boxes = [...document.querySelectorAll(".display, pre:not(.sourceCode) > code")];
  boxes.forEach((box) => { box.style.fontSize = ""; });
  const shares = boxes.map((box) => 0.98 * box.clientWidth / (box.scrollWidth || 1));
  boxes.forEach((box, k) => {
    if (shares[k] < 0.98 && shares[k] >= least(box)) box.style.fontSize = `${shares[k]}em`;
  });
};

// What scrolls can be reached by keyboard; what does not need not be.
const reach = () => document.querySelectorAll(".display, .wide, pre").forEach((box) => {
  if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
  else box.removeAttribute("tabindex");
});
const settle = () => { fit(); reach(); };
addEventListener("load", settle);
addEventListener("resize", settle);
addEventListener("toggle", settle, true);

// Search: every word of the query begins a word of the entry; titles count most.
const query = document.getElementById("query");
const hits = document.getElementById("hits");
const idle = new Set(["a", "an", "and", "by", "for", "in", "is", "of", "the", "to", "what", "with"]);
// Words as they are compared: in either spelling, and without accents.
const words = (text) => (text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "")
  .replace(/([iy])z(e|ation|ing)/g, "$1s$2").match(/[\p{L}\p{N}]+/gu) || []);
const score = (asked, entry) => {
  const title = words(entry.title), rest = words(entry.under + " " + entry.words);
  const joined = title.join("") + " " + rest.join("");
  let total = 0;
  for (const word of asked) {
    const among = (list, exact, begins) => list.includes(word) ? exact
      : list.some((w) => w.startsWith(word)) ? begins : 0;
    const points = among(title, 8, 5) || among(rest, 4, 2)
      || (word.length > 4 && joined.includes(word) ? 1 : 0);
    if (!points) return 0;
    total += points;
  }
  return total + entry.weight - title.length / 10;
};
const element = (name, text) => {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
};
const show = () => {
  const asked = words(query.value).filter((word) => !idle.has(word));
  hits.replaceChildren();
  hits.hidden = !asked.length;
  const found = (window.SEARCH || []).map((entry) => [score(asked, entry), entry])
    .filter(([points]) => points > 0).sort((a, b) => b[0] - a[0]).slice(0, 8);
  for (const [, entry] of found) {
    const link = document.createElement("a");
    link.href = entry.url;
    link.append(element("strong", entry.title), element("small", entry.under));
    if (entry.formula) {
      const formula = document.createElement("div");
      formula.className = "formula";
      formula.innerHTML = entry.formula;
      link.append(formula);
    }
    link.addEventListener("click", () => { hits.hidden = true; });
    hits.append(link);
  }
  if (asked.length && !found.length) hits.append(element("p", "Nothing was found."));
};
query.addEventListener("input", show);
query.addEventListener("focus", show);
addEventListener("keydown", (event) => {
  const links = [...hits.querySelectorAll("a")], at = links.indexOf(document.activeElement);
  if (event.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    query.focus();
  } else if (event.key === "Escape") {
    hits.hidden = true;
  } else if (hits.hidden || !links.length) {
    return;
  } else if (event.key === "Enter" && document.activeElement === query) {
    links[0].click();
  } else if (event.key === "ArrowDown") {
    event.preventDefault();
    links[Math.min(at + 1, links.length - 1)].focus();
  } else if (event.key === "ArrowUp") {
    event.preventDefault();
    (at > 0 ? links[at - 1] : query).focus();
  }
});
addEventListener("click", (event) => {
  if (!event.target.closest(".search")) hits.hidden = true;
});
