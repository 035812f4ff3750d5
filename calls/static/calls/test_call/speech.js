// The caller's voice, where the browser can turn it into text.

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
export const canListen = Boolean(Recognition);

const TROUBLE = {
    "not-allowed": "The microphone was refused. Allow it beside the address, or type.",
    "service-not-allowed": "This browser does not allow speech recognition here. Type instead.",
    "audio-capture": "No microphone was found. Connect one, or type.",
    "network": "The browser's speech recognition cannot be reached. Type instead.",
    "language-not-supported": "This browser cannot recognise the bot's language. Type instead.",
};

export class Listener {
    // `caller` is told: begins() at the first word, guess(text), said(text),
    // fellSilent() when nothing came of it, problem(text).
    constructor(language, caller) {
        this.caller = caller;
        this.wanted = false;
        this.speaking = false;
        this.recognition = new Recognition();
        this.recognition.lang = language;
        this.recognition.continuous = true;
        this.recognition.interimResults = true;
        this.recognition.onresult = (event) => this.heard(event);
        this.recognition.onerror = ({ error }) => this.failed(error);
        this.recognition.onend = () => this.ended();
    }

    start() {
        this.wanted = true;
        try {
            this.recognition.start();
        } catch (error) {
            // It is still ending from before, and starts again then.
            if (error.name !== "InvalidStateError") this.failed("service-not-allowed");
        }
    }

    // It begins anew in that language: what is being said is still taken in the old one.
    change(language) {
        this.recognition.lang = language;
        if (this.wanted) this.recognition.stop();
    }

    stop() {
        this.wanted = false;
        this.recognition.abort();
    }

    heard(event) {
        for (const result of [...event.results].slice(event.resultIndex)) {
            const text = result[0].transcript.trim();
            if (text) this.take(text, result.isFinal);
        }
    }

    take(text, final) {
        if (!this.speaking) this.caller.begins();
        this.speaking = !final;
        if (final) this.caller.said(text);
        else this.caller.guess(text);
    }

    failed(error) {
        if (!TROUBLE[error]) return; // "no-speech" and "aborted" are no problem
        this.wanted = false;
        this.caller.problem(TROUBLE[error]);
    }

    // It ends by itself after a silence.
    ended() {
        if (this.speaking) this.caller.fellSilent();
        this.speaking = false;
        if (this.wanted) this.start();
    }
}
