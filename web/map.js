// map: every event at its place, near those that are alike. Places come from eddy and hardly move; so
// the scale does not either, while one looks: it grows in steps, and never shrinks.
//
// One canvas has the points, another what is pointed at. Of what a canvas shows nothing can be read
// aloud: the list below it says the same.

import { get, topics } from "./api.js";
import { COLOURS, colour } from "./chart.js";
import { count, eventLink, h } from "./dom.js";
import { store, watch } from "./store.js";

const TOP = 10, LISTED = 100, NEAR_PX = 6, SMALL = 2, STEP = 1.25, ZOOM_MAX = 64;
const STATES = { new: "#4477aa", burst: "#ee6677", growing: "#228833", quiet: "#ccbb44", steady: "#99999f" };
const BY = { topic: "colours by topic", state: "colours by state" };

// 1, 10, 100 documents: 2, 7, 12 pixels.
const radius = (e) => Math.min(26, Math.round(2 + 1.5 * Math.log2(Math.max(1, e.total))));

// ---- where things are, in the units of eddy's map ----

// Shards know nothing of each other: each has a map of its own, side by side in a square.
function placeOf(e, shards, wide) {
    const shard = shards > 1 ? (Number(e.id.slice(1)) - 1) % shards : 0, columns = Math.ceil(Math.sqrt(shards));
    return [e.map[0] + (shard % columns) * wide, e.map[1] + Math.floor(shard / columns) * wide];
}

// Half of what all but a few of the events take, in steps, so that one more of them changes nothing.
function reach(events) {
    const far = events.map((e) => Math.max(Math.abs(e.map[0]), Math.abs(e.map[1]))).sort((a, b) => a - b);
    const most = far.length ? 1.1 * far[Math.floor(0.995 * (far.length - 1))] : 1;
    return STEP ** Math.ceil(Math.log(Math.max(1, most)) / Math.log(STEP));
}

// ---- colours ----

// [key, colour, title, link] of each, and the key of an event.
function legendOf(by, events, names) {
    if (by === "state")
        return { key: (e) => (STATES[e.badge] ? e.badge : "steady"), rows: Object.entries(STATES).map(([k, c]) => [k, c, k]) };
    const sizes = new Map();
    for (const e of events)
        sizes.set(e.topic ?? "", (sizes.get(e.topic ?? "") ?? 0) + e.total);
    const top = [...sizes.keys()].filter(Boolean).sort((a, b) => sizes.get(b) - sizes.get(a)).slice(0, TOP);
    const has = new Set(top);
    return { key: (e) => (has.has(e.topic) ? e.topic : ""),
        rows: [...top.map((t, i) => [t, COLOURS[i], names.get(t) || t, t]), ["", COLOURS[TOP], "others"]] };
}

// ---- the page ----

