/** @typedef {import('./protocol.js').TokenLogprob} TokenLogprob */

/** What the model makes of each token that is drawn. A draw overwrites the logits: they are looked at before. */
export class Logprobs {
    #c;
    #session;
    #nTop;
    #memory;
    #logits = new Float32Array();
    /** @type {TokenLogprob[]} */
    list = [];

    /**
     * @param {import('./bindings.js').Bindings} c
     * @param {import('./session.js').Session} session
     * @param {number} nTop how many of the likeliest are listed
     */
    constructor(c, session, nTop) {
        this.#c = c;
        this.#session = session;
        this.#nTop = nTop;
        this.#memory = c.alloc(8 + 4 * nTop);
    }

    look() {
        const sum = this.#memory;
        this.#logits = this.#session.logits();
        const n = this.#logits.length;
        this.#c.call('logprobs', this.#session.open(), n, sum + 8, this.#nTop, sum);
    }

    /** @param {number} id the token that was drawn then */
    take(id) {
        const [logSum] = new Float64Array(this.#c.buffer, this.#memory, 1);
        const top = Array.from(this.#c.words(this.#memory + 8, this.#nTop));
        /** @param {number} token */
        const entry = (token) => ({ id: token, logprob: this.#logits[token] - logSum });
        this.list.push({ ...entry(id), top: top.map(entry) });
    }

    free() {
        this.#c.free(this.#memory);
    }
}
