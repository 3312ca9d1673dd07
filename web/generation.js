/** @typedef {import('./protocol.js').GenerateResult} GenerateResult */

/**
 * An answer in the making. Iterate over it for pieces of text (whole code points); every loop gets
 * all of them, and leaving one early stops the work. `result` is the whole, also when nobody
 * iterates. An abort is no error: the pieces end, and `finish` is `'abort'`; but of an engine that had to be ended, as
 * it did not stop, there is no whole: ABORTED.
 * @implements {AsyncIterable<string>}
 */
export class Generation {
    /** @type {string[]} */
    #pieces = [];
    #ended = false;
    /** @type {(() => void)[]} loops that have seen all there is */
    #waiting = [];
    #stop = new AbortController();
    /** @type {Promise<GenerateResult>} */
    result;

    /**
     * @param {(signal: AbortSignal, onPiece: (text: string) => void) => Promise<GenerateResult>} run
     * @param {AbortSignal} [signal]
     */
    constructor(run, signal) {
        const forward = () => this.#stop.abort(signal?.reason);
        if (signal?.aborted) forward();
        else signal?.addEventListener('abort', forward, { once: true });
        this.result = run(this.#stop.signal, (text) => {
            this.#pieces.push(text);
            this.#wake();
        }).finally(() => {
            signal?.removeEventListener('abort', forward);
            this.#ended = true;
            this.#wake();
        });
        // who iterates sees the failure there; it is not unhandled
        this.result.catch(() => {});
    }

    #wake() {
        for (const wake of this.#waiting.splice(0)) wake();
    }

    /** @returns {AsyncGenerator<string, void, void>} */
    async *[Symbol.asyncIterator]() {
        try {
            for (let seen = 0; ;) {
                while (seen < this.#pieces.length) yield this.#pieces[seen++];
                if (this.#ended) break;
                await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
            }
            await this.result;
        } finally {
            this.#stop.abort();
        }
    }
}
