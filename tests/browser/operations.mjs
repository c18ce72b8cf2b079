// Operations by clicking, on a broker: asked in a dialog, decided by the pipeline, seen on the page.
import { execFileSync } from "node:child_process";
import http from "node:http";
import path from "node:path";

import { Eddy, ROOT, Screen, check, town, until } from "./harness.mjs";

const TOKEN = "correct horse";
const HOSTILE = "<img src=x onerror=window.xss=1>";

async function answer(page, button, fields) {
    await page.getByRole("button", { name: button, exact: true }).first().click();
    for (const [name, value] of Object.entries(fields))
        await page.fill(`dialog input[name=${name}]`, value);
    if (!(await page.inputValue("dialog input[name=token]")))
        await page.fill("dialog input[name=token]", TOKEN);
    await page.locator("dialog button.go").click();
    await page.locator("dialog").waitFor({ state: "hidden" });
}

function broker(name, docs) {
    const tool = path.join(ROOT, "tools/kafka"), where = ["--dir", process.env.EDDY_KAFKA_DIR];
    const address = execFileSync(tool, ["address", ...where], { encoding: "utf8" }).trim();
    execFileSync(tool, ["topics", ...where, "--create", "--topic", `${name}.in`, "--partitions", "1"], { stdio: "ignore" });
    execFileSync("kcat", ["-q", "-P", "-b", address, "-t", `${name}.in`],
        { input: docs.map((d) => `${JSON.stringify(d)}\n`).join("") });
    return address;
}

// A range is chosen, the line that is made of it is run, and the page of that replay shows it.
async function replay(s, e, address, name, n) {
    const { page } = s, line = () => s.text(".command").then(([text]) => text);
    await s.go("replay");
    await page.fill("input[name=from]", "2031-01-02T03:04:05");
    await page.fill("input[name=partitions]", "0");
    await until(async () => (await line()) === `eddy replay -b ${address} -t ${name}.in --from 2031-01-02T03:04:05Z --partitions 0`, "the line");
    await page.fill("input[name=from_place]", "-3d");
    check((await line()).includes(" --from=-3d "), await line());
    await page.check("input[name=then]");
    await page.locator(".problem").filter({ hasText: "--then-run" }).waitFor();
    check(page.url().includes("partitions=0") && (await page.locator("main button.go").isDisabled()), page.url());
    for (const field of ["from", "from_place", "partitions"])
        await page.fill(`input[name=${field}]`, "");
    await page.fill("input[name=into]", `${name}-again`);
    check(!(await page.locator("main button.go").isDisabled()), "nothing is wrong with it");
    await s.shot("replay");
    const again = await Eddy.start(...(await line()).split(" ").slice(1));
    try {
        check(again.args[0] === "replay", again.args.join(" "));
        // Between the range and what comes behind it nobody listens for a moment.
        await until(async () => (await again.get("replay").catch(() => null))?.replay?.state === "live", "the range is done");
        const told = (await again.get("replay")).replay;
        check(told.from === "beginning" && told.to === "end" && told.then_run && told.missing === 0, () => JSON.stringify(told));
        const other = await Screen.open(again.url);
        await other.go("replay");
        await other.page.locator("h2").filter({ hasText: "live now" }).waitFor();
        const rows = (await other.text("section:first-of-type dd")).join("|");
        check(rows.includes("from beginning to end, all partitions"), rows);
        await other.shot("replaying");
        await other.close();
        check((await again.get("events")).total >= (await e.get("events")).total - 3, "the same events, but for what people did");
    } finally {
        await again.end();
    }
    check((await e.get("stats")).shards[0].in === n, "the live one is not touched");
}

