/** What draws the tokens of one answer: the engine's sampler, and the grammar that it follows if there is one. */
export class Sampler {
    #c;
    #grammar;
    #sampler = 0;

    /**
     * @param {import('./bindings.js').Bindings} c
     * @param {number} model
     * @param {import('./params.js').GenerateParams} params
     */
    constructor(c, model, params) {
        this.#c = c;
        this.#grammar = newGrammar(c, model, params);
        try {
            this.#sampler = newSampler(c, model, params, this.#grammar);
        } catch (error) {
            this.free();
            throw error;
        }
    }

    /**
     * @param {number} session whose logits are drawn from
     * @param {import('./answer.js').History} history
     * @returns {number} the token
     */
    draw(session, { address, length }) {
        return this.#c.make('sampler_draw', this.#sampler, session, address, length) | 0;
    }

    /** @returns {boolean} whether the answer is whole, and nothing can follow */
    get ended() {
        return this.#grammar !== 0 && this.#c.plain('grammar_ended', this.#grammar) === 1;
    }

    free() {
        this.#c.plain('sampler_free', this.#sampler);
        this.#c.plain('grammar_free', this.#grammar);
    }
}

/**
 * @param {import('./bindings.js').Bindings} c
 * @param {number} model
 * @param {import('./params.js').GenerateParams} params
 * @returns {number} 0 without a grammar
 */
function newGrammar(c, model, { grammar }) {
    if (grammar === null) return 0;
    const name = grammar.kind === 'schema' ? 'grammar_schema' : 'grammar_new';
    return c.with(grammar.text, (text, n) => c.make(name, model, text, n));
}

/**
 * @param {import('./bindings.js').Bindings} c
 * @param {number} model
 * @param {import('./params.js').GenerateParams} p
 * @param {number} grammar
 */
function newSampler(c, model, p, grammar) {
    const ids = Int32Array.from(p.logitBias, ([id]) => id);
    const values = Float32Array.from(p.logitBias, ([, value]) => value);
    const low = Number(p.seed & 0xffffffffn);
    const high = Number(p.seed >> 32n);
    return c.with(ids, (biasIds, n) =>
        c.with(values, (biasValues) =>
            c.make(
                'sampler_new',
                ...[model, p.temperature, p.topK, p.topP, p.minP, p.repeatPenalty],
                ...[p.frequencyPenalty, p.presencePenalty, p.penaltyLast, low, high],
                ...[biasIds, biasValues, n, grammar],
            ),
        ),
    );
}
