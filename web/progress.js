/**
 * How far a work has come: bytes (of `score`, tokens) so far and, when it is known, of all; how many of them come
 * in a second, and the seconds that are left.
 * @template {string} Phase
 * @typedef {object} Progress
 * @property {Phase} phase
 * @property {number} loaded
 * @property {number | undefined} total
 * @property {number | undefined} rate undefined while nothing has come
 * @property {number | undefined} eta undefined while it is not known
 */

/** Over so many milliseconds a rate is measured, and not before so many. */
const WINDOW_MS = 5000;
const FIRST_MS = 200;

/** What comes in a second, as measured over the last seconds. */
class Rate {
    /** @type {[ms: number, sum: number][]} */
    #marks = [];
    #sum = 0;

    /** @param {number} n */
    add(n) {
        const now = performance.now();
        if (this.#marks.length === 0) this.#marks.push([now, 0]);
        this.#sum += n;
        this.#marks.push([now, this.#sum]);
        while (this.#marks.length > 2 && now - this.#marks[0][0] > WINDOW_MS) this.#marks.shift();
    }

    get() {
        if (this.#marks.length === 0) return undefined;
        const [[begin, before]] = this.#marks;
        const ms = performance.now() - begin;
        return ms < FIRST_MS ? undefined : (1000 * (this.#sum - before)) / ms;
    }
}

/**
 * Tells somebody how far a work is.
 * @template {string} Phase
 */
export class Meter {
    #tell;
    #phase;
    #rate = new Rate();
    #loaded = 0;
    /** @type {number | undefined} */
    #total;

    /**
     * @param {((progress: Progress<any>) => void) | undefined | null} tell
     * @param {Phase} phase
     */
    constructor(tell, phase) {
        this.#tell = tell;
        this.#phase = phase;
    }

    /**
     * What counts for the rate: work that was done now, not what was there before.
     * @param {number} n
     */
    add(n) {
        this.#rate.add(n);
    }

    /**
     * @param {number} loaded
     * @param {number} [total]
     */
    report(loaded, total) {
        [this.#loaded, this.#total] = [loaded, total];
        const rate = this.#rate.get();
        const eta = total !== undefined && rate ? (total - loaded) / rate : undefined;
        this.#tell?.({ phase: this.#phase, loaded, total, rate, eta });
    }

    /**
     * The same for work of which all was done now.
     * @param {number} loaded
     * @param {number} [total]
     */
    advance(loaded, total) {
        this.add(loaded - this.#loaded);
        this.report(loaded, total);
    }

    /** The work stands still, and will go on by itself. */
    wait() {
        const [loaded, total] = [this.#loaded, this.#total];
        this.#tell?.({ phase: 'wait', loaded, total, rate: undefined, eta: undefined });
    }
}
