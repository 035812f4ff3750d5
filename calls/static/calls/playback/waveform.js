// Draws a recording with wavesurfer.js: the caller above, the bot below.

import WaveSurfer from "../vendor/wavesurfer.esm.js";
import { colour, onThemeChange } from "../theme.js";

const HEIGHT = 28; // of a channel, in pixels
const BARS = { barWidth: 2, barGap: 1, barRadius: 2, barMinHeight: 1 };
const SILENCE = [[0, 0]]; // until the peaks are known

let current = null;

function colours() {
    const [played, cursor] = [colour("--link-fg"), colour("--body-loud-color")];
    return {
        cursorColor: cursor,
        splitChannels: [
            { waveColor: colour("--wave-caller"), progressColor: played, height: HEIGHT },
            { waveColor: colour("--wave-bot"), progressColor: played, height: HEIGHT },
        ],
    };
}

onThemeChange(() => current?.setOptions(colours()));

export class Waveform {
    // `nonce` allows the one style element of the library.
    constructor(container, audio, seconds, nonce) {
        const stored = JSON.parse(document.getElementById(audio.dataset.peaks)?.textContent ?? "[]");
        current = this.drawing = WaveSurfer.create({
            container,
            media: audio,
            peaks: stored.length ? stored : SILENCE,
            duration: seconds || 1,
            cspNonce: nonce,
            height: HEIGHT,
            cursorWidth: 2,
            dragToSeek: true,
            hideScrollbar: true,
            normalize: true,
            ...BARS,
            ...colours(),
        });
    }

    destroy() {
        this.drawing.destroy();
    }
}
