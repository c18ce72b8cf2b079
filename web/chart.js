// chart: uPlot in the colours of the page, as wide as its box.

import uPlot from "uplot";

// Apart for every eye; the last is for all others together.
export const COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#44bb99", "#bbcc33",
    "#7a5fb5", "#99999f"];

// A colour of the style sheet, in the light that is on.
export function colour(box, name) {
    box.style.color = `var(${name})`;
    const found = getComputedStyle(box).color;
    box.style.color = "";
    return found;
}

// Hours and minutes; the day where it begins, and where lines stand days apart.
function clock(_, times) {
    let day = "";
    return times.map((s, i) => {
        const text = new Date(s * 1000).toISOString(), at = text.slice(11, 16), before = day;
        day = text.slice(5, 10);
        if (times[1] - times[0] >= 86400)
            return day;
        return day === before ? (times[1] - times[0] < 60 ? text.slice(14, 19) : at) : `${i ? "" : `${at}\n`}${day}`;
    });
}

// lines: [{label, colour, fill, steps}], smooth where they are filled; data: [times in s, values, ...]; bands and hooks as uPlot has
// them. Returns {set(data), destroy()}.
export function plot(box, { lines, height, bands, hooks }, data) {
    const axis = () => ({ stroke: colour(box, "--soft"), grid: { stroke: colour(box, "--line"), width: 1 }, ticks: { show: false } });
    const make = () => new uPlot({
        width: Math.max(200, box.clientWidth), height, bands, hooks,
        tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.05)] } },
        axes: [{ ...axis(), values: clock }, { ...axis(), size: 44 }],
        series: [{}, ...lines.map((l, i) => ({
            label: l.label, stroke: l.colour ?? COLOURS[i], fill: l.fill, width: l.fill ? 0.5 : 1.5, points: { show: false },
            paths: l.steps ? uPlot.paths.stepped({ align: 1 }) : l.fill ? uPlot.paths.spline() : undefined,
        }))],
    }, data, box);
    let chart = make();
    const sizes = new ResizeObserver(() => chart.setSize({ width: Math.max(200, box.clientWidth), height }));
    const anew = () => {
        chart.destroy();
        chart = make();
    };
    sizes.observe(box);
    addEventListener("theme", anew);
    return {
        set: (values) => chart.setData((data = values)),
        destroy: () => {
            sizes.disconnect();
            removeEventListener("theme", anew);
            chart.destroy();
        },
    };
}
