import { TritError } from './errors.js';
import { Generation } from './generation.js';
import { checkGenerate } from './params.js';

/** @typedef {import('./protocol.js').Message} Message */

/** A conversation. The engine keeps what it has computed, so each turn costs only what is new. */
export class Chat {
    #model;
    /** @type {Message[]} */
    #history = [];
    #busy = false;

    /**
     * @param {import('./model.js').Model} model
     * @param {{system?: string}} options
     */
    constructor(model, { system }) {
        this.#model = model;
        if (system !== undefined)
            this.#history.push({ role: 'system', content: checkText(system) });
    }

    /** @returns {Message[]} a copy */
    get history() {
        return this.#history.map((message) => ({ ...message }));
    }

    /**
     * Asks, and remembers question and answer; of an answer that was stopped, what there is. A turn
     * that fails leaves the history as it was.
     * @param {string} text
     * @param {import('./params.js').GenerateOptions} [options]
     * @returns {Generation}
     */
    send(text, options = {}) {
        /** @type {Message} */
        const question = { role: 'user', content: checkText(text) };
        checkGenerate(options);
        if (this.#busy) throw new TritError('STATE', 'the last answer is not finished');
        this.#busy = true;
        return new Generation(async (signal, onPiece) => {
            try {
                const messages = [...this.#history, question];
                const answer = this.#model.generate({ messages }, { ...options, signal });
                for await (const piece of answer) onPiece(piece);
                const result = await answer.result;
                this.#history.push(question, { role: 'assistant', content: result.text });
                return result;
            } finally {
                this.#busy = false;
            }
        }, options.signal);
    }
}

/**
 * @param {unknown} text
 * @returns {string}
 */
function checkText(text) {
    if (typeof text === 'string') return text;
    throw new TritError('PARAM', 'the message is not a string');
}
