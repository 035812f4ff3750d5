// Asking the desk for something; it answers in JSON, or in words of what is wrong.

export async function ask(path, body) {
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(path, {
        method: "POST",
        headers: { "X-CSRFToken": token, "Accept": "application/json" },
        body,
    }).catch(() => { throw new Error("The server cannot be reached. Try again."); });
    const known = answer.headers.get("Content-Type")?.startsWith("application/json");
    if (!known && (answer.ok || answer.status === 403)) {
        throw new Error("You are not logged in any more, or may not do this. Reload the page.");
    }
    if (!known) throw new Error(`The server could not do that (${answer.status}).`);
    const told = await answer.json();
    if (told.problem) throw new Error(told.problem);
    return told;
}
