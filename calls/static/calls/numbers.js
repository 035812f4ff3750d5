// The pages about numbers: copy an address, check the round trip, play a greeting.

const LOST = "The server cannot be reached. Try again.";
const LOGGED_OUT = "You are not logged in any more, or may not do this. Reload the page.";

// Copying

function copy(button) {
    const source = document.getElementById(button.dataset.copies);
    const copied = document.getElementById("copied");
    const label = button.firstChild;
    const tell = (words) => {
        copied.textContent = words;
        label.data = words;
        setTimeout(() => { label.data = "Copy"; }, 2000);
    };
    // Browsers offer the clipboard on https and localhost only.
    const done = navigator.clipboard?.writeText(source.textContent.trim())
        ?? Promise.reject(new Error("no clipboard"));
    done.then(() => tell("Copied"), () => {
        getSelection().selectAllChildren(source);
        tell("Selected, press Ctrl+C");
    });
}

// The round trip

async function checkRoundTrip(form, place) {
    const button = form.querySelector("button");
    button.disabled = true;
    place.textContent = "Checking…";
    try {
        const answer = await ask(form.action, { method: "POST", body: new FormData(form) });
        place.replaceChildren(listOf((await answer.json()).results));
    } catch (error) {
        place.textContent = error.message;
    } finally {
        button.disabled = false;
    }
}

function listOf(results) {
    const list = document.createElement("ul");
    list.className = "round-trip";
    for (const { name, ok, words } of results) {
        const line = document.createElement("li");
        const [mark, said] = ["strong", "span"].map((tag) => document.createElement(tag));
        line.className = ok ? "works" : "fails";
        mark.textContent = `${ok ? "✓" : "✗"} ${name}`;
        said.textContent = words;
        line.append(mark, said);
        list.append(line);
    }
    return list;
}

// The greeting

const player = new Audio();

async function play(button) {
    const told = button.parentElement.querySelector("[role=status]");
    button.disabled = true;
    told.textContent = "Asking for the voice…";
    try {
        // Asked for first, because a player does not tell why it has nothing to play.
        await (await ask(button.dataset.plays)).arrayBuffer();
        player.src = button.dataset.plays;
        await player.play();
        told.textContent = "";
    } catch (error) {
        told.textContent = error.message;
    } finally {
        button.disabled = false;
    }
}

// What the server answers; otherwise an error in plain words.
async function ask(address, options = {}) {
    const answer = await fetch(address, options).catch(() => { throw new Error(LOST); });
    if (answer.redirected || answer.status === 403) throw new Error(LOGGED_OUT);
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => ({}));
    throw new Error(told.problem ?? `The server has problem (${answer.status}). Try again.`);
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
    checkRoundTrip(form, document.getElementById("round-trip-results"));
});
