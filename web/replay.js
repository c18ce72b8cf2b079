// replay: how far a replay is, and how another one is begun. The server starts no process: what is
// chosen here becomes a command line to copy.

import { get } from "./api.js";
import { count, h, moment, took } from "./dom.js";
import { store } from "./store.js";

const EVERY_MS = 1000;
const VERDICTS = { "": "as usual", reuse: "reuse: applied at their places", ask: "ask: asked for again", off: "off: none" };

// As a shell reads it back.
const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

// What a datetime-local field says, in UTC as all of eddy; else a place as `eddy replay` takes it.
const placeOf = (time, words) => (words.trim() || (time && `${time.length === 16 ? `${time}:00` : time}Z`));

// [command line, what is wrong with it]. Rules as in src/cli/replay.c.
export function commandOf(begin, { from, to, partitions, into, verdicts, then }) {
    const words = ["eddy", "replay", ...begin.files.flatMap((f) => ["-c", f]), ...(begin.brokers ? ["-b", begin.brokers] : []),
        ...begin.topics.flatMap((t) => ["-t", t])];
    const part = from && from !== "beginning";
    for (const [flag, value] of [["--from", from], ["--to", to], ["--partitions", partitions], ["--into", into], ["--verdicts", verdicts]])
        if (value)
            words.push(value.startsWith("-") ? `${flag}=${quoted(value)}` : `${flag} ${quoted(value)}`);
    if (then)
        words.push("--then-run");
    let wrong = "";
    if (then && (to || partitions))
        wrong = "--then-run goes on behind the end, of all partitions: without --to and partitions.";
    else if (verdicts === "reuse" && (part || partitions))
        wrong = "Operations have their places counted from the beginning: reuse needs the whole of all partitions.";
    else if (partitions && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(partitions))
        wrong = "Partitions are a list such as 0,3,5-8.";
    else if (into && !/^[\w.-]{1,64}$/.test(into))
        wrong = "A pipeline's name has letters, digits, . _ and -, 64 at most.";
    else if (into === begin.pipeline)
        wrong = "That is this pipeline itself.";
    return [words.map((w, i) => (i > 1 && !w.startsWith("--") ? quoted(w) : w)).join(" "), wrong];
}

// ---- the one under way ----

function underWay(r, partitions) {
    const share = r.total ? Math.min(1, r.documents / r.total) : 0, left = r.per_second > 0 ? (1000 * (r.total - r.documents)) / r.per_second : 0;
    const rows = [
        ["range", `from ${r.from} to ${r.to}${r.partitions ? `, partitions ${r.partitions}` : ", all partitions"}`],
        ["documents", `${count(r.documents)}${r.total ? ` of ${count(r.total)} messages` : ""}`],
        ["speed", `${count(r.per_second)} documents/s`],
        ["time", `${took(1000 * r.seconds)} so far${r.state === "running" && share > 0.01 && share < 1 ? `, ${took(left)} to go` : ""}`],
        ["events found", count(r.events)],
        ["gone from the topic", r.missing ? `${count(r.missing)} messages of the range (retention): nothing is made of them` : "nothing"],
        ["verdicts", VERDICTS[r.verdicts] ?? r.verdicts],
        ["then", r.state === "live" ? "the range is done; it goes on live" : r.then_run ? "goes on live" : "ends"],
    ];
    return [h("h2", null, r.state === "opening" ? "A replay begins" : r.state === "live" ? "Replayed, and live now" : "A replay is under way"),
        h("p", { class: "facts" }, h("progress", { max: 1, value: r.state === "live" ? 1 : share, "aria-label": "progress" }),
            ` ${(100 * (r.state === "live" ? 1 : share)).toFixed(1)} %`),
        h("dl", null, rows.map(([k, v]) => [h("dt", null, k), h("dd", null, v)])), waiting(partitions)];
}

