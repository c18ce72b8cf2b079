// The dashboard as somebody sees it who opens it in a browser: tests/browser/run SCENE.
//
// Each scene starts an eddy of its own, feeds it, and looks. What it measured it prints as one line
// of JSON; screenshots are kept in the build folder.
import fs from "node:fs";
import path from "node:path";

import { Eddy, ROOT, SLOW, Screen, check, sleep, strangers, town, until } from "./harness.mjs";
import { manyOnMap, mapPage } from "./map.mjs";
import { operations } from "./operations.mjs";

const BYTES_MAX = 150000;

// ---- pages ----

async function cards(s) {
    const { page } = s;
    await page.locator(".card:visible").first().waitFor();
    const painted = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
    await until(async () => (await s.text("#live")).join() === "live", "live");
    // Every card says what the API says.
    const { id, name, size } = await page.evaluate(() => {
        const card = document.querySelector(".card:not([hidden])");
        return { id: card.getAttribute("href").split("/").at(-1), name: card.querySelector(".name").textContent,
            size: card.querySelector(".size").textContent };
    });
    return { painted, id, name, size: Number(size.replaceAll(",", "")) };
}

// The files are what is loaded, and may do what they may.
async function files(e) {
    let bytes = 0;
    for (const file of ["", "eddy.js", "eddy.css"]) {
        const r = await fetch(e.url + file);
        const body = Buffer.from(await r.arrayBuffer());
        check(r.ok && body.length > 100, file);
        check(!body.includes("innerHTML") && !body.includes("insertAdjacentHTML") && !body.includes("document.write"), file);
        bytes += body.length;
        if (!file)
            for (const word of ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'", "frame-ancestors 'none'"])
                check(r.headers.get("content-security-policy").includes(word), word);
    }
    check(bytes < BYTES_MAX, `${bytes} bytes`);
    return bytes;
}

// A card tells whom its documents are from, as the API does.
async function sources(s, e) {
    const card = s.page.locator(".card:visible").first();
    const id = (await card.getAttribute("href")).split("/").at(-1);
    const { events: [found] } = await e.get(`sources?events=${id}`);
    check(found.sources.length > 1 && found.sources.every((x) => x.source.startsWith("Gazette")), () => JSON.stringify(found));
    for (const { source, documents } of found.sources)
        await card.locator(".sources").filter({ hasText: `${source} ×${documents}` }).waitFor();
    await s.go(`event/${id}`);
    await s.page.locator("dl.sources dt").filter({ hasText: found.sources[0].source }).waitFor();
    await s.go("now");
    await s.page.locator(".card:visible").first().waitFor();
}

async function searching(s, e) {
    const { page } = s;
    const all = (await e.get("events?limit=1000")).events;
    await page.keyboard.press("/");
    await page.keyboard.type("bakers");
    await until(async () => {
        const names = await s.text(".card:visible");
        return names.length > 0 && names.length < all.length;
    }, "fewer cards");
    check(page.url().includes("q=bakers"), page.url());
    // The URL is the whole state: somebody else sees the same.
    await page.reload();
    await page.locator(".card:visible").first().waitFor();
    check((await page.inputValue("input[type=search]")) === "bakers", "the search is kept in the URL");
    await page.fill("input[type=search]", "");
    await page.selectOption("select[aria-label=order]", "size");
    await until(async () => {
        const sizes = (await s.text(".card:visible .size")).map((t) => Number(t.replaceAll(",", "")));
        return sizes.length > 2 && Math.max(...sizes) === all[0].size;
    }, "the largest is there");
}

async function live(s, e, sent) {
    const before = (await s.text(".total")).join();
    const more = strangers(5);
    e.feed(more);
    await e.answered(sent + more.length);
    await until(async () => (await s.text(".total")).join() !== before, "new events are on the page by themselves", 10);
}

async function eventPage(s, e) {
    const { page } = s;
    const first = (await e.get("events?limit=1")).events[0];
    await s.go(`event/${first.id}`);
    await page.locator("h1").filter({ hasText: first.name }).waitFor();
    await page.locator(".timeline li").first().waitFor();
    const members = (await e.get(`events/${first.id}/members?limit=200`)).members;
    check((await page.locator("tbody tr td.id").count()) === members.length, "its documents");
    const other = members.find((m) => m.runner_up);
    check(other && (await s.text("tbody")).join().includes(`${other.runner_up} ${other.runner_up_similarity.toFixed(3)}`), "runner-up");
    check((await page.locator(".exemplars li").count()) === first.exemplars.length, "exemplars");
    check((await page.locator(".chart canvas").count()) === 1, "its growth");
    await s.shot("event");
    // Nobody may operate here, and the dialog says so.
    await page.getByRole("button", { name: "Rename" }).click();
    await page.fill("dialog input[name=name]", "another name");
    await page.fill("dialog input[name=token]", "guessed");
    await page.locator("dialog button.go").click();
    await page.locator(".problem").filter({ hasText: "serve.token" }).waitFor();
    s.errors = s.errors.filter((text) => !text.includes("403")); // as it should
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape"); // and back
    await page.waitForURL(/#\/now|#\/?$|\/$/);
}

async function otherPages(s, e) {
    const { page } = s;
    await page.keyboard.press("6");
    await page.locator("h2").filter({ hasText: "No replay is under way" }).waitFor();
    await page.locator(".empty").filter({ hasText: "The documents come from files" }).waitFor();
    await page.keyboard.press("5");
    await page.locator(".account").waitFor();
    const stats = await e.get("stats");
    await until(async () => {
        const [account] = await s.text(".account");
        return account.includes(`${stats.shards[0].in.toLocaleString("en")} in`) && account.includes("✓");
    }, "the account, and that it adds up");
    check((await s.text("main")).join().includes("Nothing waits to be read."), "how far it has come");
    for (const stage of ["read", "embed", "assign", "commit"])
        check((await s.text(".pipeline tbody tr")).some((row) => row.startsWith(stage) && /\d m?s/.test(row)), stage);
    check((await s.text(".pipeline dt")).some((t) => t === "cap events_max"), "caps");
    await s.shot("pipeline");
    await page.keyboard.press("2");
    await page.locator(".legend li").first().waitFor();
    check((await page.locator(".chart canvas").count()) === 1, "the stream");
    const painted = await page.evaluate(() => {
        const canvas = document.querySelector(".chart canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Set();
        for (let i = 0; i < data.length; i += 4)
            if (data[i + 3] > 150)
                colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
        return colours.size;
    });
    check(painted > 5, `${painted} colours in the river`);
    await s.shot("river");
    await page.keyboard.press("4");
    const topics = (await e.get("topics?limit=1000")).topics;
    const top = topics.find((t) => t.type === "theme") ?? topics[0];
    await page.locator(".tree summary").filter({ hasText: top.name }).first().click();
    await page.locator(".tree details details, .tree .leaf").first().waitFor();
    check(page.url().includes("open="), "what is open stands in the URL");
    await s.shot("hierarchy");
    await page.keyboard.press("t");
    await page.keyboard.press("1");
    await page.locator(".card:visible").first().waitFor();
    await s.shot("now-dark");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/#\/event\/E/);
}

async function pages() {
    const docs = town(60).map((d, i) => ({ ...d, source: `Gazette ${Math.floor(i / 24) % 6}` })), e = await Eddy.start();
    try {
        await e.feed(docs).answered(docs.length);
        const bytes = await files(e);
        const s = await Screen.open(e.url, { colorScheme: "light" });
        const seen = await cards(s);
        const event = await e.get(`events/${seen.id}`);
        check(event.name === seen.name && event.size === seen.size, () => JSON.stringify([event, seen]));
        await s.shot("now");
        await sources(s, e);
        await searching(s, e);
        await live(s, e, docs.length);
        await eventPage(s, e);
        await otherPages(s, e);
        await mapPage(s, e);
        await s.close();
        return { page_bytes: bytes, first_paint_ms: Math.round(seen.painted) };
    } finally {
        await e.end();
    }
}

// ---- hostile text ----

async function hostile() {
    const corpus = JSON.parse(fs.readFileSync(path.join(ROOT, "tests/browser/xss.json"), "utf8"));
    // Each line as id, title and text; three times, so that there are events to look into.
    const docs = corpus.flatMap((line, i) => [0, 1, 2].map((k) => ({ id: `${line}${k}`, ts: 1700000000000 + i * 60000 + k,
        title: `${line} ${"lorem ipsum dolor amet".split(" ")[k]} hostile${i} words${i}`, text: `${line} hostile${i} words${i} things${i}`, source: `${line}s` })));
    const e = await Eddy.start();
    try {
        await e.feed(docs).answered(docs.length);
        const s = await Screen.open(e.url);
        await s.page.locator(".card:visible").first().waitFor();
        const events = (await e.get("events?limit=1000")).events;
        let shown = "";
        for (const where of ["now", "river", "map", "hierarchy", "pipeline", "replay", ...events.map((x) => `event/${x.id}`)]) {
            await s.go(where);
            await s.page.locator("main h1, main .card:visible, main .legend li, main .tree, main .account, main .facts").first().waitFor();
            if (where === "hierarchy") {
                await s.page.locator(".tree summary").first().waitFor();
                while (await s.page.locator(".tree details:not([open]) > summary").count())
                    await s.page.locator(".tree details:not([open]) > summary").first().click();
            }
            if (where === "map") {
                await s.page.locator(".map canvas").first().focus();
                for (let i = 0; i < 30; i++) // each is called what it is called
                    await s.page.keyboard.press(["ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"][i % 4]);
                await s.page.locator("main summary").click();
                await s.page.locator(".listed li").first().waitFor();
            }
            if (where.startsWith("event"))
                await s.page.locator("td.id").first().waitFor();
            shown += await s.page.locator("main").textContent();
            const strange = await s.page.locator("main :is(script, iframe, img, math, style, object, embed, body)").count();
            check(strange === 0, `${strange} elements of a document's on ${where}`);
        }
        await s.shot("hostile");
        // Ids come through as they are: what was markup stands there as text.
        for (const line of corpus.filter((l) => !l.includes("\u0000")))
            check(shown.includes(`${line}0`) && shown.includes(`${line}s`), `not shown as text: ${line}`);
        const executed = Number(await s.page.evaluate(() => Number(window.xss ?? 0))) + s.dialogs;
        check(executed === 0, "a document's script ran");
        await s.close();
        return { xss_executed: executed, xss_lines: corpus.length };
    } finally {
        await e.end();
    }
}

// ---- ten thousand events ----

// Scroll for so long; how long each frame took, in ms.
function frames(ms) {
    const scroller = document.querySelector(".scroller");
    return new Promise((done) => {
        const took = [], began = performance.now();
        let before = began, way = 1;
        requestAnimationFrame(function frame(now) {
            took.push(now - before);
            before = now;
            if (scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1)
                way = -1;
            scroller.scrollTop += 40 * way;
            if (now - began < ms)
                requestAnimationFrame(frame);
            else
                done(took.slice(2).sort((a, b) => a - b));
        });
    });
}

async function many() {
    const n = Number(process.env.EDDY_EVENTS ?? 10000);
    const e = await Eddy.start("--set", "engine.threshold=0.95", "--set", "engine.topics=off");
    try {
        await e.feed(strangers(n)).answered(n, 240);
        const s = await Screen.open(e.url);
        await s.page.locator(".card:visible").first().waitFor();
        const painted = await s.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
        const total = await until(async () => {
            const [, shown, of] = /([\d,]+) of ([\d,]+)/.exec((await s.text(".total")).join()) ?? [];
            const all = Number(of?.replaceAll(",", ""));
            return shown === of && all >= 0.98 * n && all;
        }, "all events are there", 60);
        check((await s.page.locator(".card").count()) < 100, "only what is seen exists");
        // More keep coming while one scrolls.
        let coming = true;
        const comes = (async () => {
            for (let i = 0; coming; i += 20) {
                e.feed(strangers(20, n + i));
                await sleep(200);
            }
        })();
        const took = await s.page.evaluate(frames, 6000);
        coming = false;
        await comes;
        const p95 = took[Math.floor(0.95 * took.length)];
        check(p95 < 100 * SLOW, `95 % of frames within ${p95.toFixed(1)} ms`);
        await s.shot("many");
        const onMap = await manyOnMap(s, e, n);
        await s.close();
        return { events: total, ...onMap, first_paint_ms: Math.round(painted), frames: took.length, frame_p95_ms: Math.round(p95 * 10) / 10 };
    } finally {
        await e.end();
    }
}

// ---- logs ----

// Lines are counted by their templates: the cards tell of lines, and of the template.
async function logs() {
    const said = [(i) => `Accepted password for user${i % 20} from 10.0.0.${i % 255} port ${i}`, (i) => `job ${i} finished in ${i % 97} ms`];
    const lines = Array.from({ length: 2000 }, (_, i) => {
        const when = new Date(Date.UTC(2026, 10, 26, 12, 0, i)).toISOString().slice(0, 19);
        return `${when} host${i % 3} app[${i % 50}]: ${said[i % 2](i)}`;
    });
    const e = await Eddy.start("--profile", "logs");
    try {
        await e.feed(lines).answered(lines.length);
        const s = await Screen.open(e.url);
        const seen = async () => (await e.get("events?limit=1")).events[0].seen;
        const shows = (n) => s.page.locator(".card .size").filter({ hasText: n.toLocaleString("en") }).first().waitFor();
        const before = await seen();
        check(before > 500, `${before} lines seen`);
        await shows(before);
        await s.page.locator(".card .name").filter({ hasText: "Accepted password for" }).waitFor();
        e.feed(lines.map((l) => l.replace("T12:", "T13:")));
        await e.answered(2 * lines.length);
        const after = await until(async () => (await seen()) > before && seen(), "more lines seen");
        await shows(after);
        await s.page.locator(".card").first().click();
        await s.page.locator(".timeline li").first().waitFor();
        await s.page.locator(".facts b").filter({ hasText: after.toLocaleString("en") }).waitFor();
        await s.shot("logs");
        await s.close();
        return { lines: 2 * lines.length };
    } finally {
        await e.end();
    }
}

// ---- the demo ----

async function demo() {
    const e = await Eddy.start("demo", "--seconds", "12");
    try {
        await until(() => e.said.includes(e.url.slice(0, -1)), "its address is printed");
        const s = await Screen.open(e.url);
        await s.page.locator(".card:visible").first().waitFor();
        const first = (performance.now() - e.began) / 1000;
        await until(async () => (await s.page.locator(".card:visible").count()) > 8, "a news day");
        await sleep(4000);
        await s.shot("demo");
        await s.go("river");
        await s.page.locator(".legend li").nth(4).waitFor();
        await s.shot("demo-river");
        s.errors = [];
        await s.close();
        return { first_card_s: Math.round(first * 100) / 100 };
    } finally {
        await e.end();
    }
}

const scenes = { pages, hostile, many, logs, demo, operations };
for (const name of process.argv.slice(2)) {
    check(scenes[name], `there is no scene ${name}`);
    console.log(JSON.stringify({ scene: name, ...(await scenes[name]()) }));
}
process.exit(0);