// An embedding endpoint that takes its time, as long as its `ms` says: each text's letters, counted.
function slowEndpoint(ms) {
    const server = http.createServer((request, response) => {
        let body = "";
        request.on("data", (piece) => (body += piece)).on("end", () => setTimeout(() => {
            const data = [JSON.parse(body).input].flat().map((text, index) => {
                const embedding = new Array(26).fill(0.1);
                for (const letter of text.toLowerCase())
                    embedding[letter.charCodeAt(0) - 97] += 1;
                return { object: "embedding", index, embedding: embedding.slice(0, 26) };
            });
            response.setHeader("Content-Type", "application/json");
            response.end(JSON.stringify({ object: "list", model: "slow", data }));
        }, server.ms));
    });
    server.ms = ms;
    return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

// A replay that is not soon done shows how far it is, and comes to its end.
async function underWay(address, name, n) {
    const server = await slowEndpoint(2000), e = await Eddy.start("replay", "-b", address, "-t", `${name}.in`, "--into", `${name}-slow`,
        "--partitions", "0", "--from", "@0", "--set", "embed.model=endpoint", "--set", "embed.cache=0", "--set", "batch.max=16",
        "--set", `embed.endpoint.url=http://127.0.0.1:${server.address().port}/v1`, "--set", "embed.endpoint.model=slow");
    try {
        const s = await Screen.open(e.url);
        await s.go("replay");
        await s.page.locator("h2").filter({ hasText: "A replay is under way" }).waitFor();
        const done = () => s.page.evaluate(() => document.querySelector("main progress").value);
        await until(async () => (await done()) > 0, "some of it is done");
        const before = await done(), rows = (await s.text("section:first-of-type dd")).join("|");
        check(before < 1 && rows.includes("from @0 to end, partitions 0") && rows.includes(` of ${n} messages`) && rows.includes("off: none"), rows);
        await until(async () => (await done()) > before, "more of it is done");
        await until(async () => (await s.text("section:first-of-type dd")).join().includes("to go"), "how long it will take");
        await s.shot("under-way");
        server.ms = 0; // it was seen
        const code = await new Promise((over) => e.child.on("exit", over));
        check(code === 0 && e.said.includes(`in ${n} =`), e.said);
        s.errors = []; // it is gone
        await s.close();
    } finally {
        await e.end();
        server.close();
    }
}

export async function operations() {
    const docs = town(20), name = `browser${process.pid}`;
    const address = broker(name, docs);
    const e = await Eddy.start("-b", address, "-t", `${name}.in`, "--set", `pipeline=${name}`, "--set", `serve.token=${TOKEN}`);
    try {
        await e.answered(docs.length);
        const [a, b] = (await e.get("events?limit=2")).events;
        const s = await Screen.open(`${e.url}`);
        const { page } = s;
        await s.go(`event/${a.id}`);
        await page.locator("h1").filter({ hasText: a.name }).waitFor();
        // The wrong token is refused, and asked for again.
        await page.getByRole("button", { name: "Rename", exact: true }).click();
        await page.fill("dialog input[name=name]", HOSTILE);
        await page.fill("dialog input[name=token]", "wrong");
        await page.locator("dialog button.go").click();
        await page.locator(".problem").filter({ hasText: "token" }).waitFor();
        check((await e.get(`events/${a.id}`)).name === a.name, "nothing happened");
        s.errors = s.errors.filter((text) => !text.includes("401")); // as it should
        await page.getByRole("button", { name: "Cancel" }).click();
        await answer(page, "Rename", { name: HOSTILE, reason: "a person says so" });
        await until(async () => (await e.get(`events/${a.id}`)).name === HOSTILE, "the name");
        await page.locator("h1").filter({ hasText: HOSTILE }).waitFor();
        await page.locator(".timeline li[data-kind=renamed]").filter({ hasText: "person" }).first().waitFor();
        await answer(page, "Undo", {});
        await until(async () => (await e.get(`events/${a.id}`)).name === a.name, "the old name");
        await answer(page, "Pin", {});
        await until(async () => (await e.get(`events/${a.id}`)).pinned, "pinned");
        await page.getByRole("button", { name: "Unpin", exact: true }).waitFor();
        await answer(page, "Unpin", {});
        await until(async () => !(await e.get(`events/${a.id}`)).pinned, "unpinned");
        await page.getByRole("button", { name: "Pin", exact: true }).waitFor();
        await answer(page, "Merge into…", { into: b.id });
        await until(async () => (await e.get(`events/${a.id}`)).state === "merged", "merged");
        await page.locator("h1").filter({ hasText: (await e.get(`events/${b.id}`)).name }).waitFor();
        const { changes } = await e.get(`events/${b.id}/lineage`);
        const merge = changes.find((c) => c.kind === "merged" && c.event === a.id && c.other === b.id);
        check(merge && merge.actor === "person" && merge.other_after === merge.other_before + merge.size_before, () => JSON.stringify(merge));
        await page.locator(".timeline li[data-kind=merged]").filter({ hasText: a.id }).filter({ hasText: "person" }).waitFor();
        // What was put together is taken apart again, as its groups suggest.
        const whole = await e.get(`events/${b.id}`);
        check(whole.groups > 1, `${whole.groups} groups`);
        const inside = (await e.get(`events/${b.id}/members?limit=1000`)).members;
        const leaves = inside.find((m) => m.came_to === a.id).group;
        await page.getByRole("button", { name: "Split", exact: true }).click();
        await page.locator("dialog button.go").click();
        await page.locator(".problem").filter({ hasText: "Choose the groups" }).waitFor();
        await page.check(`dialog input[value=${leaves}]`);
        await page.fill("dialog input[name=reason]", "two stories");
        await page.locator("dialog button.go").click();
        await page.locator("dialog").waitFor({ state: "hidden" });
        const split = await until(async () => (await e.get(`events/${b.id}/lineage`)).changes
            .find((c) => c.kind === "split" && c.other === b.id && c.actor === "person"), "split");
        check(split.evidence === "two stories" && split.size_after > 0 && split.other_after === whole.size - split.size_after, () => JSON.stringify(split));
        check((await e.get(`events/${split.event}`)).parent === b.id, "where it is from");
        await page.locator(".timeline li[data-kind=split]").filter({ hasText: split.event }).filter({ hasText: "two stories" }).waitFor();
        await page.locator(".timeline a").filter({ hasText: split.event }).first().click();
        await page.waitForURL(`**/#/event/${split.event}`);
        check((await page.evaluate(() => window.xss ?? 0)) === 0, "a name's script ran");
        await s.shot("operations");
        await replay(s, e, address, name, docs.length);
        await underWay(address, name, docs.length);
        await s.close();
        return { operations: 6 };
    } finally {
        await e.end();
    }
}
