// store: what this page knows: a picture of each event, the last changes, and how events grew.
//
// The first page of events is shown at once, the others follow. From then on changes tell which
// events to ask for again; what came since is asked for as a list, so a busy stream costs one
// request a second and not one for each document. Who watches is called at most five times a second.

import { follow, get } from "./api.js";

const CHANGES_MAX = 8192; // as many as eddy keeps
const SAMPLES_MAX = 96;   // of one event
const NAMES_MAX = 50000;
const CELLS = 24;         // of its little chart
const HOUR = 3600000;

export const store = {
    events: new Map(), // active ones: id -> picture
    names: new Map(),  // of the last ones that were seen, those that are over among them
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

// The sizes of an event at these times, which ascend: straight lines from its first document through
// all samples, for eddy tells of growth in steps.
function sizes(e, times) {
    const list = store.samples.get(e.id) ?? [];
    let at = Date.parse(e.first_seen), size = 0, i = 0;
    return times.map((time) => {
        while (i < list.length && list[i][0] <= time)
            [at, size] = list[i++];
        if (i === list.length || time <= at)
            return size;
        return size + ((list[i][1] - size) * (time - at)) / (list[i][0] - at);
    });
}

// Documents that came in each of n equal stretches of from..to, whole ones; less than none counts as
// none.
export function arrivals(e, from, to, n) {
    const at = sizes(e, Array.from({ length: n + 1 }, (_, i) => from + (i * (to - from)) / n - (i ? 0 : 1)));
    const whole = at.map((size) => Math.floor(size + 1e-6));
    return whole.slice(1).map((size, i) => Math.max(0, size - whole[i]));
}

// The last day of an event, or its life where that is shorter.
export function recent(e) {
    const from = Math.max(Date.parse(e.first_seen), store.now - 24 * HOUR);
    return arrivals(e, from, Math.max(store.now, from + HOUR), CELLS);
}

// What the engine says of it; else how it looks by its own growth.
function look(e) {
    e.growth = Math.max(0, Math.round(e.total - sizes(e, [store.now - HOUR])[0]));
    const age = store.now - Date.parse(e.first_seen);
    if (e.state !== "active")
        e.badge = e.state;
    else if (e.signal)
        e.badge = e.signal;
    else if (age < HOUR)
        e.badge = "new";
    else
        e.badge = e.growth >= 2 && e.growth >= 0.2 * e.total ? "growing" : "steady";
    return e;
}

// ---- pictures ----

// Of logs, whose lines are counted by their templates, an event has seen more than it holds.
export const totalOf = (e) => Math.max(e.size, e.seen ?? 0);

function forget(id) {
    store.events.delete(id);
    store.samples.delete(id);
}

function put(e) {
    const known = store.events.get(e.id);
    if (known && known.version > e.version)
        return;
    store.now = Math.max(store.now, Date.parse(e.stream_time) || 0);
    if (e.state !== "active") {
        forget(e.id);
        return;
    }
    store.names.set(e.id, e.name);
    if (store.names.size > NAMES_MAX)
        store.names.delete(store.names.keys().next().value);
    e.last = Date.parse(e.last_seen);
    e.total = totalOf(e);
    if (past)
        sample(e.id, e.last, e.total);
    store.events.set(e.id, look(e));
}

async function pages() {
    let after = "", limit = 60;
    do {
        const page = await get(`events?limit=${limit}${after && `&after=${encodeURIComponent(after)}`}`);
        page.events.forEach(put);
        tell();
        after = page.next;
        limit = 500;
        await new Promise((done) => setTimeout(done)); // the screen goes first
    } while (after);
    store.whole = true;
}

// ---- changes ----

const stale = new Set(); // ids whose pictures are to be asked for

function heard(c) {
    const time = Date.parse(c.time);
    store.changes.push(c);
    if (store.changes.length > CHANGES_MAX + 1000)
        store.changes.splice(0, store.changes.length - CHANGES_MAX);
    store.now = Math.max(store.now, time || 0);
    if (!c.event) // a template of log lines that is in no event yet
        return;
    sample(c.event, time, c.size_after);
    if (c.other)
        sample(c.other, time, c.other_after);
    if (c.kind === "merged" || c.kind === "faded")
        forget(c.event);
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
    store.changes.length = 0;
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
        sample(e.id, e.last, e.total);
        look(e);
    }
}

export async function start() {
    try {
        const { changes } = await get("events?limit=1");
        await Promise.all([pages(), history(changes)]);
        follow(changes, { change: heard, state, other: () => location.reload() });
        state("live");
    } catch (failure) {
        state("waiting", failure.message);
        setTimeout(start, 2000);
        return;
    }
    keep();
}
