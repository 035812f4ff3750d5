// Requests to the console; they throw errors with plain messages.

const UNREACHABLE = "The server cannot be reached. Try again.";
const LOGGED_OUT = "You are not logged in any more, or may not do this. Reload the page.";

export async function request(url, options = {}) {
    const response = await fetch(url, options).catch(() => { throw new Error(UNREACHABLE); });
    if (response.redirected || response.status === 403) throw new Error(LOGGED_OUT);
    if (response.ok) return response;
    const body = await response.json().catch(() => ({}));
    throw new Error(body.problem ?? `The server reports an error (${response.status}). Try again.`);
}

export async function post(url, body) {
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const response = await request(url, { method: "POST", headers: { "X-CSRFToken": token }, body });
    return response.json();
}
