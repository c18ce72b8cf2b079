// now: the active events as cards, the most interesting first.
//
// Only the cards that can be seen exist: as one scrolls, those that leave are filled anew with those
// that come. So ten thousand events cost as much as fifty.

import { count, h, sparkPath, svg, ago } from "./dom.js";
import { sources } from "./sources.js";
import { recent, store, watch } from "./store.js";

const TALL = 170, WIDE = 320, GAP = 12;
const SORTS = {
    growth: ["fastest growing", (a, b) => b.growth - a.growth || b.total - a.total],
    size: ["largest", (a, b) => b.total - a.total],
    newest: ["newest", (a, b) => (a.first_seen < b.first_seen ? 1 : -1)],
    recent: ["latest report", (a, b) => b.last - a.last],
};

// ---- a card ----

function cardNew() {
    const part = {};
    const own = (name, tag, ...children) => (part[name] = h(tag, { class: name }, ...children));
    part.path = svg("path");
    part.card = h("a", { class: "card" },
        h("div", { class: "top" }, own("badge", "span"), own("size", "span"), own("growth", "span")),
        own("name", "h2"), own("keywords", "p"), own("sources", "p"),
        h("div", { class: "foot" }, svg("svg", { class: "spark", viewBox: "0 0 96 24", "aria-hidden": "true" }, part.path),
            own("from", "span")));
    return part;
}

function text(element, value) {
    if (element.textContent !== value)
        element.textContent = value;
}

function cardFill(part, e, index, columns, width) {
    const { card } = part;
    if (part.id !== e.id) {
        part.id = e.id;
        card.setAttribute("href", `#/event/${e.id}`);
        part.version = null;
    }
    card.dataset.step = index;
    card.style.transform =
        `translate(${(index % columns) * (width + GAP)}px, ${Math.floor(index / columns) * (TALL + GAP)}px)`;
    card.style.width = `${width}px`;
    text(part.from, `${e.groups > 1 ? `${count(e.groups)} groups · ` : ""}${ago(e.last_seen, store.now)}`);
    text(part.sources, sources.of(e.id));
    text(part.badge, e.badge);
    part.badge.dataset.badge = e.badge;
    text(part.growth, e.growth ? `+${count(e.growth)} in 1 h` : "");
    const version = `${e.version} ${store.samples.get(e.id)?.length}`;
    if (part.version === version)
        return;
    part.version = version;
    text(part.size, count(e.total));
    text(part.name, e.name || e.exemplars?.[0]?.title || e.id);
    text(part.keywords, (e.keywords ?? []).slice(0, 6).map((k) => k.keyword).join(" · "));
    part.path.setAttribute("d", sparkPath(recent(e)));
}

// ---- which, and in what order ----

function words(e) {
    if (e.words === undefined)
        e.words = [e.id, e.name, e.summary, e.category, e.topic, ...(e.keywords ?? []).map((k) => k.keyword),
            ...(e.exemplars ?? []).map((x) => x.title)].join("\n").toLowerCase();
    return e.words;
}

function chosen({ q, sort, min, badge }) {
    const wanted = q.toLowerCase().split(/\s+/).filter(Boolean);
    const list = [];
    for (const e of store.events.values())
        if (e.total >= min && (!badge || e.badge === badge) && wanted.every((w) => words(e).includes(w)))
            list.push(e);
    return list.sort(SORTS[sort][1]);
}

// ---- the page ----

function tools(state, query, choose, changed) {
    const set = (name, value, standard) => {
        choose(name, value === standard ? "" : String(value));
        state[name] = value;
        changed();
    };
    const search = h("input", { type: "search", placeholder: "search  /", "aria-label": "search", value: state.q,
        oninput: (e) => set("q", e.target.value, "") });
    const sort = h("select", { "aria-label": "order", onchange: (e) => set("sort", e.target.value, "growth") },
        Object.entries(SORTS).map(([name, [title]]) => h("option", { value: name, selected: name === state.sort }, title)));
    const badge = h("select", { "aria-label": "state", onchange: (e) => set("badge", e.target.value, "") },
        ["", "new", "burst", "growing", "steady", "quiet"].map((b) =>
            h("option", { value: b, selected: b === state.badge }, b || "any state")));
    const min = h("input", { type: "number", min: 1, value: state.min, "aria-label": "smallest size",
        oninput: (e) => set("min", Math.max(1, Number(e.target.value) || 1), 1) });
    return h("div", { class: "tools" }, search, sort, badge, h("label", null, "at least ", min, " documents"));
}

export function nowPage(main, { query, choose }) {
    const state = {
        q: query.get("q") ?? "",
        sort: SORTS[query.get("sort")] ? query.get("sort") : "growth",
        badge: query.get("badge") ?? "",
        min: Math.max(1, Number(query.get("min")) || 1),
    };
    const total = h("p", { class: "total", role: "status" });
    const field = h("div", { class: "field" });
    const scroller = h("div", { class: "scroller" }, field);
    const parts = [];
    let list = [], waits = false;

    function draw() {
        waits = false;
        const columns = Math.max(1, Math.floor((scroller.clientWidth + GAP) / (WIDE + GAP)));
        const width = Math.floor((scroller.clientWidth - GAP * (columns - 1)) / columns);
        const from = Math.max(0, Math.floor(scroller.scrollTop / (TALL + GAP)) - 1) * columns;
        const n = Math.min(list.length - from, (Math.ceil(scroller.clientHeight / (TALL + GAP)) + 3) * columns);
        field.style.height = `${Math.ceil(list.length / columns) * (TALL + GAP)}px`;
        while (parts.length < n) {
            const part = cardNew();
            parts.push(part);
            field.append(part.card);
        }
        // A card stays with its place, so that what has the focus keeps it as others come and go.
        parts.forEach((part) => (part.card.hidden = true));
        for (let i = from; i < from + n; i++) {
            const part = parts[i % parts.length];
            part.card.hidden = false;
            cardFill(part, list[i], i, columns, width);
        }
        sources.ask(list.slice(from, from + n).map((e) => e.id), drawSoon);
    }
    const drawSoon = () => {
        if (!waits) {
            waits = true;
            requestAnimationFrame(draw);
        }
    };
    // Under the pointer nothing moves: what is there is told anew, in the order that it had.
    function update() {
        const held = field.matches(":hover") && list.length;
        list = held ? list.map((e) => store.events.get(e.id)).filter(Boolean) : chosen(state);
        text(total, store.events.size ? `${count(list.length)} of ${count(store.events.size)} active events`
            : store.failure || (store.whole ? "No events yet: they appear here as documents come." : "Loading…"));
        drawSoon();
    }
    main.append(tools(state, query, choose, () => {
        list = [];
        scroller.scrollTop = 0;
        update();
    }), total, scroller);
    scroller.addEventListener("scroll", drawSoon, { passive: true });
    const sizes = new ResizeObserver(drawSoon);
    sizes.observe(scroller);
    const stop = watch(update);
    update();
    return () => {
        stop();
        sizes.disconnect();
    };
}
