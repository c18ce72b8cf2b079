// dom: elements out of names, attributes and children. A string is always a text node: what a
// document says is never looked at as markup, here or anywhere.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (name.startsWith("on"))
            element.addEventListener(name.slice(2), value);
        else if (value !== false && value != null)
            element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat(3).filter((c) => c != null && c !== false));
    return element;
}

export function h(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

export const eventLink = (id, text) => h("a", { href: `#/event/${encodeURIComponent(id)}` }, text ?? id);

// The path of a little chart of values >= 0: bars of 3 in steps of 4, 24 high.
export function sparkPath(values) {
    const most = Math.max(1, ...values);
    let path = "";
    values.forEach((v, i) => {
        const tall = v > 0 ? Math.max(2, Math.round((22 * v) / most)) : 0;
        if (tall)
            path += `M${4 * i} 24v${-tall}h3v${tall}z`;
    });
    return path;
}

export function spark(values) {
    return svg("svg", { class: "spark", viewBox: "0 0 96 24", "aria-hidden": "true" }, svg("path", { d: sparkPath(values) }));
}

// ---- numbers and times ----

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
export const count = (n) => (n == null ? "–" : whole.format(n));
export const score = (x) => (x == null ? "–" : x.toFixed(3));

export function took(ms) {
    const s = Math.abs(ms) / 1000;
    if (s < 1)
        return `${Math.round(ms)} ms`;
    for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]])
        if (s >= 2 * size)
            return `${Math.round(s / size)} ${unit}`;
    return `${Math.round(s)} s`;
}

// "2031-05-14 06:10:20", in UTC, as all of eddy.
export const moment = (time) => (time ? time.slice(0, 19).replace("T", " ") : "–");
export const ago = (time, now) => (time ? `${took(now - Date.parse(time))} ago` : "–");
