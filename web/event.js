// event: all that is known of one event: what it is about, how it grew, what happened to it and why,
// its documents, what it resembles; and what a person may do about it.

import { get } from "./api.js";
import { ask } from "./ask.js";
import { plot } from "./chart.js";
import { ago, count, eventLink, h, moment, score } from "./dom.js";
import { store, totalOf, watch } from "./store.js";

// ---- what happened, in words ----

const versus = (c) => (c.similarity ? `likeness ${score(c.similarity)} where ${score(c.threshold)} is enough` : "");

// [what, why] of a change, as told on the page of event `id`; either may hold links.
function told(c, id) {
    const sizes = `${count(c.size_before)} → ${count(c.size_after)} documents`;
    const other = c.other && eventLink(c.other);
    switch (c.kind) {
    case "born": return [["began"], c.other ? ["out of ", other] : []];
    case "grew": return [["grew"], [sizes]];
    case "drifted": return [["drifted: what it is about has moved"], [versus(c)]];
    case "merged": return c.other === id
        ? [["took in ", eventLink(c.event)], [versus(c), ` · ${count(c.other_before)} → ${count(c.other_after)} documents`]]
        : [[eventLink(c.event), " went into ", other], [versus(c)]];
    case "split": return c.event === id ? [["split off from ", other], [versus(c), ` · ${count(c.size_after)} documents`]]
        : [[eventLink(c.event), " split off"], [versus(c), ` · ${count(c.size_after)} documents`]];
    case "moved": return [[`group ${c.group} moved to `, eventLink(c.event), " from ", other], [versus(c)]];
    case "folded": return [[`group ${c.group} folded into ${c.into_group}`], [versus(c)]];
    case "renamed": return [["renamed"], [sizes]];
    case "faded": return [["faded: nothing came for long"], []];
    case "linked": return [[c.strength > 0 ? "said to be the same as " : "said not to be ", other], []];
    case "reassigned": return [[`document ${c.document ?? c.document_position} went to `, eventLink(c.event)], [versus(c)]];
    case "undone": return [[`operation ${c.undone} undone`], []];
    case "burst":
    case "quiet":
    case "trend": return [[`${c.kind}${c.direction ? ` ${c.direction}` : ""}`],
        [`${score(c.observed)} came where ${score(c.expected)} is usual`]];
    default: return [[c.kind.replaceAll("_", " "), c.template && ` ${c.template}`], [c.reason]];
    }
}

function timeline(changes, id, undo) {
    return h("ol", { class: "timeline" }, changes.toReversed().map((c) => {
        const [what, why] = told(c, id);
        return h("li", { "data-kind": c.kind },
            h("time", { datetime: c.time }, moment(c.time)), h("span", { class: "what" }, what),
            h("span", { class: "why" }, why, c.evidence && h("q", null, c.evidence)),
            h("span", { class: "actor" }, c.actor),
            c.operation && c.kind !== "undone" && h("button", { onclick: () => undo(c) }, "Undo"),
            h("details", null, h("summary", null, "record"), h("pre", null, JSON.stringify(c, null, 1))));
    }));
}

// ---- its documents, and what it resembles ----

const bar = (value) => h("meter", { min: 0, max: 1, value: Math.max(0, value ?? 0) });

function members(list) {
    return h("table", null, h("thead", null, h("tr", null, ["document", "time", "likeness", "", "runner-up", "came to"]
        .map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", null, list.map((m) => h("tr", null, h("td", { class: "id" }, m.id), h("td", null, moment(m.time)),
        h("td", null, m.similarity == null ? "founded" : score(m.similarity)), h("td", null, bar(m.similarity)),
        h("td", null, m.runner_up ? [eventLink(m.runner_up), ` ${score(m.runner_up_similarity)}`] : "–"),
        h("td", null, eventLink(m.came_to))))));
}

function similar(list, merge) {
    return h("table", null, h("tbody", null, list.map((s) => h("tr", null,
        h("td", null, eventLink(s.event, s.picture?.name || s.event)),
        h("td", null, s.picture ? `${count(totalOf(s.picture))} documents` : ""),
        h("td", null, `${score(s.similarity)} of ${score(s.threshold)}`), h("td", null, bar(s.similarity)),
        h("td", null, h("button", { onclick: () => merge(s) }, "Merge"))))));
}

