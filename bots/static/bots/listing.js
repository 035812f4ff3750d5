/* A list of Inworld as the server keeps it: shown at once, read anew when it is old. */

const AWAY = "This server did not answer with a list. Reload the page.";

export class Listing extends EventTarget {
    constructor(url, token) {
        super();
        Object.assign(this, { url, token, entries: [], readAt: null, problem: "", busy: false });
    }

    async load() {
        const found = await this.#ask({});
        if (found?.is_stale) await this.refresh();
    }

    async refresh() {
        this.busy = true;
        this.#tell();
        const headers = { "X-CSRFToken": this.token };
        await this.#ask({ method: "POST", headers });
    }

    async #ask(options) {
        let found = null;
        try {
            const answer = await fetch(this.url, options);
            found = await answer.json();
        } catch {
            found = null; // not reached, or a page to log in instead of a list
        }
        this.busy = false;
        this.problem = found ? found.problem : AWAY;
        if (found?.entries) this.#take(found);
        this.#tell();
        return found;
    }

    #take(found) {
        this.entries = found.entries;
        this.readAt = found.fetched_at ? new Date(found.fetched_at) : null;
    }

    #tell() {
        this.dispatchEvent(new Event("change"));
    }

    /* What to say below the search: how old the list is, and why. */
    get standing() {
        if (this.busy) return "Asking Inworld…";
        const age = this.readAt ? `as of ${when(this.readAt)}` : "never read";
        return this.problem ? `${age}. ${this.problem}` : age;
    }
}

function when(date) {
    const today = date.toDateString() === new Date().toDateString();
    const format = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
    return date.toLocaleString(undefined, format);
}
