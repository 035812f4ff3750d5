// The caller's voice, if the browser has speech recognition.

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
export const canListen = Boolean(Recognition);

const PROBLEMS = {
    "not-allowed": "The microphone was refused. Allow it in the address bar, or type.",
    "service-not-allowed": "This browser does not allow speech recognition here. Type instead.",
    "audio-capture": "No microphone was found. Connect one, or type.",
    "network": "The browser's speech recognition cannot be reached. Type instead.",
    "language-not-supported": "This browser cannot recognise the bot's language. Type instead.",
};

export class Listener {
    // `caller` has callbacks: started() at the first word, partial(text),
    // finished(text), stopped() without a result, and problem(text).
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
            // It is still stopping, and starts again afterwards.
            if (error.name !== "InvalidStateError") this.failed("service-not-allowed");
        }
    }

    // Restarts in that language; the current utterance is finished in the old one.
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
        if (!this.speaking) this.caller.started();
        this.speaking = !final;
        if (final) this.caller.finished(text);
        else this.caller.partial(text);
    }

    failed(error) {
        if (!PROBLEMS[error]) return; // "no-speech" and "aborted" are not problems
        this.wanted = false;
        this.caller.problem(PROBLEMS[error]);
    }

    // Recognition ends by itself after a silence.
    ended() {
        if (this.speaking) this.caller.stopped();
        this.speaking = false;
        if (this.wanted) this.start();
    }
}
