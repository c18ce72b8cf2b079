// sources: whom the documents of an event are from, asked for the events that can be seen.

import { get } from "./api.js";
import { count } from "./dom.js";

const EVERY_MS = 3000, ASKED_MAX = 100, KEPT = 2000;

const known = new Map(); // id -> [words, when they were asked for]
let busy = false;

const words = (s) => [...s.sources.map((x) => `${x.source} ×${count(x.documents)}`),
    ...(s.others.sources ? [`${count(s.others.sources)} others ×${count(s.others.documents)}`] : [])].join(" · ");

export const sources = {
    of: (id) => known.get(id)?.[0] ?? "",

    // Those that are not known, or not any more; came is called when something has come.
    async ask(ids, came) {
        const now = performance.now(), wanted = ids.filter((id) => !(now - known.get(id)?.[1] < EVERY_MS)).slice(0, ASKED_MAX);
        if (busy || !wanted.length)
            return;
        busy = true;
        try {
            for (const s of (await get(`sources?events=${wanted}`)).events) {
                known.delete(s.event);
                known.set(s.event, [words(s), now]);
            }
            while (known.size > KEPT)
                known.delete(known.keys().next().value);
            came();
        } catch { /* what is wrong is told at the top of the page */ }
        setTimeout(() => (busy = false), 500);
    },
};