function exemplars(e) {
    return h("ul", { class: "exemplars" }, (e.exemplars ?? []).map((x) => h("li", null, h("b", null, x.title || x.id),
        h("small", null, `${x.id} · ${moment(x.time)} · likeness ${score(x.similarity)}`))));
}

// ---- what may be done ----

// The groups of its latest documents, to choose from: an event is split between groups.
function groupsOf(e, documents) {
    const titles = new Map((e.exemplars ?? []).map((x) => [x.id, x.title]));
    const known = [...Map.groupBy(documents.filter((m) => m.group), (m) => m.group)].sort((a, b) => b[1].length - a[1].length);
    const ticks = known.map(([group, list]) => {
        const told = [...list].sort((a, b) => titles.has(b.id) - titles.has(a.id)).slice(0, 3).map((m) => titles.get(m.id) || m.id);
        return h("label", { class: "tick" }, h("input", { type: "checkbox", value: group }), h("b", null, group),
            ` ${count(list.length)} of its latest documents: ${told.join(" · ")}`);
    });
    return {
        element: h("div", { class: "choice" }, ticks, known.length < e.groups &&
            h("small", null, `${count(e.groups - known.length)} more groups have none among the latest documents: they stay.`)),
        into: (operation) => {
            operation.groups = ticks.map((t) => t.firstChild).filter((t) => t.checked).map((t) => t.value);
            const n = operation.groups.length;
            return !n ? "Choose the groups that leave." : n >= e.groups ? "One group has to stay." : "";
        },
    };
}

function operations(e, documents, done) {
    const doing = async (title, says, operation, fields, more) => {
        if (await ask(title, says, { event: e.id, ...operation }, fields, more))
            done();
    };
    const name = e.name || e.id;
    return {
        merge: (s) => doing("Merge", s ? `“${s.picture?.name || s.event}” and “${name}” become one event, ${s.event}.`
            : `“${name}” goes into another event, whose id it answers to from then on.`, { operation: "merge" },
        [["into", "Into event", s?.event ?? "", true]]),
        undo: async (c) => {
            if (await ask("Undo", `Operation ${c.operation} (${c.kind} ${c.event}) is taken back.`,
                { operation: "undo", undo: c.operation }))
                done();
        },
        buttons: () => h("div", { class: "buttons" },
            h("button", { onclick: () => doing("Rename", `“${name}” gets a name that stays.`, { operation: "rename" },
                [["name", "Name", e.name, true]]) }, "Rename"),
            h("button", { onclick: () => operations(e, documents, done).merge() }, "Merge into…"),
            e.groups > 1 && h("button", { onclick: () => doing("Split", `The groups that are chosen leave “${name}” and become an event of their own.`,
                { operation: "split" }, [], groupsOf(e, documents)) }, "Split"),
            h("button", { onclick: () => doing(e.pinned ? "Unpin" : "Pin", e.pinned
                ? `“${name}” may be changed by eddy again.` : `Nobody but a person changes “${name}” any more.`,
            { operation: e.pinned ? "unpin" : "pin" }) }, e.pinned ? "Unpin" : "Pin")),
    };
}

// ---- the page ----

function head(e) {
    const where = [e.topic && ["topic ", eventLink(e.topic)], e.theme && ["theme ", eventLink(e.theme)],
        e.parent && [e.id.startsWith("T") ? "under " : "after ", eventLink(e.parent)], e.incident && [`incident ${e.incident}`],
        e.category && [e.category], e.named_by && [`named by ${e.named_by}`], e.pinned && ["pinned"]];
    const badge = store.events.get(e.id)?.badge ?? e.state;
    return [h("h1", null, e.name || e.id),
        h("p", { class: "facts" }, h("span", { class: "badge", "data-badge": badge }, badge), h("b", null, count(totalOf(e))),
            " documents", e.groups > 1 && ` in ${count(e.groups)} groups`,
            e.first_seen && ` · ${moment(e.first_seen)} to ${moment(e.last_seen)} · ${ago(e.last_seen, store.now)}`, ` · ${e.id}`),
        h("p", { class: "facts" }, where.filter(Boolean).flatMap((w, i) => (i ? [" · ", ...w] : w))),
        e.summary && h("p", { class: "summary" }, e.summary),
        h("p", { class: "keywords" }, (e.keywords ?? []).map((k) => k.keyword ?? k).join(" · "))];
}

