// hierarchy: themes over topics over events, the largest first; what is open stands in the URL.

import { topics } from "./api.js";
import { count, eventLink, h } from "./dom.js";
import { store, watch } from "./store.js";

const EVENTS_MAX = 50; // of one topic that are listed

const line = (t, of) => [h("b", null, t.name || t.id), h("small", null, ` ${count(t.size)} documents · ${of}`)];

export function hierarchyPage(main, { query, choose }) {
    const open = new Set((query.get("open") ?? "").split(",").filter(Boolean));
    const tree = h("div", { class: "tree" }, h("p", { class: "empty" }, "Loading…"));
    let over = false, timer = 0;
    main.append(h("p", { class: "empty" }, "Themes over topics over events, the largest first."), tree);

    function branch(id, summary, children) {
        const box = h("details", { open: open.has(id), ontoggle: () => {
            if (box.open)
                open.add(id);
            else
                open.delete(id);
            choose("open", [...open].join(","));
            if (box.open && box.children.length === 1)
                box.append(...children());
        } }, h("summary", null, summary));
        if (open.has(id))
            box.append(...children());
        return box;
    }

    function draw(list) {
        const events = Map.groupBy(store.events.values(), (e) => e.topic ?? "");
        const under = Map.groupBy(list.filter((t) => t.type === "topic"), (t) => t.parent ?? "");
        const leaves = (id) => (events.get(id) ?? []).sort((a, b) => b.total - a.total);
        const more = (n) => (n > EVENTS_MAX ? [h("p", { class: "empty" }, `and ${count(n - EVENTS_MAX)} smaller ones`)] : []);
        const event = (e) => h("p", { class: "leaf" }, eventLink(e.id, e.name || e.id), h("small", null, ` ${count(e.total)}`));
        const few = (found) => [...found.slice(0, EVENTS_MAX).map(event), ...more(found.length)];
        const topic = (t) => branch(t.id, line(t, `${count(t.events)} events`), () => few(leaves(t.id)));
        const themes = list.filter((t) => t.type === "theme");
        const known = new Set(themes.map((t) => t.id));
        const loose = [...under].filter(([parent]) => !known.has(parent)).flatMap(([, ts]) => ts);
        const alone = leaves("");
        tree.replaceChildren(...themes.map((t) => branch(t.id, line(t, `${count(t.children)} topics`),
            () => (under.get(t.id) ?? []).map(topic))), ...loose.map(topic),
        alone.length ? branch("none", [h("b", null, "in no topic"), h("small", null, ` ${count(alone.length)} events`)],
            () => few(alone)) : "");
        if (!list.length && !alone.length)
            tree.append(h("p", { class: "empty" }, "No topics yet: they are made of events when there are enough."));
    }

    async function load() {
        try {
            const list = await topics();
            if (!over && !tree.querySelector(":focus"))
                draw(list);
        } catch (failure) {
            if (!over && !tree.querySelector("details"))
                tree.replaceChildren(h("p", { class: "empty" }, failure.message));
        }
    }
    const stop = watch(() => {
        timer ||= setTimeout(async () => {
            await load();
            timer = 0;
        }, 2000);
    });
    load();
    return () => {
        over = true;
        clearTimeout(timer);
        stop();
    };
}
