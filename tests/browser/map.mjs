// The map: what is drawn there, what is said of it, and that it stays.
import { SLOW, check, strangers, until } from "./harness.mjs";

// How many strong colours a canvas has.
function colours(canvas) {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const found = new Set();
    for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] > 150)
            found.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    return found.size;
}

// Where the ring is: the tip stands below and to the right of it, unless there is no room.
const ring = (page) => page.evaluate(() => {
    const tip = document.querySelector(".tip"), box = document.querySelector(".map");
    const x = parseFloat(tip.style.left), y = parseFloat(tip.style.top), at = box.getBoundingClientRect();
    return tip.hidden || x <= 0 || x >= box.clientWidth - 290 || y <= 0 || y >= box.clientHeight - 70 ? null
        : { x: at.left + x - 14, y: at.top + y - 14, name: tip.querySelector("b").textContent };
});

const places = async (e) => new Map((await e.get("events?limit=1000")).events.filter((x) => x.map).map((x) => [x.id, x.map]));

async function moreEvents(e, first) {
    const [{ stream_time: time }] = (await e.get("events?limit=1&sort=last_seen")).events;
    const more = strangers(400, first).map((d, i) => ({ ...d, ts: Date.parse(time) + 1000 * i })), before = (await places(e)).size, { shards: [{ committed }] } = await e.get("stats");
    e.feed(more);
    await e.answered(committed + more.length);
    await until(async () => (await places(e)).size > before + 50, "new ones have places too");
}

// To one that has room for its tip, by keys; its name.
async function goSomewhere(page) {
    for (let i = 0; i < 40; i++) {
        await page.keyboard.press(["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowUp"][i % 5]);
        const found = await ring(page);
        if (found)
            return found;
    }
    throw new Error("no event on the map has room for its tip");
}

export async function mapPage(s, e) {
    const { page } = s;
    await s.go("now");
    await page.keyboard.press("3");
    await page.locator(".map canvas").first().waitFor();
    await until(async () => /[1-9]\d* of \d+ active events have a place/.test((await s.text(".total")).join()), "places");
    await until(async () => (await s.text(".legend li")).length > 2 && !(await s.text(".legend li")).some((t) => /^T\d/.test(t)), "topics by name");
    check((await page.locator(".map canvas").first().evaluate(colours)) > 3, "points in several colours");
    // Keys go to the largest one first, and open what they point at.
    const events = (await e.get("events?limit=1000")).events, named = new Set(events.map((x) => x.name));
    await page.locator(".map canvas").first().focus();
    await page.keyboard.press("ArrowRight");
    const [first] = await s.text(".unseen");
    const most = Math.max(...events.filter((x) => x.map).map((x) => x.size));
    check(events.some((x) => x.size === most && first === `${x.name}, ${x.size} documents`), () => `${first} is not the largest, of ${most}`);
    const found = await goSomewhere(page);
    check(named.has(found.name), found.name);
    await s.shot("map");
    // The mouse finds the same one there.
    await page.mouse.move(found.x, found.y);
    await page.locator(".tip b").filter({ hasText: found.name }).waitFor();
    await page.mouse.click(found.x, found.y);
    await page.locator("h1").filter({ hasText: found.name }).waitFor();
    await page.goBack();
    await page.locator(".map canvas").first().waitFor();
    // Nearer and back; dragging; other colours, which the URL keeps.
    const before = await page.locator(".map canvas").first().evaluate((c) => c.toDataURL());
    await page.getByRole("button", { name: "nearer" }).click();
    await until(async () => (await page.locator(".map canvas").first().evaluate((c) => c.toDataURL())) !== before, "nearer");
    await page.mouse.move(600, 400);
    await page.mouse.down();
    await page.mouse.move(700, 450, { steps: 3 });
    await page.mouse.up();
    check(page.url().includes("#/map"), "a drag opens nothing");
    await page.getByRole("button", { name: "All" }).click();
    await page.selectOption("select[aria-label='what colours say']", "state");
    check(page.url().includes("by=state"), page.url());
    await page.locator(".legend li").filter({ hasText: "growing" }).waitFor();
    await page.locator("main summary").click();
    await until(async () => (await s.text(".listed li")).length === Math.min(100, (await places(e)).size), "the list");
    // What is new moves nothing; the first ones make the pass come that is due for what was before.
    await moreEvents(e, 1000);
    const was = await places(e);
    await moreEvents(e, 2000);
    const now = await places(e);
    check(now.size > was.size + 50, `${was.size} and then ${now.size} places`);
    const moved = [...was].filter(([id, [x, y]]) => now.has(id) && Math.hypot(now.get(id)[0] - x, now.get(id)[1] - y) > 0);
    check(moved.length < 60 && moved.every(([id, [x, y]]) => Math.hypot(now.get(id)[0] - x, now.get(id)[1] - y) < 1), () => `moved: ${moved.join(" ")}`);
}

// Drag it about for so long; how long each frame took, in ms.
function drag(ms) {
    const canvas = document.querySelector(".map canvas"), at = canvas.getBoundingClientRect();
    const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, { clientX: at.left + x, clientY: at.top + y, pointerId: 1, bubbles: true }));
    canvas.setPointerCapture = () => {};
    return new Promise((done) => {
        const took = [], began = performance.now();
        let before = began;
        send("pointerdown", 400, 200);
        requestAnimationFrame(function frame(now) {
            took.push(now - before);
            before = now;
            send("pointermove", 400 + 150 * Math.sin(now / 300), 200 + 80 * Math.cos(now / 200));
            if (now - began < ms)
                return requestAnimationFrame(frame);
            send("pointermove", 600, 300);
            send("pointerup", 600, 300);
            done(took.slice(2).sort((a, b) => a - b));
        });
    });
}

export async function manyOnMap(s, e, n) {
    const { page } = s;
    await s.go("map");
    await until(async () => {
        const [, shown] = /([\d,]+) of [\d,]+ active/.exec((await s.text(".total")).join()) ?? [];
        return Number(shown?.replaceAll(",", "")) >= 0.85 * n; // passes are seldom among so many
    }, "all have a place", 30);
    await page.getByRole("button", { name: "nearer" }).click();
    const took = await page.evaluate(drag, 4000);
    const p95 = took[Math.floor(0.95 * took.length)];
    check(p95 < 100 * SLOW, `map: 95 % of frames within ${p95.toFixed(1)} ms`);
    await page.getByRole("button", { name: "All" }).click();
    await s.shot("many-map");
    return { map_frame_p95_ms: Math.round(p95 * 10) / 10 };
}