function growth(box, e, changes) {
    const points = new Map((store.samples.get(e.id) ?? []).map(([time, size]) => [time / 1000, size]));
    for (const c of changes) {
        if (c.event === e.id && c.size_after != null)
            points.set(Date.parse(c.time) / 1000, c.size_after);
        if (c.other === e.id && c.other_after != null)
            points.set(Date.parse(c.time) / 1000, c.other_after);
    }
    if (e.stream_time)
        points.set(Date.parse(e.stream_time) / 1000, totalOf(e));
    const list = [...points].sort((a, b) => a[0] - b[0]);
    return plot(box, { height: 150, lines: [{ label: "documents", steps: true }] },
        [list.map((p) => p[0]), list.map((p) => p[1])]);
}

function sourcesOf({ events: [s], documents }) {
    const rows = [...s.sources.map((x) => [x.source, x.documents]),
        ...(s.others.sources ? [[`${count(s.others.sources)} others`, s.others.documents]] : [])];
    return h("div", null, h("dl", { class: "sources" }, rows.map(([name, n]) => [h("dt", null, name), h("dd", null, count(n))])),
        h("p", { class: "empty" }, `of its ${count(s.documents)} documents among the last ${count(documents)} of this process`));
}

const section = (title, ...content) => h("section", null, h("h2", null, title), ...content);
const orNone = (list, show, none) => (list.length ? show() : h("p", { class: "empty" }, none));

export function eventPage(main, { id }) {
    let over = false, version = null, chart = null, timer = 0;
    const body = h("article", { class: "event" }, h("p", { class: "empty" }, "Loading…"));
    main.append(body);

    function draw(e, lineage, resembles, documents, from) {
        const does = operations(e, documents, () => load(true));
        const box = h("div", { class: "chart" });
        const isTopic = e.id.startsWith("T");
        chart?.destroy();
        document.title = `${e.name || e.id} · eddy`;
        body.replaceChildren(...[head(e), !isTopic && does.buttons()].flat().filter(Boolean),
            e.id !== id ? h("p", { class: "facts" }, `${id} is part of this one now.`) : "",
            h("div", { class: "columns" },
                h("div", null, !isTopic && section("Growth", box), e.exemplars && section("Told by", exemplars(e)),
                    section("What happened", orNone(lineage, () => timeline(lineage, e.id, does.undo), "Nothing that is still known."))),
                !isTopic && h("div", null, section("Resembles", orNone(resembles, () => similar(resembles, does.merge), "Nothing.")),
                    section("Sources", sourcesOf(from)),
                    section("Latest documents", orNone(documents, () => members(documents), "None among the last ones.")))));
        chart = isTopic ? null : growth(box, e, lineage);
    }

    async function load(anyway) {
        try {
            let e = await get(`events/${id}`);
            for (let i = 0; e.state === "merged" && e.merged_into && i < 20; i++)
                e = await get(`events/${e.merged_into}`);
            if (over || (!anyway && version === `${e.id}-${e.version}`))
                return;
            const isTopic = e.id.startsWith("T");
            const [lineage, resembles, documents, from] = await Promise.all([get(`events/${e.id}/lineage?limit=500`),
                isTopic ? { similar: [] } : get(`events/${e.id}/similar`),
                isTopic ? { members: [] } : get(`events/${e.id}/members?limit=200`),
                isTopic ? null : get(`sources?events=${e.id}`)]);
            // What somebody has opened or is about to press stays where it is.
            if (over || (!anyway && body.querySelector("details[open], :focus")))
                return;
            version = `${e.id}-${e.version}`;
            draw(e, lineage.changes, resembles.similar, documents.members, from);
        } catch (failure) {
            if (!over && version === null)
                body.replaceChildren(h("h1", null, id), h("p", { class: "empty" }, failure.message));
        }
    }
    const again = () => {
        const known = store.events.get(id);
        if (!timer && (!known || version !== `${id}-${known.version}`))
            timer = setTimeout(async () => {
                await load(false);
                timer = 0;
            }, 1000);
    };
    const stop = watch(again);
    load(true);
    return () => {
        over = true;
        clearTimeout(timer);
        stop();
        chart?.destroy();
    };
}
