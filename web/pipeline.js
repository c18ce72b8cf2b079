// pipeline: what became of every document, how far behind eddy is, where its time goes, what it has
// run into. Counts are from the API, times and caps from what Prometheus reads.

import { get, metrics } from "./api.js";
import { plot } from "./chart.js";
import { count, h, moment, score, took } from "./dom.js";
import { store } from "./store.js";

const STAGES = ["read", "embed", "assign", "commit"];
const EVERY_MS = 1000, KEPT = 300;

// ---- the exposition ----

// [[name, labels, value], ...]
function samples(text) {
    const list = [];
    for (const line of text.split("\n")) {
        const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
        if (!found)
            continue;
        const labels = {};
        for (const [, key, value] of (found[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
            labels[key] = value;
        list.push([found[1], labels, Number(found[3])]);
    }
    return list;
}

const of = (list, name, wanted = {}) => list.filter(([n, labels]) => n === name &&
    Object.entries(wanted).every(([k, v]) => labels[k] === v));
const total = (list, name, wanted) => of(list, name, wanted).reduce((sum, s) => sum + s[2], 0);

// The value below which a share of a histogram lies, in s, as Prometheus reckons it; null: empty.
function quantile(list, name, wanted, share) {
    const buckets = new Map();
    for (const [, labels, value] of of(list, `${name}_bucket`, wanted))
        buckets.set(labels.le, (buckets.get(labels.le) ?? 0) + value);
    const rows = [...buckets].map(([le, n]) => [le === "+Inf" ? Infinity : Number(le), n]).sort((a, b) => a[0] - b[0]);
    const all = rows.at(-1)?.[1];
    if (!all)
        return null;
    let low = 0, before = 0;
    for (const [le, n] of rows) {
        if (n >= share * all)
            return le === Infinity ? low : low + ((le - low) * (share * all - before)) / (n - before || 1);
        [low, before] = [le, n];
    }
    return low;
}

// ---- parts ----

const sum = (stats, key) => stats.shards.reduce((n, s) => n + s[key], 0);

function account(stats) {
    const [all, assigned, founded, filtered, dead] =
        ["in", "assigned", "founded", "filtered", "dead"].map((key) => sum(stats, key));
    const open = all - assigned - founded - filtered - dead;
    const term = (n, name, kind) => h("span", { class: kind }, h("b", null, count(n)), ` ${name}`);
    return h("p", { class: "account" }, term(all, "in"), " = ", term(assigned, "assigned"), " + ", term(founded, "founded"),
        " + ", term(filtered, "filtered"), " + ", term(dead, "dead", dead ? "bad" : ""),
        open > 0 ? [" + ", term(open, "on their way")] : h("span", { class: "good" }, " ✓"));
}

// How far it has come of what there is to read, at the speed of the last seconds.
function catchingUp(stats) {
    const behind = stats.shards.some((s) => s.behind === null) ? 0 : sum(stats, "behind");
    const done = sum(stats, "in"), last = rates[1].slice(-10);
    const speed = last.length ? last.reduce((a, b) => a + b, 0) / last.length : 0;
    if (!behind)
        return h("p", { class: "facts" }, "Nothing waits to be read.");
    return h("p", { class: "facts" }, h("progress", { max: done + behind, value: done }),
        ` ${((100 * done) / (done + behind)).toFixed(1)} %, ${count(behind)} wait, ${count(speed)} documents/s`,
        speed > 0 && `, ${took((1000 * behind) / speed)} to go`);
}

function facts(stats, m) {
    const unknown = stats.shards.some((s) => s.behind === null);
    const asked = stats.cache_hits + stats.cache_misses;
    const rows = [
        ["behind", unknown ? "not known" : `${count(sum(stats, "behind"))} messages`],
        ["visible", `${count(sum(stats, "committed"))} documents`],
        ["active events", count(sum(stats, "events"))],
        ["merged, split, faded", ["merged", "split", "faded"].map((k) => count(sum(stats, k))).join(", ")],
        ["topics, themes", `${count(sum(stats, "topics"))}, ${count(sum(stats, "themes"))}`],
        ["embedder", stats.embedder],
        ["embedding cache", asked ? `${((100 * stats.cache_hits) / asked).toFixed(1)} % of ${count(asked)} texts` : "unused"],
        ["memory", `${count(total(m, "process_resident_memory_bytes") / 1e6)} MB`],
        ["late, without a time", `${count(total(m, "eddy_documents_late_total"))}, ${count(total(m, "eddy_documents_time_missing_total"))}`],
        ["pipeline", `${stats.pipeline}, eddy ${stats.version}, since ${moment(stats.started)}`],
    ];
    return h("dl", null, rows.map(([k, v]) => [h("dt", null, k), h("dd", null, v)]));
}

function latencies(m) {
    const rows = [...STAGES.map((stage) => [stage, "eddy_stage_seconds", { stage }]),
        ["a document, from end to end", "eddy_document_seconds", {}]];
    const ms = (x) => (x === null ? "–" : took(1000 * x));
    const read = rows.map(([title, name, wanted]) => [title, ...[0.5, 0.99].map((q) => quantile(m, name, wanted, q))]);
    const most = Math.max(0.001, ...read.map((r) => r[2] ?? 0));
    return h("table", null, h("thead", null, h("tr", null, ["stage", "half within", "99 % within", ""]
        .map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", null, read.map(([title, p50, p99]) => h("tr", null, h("td", null, title), h("td", null, ms(p50)), h("td", null, ms(p99)),
        h("td", null, h("meter", { min: 0, max: most, value: p99 ?? 0 }))))));
}

// What has been run into; all of it is 0 where all is well.
function limits(m) {
    const rows = [
        ...of(m, "eddy_caps_hit_total").map((s) => [`cap ${s[1].cap}`, s[2]]),
        ...of(m, "eddy_documents_dead_total").map((s) => [`dead: ${s[1].reason}`, s[2]]),
        ["epochs aborted", total(m, "eddy_epochs_aborted_total")],
        ["commits tried again", total(m, "eddy_commit_retries_total")],
        ["documents lost to retention", total(m, "eddy_documents_lost_total")],
        ["operations refused", total(m, "eddy_operations_total", { outcome: "refused" })],
        ["not shown for want of memory", total(m, "eddy_board_lost_total")],
        ["streams of changes refused", total(m, "eddy_http_streams_refused_total")],
    ];
    // Windows move on, which is nothing bad.
    const moved = [...of(m, "eddy_window_left_total").map((s) => [`left the window of ${s[1].window}`, s[2]]),
        ...of(m, "eddy_board_left_total").map((s) => [`${s[1].what} not shown any more`, s[2]])];
    const hit = new Map();
    for (const [name, n] of [...rows, ...moved])
        hit.set(name, (hit.get(name) ?? 0) + n);
    const fine = new Set(moved.map(([name]) => name));
    return h("dl", null, [...hit].filter(([name, n]) => n || !(name.startsWith("dead") || fine.has(name))).map(([name, n]) =>
        [h("dt", null, name), h("dd", { class: n && !fine.has(name) ? "bad" : "" }, count(n))]));
}

function reasoner(m) {
    const answers = (outcome) => count(total(m, "eddy_reason_answers_total", { outcome }));
    const rows = [
        ["passes", count(total(m, "eddy_reason_passes_total"))],
        ["questions", count(total(m, "eddy_reason_questions_total"))],
        ["answered, failed, nonsense, over budget",
            ["answered", "failed", "nonsense", "over_budget"].map(answers).join(", ")],
        ["tokens in, out", ["in", "out"].map((direction) => count(total(m, "eddy_reason_tokens_total", { direction }))).join(", ")],
        ["spent", total(m, "eddy_reason_money_total").toFixed(2)],
        ["waiting", count(total(m, "eddy_reason_waiting"))],
    ];
    return h("dl", null, rows.map(([k, v]) => [h("dt", null, k), h("dd", null, v)]));
}

function shards(stats) {
    const keys = ["shard", "state", "in", "assigned", "founded", "filtered", "dead", "committed", "behind", "events"];
    return h("table", null, h("thead", null, h("tr", null, [...keys, "silhouette"].map((k) => h("th", { scope: "col" }, k)))),
        h("tbody", null, stats.shards.map((s) => h("tr", null, keys.map((k) =>
            h("td", null, typeof s[k] === "number" ? count(s[k]) : s[k] ?? "?")), h("td", null, score(s.indexes.silhouette))))));
}

// ---- the page ----

// What came per second, as long as this page knows; it stays when one looks elsewhere.
const rates = [[], []];
let last = null;

function rate(stats) {
    const at = performance.now(), n = sum(stats, "committed");
    if (last && n >= last[1]) {
        rates[0].push(Date.now() / 1000);
        rates[1].push((1000 * (n - last[1])) / (at - last[0]));
        if (rates[0].length > KEPT)
            rates.forEach((r) => r.shift());
    }
    last = [at, n];
}

export function pipelinePage(main) {
    let over = false, timer = 0;
    const body = h("div", { class: "pipeline" });
    const top = h("div", null, h("p", { class: "empty" }, "Loading…"));
    const box = h("div", { class: "chart" });
    main.append(top, h("section", null, h("h2", null, "Documents a second"), box), body);
    const chart = plot(box, { height: 140, lines: [{ label: "documents/s" }] }, rates);

    const section = (title, content) => h("section", null, h("h2", null, title), content);
    async function load() {
        try {
            const [stats, text] = await Promise.all([get("stats"), metrics()]);
            if (over)
                return;
            const m = samples(text);
            rate(stats);
            chart.set(rates);
            top.replaceChildren(account(stats), catchingUp(stats));
            body.replaceChildren(section("How it stands", facts(stats, m)), section("Where time goes", latencies(m)),
                section("Caps and losses", limits(m)), section("Reasoner", reasoner(m)), section("Shards", shards(stats)));
        } catch (failure) {
            if (!over)
                top.replaceChildren(h("p", { class: "empty" }, store.failure || failure.message));
        }
        timer = setTimeout(load, document.hidden ? 10 * EVERY_MS : EVERY_MS);
    }
    load();
    return () => {
        over = true;
        clearTimeout(timer);
        chart.destroy();
    };
}
