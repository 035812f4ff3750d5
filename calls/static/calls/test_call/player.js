// Twilio's playback: a queue, played in order, stopped when the caller interrupts.

const CHARACTERS_PER_SECOND = 15; // a slow voice
const SLACK_MS = 4000; // in case the browser does not report the end

// One item that plays; `done` resolves at its end, or when it is stopped.
class Playback {
    constructor(item, seconds, { slackMs = SLACK_MS, silence = () => {}, ended } = {}) {
        this.item = item;
        this.seconds = seconds;
        this.silence = silence;
        this.ended = ended;
        this.startedAt = performance.now();
        this.done = new Promise((settle) => { this.settle = settle; });
        this.timer = setTimeout(() => this.end(), seconds * 1000 + slackMs);
    }

    end() {
        if (this.over) return;
        this.over = true;
        clearTimeout(this.timer);
        this.ended(this.playedSeconds);
        this.silence();
        this.settle();
    }

    get playedSeconds() {
        return Math.min((performance.now() - this.startedAt) / 1000, this.seconds);
    }

    // The part of a text in Twilio's own voice that was heard.
    get playedText() {
        const text = this.item.text || "";
        return text.slice(0, Math.floor(text.length * this.playedSeconds / this.seconds));
    }
}

export class Player {
    // `listener` has callbacks: itemStarted(item, afterSilence), itemEnded(item, seconds),
    // silent() and itemFailed(item, reason). `context` is an AudioContext, created in a click:
    // otherwise browsers mute it.
    constructor(listener, language, context) {
        this.listener = listener;
        this.language = language;
        this.queue = [];
        this.current = null;
        this.item = null; // fetched or played now
        this.speaking = false; // stays true between two clips of one reply
        this.running = false;
        this.stopFetch = new AbortController();
        this.context = context;
        this.output = context.createAnalyser();
        this.output.connect(context.destination);
    }

    add(item) {
        this.queue.push(item);
        if (!this.running) this.run();
    }

    // Stops all playback at once; returns the played part of the current item.
    stop() {
        const cut = this.current && {
            text: this.current.playedText,
            ms: Math.floor(this.current.playedSeconds * 1000),
        };
        this.queue = [];
        this.speaking = false;
        this.stopFetch.abort();
        this.stopFetch = new AbortController();
        this.current?.end();
        return cut;
    }

    async close() {
        this.stop();
        if (this.context.state !== "closed") await this.context.close();
    }

    // The current volume, 0 to 1.
    level() {
        const samples = new Uint8Array(this.output.fftSize);
        this.output.getByteTimeDomainData(samples);
        return Math.max(...samples.map((sample) => Math.abs(sample - 128))) / 128;
    }

    async run() {
        this.running = true;
        while (this.queue.length) {
            this.item = this.queue.shift();
            await this.play(this.item);
            this.item = null;
        }
        this.running = false;
        if (this.speaking) {
            this.speaking = false;
            this.listener.silent();
        }
    }

    async play(item) {
        const { signal } = this.stopFetch;
        try {
            const playback = item.clip ? await this.clip(item, signal) : this.words(item);
            if (!playback) return;
            this.current = playback;
            const afterSilence = !this.speaking;
            this.speaking = true;
            this.listener.itemStarted(item, afterSilence);
            await playback.done;
        } catch (error) {
            if (!signal.aborted) this.listener.itemFailed(item, error.message);
        } finally {
            this.current = null;
        }
    }

    // Fetched only when it is played, as Twilio does: until then it may be removed.
    async clip(item, signal) {
        const response = await fetch(item.clip, { signal, cache: "no-store" });
        if (!response.ok) throw new Error(`The server answered ${response.status}.`);
        const buffer = await this.context.decodeAudioData(await response.arrayBuffer());
        if (signal.aborted) return null;
        const source = this.context.createBufferSource();
        source.buffer = buffer;
        source.connect(this.output);
        const silence = () => source.stop();
        source.start();
        const ended = (seconds) => this.listener.itemEnded(item, seconds);
        const playback = new Playback(item, buffer.duration, { silence, ended });
        source.onended = () => playback.end();
        return playback;
    }

    // Twilio's own voice: here the browser's; without one, the text is only shown.
    words(item) {
        const seconds = Math.max(item.text.length / CHARACTERS_PER_SECOND, 0.2);
        const ended = (played) => this.listener.itemEnded(item, played);
        const hasVoice = window.speechSynthesis?.getVoices().length;
        if (!hasVoice) return new Playback(item, seconds, { slackMs: 0, ended });
        const utterance = new SpeechSynthesisUtterance(item.text);
        utterance.lang = this.language;
        speechSynthesis.speak(utterance);
        const silence = () => speechSynthesis.cancel();
        const playback = new Playback(item, seconds, { silence, ended });
        utterance.onend = utterance.onerror = () => playback.end();
        return playback;
    }
}
