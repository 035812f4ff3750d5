// The pages about numbers: copy a URL, check the connection, play a greeting.

const UNREACHABLE = "The server cannot be reached. Try again.";
const LOGGED_OUT = "You are not logged in any more, or may not do this. Reload the page.";

// Copying

function copy(button) {
    const source = document.getElementById(button.dataset.copies);
    const copied = document.getElementById("copied");
    const label = button.firstChild;
    const show = (text) => {
        copied.textContent = text;
        label.data = text;
        setTimeout(() => { label.data = "Copy"; }, 2000);
    };
    // Browsers offer the clipboard on https and localhost only.
    const done = navigator.clipboard?.writeText(source.textContent.trim())
        ?? Promise.reject(new Error("no clipboard"));
    done.then(() => show("Copied"), () => {
        getSelection().selectAllChildren(source);
        show("Selected, press Ctrl+C");
    });
}

// The connection

async function checkConnection(form, output) {
    const button = form.querySelector("button");
    button.disabled = true;
    output.textContent = "Checking…";
    try {
        const response = await request(form.action, { method: "POST", body: new FormData(form) });
        output.replaceChildren(listOf((await response.json()).results));
    } catch (error) {
        output.textContent = error.message;
    } finally {
        button.disabled = false;
    }
}

function listOf(results) {
    const list = document.createElement("ul");
    list.className = "round-trip";
    for (const { name, ok, message } of results) {
        const line = document.createElement("li");
        const [mark, text] = ["strong", "span"].map((tag) => document.createElement(tag));
        line.className = ok ? "works" : "fails";
        mark.textContent = `${ok ? "✓" : "✗"} ${name}`;
        text.textContent = message;
        line.append(mark, text);
        list.append(line);
    }
    return list;
}

// The greeting

const player = new Audio();

async function play(button) {
    const status = button.parentElement.querySelector("[role=status]");
    button.disabled = true;
    status.textContent = "Asking for the voice…";
    try {
        // Fetched first, because the player does not report why it cannot play.
        await (await request(button.dataset.plays)).arrayBuffer();
        player.src = button.dataset.plays;
        await player.play();
        status.textContent = "";
    } catch (error) {
        status.textContent = error.message;
    } finally {
        button.disabled = false;
    }
}

// Fetches, and throws an error with a plain message if that fails.
async function request(url, options = {}) {
    const response = await fetch(url, options).catch(() => { throw new Error(UNREACHABLE); });
    if (response.redirected || response.status === 403) throw new Error(LOGGED_OUT);
    if (response.ok) return response;
    const body = await response.json().catch(() => ({}));
    throw new Error(body.problem ?? `The server reports an error (${response.status}). Try again.`);
}

for (const button of document.querySelectorAll("[data-copies]")) {
    button.addEventListener("click", () => copy(button));
}
for (const button of document.querySelectorAll("[data-plays]")) {
    button.addEventListener("click", () => play(button));
}
const form = document.getElementById("round-trip");
form?.addEventListener("submit", (event) => {
    event.preventDefault();
    checkConnection(form, document.getElementById("round-trip-results"));
});
