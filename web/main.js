// main: which page is shown, and what keys do. Where one is and what one looks at stands in the URL
// behind the #, so that it can be sent to somebody: #/now?sort=size&q=harbour, #/event/E12.

import { h } from "./dom.js";
import { eventPage } from "./event.js";
import { hierarchyPage } from "./hierarchy.js";
import { mapPage } from "./map.js";
import { nowPage } from "./now.js";
import { pipelinePage } from "./pipeline.js";
import { replayPage } from "./replay.js";
import { riverPage } from "./river.js";
import { start, store, watch } from "./store.js";

const PAGES = [
    ["now", "Now", nowPage],
    ["river", "River", riverPage],
    ["map", "Map", mapPage],
    ["hierarchy", "Hierarchy", hierarchyPage],
    ["pipeline", "Pipeline", pipelinePage],
    ["replay", "Replay", replayPage],
];
const KEYS = [["1 – 6", "pages"], ["/", "search"], ["j  k", "next and previous event"], ["Enter", "open it"], ["← ↑ → ↓  + −", "on the map: to the next one, nearer and farther"],
    ["Esc", "back"], ["t", "dark or light"], ["?", "this"]];

const main = document.getElementById("page");
const nav = document.getElementById("nav");
const dialog = document.getElementById("dialog");
let leave = () => {};

// ---- where one is ----

export function place() {
    const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
    const [page, ...rest] = path.split("/").map(decodeURIComponent);
    return { page: page || "now", rest, query: new URLSearchParams(query) };
}

// Change what is looked at, without a step of its own in the history. Browsers refuse too many in a short while,
// so only what is new is said.
function choose(name, value) {
    const { page, rest, query } = place();
    if (value)
        query.set(name, value);
    else
        query.delete(name);
    const asked = query.toString();
    const hash = `#/${[page, ...rest].map(encodeURIComponent).join("/")}${asked && "?"}${asked}`;
    if (hash !== location.hash)
        history.replaceState(null, "", hash);
}

function show() {
    const at = place();
    leave();
    main.replaceChildren();
    const found = PAGES.find(([name]) => name === at.page);
    for (const link of nav.children)
        link.toggleAttribute("aria-current", link.dataset.page === at.page);
    document.title = found ? `${found[1]} · eddy` : "eddy";
    if (found)
        leave = found[2](main, { query: at.query, choose });
    else if (at.page === "event" && /^[ET][1-9][0-9]*$/.test(at.rest[0] ?? ""))
        leave = eventPage(main, { id: at.rest[0], query: at.query, choose });
    else
        main.append(h("p", { class: "empty" }, "There is no such page."));
}

// ---- dark and light ----

function theme(name) {
    if (name)
        document.documentElement.dataset.theme = name;
    localStorage.setItem("theme", name ?? "");
}

function turn() {
    const dark = document.documentElement.dataset.theme
        ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    theme(dark ? "light" : "dark");
    dispatchEvent(new Event("theme"));
}

// ---- keys ----

function help() {
    dialog.replaceChildren(h("h2", null, "Keys"),
        h("dl", { class: "keys" }, KEYS.map(([key, what]) => [h("dt", null, h("kbd", null, key)), h("dd", null, what)])),
        h("form", { method: "dialog" }, h("button", null, "Close")));
    dialog.showModal();
}

function step(by) {
    const cards = [...main.querySelectorAll("[data-step]:not([hidden])")]
        .sort((a, b) => Number(a.dataset.step) - Number(b.dataset.step));
    const at = cards.indexOf(document.activeElement);
    cards[at < 0 ? 0 : Math.min(cards.length - 1, Math.max(0, at + by))]?.focus();
}

function key(e) {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName);
    if (e.ctrlKey || e.metaKey || e.altKey || dialog.open)
        return;
    if (e.key === "Escape") {
        if (typing)
            e.target.blur();
        else if (place().page !== "now")
            history.length > 1 ? history.back() : location.assign("#/now");
        return;
    }
    if (typing)
        return;
    const page = PAGES[Number(e.key) - 1];
    const does = page ? () => location.assign(`#/${page[0]}`)
        : { "/": () => main.querySelector("input[type=search]")?.focus(), j: () => step(1), k: () => step(-1), t: turn,
            "?": help }[e.key];
    if (does) {
        e.preventDefault();
        does();
    }
}

// ---- the beginning ----

const live = document.getElementById("live");
watch(() => {
    const word = store.failure || store.state;
    if (live.textContent !== word)
        live.textContent = word;
    live.dataset.state = store.failure ? "waiting" : store.state;
});

theme(localStorage.getItem("theme") || undefined);
nav.append(...PAGES.map(([name, title]) => h("a", { href: `#/${name}`, "data-page": name }, title)),
    h("button", { class: "plain", onclick: turn, title: "dark or light (t)", "aria-label": "dark or light" }, "◐"),
    h("button", { class: "plain", onclick: help, title: "keys (?)", "aria-label": "keys" }, "?"));
addEventListener("hashchange", show);
addEventListener("keydown", key);
show();
start();
