// One event stream for all live jobs of this browser. Browsers allow six connections to a host, too few for one per job.

const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 15000;

export class Stream {
  // `receive(state)` is called with each state, `opened()` and `lost()` when the connection changes.
  constructor({ receive, opened, lost }) {
    Object.assign(this, { receive, opened, lost, source: null, wait: FIRST_RETRY_MS });
  }

  open() {
    if (this.source) return;
    clearTimeout(this.timer);
    this.source = new EventSource("/events");
    this.source.onopen = () => {
      this.wait = FIRST_RETRY_MS;
      this.opened();
    };
    this.source.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.source.onerror = () => this.reconnect();
  }

  reconnect() {
    this.close();
    this.lost();
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(2 * this.wait, MAX_RETRY_MS);
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
}