export function mapPage(main, { query, choose }) {
    let by = BY[query.get("by")] ? query.get("by") : "topic";
    let points = [], half = 1, shards = 1, zoom = 1, centre = null, at = null, waits = false, over = false, drag = null;
    let legend = { rows: [] }, asked = 0, listedAt = 0;
    const names = new Map(); // of topics
    const total = h("p", { class: "total", role: "status" });
    const canvas = h("canvas", { tabindex: 0, role: "img", "aria-label":
        "Map of the events. Arrow keys go from one to the next, Enter opens it, plus and minus zoom; the list below says the same." });
    const marks = h("canvas", { class: "marks-above", "aria-hidden": "true" });
    const tip = h("div", { class: "tip", hidden: true });
    const said = h("p", { class: "unseen", "aria-live": "polite" });
    const box = h("div", { class: "map" }, canvas, marks, tip);
    const key = h("ul", { class: "legend" });
    const list = h("ol", { class: "listed" });
    const more = h("details", { ontoggle: () => fillList(true) }, h("summary", null, "The largest as a list"), list);

    // ---- from the map to the screen ----

    const wide = () => 2.2 * half;
    const across = () => Math.ceil(Math.sqrt(shards)) * wide();
    const middle = () => centre ?? [(across() - wide()) / 2, (across() - wide()) / 2];
    const scale = () => (zoom * Math.min(box.clientWidth, box.clientHeight)) / across();

    // ---- drawing ----

    function context(element) {
        const ratio = devicePixelRatio || 1, w = Math.round(box.clientWidth * ratio), t = Math.round(box.clientHeight * ratio);
        if (element.width !== w || element.height !== t)
            [element.width, element.height] = [w, t];
        const ctx = element.getContext("2d");
        ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
        ctx.clearRect(0, 0, box.clientWidth, box.clientHeight);
        return ctx;
    }

    function draw() {
        waits = false;
        if (drag?.moved) // what is painted is moved as a whole; it is painted anew at the end
            return;
        canvas.style.translate = "";
        const ctx = context(canvas), groups = new Map(legend.rows.map(([k, c]) => [k, [c, []]]));
        const [cx, cy] = middle(), s = scale(), right = box.clientWidth, below = box.clientHeight;
        for (const p of points) {
            p.sx = right / 2 + (p.at[0] - cx) * s;
            p.sy = below / 2 + (p.at[1] - cy) * s;
            if (p.sx > -p.r && p.sy > -p.r && p.sx < right + p.r && p.sy < below + p.r)
                groups.get(p.key)?.[1].push(p);
        }
        // The grey ones lie below; of each colour the large ones.
        ctx.globalAlpha = 0.72;
        for (const [fill, some] of [...groups.values()].reverse()) {
            ctx.fillStyle = fill;
            for (const p of some) {
                if (p.r <= SMALL) { // most of many are: squares are soon painted, discs are not
                    ctx.fillRect(p.sx - p.r, p.sy - p.r, 2 * p.r, 2 * p.r);
                    continue;
                }
                ctx.beginPath();
                ctx.arc(p.sx, p.sy, p.r, 0, 7);
                ctx.fill();
            }
        }
        point();
    }
    function drawSoon() {
        if (!waits) {
            waits = true;
            requestAnimationFrame(draw);
        }
    }

    // The ring around what is pointed at, and what it is called.
    function point() {
        const ctx = context(marks);
        tip.hidden = !at;
        if (!at)
            return;
        ctx.strokeStyle = colour(box, "--ink");
        ctx.lineWidth = 2;
        ctx.beginPath();
        ctx.arc(at.sx, at.sy, at.r + 2, 0, 7);
        ctx.stroke();
        const e = store.events.get(at.id) ?? at.event, topic = e.topic && (names.get(e.topic) || e.topic);
        tip.replaceChildren(h("b", null, e.name || e.id),
            h("span", null, `${count(e.total)} documents · ${e.badge}${topic ? ` · ${topic}` : ""}`));
        tip.style.left = `${Math.min(Math.max(0, at.sx + 14), Math.max(0, box.clientWidth - 290))}px`;
        tip.style.top = `${Math.min(Math.max(0, at.sy + 14), box.clientHeight - 70)}px`;
    }
    function pointAt(p, aloud) {
        if (at?.id === p?.id)
            return;
        at = p;
        if (aloud && p)
            said.textContent = `${p.event.name || p.id}, ${count(p.event.total)} documents`;
        canvas.style.cursor = p ? "pointer" : "";
        point();
    }

    // ---- pointing ----

    function nearest(x, y) {
        let best = null, least = Infinity;
        for (const p of points) {
            const far = Math.hypot(p.sx - x, p.sy - y) - p.r;
            if (far < least && far < NEAR_PX)
                [best, least] = [p, far];
        }
        return best;
    }
    // The next one that way: near, and rather ahead than aside.
    function beside(dx, dy) {
        let best = null, least = Infinity;
        for (const p of points) {
            const x = p.sx - at.sx, y = p.sy - at.sy, ahead = x * dx + y * dy, aside = Math.abs(x * dy - y * dx);
            if (p !== at && ahead > 0.5 && ahead + 2 * aside < least)
                [best, least] = [p, ahead + 2 * aside];
        }
        return best;
    }
    function zoomTo(factor, x = box.clientWidth / 2, y = box.clientHeight / 2) {
        const [cx, cy] = middle(), before = scale();
        zoom = Math.min(ZOOM_MAX, Math.max(1, zoom * factor));
        const dx = x - box.clientWidth / 2, dy = y - box.clientHeight / 2;
        centre = zoom === 1 ? null : [cx + dx / before - dx / scale(), cy + dy / before - dy / scale()];
        drawSoon();
    }
    const open = (p) => p && location.assign(`#/event/${p.id}`);
    const place = (e) => [e.clientX - box.getBoundingClientRect().left, e.clientY - box.getBoundingClientRect().top];
    canvas.addEventListener("pointerdown", (e) => {
        drag = { from: place(e), centre: middle(), moved: false };
        canvas.setPointerCapture(e.pointerId);
    });
    canvas.addEventListener("pointermove", (e) => {
        const [x, y] = place(e);
        if (drag && (drag.moved ||= Math.hypot(x - drag.from[0], y - drag.from[1]) > 4)) {
            centre = [drag.centre[0] - (x - drag.from[0]) / scale(), drag.centre[1] - (y - drag.from[1]) / scale()];
            canvas.style.translate = `${x - drag.from[0]}px ${y - drag.from[1]}px`;
            pointAt(null);
        } else {
            pointAt(nearest(x, y));
        }
    });
    canvas.addEventListener("pointerup", (e) => {
        const still = drag && !drag.moved;
        drag = null;
        drawSoon();
        if (still)
            open(nearest(...place(e)));
    });
    canvas.addEventListener("pointercancel", () => {
        drag = null;
        drawSoon();
    });
    canvas.addEventListener("pointerleave", () => !drag && document.activeElement !== canvas && pointAt(null));
    canvas.addEventListener("wheel", (e) => {
        e.preventDefault();
        zoomTo(e.deltaY < 0 ? STEP : 1 / STEP, ...place(e));
    }, { passive: false });
    canvas.addEventListener("keydown", (e) => {
        const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
        if (way)
            pointAt((at ? beside(...way) : points[0]) ?? at, true);
        else if (e.key === "Enter")
            open(at);
        else if (e.key === "+" || e.key === "=")
            zoomTo(STEP ** 2, at?.sx, at?.sy);
        else if (e.key === "-")
            zoomTo(STEP ** -2);
        else
            return;
        e.preventDefault();
    });

    // ---- what is there ----

    function update() {
        const all = [...store.events.values()], events = all.filter((e) => e.map);
        half = Math.max(half, reach(events));
        legend = legendOf(by, events, names);
        points = events.map((e) => ({ id: e.id, event: e, at: placeOf(e, shards, wide()), r: radius(e), key: legend.key(e), sx: 0, sy: 0 }))
            .sort((a, b) => b.event.total - a.event.total || (a.id < b.id ? -1 : 1));
        at = at && (points.find((p) => p.id === at.id) ?? null);
        total.textContent = all.length ? `${count(events.length)} of ${count(all.length)} active events have a place: ` +
            "those that are near each other are alike" : store.failure || (store.whole ? "No events yet." : "Loading…");
        key.replaceChildren(...legend.rows.map(([k, c, title, link]) => {
            const swatch = h("i");
            swatch.style.background = c;
            return h("li", null, swatch, link ? eventLink(link, title) : title, h("small", null, count(points.filter((p) => p.key === k).length)));
        }));
        fillList(false);
        drawSoon();
        learn();
    }
    function fillList(anyway) {
        if (!more.open || (!anyway && (list.querySelector(":focus") || Date.now() - listedAt < 5000)))
            return;
        listedAt = Date.now();
        list.replaceChildren(...points.slice(0, LISTED).map((p, i) => h("li", null,
            h("a", { href: `#/event/${p.id}`, "data-step": i }, p.event.name || p.id),
            h("small", null, ` ${count(p.event.total)} documents${p.event.topic ? ` · ${names.get(p.event.topic) || p.event.topic}` : ""}`))));
    }
    // Names of topics, and how many shards there are: now and then.
    async function learn() {
        if (Date.now() - asked < 5000)
            return;
        asked = Date.now();
        try {
            const [found, stats] = await Promise.all([topics(), get("stats")]);
            if (over)
                return;
            found.forEach((t) => names.set(t.id, t.name));
            shards = stats.n_shards;
            update();
        } catch { /* as before, then; what is wrong is told at the top of the page */ }
    }
    main.append(h("div", { class: "tools" },
        h("select", { "aria-label": "what colours say", onchange: (e) => {
            by = e.target.value;
            choose("by", by === "topic" ? "" : by);
            update();
        } }, Object.entries(BY).map(([name, title]) => h("option", { value: name, selected: name === by }, title))),
        h("button", { onclick: () => zoomTo(STEP ** 2), "aria-label": "nearer" }, "+"),
        h("button", { onclick: () => zoomTo(STEP ** -2), "aria-label": "farther" }, "−"),
        h("button", { onclick: () => zoomTo(0) }, "All")), total, box, key, said, more);
    const sizes = new ResizeObserver(drawSoon);
    sizes.observe(box);
    addEventListener("theme", drawSoon);
    const stop = watch(update);
    update();
    return () => {
        over = true;
        stop();
        sizes.disconnect();
        removeEventListener("theme", drawSoon);
    };
}