const waiting = (partitions) => partitions.length > 0 && h("table", null,
    h("thead", null, h("tr", null, ["topic", "partition", "messages that wait"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", null, partitions.map((p) => h("tr", null, h("td", null, p.topic), h("td", null, p.partition), h("td", null, count(p.behind))))));

// What the events on this page span.
function covered() {
    let first = Infinity;
    for (const e of store.events.values())
        first = Math.min(first, Date.parse(e.first_seen));
    return Number.isFinite(first) ? `The active events here have documents from ${moment(new Date(first).toISOString())} to ${
        moment(new Date(store.now).toISOString())} (UTC).` : "No events yet.";
}

// ---- another one ----

function form(begin, query, choose) {
    const chosen = (name) => query.get(name) ?? "";
    const field = (name, label, attributes, hint) => h("label", null, label,
        h("input", { name, value: chosen(name), autocomplete: "off", oninput: tell, ...attributes }), hint && h("small", null, hint));
    const line = h("output", { class: "command", name: "command" }), wrong = h("p", { class: "problem", role: "alert" });
    const copy = h("button", { type: "button", class: "go", onclick: async () => {
        try {
            await navigator.clipboard.writeText(line.textContent);
            copy.textContent = "Copied";
        } catch { // it may be copied by hand
            getSelection().selectAllChildren(line);
        }
        setTimeout(() => (copy.textContent = "Copy"), 2000);
    } }, "Copy");
    const box = h("form", { class: "replay", onsubmit: (e) => e.preventDefault() },
        field("from", "From", { type: "datetime-local", step: 1 }, "UTC; nothing: from the beginning"),
        field("from_place", "… or", { placeholder: "-3d, @1200, beginning" }),
        field("to", "To", { type: "datetime-local", step: 1 }, "UTC; nothing: where the topics end now"),
        field("to_place", "… or", { placeholder: "-1h, @2400, end" }),
        field("partitions", "Partitions", { placeholder: "all, or 0,3,5-8" }),
        field("into", "Into pipeline", { placeholder: "replay-DATE-TIME" }, "the same name again goes on with it"),
        h("label", null, "What was decided live", h("select", { name: "verdicts", onchange: tell },
            Object.entries(VERDICTS).map(([v, title]) => h("option", { value: v, selected: v === chosen("verdicts") }, title)))),
        h("label", { class: "tick" }, h("input", { type: "checkbox", name: "then", checked: chosen("then") === "1", onchange: tell }), "then go on live"));
    function tell() {
        const value = (name) => box.elements[name].value.trim();
        const [command, problem] = commandOf(begin, { from: placeOf(value("from"), value("from_place")),
            to: placeOf(value("to"), value("to_place")), partitions: value("partitions"), into: value("into"),
            verdicts: value("verdicts"), then: box.elements.then.checked });
        line.textContent = command;
        wrong.textContent = problem;
        copy.disabled = Boolean(problem);
        for (const name of ["from", "from_place", "to", "to_place", "partitions", "into", "verdicts"])
            choose(name, value(name));
        choose("then", box.elements.then.checked ? "1" : "");
    }
    tell();
    return [h("h2", null, "Begin one"),
        h("p", { class: "empty" }, "A stretch of the past, read again into a pipeline of its own; this one is not touched. ",
            "Choose, and run the line where eddy is installed."), box,
        h("p", { class: "facts" }, line), h("div", { class: "buttons" }, copy), wrong,
        begin.again.length > 0 && h("p", { class: "empty" }, "Set here on the command line or in the environment, and to be given again where wanted: ",
            begin.again.join(", "), ".")].filter(Boolean);
}

// ---- the page ----

export function replayPage(main, { query, choose }) {
    let over = false, timer = 0, asked = false;
    const top = h("section", null, h("p", { class: "empty" }, "Loading…"));
    const below = h("section");
    main.append(top, below);
    async function load() {
        try {
            const { replay, partitions, begin } = await get("replay");
            if (over)
                return;
            top.replaceChildren(...(replay ? underWay(replay, partitions) : [h("h2", null, "No replay is under way here"),
                h("p", { class: "facts" }, covered()), waiting(partitions)]).filter(Boolean));
            if (!asked) // what somebody types stays
                below.replaceChildren(...(begin ? form(begin, query, choose)
                    : [h("p", { class: "empty" }, "The documents come from files: eddy detect reads them again.")]));
            asked = true;
        } catch (failure) {
            if (!over)
                top.replaceChildren(h("p", { class: "empty" }, store.failure || failure.message));
        }
        if (!over)
            timer = setTimeout(load, document.hidden ? 10 * EVERY_MS : EVERY_MS);
    }
    load();
    return () => {
        over = true;
        clearTimeout(timer);
    };
}
