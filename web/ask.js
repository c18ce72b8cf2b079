// ask: an operation, asked for in a dialog that says what it will do, and sent when it is confirmed.

import { operate, token } from "./api.js";
import { h } from "./dom.js";

const dialog = document.getElementById("dialog");

// operation: as the API takes it, without what the fields ask for.
// fields: [name, label, value, required]; the values go into it as they are typed.
// more: {element, into(operation)}: what else is to be chosen; into returns what is wrong, or "".
// Returns when the dialog is closed; true: it was applied.
export function ask(title, says, operation, fields = [], more = null) {
    const inputs = [...fields, ["reason", "Why", "", false]].map(([name, label, value, required]) =>
        [name, label, h("input", { name, value: value ?? "", required: required ?? false, autocomplete: "off" })]);
    const secret = h("input", { type: "password", value: token.get(), required: true, autocomplete: "off", name: "token" });
    const problem = h("p", { class: "problem", role: "alert" });
    const go = h("button", { type: "submit", class: "go" }, title);
    return new Promise((done) => {
        let applied = false;
        const form = h("form", {
            onsubmit: async (e) => {
                e.preventDefault();
                token.set(secret.value);
                go.disabled = true;
                problem.textContent = "";
                const full = { ...operation };
                for (const [name, , input] of inputs)
                    if (input.value.trim())
                        full[name] = input.value.trim();
                try {
                    const wrong = more?.into(full);
                    if (wrong)
                        throw new Error(wrong);
                    await operate(full);
                    applied = true;
                    dialog.close();
                } catch (failure) {
                    problem.textContent = failure.message;
                    go.disabled = false;
                }
            },
        }, h("h2", null, title), h("p", null, says), more?.element,
        inputs.map(([, label, input]) => h("label", null, label, input)),
        h("label", null, "Token (serve.token)", secret), problem,
        h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), go));
        dialog.replaceChildren(form);
        dialog.addEventListener("close", () => done(applied), { once: true });
        dialog.showModal();
    });
}
