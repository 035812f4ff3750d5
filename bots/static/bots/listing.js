/* A list of Inworld stored on the server: shown at once, fetched again if it is old. */

const NO_LIST = "This server did not answer with a list. Reload the page.";

export class Listing extends EventTarget {
    constructor(url, token) {
        super();
        Object.assign(this, { url, token, entries: [], fetched: "", problem: "", busy: false });
    }

    async load() {
        const list = await this.#ask({});
        if (list?.is_stale) await this.refresh();
    }

    async refresh() {
        this.busy = true;
        this.#notify();
        const headers = { "X-CSRFToken": this.token.value };
        await this.#ask({ method: "POST", headers });
    }

    async #ask(options) {
        let list = null;
        try {
            const response = await fetch(this.url, options);
            list = await response.json();
        } catch {
            list = null; // no connection, or a sign-in page instead of a list
        }
        this.busy = false;
        this.problem = list ? list.problem : NO_LIST;
        if (list?.entries) this.#store(list);
        this.#notify();
        return list;
    }

    #store(list) {
        this.entries = list.entries;
        this.fetched = list.fetched;
    }

    #notify() {
        this.dispatchEvent(new Event("change"));
    }

    /* The age of the list, and the reason if it could not be fetched. */
    get status() {
        if (this.busy) return "Asking Inworld…";
        const age = this.fetched ? `as of ${this.fetched}` : "never fetched";
        return this.problem ? `${age}. ${this.problem}` : age;
    }
}
