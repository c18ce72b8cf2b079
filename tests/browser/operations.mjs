// Operations by clicking, on a broker: asked in a dialog, decided by the pipeline, seen on the page.
import { execFileSync } from "node:child_process";
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
        check((await page.evaluate(() => window.xss ?? 0)) === 0, "a name's script ran");
        await s.shot("operations");
        await s.close();
        return { operations: 5 };
    } finally {
        await e.end();
    }
}
