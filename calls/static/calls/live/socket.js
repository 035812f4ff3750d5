/* A WebSocket that reconnects, after delays from a second to half a minute. */
const MIN_DELAY = 1000;
const MAX_DELAY = 30000;
/* Close code: this account may not watch calls (any more). */
const NOT_ALLOWED = 4403;

export class Socket {
  constructor(path, { received, closed, refused }) {
    this.url = new URL(path, location.href);
    this.url.protocol = this.url.protocol === "https:" ? "wss:" : "ws:";
    this.listeners = { received, closed, refused };
    this.delay = MIN_DELAY;
    this.open();
  }

  open() {
    this.socket = new WebSocket(this.url);
    this.socket.addEventListener("message", (event) => {
      this.delay = MIN_DELAY;
      this.listeners.received(JSON.parse(event.data));
    });
    this.socket.addEventListener("close", (event) => this.lost(event.code));
  }

  lost(code) {
    if (code === NOT_ALLOWED) return this.listeners.refused();
    this.listeners.closed();
    /* Random, so that not all pages reconnect at once after a restart. */
    setTimeout(() => this.open(), this.delay * (0.75 + Math.random() / 2));
    this.delay = Math.min(this.delay * 2, MAX_DELAY);
  }

  /* False if it could not be sent. */
  send(message) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }
}
