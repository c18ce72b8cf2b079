// store: what this page knows: a picture of each event, the last changes, and how events grew.
//
// The first page of events is shown at once, the others follow. From then on changes tell which
// events to ask for again; what came since is asked for as a list, so a busy stream costs one
// request a second and not one for each document. Who watches is called at most five times a second.

import { follow, get } from "./api.js";

const CHANGES_MAX = 8192; // as many as eddy keeps
const SAMPLES_MAX = 96;   // of one event
const CELLS = 24;         // of its little chart
const HOUR = 3600000;

export const store = {
    events: new Map(), // active ones: id -> picture
    changes: [],       // the oldest first
    samples: new Map(), // id -> [[time, size], ...]
    now: 0,            // stream time
    whole: false,      // all pages have come
    state: "starting",
    failure: "",
};

// ---- who watches ----

const watchers = new Set();
let past = false; // the changes of before have been read: samples go on from here
let told = false;

export function watch(watcher) {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
}

function tell() {
    if (told)
        return;
    told = true;
    setTimeout(() => {
        told = false;
        for (const watcher of [...watchers])
            watcher();
    }, 200);
}

// ---- how events grew ----

function sample(id, time, size) {
    if (!Number.isFinite(time) || !(size >= 0))
        return;
    let list = store.samples.get(id);
    if (!list)
        store.samples.set(id, (list = []));
    const last = list.at(-1);
    if (last && time < last[0])
        return;
    if (last && last[0] === time)
        last[1] = size;
    else if (!last || last[1] !== size)
        list.push([time, size]);
    if (list.length > SAMPLES_MAX) // older growth in coarser steps
        store.samples.set(id, list.filter((_, i) => i % 2 === 0 || i > SAMPLES_MAX / 2));
}

// The size at a time; what came between two samples is where the second one stands.
export function sizeAt(list, time) {
    let size = 0;
    for (const [at, s] of list) {
        if (at > time)
            break;
        size = s;
    }
    return size;
}

// Documents that came in each of n equal stretches of from..to; less than none counts as none.
export function arrivals(id, from, to, n) {
    const list = store.samples.get(id) ?? [];
    const cells = new Array(n).fill(0);
    let before = 0;
    for (const [at, size] of list) {
        const cell = Math.floor(((at - from) / Math.max(1, to - from)) * n);
        if (at >= from && cell <= n)
            cells[Math.min(cell, n - 1)] += Math.max(0, size - before);
        before = size;
    }
    return cells;
}

// The last day of an event, or its life where that is shorter.
export function recent(e) {
    const from = Math.max(Date.parse(e.first_seen), store.now - 24 * HOUR);
    return arrivals(e.id, from, Math.max(store.now, from + HOUR), CELLS);
}

// What the engine says of it; else how it looks by its own growth.
function look(e) {
    e.growth = Math.max(0, e.size - sizeAt(store.samples.get(e.id) ?? [], store.now - HOUR));
    const age = store.now - Date.parse(e.first_seen);
    if (e.state !== "active")
        e.badge = e.state;
    else if (e.signal)
        e.badge = e.signal;
    else if (age < HOUR)
        e.badge = "new";
    else
        e.badge = e.growth >= 2 && e.growth >= 0.2 * e.size ? "growing" : "steady";
    return e;
}

// ---- pictures ----

function put(e) {
    const known = store.events.get(e.id);
    if (known && known.version > e.version)
        return;
    store.now = Math.max(store.now, Date.parse(e.stream_time) || 0);
    if (e.state !== "active") {
        store.events.delete(e.id);
        return;
    }
    e.last = Date.parse(e.last_seen);
    if (past)
        sample(e.id, e.last, e.size);
    store.events.set(e.id, look(e));
}

async function pages() {
    let after = "", first = null, limit = 60;
    do {
        const page = await get(`events?limit=${limit}${after && `&after=${encodeURIComponent(after)}`}`);
        first ??= page.changes;
        page.events.forEach(put);
        tell();
        after = page.next;
        limit = 500;
        await new Promise((done) => setTimeout(done)); // the screen goes first
    } while (after);
    store.whole = true;
    return first;
}

// ---- changes ----

const stale = new Set(); // ids whose pictures are to be asked for

function heard(c) {
    const time = Date.parse(c.time);
    store.changes.push(c);
    if (store.changes.length > CHANGES_MAX + 1000)
        store.changes.splice(0, store.changes.length - CHANGES_MAX);
    sample(c.event, time, c.size_after);
    if (c.other)
        sample(c.other, time, c.other_after);
    store.now = Math.max(store.now, time || 0);
    if (c.kind === "merged" || c.kind === "faded")
        store.events.delete(c.event);
    else if (c.event.startsWith("E"))
        stale.add(c.event);
    if (c.other?.startsWith("E"))
        stale.add(c.other);
}

// Once a second: what has come since, and those few that only changed otherwise.
async function refresh() {
    const since = store.now - 1000;
    const page = await get(`events?sort=last_seen&limit=200&since=${Math.max(0, since)}`);
    page.events.forEach((e) => {
        stale.delete(e.id);
        put(e);
    });
    const ids = [...stale].slice(0, 24);
    ids.forEach((id) => stale.delete(id));
    for (const e of await Promise.all(ids.map((id) => get(`events/${id}`).catch(() => null))))
        if (e)
            put(e);
    for (const e of store.events.values())
        look(e);
    tell();
}

function state(name, failure = "") {
    store.state = name;
    store.failure = failure;
    tell();
}

async function keep() {
    try {
        await refresh();
        if (store.failure)
            state("live");
    } catch (failure) {
        state("waiting", failure.message);
    }
    setTimeout(keep, document.hidden ? 10000 : 1000);
}

async function history(upTo) {
    for (let after = 0; after < upTo;) {
        const page = await get(`changes?after=${after}&limit=1000`);
        if (!page.changes.length)
            break;
        page.changes.forEach(heard);
        after = page.next;
    }
    stale.clear(); // the pictures are newer than these
    past = true;
    for (const e of store.events.values()) {
        sample(e.id, e.last, e.size);
        look(e);
    }
}

export async function start() {
    try {
        const { changes } = await get("events?limit=1");
        const loading = pages();
        await history(changes);
        follow(changes, { change: heard, state, other: () => location.reload() });
        state("live");
        await loading;
    } catch (failure) {
        state("waiting", failure.message);
        setTimeout(start, 2000);
        return;
    }
    keep();
}
