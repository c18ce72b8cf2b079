// What the scenes share: an eddy as a child, a Chromium that looks at it, and what it saw.
import { spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const SLOW = Number(process.env.EDDY_SLOW ?? 1);
const BUILD = process.env.EDDY_BUILD ?? path.join(ROOT, "build/dev");
// Eddy reads its options from EDDY_*: ours are none of them.
const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("EDDY_")));
const HERE = process.env.EDDY_BROWSER_DIR ?? path.join(BUILD, "browser");
const { chromium } = createRequire(path.join(HERE, "/"))("playwright-core");

export function check(holds, what) {
    if (!holds)
        throw new Error(typeof what === "function" ? what() : what);
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// ask() until it is true; that.
export async function until(ask, what, seconds = 30) {
    const deadline = Date.now() + seconds * 1000 * SLOW;
    for (;;) {
        const found = await ask();
        if (found)
            return found;
        check(Date.now() < deadline, `not within ${seconds} s: ${what}`);
        await sleep(50);
    }
}

export const freePort = () => new Promise((done) => {
    const s = net.createServer().listen(0, "127.0.0.1", () => {
        const { port } = s.address();
        s.close(() => done(port));
    });
});

// ---- documents ----

// The reports of a small town, again and again, each time under other ids and five minutes later.
export function town(times) {
    const lines = fs.readFileSync(path.join(ROOT, "tests/golden/detect/town.jsonl"), "utf8").trim().split("\n");
    return Array.from({ length: times }, (_, i) => lines.map((line) => {
        const d = JSON.parse(line);
        return { ...d, id: `${d.id}-${i}`, ts: (typeof d.ts === "number" ? d.ts : Date.parse(d.ts)) + i * 300000 };
    })).flat();
}

// Each of them an event of its own: no two share a word.
export const strangers = (n, first = 0) => Array.from({ length: n }, (_, i) => ({
    id: `s${first + i}`, ts: 1700000000000 + (first + i) * 1000,
    text: Array.from({ length: 8 }, (_, k) => ((first + i) * 8 + k + 1e6).toString(36).replace(/\d/g, (d) => "ghijklmnop"[d]) +
        "qvxz"[k % 4] + (first + i).toString(26)).join(" "),
}));

// ---- eddy ----

export class Eddy {
    static async start(...args) {
        const e = new Eddy();
        e.port = await freePort();
        e.folder = fs.mkdtempSync(path.join(os.tmpdir(), "eddy-browser-"));
        e.url = `http://127.0.0.1:${e.port}/`;
        e.said = "";
        e.args = args;
        const source = args.includes("-b") || args[0] === "demo" ? [] : ["--set", "source.files=-", "-o", `${e.folder}/out`];
        const command = ["demo", "replay"].includes(args[0]) ? [] : ["run"];
        e.began = performance.now();
        e.child = spawn(path.join(BUILD, "eddy"), [...command, ...(command.length ? [] : args.slice(0, 1)),
            "--set", "embed.model=hash", ...args.slice(command.length ? 0 : 1), ...source, "--set", `serve.port=${e.port}`], { env: bare });
        for (const out of [e.child.stdout, e.child.stderr])
            out.on("data", (piece) => (e.said += piece));
        await until(async () => {
            check(e.child.exitCode === null, () => e.said);
            return fetch(`${e.url}readyz`).then((r) => r.ok, () => false);
        }, "ready");
        return e;
    }

    // Documents as JSON; lines as they are.
    feed(documents) {
        this.child.stdin.write(documents.map((d) => `${typeof d === "string" ? d : JSON.stringify(d)}\n`).join(""));
        return this;
    }

    async get(what) {
        const r = await fetch(`${this.url}api/v1/${what}`);
        check(r.ok, `${what}: ${r.status}`);
        return r.json();
    }

    async answered(n, seconds = 60) {
        await until(async () => (await this.get("stats")).shards.reduce((sum, s) => sum + s.committed, 0) >= n, `${n} documents`, seconds);
        return this;
    }

    async end() {
        this.child.kill("SIGKILL");
        await new Promise((done) => (this.child.exitCode !== null || this.child.signalCode ? done() : this.child.on("exit", done)));
        fs.rmSync(this.folder, { recursive: true });
    }
}

// ---- a browser ----

export class Screen {
    static async open(url, options = {}) {
        const s = new Screen();
        s.browser = await chromium.launch({ executablePath: process.env.EDDY_CHROMIUM, args: ["--disable-gpu"] });
        s.page = await s.browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
        s.errors = [];
        s.elsewhere = [];
        s.dialogs = 0;
        s.page.on("pageerror", (e) => s.errors.push(String(e)));
        s.page.on("console", (m) => m.type() === "error" && s.errors.push(m.text()));
        s.page.on("dialog", (d) => {
            s.dialogs++;
            d.dismiss();
        });
        s.page.on("request", (r) => {
            if (!r.url().startsWith(url) && !r.url().startsWith("data:"))
                s.elsewhere.push(r.url());
        });
        s.page.setDefaultTimeout(20000 * SLOW);
        s.url = url;
        await s.page.goto(url);
        return s;
    }

    async go(where) {
        await this.page.goto(`${this.url}#/${where}`);
    }

    async shot(name) {
        const folder = path.join(HERE, "screenshots");
        fs.mkdirSync(folder, { recursive: true });
        await this.page.screenshot({ path: path.join(folder, `${name}.png`) });
    }

    text(selector) {
        return this.page.locator(selector).allTextContents();
    }

    // Nothing was asked of anybody else, and nothing went wrong, the policy's refusals among it.
    async close() {
        await this.browser.close();
        check(!this.errors.length, () => `the page says: ${this.errors.join("; ")}`);
        check(!this.elsewhere.length, () => `the page asked elsewhere: ${this.elsewhere.join(" ")}`);
    }
}
