/**
 * Joins the bytes of tokens to text of whole code points. Bytes that can never become a code point
 * come out as U+FFFD.
 */
export class TextJoiner {
    #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

    /** @param {Uint8Array} bytes */
    push(bytes) {
        return this.#decoder.decode(bytes, { stream: true });
    }

    /** What is left of a code point that never became whole. */
    flush() {
        return this.#decoder.decode();
    }
}

/**
 * Finds stop strings in a stream of text. Text that may be the beginning of one is held back, so
 * that nobody sees half of a stop string.
 */
export class StopFinder {
    #stops;
    #held = '';
    found = false;

    /** @param {readonly string[]} stops */
    constructor(stops) {
        this.#stops = stops;
    }

    /**
     * @param {string} text
     * @returns {string} what is certain; all that comes before the stop string once it is found
     */
    push(text) {
        if (this.found) return '';
        const whole = this.#held + text;
        const hits = this.#stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
        this.found = hits.length > 0;
        const end = this.found ? Math.min(...hits) : whole.length - this.#suspect(whole);
        this.#held = this.found ? '' : whole.slice(end);
        return whole.slice(0, end);
    }

    /** What was held back and turned out to be no stop string. */
    flush() {
        const held = this.#held;
        this.#held = '';
        return held;
    }

    /**
     * Length of the longest end of the text that begins a stop string.
     * @param {string} text
     */
    #suspect(text) {
        let longest = 0;
        for (const stop of this.#stops)
            for (let n = Math.min(stop.length - 1, text.length); n > longest; n--)
                if (text.endsWith(stop.slice(0, n))) longest = n;
        return longest;
    }
}
