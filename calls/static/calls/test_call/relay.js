// The carrier's side of one call: sends what the caller does, plays what the bot sends.
// The same protocol as on a telephone call (see calls/simulator/session.py).

import { Player } from "./player.js";

const NORMAL = 1000;

// A clip's address is made for the carrier; the desk may be open at another host.
function pathOf(source) {
    const url = new URL(source, location.origin);
    return url.pathname + url.search;
}

function socketUrl(path) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return `${scheme}://${location.host}${path}`;
}

export class Relay {
    // `line` is what the server said of the call; `page` is told: turn(frame),
    // language(tag), state(), problem(text) and ended({...}). `context` plays.
    constructor(line, page, context) {
        this.line = line;
        this.page = page;
        this.player = new Player(this, line.language, context);
        this.callerSpeaking = false;
        this.handoff = "";
        this.person = null; // whom the caller is put through to
        this.reason = "";
        this.connected = false;
        this.hungUp = false;
        this.closed = false;
    }

    open() {
        this.socket = new WebSocket(socketUrl(this.line.socket));
        this.socket.onopen = () => this.introduce();
        this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
        this.socket.onclose = ({ code }) => this.over(code);
    }

    introduce() {
        this.connected = true;
        this.send({
            type: "setup",
            sessionId: `VX${this.line.callSid}`,
            callSid: this.line.callSid,
            from: this.line.from,
            to: "",
            direction: "inbound",
            callType: "CLIENT",
            callStatus: "RINGING",
            customParameters: {},
        });
        this.page.state();
    }

    // What the caller does

    // Begins to speak or write, over the bot's words if need be.
    beginSpeaking({ interrupting = false } = {}) {
        if (interrupting && this.interrupts("speech")) {
            this.interrupt();
        } else if (!this.callerSpeaking) {
            this.clientSpeaking(true);
        }
    }

    stopSpeaking() {
        if (this.callerSpeaking) this.clientSpeaking(false);
    }

    say(text) {
        this.beginSpeaking({ interrupting: true });
        this.stopSpeaking();
        this.send({
            type: "prompt",
            voicePrompt: text,
            lang: this.line.language,
            last: true,
        });
    }

    // A noise that nobody can transcribe.
    cough() {
        if (!this.interrupts("speech")) return false;
        this.interrupt();
        this.stopSpeaking();
        return true;
    }

    press(digit) {
        const interrupts = this.interrupts("dtmf");
        const cut = interrupts ? this.player.stop() : null;
        // By keypad the key comes first: a reply to it still plays.
        if (this.line.keys) this.send({ type: "dtmf", digit });
        if (interrupts) this.reportInterrupt(cut);
        return this.line.keys;
    }

    hangUp() {
        this.hungUp = true;
        this.player.stop();
        // So asked, the server tells how much of its last words was heard, and closes.
        if (this.socket.readyState === WebSocket.OPEN) this.send({ type: "test.hangUp" });
        else this.socket.close(NORMAL);
    }

    // The page goes away: there is no time to be told anything.
    leave() {
        this.hungUp = true;
        this.socket.close(NORMAL);
    }

    get speaking() {
        return this.player.speaking;
    }

    interrupts(means) {
        const manner = this.player.item?.manner ?? this.line.interruptible;
        return this.player.speaking && [means, "any"].includes(manner);
    }

    interrupt() {
        const cut = this.player.stop();
        if (!this.callerSpeaking) this.clientSpeaking(true);
        this.reportInterrupt(cut);
    }

    reportInterrupt(cut) {
        if (cut?.text) this.tokensPlayed(cut.text);
        this.send({
            type: "interrupt",
            utteranceUntilInterrupt: cut?.text ?? "",
            durationUntilInterruptMs: cut?.ms ?? 0,
        });
        this.info("agentSpeaking", "off");
        this.page.state();
    }

    clientSpeaking(on) {
        this.callerSpeaking = on;
        this.info("clientSpeaking", on ? "on" : "off");
        this.page.state();
    }

    // What the player tells of

    begins(item, afterSilence) {
        if (afterSilence) this.info("agentSpeaking", "on");
        this.page.state();
    }

    ends(item) {
        if (item.text) this.tokensPlayed(item.text);
    }

    fallsSilent() {
        this.info("agentSpeaking", "off");
        this.page.state();
    }

    failed(item, why) {
        this.page.problem(`A sentence could not be played. ${why}`);
    }

    // The socket

    receive(frame) {
        switch (frame.type) {
        case "play":
            return this.player.add({ clip: pathOf(frame.source), manner: frame.interruptible });
        case "text":
            if (!frame.token) return undefined;
            return this.player.add({ text: frame.token, manner: frame.interruptible });
        case "language":
            this.line.language = frame.transcriptionLanguage ?? this.line.language;
            this.player.language = frame.ttsLanguage ?? this.player.language;
            return this.page.language(this.line.language);
        case "end":
            this.handoff = frame.handoffData ?? "";
            return this.socket.close(NORMAL);
        case "test.turn":
            return this.page.turn(frame);
        case "test.transfer":
            this.person = frame;
            return undefined;
        case "test.ended":
            this.reason = frame.reason;
            return undefined;
        default:
            return this.refuse(frame);
        }
    }

    refuse(frame) {
        const description = `Invalid message received, code: 64107, ${JSON.stringify(frame)}`;
        this.send({ type: "error", description });
    }

    info(name, value) {
        this.send({ type: "info", name, value });
    }

    tokensPlayed(text) {
        this.info("tokensPlayed", text);
    }

    send(message) {
        if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    }

    over(code) {
        if (this.closed) return;
        this.closed = true;
        this.player.close();
        this.page.ended({
            connected: this.connected,
            lost: code !== NORMAL && !this.hungUp,
            hungUp: this.hungUp,
            reason: this.reason,
            person: this.wantsTransfer() ? this.person : null,
        });
    }

    // Read as the server's action URL reads it: where to stands with the call.
    wantsTransfer() {
        try {
            return JSON.parse(this.handoff || "{}")?.transfer === true;
        } catch {
            return false;
        }
    }
}
