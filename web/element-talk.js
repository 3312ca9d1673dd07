/** @typedef {import('./generation.js').Generation} Generation */
/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./params.js').GenerateOptions} GenerateOptions */
/** @typedef {import('./protocol.js').Message} Message */

/**
 * What is said between a person and a model, in either mode.
 * @typedef {object} Talk
 * @property {Message[]} history a copy
 * @property {(text: string, options: GenerateOptions) => Generation} send
 * @property {() => void} close
 */

/** Each text begins a story of its own, which the model goes on with. @implements {Talk} */
class Stories {
    #model;
    #history;

    /**
     * @param {Model} model
     * @param {Message[]} history
     */
    constructor(model, history) {
        this.#model = model;
        this.#history = [...history];
    }

    get history() {
        return this.#history.map((message) => ({ ...message }));
    }

    /** @type {Talk['send']} */
    send(text, options) {
        const story = this.#model.generate(text, options);
        const keep = (/** @type {{text: string}} */ told) =>
            this.#history.push(
                { role: 'user', content: text },
                { role: 'assistant', content: told.text },
            );
        story.result.then(keep, () => {}); // who asked is told of a failure
        return story;
    }

    close() {}
}

/**
 * @param {Model} model
 * @param {'chat' | 'story'} mode
 * @param {string | null} system
 * @param {Message[]} history of what goes on here
 * @returns {Talk}
 */
export function talkWith(model, mode, system, history) {
    if (mode === 'story') return new Stories(model, history);
    const begun = history.length > 0 ? { history } : system ? { system } : {};
    // a context of its own, as others on the page may talk with the same model
    return model.chat(begun).fork();
}
