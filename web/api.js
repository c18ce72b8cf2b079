// api: what is asked of eddy, and what it tells by itself.

const ROOT = "api/v1/";

async function answer(response) {
    if (response.ok)
        return response.json();
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.detail || `eddy answers ${response.status}`);
}

export async function get(path) {
    return answer(await fetch(ROOT + path));
}

// All topics and themes.
export async function topics() {
    const list = [];
    for (let after = ""; after !== null;) {
        const page = await get(`topics?limit=1000${after && `&after=${encodeURIComponent(after)}`}`);
        list.push(...page.topics);
        after = page.next;
    }
    return list;
}

export async function metrics() {
    return (await fetch("metrics")).text();
}

// Every kind of change, for an EventSource hands over only what it was asked for by name.
const KINDS = ["born", "grew", "drifted", "merged", "split", "moved", "folded", "renamed", "faded", "pinned", "unpinned",
    "linked", "undone", "reassigned", "described", "burst", "burst_ended", "quiet", "quiet_ended", "trend",
    "template_founded", "template_merged", "template_split", "template_faded"];

// Changes after a number, as they become visible. The browser comes back by itself when the line is
// cut, and says where it was; `other` is called where that means nothing any more.
export function follow(after, { change, state, other }) {
    const source = new EventSource(`${ROOT}changes/stream?after=${after}`);
    for (const kind of KINDS)
        source.addEventListener(kind, (e) => change(JSON.parse(e.data)));
    source.addEventListener("gap", other);
    source.addEventListener("other", other);
    source.onopen = () => state("live");
    source.onerror = () => state(source.readyState === EventSource.CLOSED ? "ended" : "waiting");
}

// ---- operations ----

// The token stays in this tab: it is asked for once, and forgotten when eddy refuses it.
export const token = {
    get: () => sessionStorage.getItem("token") ?? "",
    set: (value) => sessionStorage.setItem("token", value),
};

export async function operate(operation) {
    const response = await fetch(ROOT + "operations", {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${token.get()}` },
        body: JSON.stringify(operation),
    });
    if (response.status === 401)
        token.set("");
    return answer(response);
}
