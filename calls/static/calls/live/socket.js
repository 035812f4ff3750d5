/* A socket that comes back: after a second at first, after half a minute at last. */
const SHORTEST = 1000;
const LONGEST = 30000;
/* The server's word that this account may not look (any more). */
const NOT_ALLOWED = 4403;

export class Socket {
  constructor(path, { received, closed, refused }) {
    this.url = new URL(path, location.href);
    this.url.protocol = this.url.protocol === "https:" ? "wss:" : "ws:";
    this.listeners = { received, closed, refused };
    this.wait = SHORTEST;
    this.open();
  }

  open() {
    this.socket = new WebSocket(this.url);
    this.socket.addEventListener("message", (event) => {
      this.wait = SHORTEST;
      this.listeners.received(JSON.parse(event.data));
    });
    this.socket.addEventListener("close", (event) => this.lost(event.code));
  }

  lost(code) {
    if (code === NOT_ALLOWED) return this.listeners.refused();
    this.listeners.closed();
    /* Not all pages at the same moment, after a restart of the server. */
    setTimeout(() => this.open(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(this.wait * 2, LONGEST);
  }

  /* False when it could not be sent. */
  send(message) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }
}
