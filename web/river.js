// river: what came over time, the largest events one upon the other, and all others below them. Where
// events merged or split the stream carries a mark, and the list says which.

import { COLOURS, plot } from "./chart.js";
import { count, eventLink, h, moment } from "./dom.js";
import { arrivals, store, watch } from "./store.js";

const TOP = 10, CELLS = 48, HOUR = 3600000;
const SPANS = { hour: [HOUR, "last hour"], day: [24 * HOUR, "last day"], week: [168 * HOUR, "last week"],
    all: [Infinity, "all that is known"] };

// Times in s, and for each of the largest and for the rest what came in each cell.
function streams(span) {
    let first = store.now;
    for (const list of store.samples.values())
        first = Math.min(first, list[0][0]);
    const to = store.now, from = Math.max(first, to - span);
    const all = [...store.events.values()].map((e) => [e, arrivals(e, from, to, CELLS)]);
    const sum = (cells) => cells.reduce((a, b) => a + b, 0);
    const ranked = all.map(([e, cells]) => [e, cells, sum(cells)]).sort((a, b) => b[2] - a[2] || b[0].total - a[0].total);
    const top = ranked.slice(0, TOP).filter((r) => r[2] > 0);
    const rest = new Array(CELLS).fill(0);
    for (const [, cells] of ranked.slice(top.length))
        cells.forEach((n, i) => (rest[i] += n));
    const times = rest.map((_, i) => (from + ((i + 0.5) * (to - from)) / CELLS) / 1000);
    return { from, to, times, top, rest };
}

// The first line is the top of all; each fills down to the next.
function stacked({ times, top, rest }) {
    const rows = [rest];
    for (const [, cells] of top.toReversed())
        rows.unshift(cells.map((n, i) => n + rows[0][i]));
    return [times, ...rows];
}

const marked = (from, to) => store.changes.filter((c) => (c.kind === "merged" || c.kind === "split") && c.size_before + c.size_after > 1 &&
    Date.parse(c.time) >= from && Date.parse(c.time) <= to);

// A merge points down, a split up.
function markers(marks) {
    return (u) => {
        const tall = 7 * devicePixelRatio, y = u.bbox.top + tall;
        u.ctx.save();
        for (const c of marks()) {
            const x = u.valToPos(Date.parse(c.time) / 1000, "x", true), way = c.kind === "merged" ? 1 : -1;
            u.ctx.fillStyle = c.kind === "merged" ? "#ee6677" : "#228833";
            u.ctx.beginPath();
            u.ctx.moveTo(x - tall / 2, y - (way * tall) / 2);
            u.ctx.lineTo(x + tall / 2, y - (way * tall) / 2);
            u.ctx.lineTo(x, y + (way * tall) / 2);
            u.ctx.fill();
        }
        u.ctx.restore();
    };
}

export function riverPage(main, { query, choose }) {
    let span = SPANS[query.get("span")] ? query.get("span") : "all";
    let chart = null, shown = "", now = -1, marks = [];
    const box = h("div", { class: "chart" });
    const legend = h("ol", { class: "legend" });
    const list = h("ul", { class: "marks" });
    const pick = h("select", { "aria-label": "how far back", onchange: (e) => {
        span = e.target.value;
        choose("span", span === "all" ? "" : span);
        now = -1;
        update();
    } }, Object.entries(SPANS).map(([name, [, title]]) => h("option", { value: name, selected: name === span }, title)));

    function update() {
        if (now === store.now || !store.events.size)
            return;
        now = store.now;
        const all = streams(SPANS[span][0]);
        const names = [...all.top.map(([e]) => e.name || e.id), "all others"];
        const colours = [...all.top.map((_, i) => COLOURS[i]), COLOURS[TOP]];
        marks = marked(all.from, all.to);
        const key = all.top.map(([e]) => e.id).join();
        if (chart && key === shown) {
            chart.set(stacked(all));
        } else {
            shown = key;
            chart?.destroy();
            chart = plot(box, {
                height: 320,
                lines: names.map((label, i) => ({ label, colour: colours[i], fill: `${colours[i]}${i < names.length - 1 ? "cc" : "66"}` })),
                bands: names.slice(1).map((_, i) => ({ series: [i + 1, i + 2] })),
                hooks: { draw: [markers(() => marks)] },
            }, stacked(all));
        }
        legend.replaceChildren(...all.top.map(([e, , n], i) => {
            const swatch = h("i");
            swatch.style.background = colours[i];
            return h("li", null, swatch, eventLink(e.id, e.name || e.id), h("small", null, count(n)));
        }));
        list.replaceChildren(...marks.slice(-12).toReversed().map((c) => h("li", { "data-kind": c.kind },
            h("time", null, moment(c.time)), " ", c.kind === "merged" ? [name(c.event), " went into ", name(c.other)]
                : [name(c.event), " split off from ", name(c.other)])));
    }
    const name = (id) => eventLink(id, store.names.get(id) || id);
    main.append(h("div", { class: "tools" }, pick, h("span", { class: "empty" }, "documents over time, by event")), box, legend,
        h("h2", null, "Merges and splits"), list);
    const stop = watch(update);
    update();
    return () => {
        stop();
        chart?.destroy();
    };
}
