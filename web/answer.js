import { StopFinder, TextJoiner } from './stream.js';

/** The tokens so far, in the engine's memory, where the sampler reads them. */
export class History {
    #c;

    /**
     * @param {import('./bindings.js').Bindings} c
     * @param {number[]} promptIds
     * @param {number} capacity
     */
    constructor(c, promptIds, capacity) {
        this.#c = c;
        this.address = c.alloc(4 * Math.max(capacity, promptIds.length));
        this.length = 0;
        for (const id of promptIds) this.push(id);
    }

    /** @param {number} id */
    push(id) {
        this.#c.words(this.address, this.length + 1)[this.length] = id;
        this.length++;
    }

    free() {
        this.#c.free(this.address);
    }
}

/** The answer as it grows: ids, what the model makes of them, text of whole code points, stop strings. */
export class Answer {
    #joiner = new TextJoiner();
    #stops;
    #emit;
    #logprobs;
    /** @type {number[]} */
    ids = [];
    text = '';

    /**
     * @param {string[]} stops
     * @param {(text: string) => void} emit
     * @param {import('./logprobs.js').Logprobs} [logprobs]
     */
    constructor(stops, emit, logprobs) {
        this.#stops = new StopFinder(stops);
        this.#emit = emit;
        this.#logprobs = logprobs;
    }

    get stopped() {
        return this.#stops.found;
    }

    /**
     * @param {number} id
     * @param {Uint8Array} bytes
     */
    push(id, bytes) {
        this.ids.push(id);
        this.#logprobs?.take(id);
        this.#give(this.#stops.push(this.#joiner.push(bytes)));
    }

    finish() {
        this.#give(this.#stops.push(this.#joiner.flush()) + this.#stops.flush());
    }

    /** @param {string} text */
    #give(text) {
        if (text === '') return;
        this.text += text;
        this.#emit(text);
    }
}
