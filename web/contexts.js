import { TritError } from './errors.js';
import { SHARED } from './protocol.js';

/** Whose context is there when that one was dropped. */
const NOBODY = -1;

/**
 * The engine computes in one context. Those who have one of their own take turns: what the others have
 * computed is kept here as bytes, so that nothing of it is computed again. A loss costs time, no result, as a
 * prompt always tells all its tokens.
 */
export class Contexts {
    #session;
    #current = SHARED;
    /** @type {Map<number, Uint8Array[]>} */
    #kept = new Map();

    /** @param {import('./session.js').Session} session */
    constructor(session) {
        this.#session = session;
    }

    /**
     * Gives a context its turn. One that is new goes on with what is there: a fork begins as the context that it
     * was forked from.
     * @param {number} context
     */
    use(context) {
        if (context === this.#current) return;
        if (this.#current !== NOBODY) this.#keep();
        this.#current = context;
        const pieces = this.#kept.get(context);
        this.#kept.delete(context);
        if (pieces) this.#session.load(pieces);
    }

    #keep() {
        /** @type {Uint8Array[]} */
        const pieces = [];
        try {
            this.#session.save((bytes) => pieces.push(bytes));
            this.#kept.set(this.#current, pieces);
        } catch (error) {
            const short =
                error instanceof RangeError || (error instanceof TritError && error.code === 'OOM');
            if (!short) throw error;
        }
    }

    /** @param {number} context that nobody will use again */
    drop(context) {
        this.#kept.delete(context);
        if (context === this.#current) this.#current = NOBODY;
    }
}
