// The carrier's playback: one queue, played in order, stopped by the caller.

const CHARACTERS_PER_SECOND = 15; // an unhurried voice
const SLACK_MS = 4000; // for a sound whose end the browser does not tell

// One sound that plays; `done` settles with true at its end, with false when it is cut.
class Sounding {
    constructor(item, seconds, { slackMs = SLACK_MS, silence = () => {} } = {}) {
        this.item = item;
        this.seconds = seconds;
        this.silence = silence;
        this.began = performance.now();
        this.done = new Promise((settle) => { this.settle = settle; });
        this.timer = setTimeout(() => this.end(true), seconds * 1000 + slackMs);
    }

    end(whole) {
        if (this.over) return;
        this.over = true;
        clearTimeout(this.timer);
        this.silence();
        this.settle(whole);
    }

    get playedSeconds() {
        return Math.min((performance.now() - this.began) / 1000, this.seconds);
    }

    // The fragment of the carrier's own speech that was heard.
    get playedText() {
        const text = this.item.text || "";
        return text.slice(0, Math.floor(text.length * this.playedSeconds / this.seconds));
    }
}

export class Player {
    // `ear` is told: begins(item, afterSilence), ends(item), fallsSilent(), failed(item, why).
    // `context` is an AudioContext, made in a click: else browsers keep it silent.
    constructor(ear, language, context) {
        this.ear = ear;
        this.language = language;
        this.waiting = [];
        this.current = null;
        this.item = null; // what is fetched or played now
        this.speaking = false; // stays true between two clips of one reply
        this.running = false;
        this.stopFetch = new AbortController();
        this.context = context;
        this.output = context.createAnalyser();
        this.output.connect(context.destination);
    }

    add(item) {
        this.waiting.push(item);
        if (!this.running) this.run();
    }

    // Silences the line at once; returns what was playing, with its played part.
    stop() {
        const cut = this.current && {
            text: this.current.playedText,
            ms: Math.floor(this.current.playedSeconds * 1000),
        };
        this.waiting = [];
        this.speaking = false;
        this.stopFetch.abort();
        this.stopFetch = new AbortController();
        this.current?.end(false);
        return cut;
    }

    async close() {
        this.stop();
        if (this.context.state !== "closed") await this.context.close();
    }

    // How loud it is now, 0 to 1.
    level() {
        const samples = new Uint8Array(this.output.fftSize);
        this.output.getByteTimeDomainData(samples);
        return Math.max(...samples.map((sample) => Math.abs(sample - 128))) / 128;
    }

    async run() {
        this.running = true;
        while (this.waiting.length) {
            this.item = this.waiting.shift();
            await this.play(this.item);
            this.item = null;
        }
        this.running = false;
        if (this.speaking) {
            this.speaking = false;
            this.ear.fallsSilent();
        }
    }

    async play(item) {
        const { signal } = this.stopFetch;
        try {
            const sounding = item.clip ? await this.clip(item, signal) : this.words(item);
            if (!sounding) return;
            this.current = sounding;
            const afterSilence = !this.speaking;
            this.speaking = true;
            this.ear.begins(item, afterSilence);
            if (await sounding.done) this.ear.ends(item);
        } catch (error) {
            if (!signal.aborted) this.ear.failed(item, error.message);
        } finally {
            this.current = null;
        }
    }

    // Fetched when its turn has come, as the carrier does: until then it may be withdrawn.
    async clip(item, signal) {
        const answer = await fetch(item.clip, { signal, cache: "no-store" });
        if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
        const buffer = await this.context.decodeAudioData(await answer.arrayBuffer());
        if (signal.aborted) return null;
        const source = this.context.createBufferSource();
        source.buffer = buffer;
        source.connect(this.output);
        const silence = () => source.stop();
        source.start();
        const sounding = new Sounding(item, buffer.duration, { silence });
        source.onended = () => sounding.end(true);
        return sounding;
    }

    // The carrier's own voice: the browser's, or, where it has none, only shown.
    words(item) {
        const seconds = Math.max(item.text.length / CHARACTERS_PER_SECOND, 0.2);
        const hasVoice = window.speechSynthesis?.getVoices().length;
        if (!hasVoice) return new Sounding(item, seconds, { slackMs: 0 });
        const utterance = new SpeechSynthesisUtterance(item.text);
        utterance.lang = this.language;
        speechSynthesis.speak(utterance);
        const silence = () => speechSynthesis.cancel();
        const sounding = new Sounding(item, seconds, { silence });
        utterance.onend = utterance.onerror = () => sounding.end(true);
        return sounding;
    }
}
