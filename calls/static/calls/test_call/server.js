// Requests to the console, which responds with JSON; throws errors with plain messages.

export async function post(path, body) {
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const response = await fetch(path, {
        method: "POST",
        headers: { "X-CSRFToken": token, "Accept": "application/json" },
        body,
    }).catch(() => { throw new Error("The server cannot be reached. Try again."); });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    if (!isJson && (response.ok || response.status === 403)) {
        throw new Error("You are not logged in any more, or may not do this. Reload the page.");
    }
    if (!isJson) throw new Error(`The server could not do that (${response.status}).`);
    const data = await response.json();
    if (data.problem) throw new Error(data.problem);
    return data;
}
