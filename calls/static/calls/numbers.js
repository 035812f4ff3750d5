// Pages with something to copy; the pages about numbers: check the connection, play a greeting.

import { element } from "../bots/elements.js";
import { post, request } from "./server.js";

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
    const text = source.value ?? source.textContent.trim();
    // Browsers offer the clipboard on https and localhost only.
    const done = navigator.clipboard?.writeText(text)
        ?? Promise.reject(new Error("no clipboard"));
    done.then(() => show("Copied"), () => {
        if (source.select) source.select();
        else getSelection().selectAllChildren(source);
        show("Selected, press Ctrl+C");
    });
}

// The connection

async function checkConnection(form, output) {
    const button = form.querySelector("button");
    button.disabled = true;
    output.textContent = "Checking…";
    try {
        const { results } = await post(form.action, new FormData(form));
        output.replaceChildren(listOf(results));
    } catch (error) {
        output.textContent = error.message;
    } finally {
        button.disabled = false;
    }
}

function listOf(results) {
    const lines = results.map(({ name, ok, message }) => element(
        "li",
        { class: ok ? "works" : "fails" },
        element("strong", {}, `${ok ? "✓" : "✗"} ${name}`),
        element("span", {}, message),
    ));
    return element("ul", { class: "round-trip" }, ...lines);
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
